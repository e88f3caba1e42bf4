"""A practice session on the page: what its tabs see, what cannot be done, and what a restart keeps."""

import json
from pathlib import Path
from typing import Any

import pytest

from counseling_sessions.practice.review import Review
from counseling_sessions.web import seats
from tests.scripted import Asked, Sensible
from tests.web.conftest import ORIGIN, TOKEN, Page, Serve

HOSTILE = '<img src=x onerror="alert(1)"></script><script>alert(2)</script>'


def begun(page: Page, **more: Any) -> str:
    return str(page.asks("api/practice", client="amira-exam-panic", **more)["name"])


def test_a_session_from_its_beginning_to_the_review(serve: Serve, tmp_path: Path) -> None:
    page = serve()
    name = begun(page, turns=3)
    state = page.state(name)
    assert state["client"] == "Amira Haddad"
    assert (state["turn"], state["turns"], state["waiting"]) == (1, 3, True)
    assert "form" not in json.dumps(state)
    state = page.says(name, "What brings you here today?")
    assert [one["mine"] for one in state["dialogue"]][-2:] == [True, False]
    assert state["turn"] == 2
    for what in ("hint", "why", "magnet"):
        answer = page.asks(f"api/practice/{name}/{what}")
        assert answer["lines"]
        assert bool(answer.get("said")) == (what == "magnet")
    over = page.says(name, "You should sleep more. Take care.", closing=True)["over"]
    review = Review.model_validate(over["review"])
    assert review.messages == 2
    assert review.form
    folder = tmp_path / "runs" / name
    files = {path.name for path in folder.iterdir()}
    assert {f"{review.session_id}{end}" for end in (".md", ".review.txt", ".review.json")} <= files
    assert Review.model_validate_json((folder / f"{review.session_id}.review.json").read_bytes()) == review


def test_what_cannot_be_said_is_answered_in_words(serve: Serve) -> None:
    page = serve()
    name = begun(page)
    page.state(name)
    for asked, problem in (
        ({"text": "  "}, "Nothing was typed"),
        ({"text": "a" * 20_001}, "too many"),
        ({"text": "x", "more": 1}, "cannot be asked"),
        ({}, "cannot be asked"),
    ):
        answer = page.post(f"{ORIGIN}/{TOKEN}/api/practice/{name}/say", json=asked)
        assert answer.status_code in {409, 422}
        assert problem in answer.json()["problem"]
    assert len(page.state(name)["dialogue"]) == 2


@pytest.mark.parametrize(
    ("body", "problem"),
    [
        ({"client": "nobody"}, "no built-in profile"),
        ({"client": "/etc/passwd"}, "no built-in profile"),
        ({"client": "amira-exam-panic", "attitude": "angry"}, "cannot be asked"),
        ({"client": "amira-exam-panic", "turns": 0}, "cannot be asked"),
        ({"client": "amira-exam-panic", "base_url": "http://elsewhere.example"}, "cannot be asked"),
    ],
)
def test_a_session_that_cannot_be_begun_says_why(serve: Serve, body: dict[str, Any], problem: str) -> None:
    answer = serve().post(f"{ORIGIN}/{TOKEN}/api/practice", json=body)
    assert answer.status_code in {400, 422}
    assert problem in answer.json()["problem"]


@pytest.mark.parametrize(
    "name", ["missing", "practice-outside", "practice-..%2f..", "%2e%2e%2fpractice-outside", "a%00b"]
)
def test_no_name_leads_to_a_file_outside_the_folder(serve: Serve, tmp_path: Path, name: str) -> None:
    (tmp_path / "practice-outside").mkdir()
    for address in (f"api/practice/{name}", f"runs/{name}"):
        assert serve().get(f"{ORIGIN}/{TOKEN}/{address}").status_code in {404, 409}


def test_a_message_is_taken_back_from_any_earlier_turn(serve: Serve) -> None:
    page = serve(max_turns=8)
    name = begun(page)
    page.state(name)
    for text in ("What is it like?", "And at night?", "Who knows of it?"):
        page.says(name, text)
    page.asks(f"api/practice/{name}/back", turn=2)
    state = page.state(name)
    assert [one["text"] for one in state["dialogue"] if one["mine"]] == ["What is it like?"]
    assert state["turn"] == 2
    answer = page.post(f"{ORIGIN}/{TOKEN}/api/practice/{name}/back", json={"turn": 5})
    assert "said nothing in turn 5" in answer.json()["problem"]


def test_a_session_is_taken_up_after_a_restart(serve: Serve) -> None:
    page = serve()
    name = begun(page)
    page.state(name)
    before = page.says(name, "What brings you here?")
    page.leave()
    after = serve()
    assert [one["name"] for one in after.get(f"{ORIGIN}/{TOKEN}/api/start").json()["left"]] == [name]
    state = after.state(name)
    assert state["dialogue"] == before["dialogue"]
    assert state["waiting"]


def test_a_session_that_is_over_is_looked_back_on_after_a_restart(serve: Serve) -> None:
    page = serve()
    name = begun(page)
    page.state(name)
    before = page.says(name, "Goodbye, and take care.", closing=True)
    page.leave()
    after = serve()
    assert after.state(name) | {"number": 0} == before | {"number": 0}
    answer = after.post(f"{ORIGIN}/{TOKEN}/api/practice/{name}/say", json={"text": "One more word."})
    assert "is over" in answer.json()["problem"]


def test_a_session_that_failed_is_tried_again(serve: Serve) -> None:
    play, broken = Sensible(), [True]

    def answer(asked: Asked) -> Any:
        return RuntimeError("no route") if broken[0] and "client" in str(asked.role) else play(asked)

    page = serve(answer)
    name = begun(page)
    page.state(name)
    failed = page.says(name, "What brings you here?")
    assert failed["failure"]
    assert not failed["over"]
    broken[0] = False
    page.asks(f"api/practice/{name}/again")
    state = page.state(name)
    assert state["failure"] is None
    assert [one["mine"] for one in state["dialogue"]][-2:] == [True, False]


def test_what_is_said_and_answered_is_text(serve: Serve) -> None:
    page = serve(Sensible(client=(f"I sleep badly {HOSTILE}",)))
    name = begun(page)
    page.state(name)
    state = page.says(name, HOSTILE)
    assert state["dialogue"][-2]["text"] == HOSTILE
    answer = page.get(f"{ORIGIN}/{TOKEN}/api/practice/{name}")
    assert answer.headers["content-type"].startswith("application/json")


def test_no_more_sessions_are_open_than_can_be(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(seats, "MOST_OPEN", 1)
    page = serve()
    begun(page)
    answer = page.post(f"{ORIGIN}/{TOKEN}/api/practice", json={"client": "amira-exam-panic"})
    assert "no more can be" in answer.json()["problem"]


def test_the_sessions_of_the_folder_are_listed_and_read(serve: Serve) -> None:
    page = serve()
    name = begun(page)
    page.state(name)
    page.says(name, "Goodbye, and take care.", closing=True)
    listed = page.get(f"{ORIGIN}/{TOKEN}/api/start").json()
    assert [one["name"] for one in listed["sessions"]] == [name]
    assert not listed["left"]
    read = page.get(f"{ORIGIN}/{TOKEN}/runs/{name}")
    assert read.status_code == 200
    assert "sha256-" in read.headers["content-security-policy"]
