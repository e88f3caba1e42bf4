"""What the server gives of a run: rows at once and as they are read, sessions, differences, hits; and nothing outside."""

import asyncio
import re
from pathlib import Path
from urllib.parse import quote

import pytest
from starlette.testclient import TestClient

from counseling_sessions.graph.session import SessionTask, run_session
from counseling_sessions.inspection.diff import as_json, compare
from counseling_sessions.inspection.page_data import row_of, session_data
from counseling_sessions.inspection.searching import Search, texts_of
from counseling_sessions.inspection.trace import trace_session
from counseling_sessions.sessions.journal_lines import SUFFIX
from counseling_sessions.web import reading
from counseling_sessions.web.run_rows import RunRows
from tests.generation.exports.sessions import session
from tests.inspection.page_sessions import many
from tests.scripted import Sensible, config, profile, scripted_models
from tests.web.runs_to_read import HOSTILE, client, events_of, hostile_texts, keep

READ_LATER = {"name", "findings", "risk", "first"}
"""What a ledger does not have of a session."""


@pytest.fixture
def served(tmp_path: Path) -> TestClient:
    keep(tmp_path / "study", [*many(12), hostile_texts()])
    return client(tmp_path)


def rows(served: TestClient, name: str = "study") -> dict[str, dict]:
    return {row["id"]: row for row in served.get(f"api/runs/{name}/rows").json()["rows"]}


def read_on(served: TestClient, name: str = "study") -> tuple[dict[str, dict], list[str]]:
    """All rows that are read, and the problems."""
    *pieces, (last, end) = events_of(served.get(f"api/runs/{name}/more").text)
    assert last == "done"
    return {row["id"]: row for _, piece in pieces for row in piece["rows"]}, end["problems"]


def found(served: TestClient, query: str) -> dict[str, list[dict]]:
    events = events_of(served.get("api/runs/study/search", params={"q": query}).text)
    return {one["id"]: one["hits"] for name, data in events if name == "hits" for one in data["sessions"]}


