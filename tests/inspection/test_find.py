"""Finding sessions: by id, number or beginning of an id, wherever they lie, also those that were cut off."""

import asyncio
from pathlib import Path

import pytest

from counseling_sessions.generation.exports import export
from counseling_sessions.graph.session import SessionTask, run_session
from counseling_sessions.inspection.find import find_one, find_records, overview
from counseling_sessions.sessions.errors import DamagedJournal, RunError
from counseling_sessions.sessions.journal_lines import SUFFIX
from counseling_sessions.sessions.ledger import Damage
from counseling_sessions.sessions.record import SessionRecord
from counseling_sessions.sessions.writing import ShardWriter, keep
from counseling_sessions.state import Failure
from tests.generation.exports.sessions import session, stream
from tests.scripted import Sensible, config, profile, scripted_models


def named(name: str, method: str = "magnet") -> SessionRecord:
    return session(method).model_copy(update={"session_id": name})


@pytest.fixture
def run(tmp_path: Path) -> Path:
    writer = ShardWriter(tmp_path / "run", "w0")
    for record in (named("aa-1"), named("ab-2", "single")):
        writer.keep(record)
    journals = tmp_path / "run" / "journals"
    models, _ = scripted_models(Sensible())
    task = SessionTask(profile=profile(), attitude="negative", config=config(max_turns=3))
    asyncio.run(run_session(task, journals, models))
    path = next(journals.glob(f"*{SUFFIX}"))
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join(lines[: len(lines) // 2]) + b'{"half')
    return tmp_path / "run"


def test_a_run_shows_finished_and_cut_off_sessions(run: Path) -> None:
    rows = overview(run)
    assert [(row.session_id, row.status) for row in rows[:2]] == [("aa-1", "finished"), ("ab-2", "finished")]
    assert [row.status for row in rows[2:]] == ["unfinished"]
    assert rows[0].tokens == sum(u.prompt_tokens + u.completion_tokens for u in named("x").usage.values())
    assert {record.session_id for record in find_records(run)} == {row.session_id for row in rows}


@pytest.mark.parametrize(("name", "found"), [("aa-1", "aa-1"), ("aa", "aa-1"), ("2", "ab-2"), ("ab-2", "ab-2")])
def test_a_session_is_found_by_id_beginning_or_number(run: Path, name: str, found: str) -> None:
    assert find_one(run, name).session_id == found


def test_a_session_that_was_cut_off_is_found_by_name(run: Path) -> None:
    cut = overview(run)[2].session_id
    found = find_one(run, cut[:12])
    assert found.session_id == cut
    assert found.failure


def test_of_a_session_with_several_records_the_finished_one_is_found(tmp_path: Path) -> None:
    writer = ShardWriter(tmp_path, "w0")
    broken = Failure(stage="client", kind="timeout", message="gone", turn=2)
    writer.keep(named("twice").model_copy(update={"status": "failed", "failure": broken}))
    writer.keep(named("twice"))
    writer.keep(named("other"))
    assert [row.status for row in overview(tmp_path)] == ["finished", "finished"]
    assert find_one(tmp_path, "twice").status == "finished"
    assert find_one(tmp_path, "2").session_id == "other"


def test_what_names_several_or_none_is_told_with_a_choice(run: Path) -> None:
    with pytest.raises(RunError, match=r"beginning of 2 sessions' ids:\n  1  aa-1"):
        find_one(run, "a")
    with pytest.raises(RunError, match=r"no session zz; there are:\n  1  aa-1"):
        find_one(run, "zz")
    with pytest.raises(RunError, match="has 3 sessions; name one"):
        find_one(run)


def test_single_sessions_journals_and_exports_are_places_too(run: Path, tmp_path: Path) -> None:
    keep(named("alone"), tmp_path)
    assert find_one(tmp_path).session_id == "alone"
    journal = next((run / "journals").glob(f"*{SUFFIX}"))
    cut = find_one(journal)
    assert cut.failure
    assert cut.failure.kind == "unfinished"
    export(stream(named("one"), named("two")), "jsonl", tmp_path / "out")
    assert [row.session_id for row in overview(tmp_path / "out" / "train.jsonl")] == ["one", "two"]


def test_places_without_sessions_are_told(tmp_path: Path) -> None:
    with pytest.raises(RunError, match="is not there"):
        overview(tmp_path / "gone")
    with pytest.raises(RunError, match="no run directory and has no sessions"):
        overview(tmp_path)
    (tmp_path / "x.jsonl").write_text("{}\n", encoding="utf-8")
    with pytest.raises(RunError, match=r"x\.jsonl, line 1: not a session record"):
        overview(tmp_path / "x.jsonl")


@pytest.mark.parametrize("place", ["run", "single"])
def test_a_damaged_journal_is_named_and_salvaged_without(place: str, run: Path, tmp_path: Path) -> None:
    folder = run
    if place == "single":
        folder = tmp_path / "single"
        folder.mkdir()
        keep(named("aa-1"), folder)
    before = {row.session_id for row in overview(folder)}
    bad = (folder / "journals" if place == "run" else folder) / f"bad{SUFFIX}"
    bad.write_text("no journal\n", encoding="utf-8")
    with pytest.raises(DamagedJournal, match=f"bad{SUFFIX} is not a session's journal"):
        overview(folder)
    left_out: list[Damage] = []
    assert {row.session_id for row in overview(folder, left_out=left_out)} == before
    assert [item.session_id for item in left_out] == ["bad"]
