"""Batches that the page begins, stops and goes on with."""

from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("fastapi", reason="the extra 'web' is not installed")

from counseling_sessions.generation.state import StateReader
from counseling_sessions.sessions.folder import RunFolder
from counseling_sessions.store.lock import is_held
from tests.scripted import Asked, ScriptedChat, Sensible
from tests.web.watched import HeldChat, Page, page_on, waited

NEW = {"clients": ["amira-exam-panic", "ellen-driving-test"], "methods": ["magnet", "single"], "turns": 2}


def ended(page: Page) -> Any:
    return waited(lambda: state if (state := page.get("api/batch"))["state"] == "ended" else None)


def test_a_preview_counts_and_begins_nothing(tmp_path: Path) -> None:
    with page_on(tmp_path, ScriptedChat(answer=Sensible())) as page:
        text = page.post("api/batch/preview", {**NEW, "attitudes": ["positive", "negative"], "seeds": 3})["text"]
        assert text == "2 clients × 2 attitudes × 2 methods × 3 seeds = 24 sessions"
        assert page.get("api/batch")["state"] == "none"
    assert list(tmp_path.iterdir()) == []


def test_a_batch_runs_to_its_end_in_a_run_directory_like_that_of_generate(tmp_path: Path) -> None:
    with page_on(tmp_path, ScriptedChat(answer=Sensible())) as page:
        name = page.post("api/batch", NEW)["name"]
        state = ended(page)
        assert page.get("api/batch/start")["unfinished"] == []
    assert (state["finished"], state["failed"], state["left"], state["problem"]) == (4, 0, 0, "")
    assert {row["method"]: row["sessions"] for row in state["forecast"]} == {"magnet": 2, "single": 2}
    read = StateReader(tmp_path / name).read()
    assert (read.total, read.finished, read.damaged) == (4, 4, [])
    assert not is_held(RunFolder(tmp_path / name).lock_file)


def test_a_stopped_batch_goes_on_also_on_a_server_that_comes_again(tmp_path: Path) -> None:
    chat = HeldChat(answer=Sensible(), turn=2)
    with page_on(tmp_path, chat) as page:
        name = page.post("api/batch", NEW)["name"]
        assert chat.held.wait(30)
        assert "no other can meanwhile" in page.post("api/batch", NEW, status=409)["problem"]
        assert page.post("api/batch/stop")["state"] == "stopping"
        page.post("api/batch/stop")
        stopped = ended(page)
        assert (stopped["stopped"], stopped["finished"]) == ("stopped by hand", 0)
    with page_on(tmp_path, ScriptedChat(answer=Sensible())) as page:
        assert [one["name"] for one in page.get("api/batch/start")["unfinished"]] == [name]
        page.post("api/batch/on", {"name": name})
        assert ended(page)["finished"] == 4


def test_a_server_that_ends_leaves_a_batch_to_go_on_with(tmp_path: Path) -> None:
    chat = HeldChat(answer=Sensible(), turn=1)
    with page_on(tmp_path, chat) as page:
        name = page.post("api/batch", NEW)["name"]
        assert chat.held.wait(30)
    assert not is_held(RunFolder(tmp_path / name).lock_file)
    with page_on(tmp_path, ScriptedChat(answer=Sensible())) as page:
        page.post("api/batch/on", {"name": name})
        assert ended(page)["finished"] == 4


def test_failed_sessions_are_counted_with_their_reason_and_taken_up_again(tmp_path: Path) -> None:
    broken, sensible = [True], Sensible()

    def answer(asked: Asked) -> Any:
        return RuntimeError("down") if broken[0] and asked.role == "client" else sensible(asked)

    with page_on(tmp_path, ScriptedChat(answer=answer)) as page:
        name = page.post("api/batch", NEW)["name"]
        state = ended(page)
        assert (state["failed"], sum(count for _, count in state["failures"])) == (4, 4)
        assert "down" in state["failures"][0][0]
        broken[0] = False
        page.post("api/batch/on", {"name": name})
        assert ended(page)["finished"] == 4


def test_a_batch_goes_on_only_with_servers_that_the_command_names(tmp_path: Path) -> None:
    chat = HeldChat(answer=Sensible(), turn=1)
    with page_on(tmp_path, chat) as page:
        name = page.post("api/batch", NEW)["name"]
        assert chat.held.wait(30)
    with page_on(tmp_path, ScriptedChat(answer=Sensible())) as page:
        page.conducting.refused = "it wants to send to http://elsewhere"
        assert "elsewhere" in page.post("api/batch/on", {"name": name}, status=400)["problem"]
        assert page.get("api/batch")["state"] == "none"


@pytest.mark.parametrize(
    ("asked", "status"),
    [
        ({"clients": ["/etc/passwd"]}, 409),
        ({"clients": ["../other"]}, 409),
        ({"clients": ["builtin"]}, 409),
        ({"clients": ["risk"]}, 409),
        ({"seeds": 400}, 409),
        ({"seeds": 0}, 422),
        ({"methods": []}, 422),
        ({"methods": ["other"]}, 422),
        ({"base_url": "http://elsewhere"}, 422),
    ],
)
def test_what_cannot_be_asked_begins_nothing(asked: dict[str, Any], status: int, tmp_path: Path) -> None:
    with page_on(tmp_path, ScriptedChat(answer=Sensible())) as page:
        page.post("api/batch", {**NEW, **asked}, status=status)
        page.post("api/batch/preview", {**NEW, **asked}, status=status)
        page.post("api/batch/on", {"name": "../etc"}, status=409)
    assert list(tmp_path.iterdir()) == []