def test_a_list_comes_from_the_ledger_and_then_from_the_records(
    served: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as blocked:
        blocked.setattr(
            "counseling_sessions.sessions.checking.record_of", lambda line: pytest.fail("a record was read")
        )
        first = rows(served)
    expected = {record.session_id: row_of(record) for record in [*many(12), hostile_texts()]}
    assert list(first) == list(expected)
    for name, row in first.items():
        assert row.keys() == expected[name].keys()
        assert {key for key in row if row[key] != expected[name][key]} <= READ_LATER
        assert row["findings"] is None
        assert row["risk"] is None
    assert read_on(served) == (expected, [])
    assert rows(served) == expected


def test_rows_are_kept_until_the_run_changes_and_unchanged_ones_beyond(
    served: TestClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    read_on(served)
    with monkeypatch.context() as blocked:
        blocked.setattr(RunRows, "_read", lambda self: pytest.fail("read again"))
        assert len(read_on(served)[0]) == 13
    new = session().model_copy(update={"session_id": "new"})
    keep(tmp_path / "study", [new])
    again = rows(served)
    assert again["s0"]["findings"] is not None
    assert again["new"]["findings"] is None
    assert read_on(served)[0]["new"] == row_of(new)


def test_what_is_damaged_is_named_and_the_others_are_read(served: TestClient, tmp_path: Path) -> None:
    [shard] = (tmp_path / "study/shards").iterdir()
    lines = shard.read_bytes().splitlines(keepends=True)
    lines[3] = lines[3].replace(b"nights", b"nightz", 1)
    shard.write_bytes(b"".join(lines))
    there, problems = read_on(served)
    assert "s3" not in there
    assert len(there) == 12
    assert problems[0].startswith("session s3: shard ")


def test_a_session_comes_with_its_drawing_and_two_with_their_differences(served: TestClient) -> None:
    answer = served.get("api/runs/study/session", params={"id": "s4"})
    assert answer.headers["content-type"] == "application/json"
    assert [turn["key"] for turn in answer.json()["turns"]] == ["0", "1", "2", "closing"]
    assert answer.json()["graph"].startswith('<svg class="graph"')
    one, other = many(2)
    data = served.get("api/runs/study/compare", params={"a": "s0", "b": "s1"}).json()
    names = [record.profile.demographics.name for record in (one, other)]
    assert data == as_json(compare(one, other), alike=True) | {"names": names}


def test_a_session_that_is_not_over_is_listed_and_opened(tmp_path: Path) -> None:
    keep(tmp_path / "study", many(1))
    journals = tmp_path / "study/journals"
    models, _ = scripted_models(Sensible())
    task = SessionTask(profile=profile(), attitude="negative", config=config(max_turns=3))
    asyncio.run(run_session(task, journals, models))
    [path] = journals.glob(f"*{SUFFIX}")
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join(lines[: len(lines) // 2]))
    served = client(tmp_path)
    assert list(rows(served)) == ["s0"]
    there, problems = read_on(served)
    assert problems == []
    [cut] = there.keys() - {"s0"}
    assert there[cut]["status"] == "unfinished"
    data = served.get("api/runs/study/session", params={"id": cut}).json()
    assert data["ended"] == "cut off before its end"
    assert cut in found(served, "Good morning")


def test_every_text_of_a_trace_is_searched_at_its_turn() -> None:
    record = hostile_texts()
    assert record.plan
    plan = record.plan.model_copy(update={"turn": 2, "reason": "It was too much.", "goal": "Sleep."})
    record = record.model_copy(update={"revisions": (plan,)})
    shown = set()
    for turn in session_data(record, trace_session(record))["turns"]:
        plans = [turn["plan"]] if turn["plan"] else []
        texts = [text for one in plans for text in (one.get("reason"), one["formulation"], one["goal"], *one["steps"])]
        texts += [turn["pick"]["reason"]] if turn["pick"] else []
        texts += [one["text"] for one in [*turn["drafts"], *turn["said"]]]
        shown |= {(turn["key"], text) for text in texts if text}
    assert {(item.turn, item.text) for item in texts_of(record) if item.text} == shown
    assert ("2", "It was too much.") in shown


def test_every_text_is_found_where_it_stands(served: TestClient) -> None:
    record = hostile_texts()
    for item in texts_of(record):
        hits = found(served, item.text[:150])["hostile"] if item.text else []
        assert not item.text or (item.turn, item.what, item.who) in {(h["turn"], h["what"], h["who"]) for h in hits}
    said = record.dialogue[0].text
    [hit] = [hit for hit in found(served, said[5:20].upper())["hostile"] if hit["what"] == "said"]
    assert hit["before"] + hit["hit"] + hit["after"].rstrip("…") == said[: 20 + 70]


def test_apostrophes_white_space_and_signs_of_patterns_are_taken_as_people_mean_them() -> None:
    text = "It doesn’t\n  matter (at all)."
    assert Search("doesn't matter").pattern.search(text)
    assert Search("(AT ALL)").pattern.search(text)
    assert not Search("doesn.t").pattern.search(text)
    assert not Search("zebra doesn't").may_be_in(text.encode())
    assert Search("Doesn't (at").may_be_in(text.encode())


def test_a_search_says_what_it_leaves_out_and_refuses_what_is_none(
    served: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reading, "MOST_OF_ONE", 1)
    monkeypatch.setattr(reading, "MOST_HITS", 5)
    events = events_of(served.get("api/runs/study/search", params={"q": "the"}).text)
    assert events[-1][1]["stopped"]
    shown = [one for name, data in events if name == "hits" for one in data["sessions"]]
    assert all(len(one["hits"]) == 1 for one in shown)
    assert shown[0]["hidden"] > 0
    assert len(shown) < 13
    assert served.get("api/runs/study/search", params={"q": ""}).status_code == 422
    assert served.get("api/runs/study/search", params={"q": "x" * 201}).status_code == 422
    assert events_of(served.get("api/runs/study/search", params={"q": "  "}).text)[-1][1]["problems"]


@pytest.mark.parametrize("name", ["..", "../outside", "outside", ".hidden", "", "study/../../outside", "%2e%2e"])
def test_no_name_leads_out_of_the_folder(tmp_path: Path, name: str) -> None:
    keep(tmp_path / "runs/study", many(1))
    keep(tmp_path / "outside", many(1))
    keep(tmp_path / "runs/.hidden", many(1))
    served = client(tmp_path / "runs")
    assert rows(served)
    for what in ("rows", "session?id=s0", "compare?a=s0&b=s0"):
        answer = served.get(f"api/runs/{quote(name, safe='')}/{what}")
        assert answer.status_code in {404, 409}
        assert "s0" not in answer.text
    assert "<title>outside" not in (page := served.get(f"read/{quote(name, safe='')}").text)
    assert "<title>.hidden" not in page


@pytest.mark.parametrize("name", ["../s0", "nobody", "", "s", "1", HOSTILE])
def test_only_an_id_of_the_run_leads_to_a_session(served: TestClient, name: str) -> None:
    answer = served.get("api/runs/study/session", params={"id": name})
    assert answer.status_code == 409
    assert answer.json()["problem"].startswith("There is no session ")


def test_a_runs_page_has_no_script_or_style_of_its_own_and_its_files_are_there(tmp_path: Path) -> None:
    name = "<img src=x onerror=alert(1)>"
    keep(tmp_path / name, many(1))
    served = client(tmp_path)
    answer = served.get(f"read/{quote(name)}")
    assert "script-src 'self'" in answer.headers["content-security-policy"]
    assert "<img" not in answer.text
    assert not re.search(r"<script(?![^>]* src=)[^>]*>|<style|\sstyle=|<[^>]*\son\w+=", answer.text)
    addresses = re.findall(r'(?:src|href)="(\.\./[^"]+)"', answer.text)
    assert len(addresses) == 12
    for address in addresses:
        assert served.get(address.removeprefix("../")).status_code == 200, address


def test_a_folder_that_is_a_run_itself_has_its_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    keep(tmp_path / "study", many(1))
    monkeypatch.chdir(tmp_path / "study")
    served = client(Path())
    assert [run["name"] for run in served.get("api/start").json()["sessions"]] == ["study"]
    assert list(rows(served)) == ["s0"]


def test_open_streams_end_when_the_server_stops(tmp_path: Path) -> None:
    keep(tmp_path / "study", many(3))
    served = client(tmp_path, stopping=lambda: True)
    assert [name for name, _ in events_of(served.get("api/runs/study/more").text)] == []
