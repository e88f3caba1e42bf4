"""Keeping the record of a single session: it is on the disk before its journal goes, whoever else writes there."""

import asyncio
import errno
import os
import subprocess
import sys
from pathlib import Path

import pytest

from counseling_sessions.graph.session import SessionTask, find_session, resume_session, run_session
from counseling_sessions.sessions.entries import Entry
from counseling_sessions.sessions.errors import JournalError, RunError
from counseling_sessions.sessions.folder import RunFolder, run_folder
from counseling_sessions.sessions.journal_lines import SUFFIX
from counseling_sessions.sessions.ledger import read_listed
from counseling_sessions.sessions.record import SessionRecord
from counseling_sessions.sessions.writing import ShardWriter, keep
from tests.kept import LEDGER, SHARD, kept_in
from tests.scripted import Sensible, config, profile, said, scripted_models


def task(**options: object) -> SessionTask:
    return SessionTask(profile=profile(), attitude="neutral", config=config(**{"max_turns": 2, **options}))


async def finished(folder: Path, **options: object) -> SessionRecord:
    models, _ = scripted_models(Sensible())
    return await run_session(task(**options), RunFolder(folder).journals, models)


async def failed(folder: Path, **options: object) -> SessionRecord:
    models, _ = scripted_models(lambda asked: said("") if asked.role == "client" else Sensible()(asked))
    return await run_session(task(**options), RunFolder(folder).journals, models)


def journals(folder: Path) -> list[str]:
    return [path.name.removesuffix(SUFFIX) for path in RunFolder(folder).journals.glob(f"*{SUFFIX}")]


async def test_a_finished_session_is_one_line_and_its_journal_goes(tmp_path: Path) -> None:
    record = await finished(tmp_path)
    assert journals(tmp_path) == [record.session_id]
    shard = keep(record, tmp_path)
    assert journals(tmp_path) == RunFolder(tmp_path).unfinished() == []
    assert shard.read_text() == record.model_dump_json() + "\n"
    assert kept_in(tmp_path) == {record.session_id: record}


async def test_a_failed_session_is_on_record_and_keeps_its_journal(tmp_path: Path) -> None:
    record = await failed(tmp_path)
    keep(record, tmp_path)
    assert record.status == "failed"
    assert kept_in(tmp_path)[record.session_id] == record
    assert RunFolder(tmp_path).unfinished() == [find_session(tmp_path)]


async def test_the_last_record_of_a_session_counts(tmp_path: Path) -> None:
    first = await failed(tmp_path)
    keep(first, tmp_path)
    models, _ = scripted_models(Sensible())
    again = await resume_session(find_session(tmp_path), models)
    keep(again, tmp_path)
    assert len((tmp_path / SHARD).read_text().splitlines()) == 2
    assert kept_in(tmp_path) == {first.session_id: again}
    assert (again.status, again.resumed) == ("finished", 1)
    assert RunFolder(tmp_path).unfinished() == []


async def test_what_a_person_typed_is_for_its_owner_alone(tmp_path: Path) -> None:
    plain = await finished(tmp_path)
    keep(plain, tmp_path)
    assert (tmp_path / SHARD).stat().st_mode & 0o077
    turn = plain.turns[0]
    assert turn.client
    typed = turn.model_copy(update={"client": turn.client.model_copy(update={"author": "human"})})
    keep(plain.model_copy(update={"session_id": "typed", "turns": (typed, *plain.turns[1:])}), tmp_path)
    assert [(tmp_path / name).stat().st_mode & 0o777 for name in (SHARD, LEDGER)] == [0o600, 0o600]


async def test_a_packed_shard_is_as_private_as_it_was_before(tmp_path: Path) -> None:
    record = await finished(tmp_path)
    for name, mode in (("open", 0o644), ("private", 0o600)):
        writer = ShardWriter(tmp_path / name, "w0", shard_bytes=1)
        (tmp_path / name / SHARD).touch(mode)
        writer.keep(record)
        packed = tmp_path / name / SHARD.with_suffix(".jsonl.zst")
        assert packed.stat().st_mode & 0o777 == mode


async def test_a_crash_between_the_record_and_the_journals_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    record = await finished(tmp_path)

    def crash(self: Path, missing_ok: bool = False) -> None:
        raise SystemExit

    with monkeypatch.context() as patch:
        patch.setattr(Path, "unlink", crash)
        with pytest.raises(SystemExit):
            keep(record, tmp_path)
    assert journals(tmp_path) == [record.session_id]
    assert kept_in(tmp_path) == {record.session_id: record}
    # It is finished, and nobody is told to take it up again.
    assert RunFolder(tmp_path).unfinished() == []
    with pytest.raises(JournalError, match="has no unfinished session"):
        find_session(tmp_path)
    with pytest.raises(JournalError, match=r"is in .* already; give another --seed"):
        task().refuse_if_done(tmp_path)
    # Who takes it up all the same, by its journal, finds it finished and asks no model.
    models, asked = scripted_models(Sensible())
    again = await resume_session(task().journal_path(RunFolder(tmp_path).journals), models)
    assert asked == []
    assert again.dialogue == record.dialogue
    keep(again, tmp_path)
    assert journals(tmp_path) == []
    assert kept_in(tmp_path)[record.session_id].dialogue == record.dialogue


async def test_a_crash_before_the_record_loses_nothing(tmp_path: Path) -> None:
    record = await finished(tmp_path)
    models, asked = scripted_models(Sensible())
    again = await resume_session(find_session(tmp_path), models)
    assert asked == []
    assert (again.status, again.dialogue, again.turns) == ("finished", record.dialogue, record.turns)


async def test_a_full_disk_keeps_the_journal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    record = await finished(tmp_path)

    def full(descriptor: int, data: bytes) -> int:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patch:
        patch.setattr(os, "write", full)
        with pytest.raises(JournalError, match="No space left on device; the session's journal is kept"):
            keep(record, tmp_path)
    assert len(RunFolder(tmp_path).unfinished()) == 1
    keep(record, tmp_path)
    assert list(kept_in(tmp_path)) == [record.session_id]


async def test_a_session_is_not_begun_twice(tmp_path: Path) -> None:
    task().refuse_if_done(tmp_path)
    record = await finished(tmp_path)
    with pytest.raises(JournalError, match="unfinished; take it up with: --resume"):
        task().refuse_if_done(tmp_path)
    keep(record, tmp_path)
    with pytest.raises(JournalError, match="give another --seed or another --out"):
        task().refuse_if_done(tmp_path)
    task(seed=2).refuse_if_done(tmp_path)


async def test_what_is_taken_up_again_must_be_one_session(tmp_path: Path) -> None:
    with pytest.raises(JournalError, match="is not there"):
        find_session(tmp_path / "none")
    with pytest.raises(JournalError, match="has no unfinished session"):
        find_session(tmp_path)
    await finished(tmp_path)
    path = find_session(tmp_path)
    assert find_session(path) == path
    await finished(tmp_path, seed=2)
    with pytest.raises(JournalError, match="has 2 unfinished sessions; name one: "):
        find_session(tmp_path)


def test_a_journal_without_its_first_line_is_no_unfinished_session(tmp_path: Path) -> None:
    RunFolder(tmp_path).journals.mkdir()
    task().journal_path(RunFolder(tmp_path).journals).write_text('{"type": "sta')
    assert RunFolder(tmp_path).unfinished() == []
    task().refuse_if_done(tmp_path)


async def test_a_record_that_a_crash_left_without_its_ledgers_line_gets_it_before_the_next_one(tmp_path: Path) -> None:
    first, second = await finished(tmp_path), await finished(tmp_path, seed=2)
    keep(first, tmp_path)
    (tmp_path / LEDGER).write_bytes(b"")
    keep(second, tmp_path)
    assert kept_in(tmp_path) == {record.session_id: record for record in (first, second)}
    assert len((tmp_path / LEDGER).read_bytes().splitlines()) == 2


KEEPER = """
import pathlib, sys
from counseling_sessions.sessions.writing import keep
from counseling_sessions.sessions.record import SessionRecord
record = SessionRecord.model_validate_json(pathlib.Path(sys.argv[2]).read_bytes())
for number in range(40):
    keep(record.model_copy(update={"session_id": f"{sys.argv[3]}-{number}"}), pathlib.Path(sys.argv[1]))
"""


def test_several_processes_keep_their_sessions_in_one_folder(tmp_path: Path) -> None:
    out = tmp_path / "out"
    (tmp_path / "record.json").write_text(asyncio.run(finished(out)).model_dump_json())
    command = [sys.executable, "-c", KEEPER, str(out), str(tmp_path / "record.json")]
    processes = [subprocess.Popen([*command, name], cwd=Path(__file__).parents[2]) for name in "abc"]
    assert [process.wait(60) for process in processes] == [0, 0, 0]
    ids = {f"{name}-{number}" for name in "abc" for number in range(40)}
    assert set(kept_in(out)) == ids
    entries = [item.session_id for item in read_listed(out / LEDGER, Entry)]
    assert len(entries) == len(set(entries)) == 120
    assert RunFolder(out).check().tails == []


async def test_who_waits_too_long_for_others_keeps_the_journal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("counseling_sessions.sessions.writing.PATIENCE", 0.1)
    record = await finished(tmp_path)
    with RunFolder(tmp_path).lock(), pytest.raises(JournalError, match=r"in use by .*; the session's journal is kept"):
        keep(record, tmp_path)
    assert len(RunFolder(tmp_path).unfinished()) == 1


def test_a_batch_is_no_place_for_single_sessions(tmp_path: Path) -> None:
    (tmp_path / "run.json").write_text("{}")
    with pytest.raises(RunError, match="is a run directory, to which no single session is added"):
        task().refuse_if_done(tmp_path)
    with pytest.raises(JournalError, match="is a run directory; go on with it by: python run.py generate --out"):
        find_session(tmp_path)


@pytest.mark.parametrize(
    ("made", "planned"),
    [("run.json", True), ("shards/", False), ("ledger/", False), ("sessions.jsonl", False), ("sessions.ledger", False)]
    + [(f"{folder}one{SUFFIX}", False) for folder in ("", "journals/")],
)
def test_what_a_place_is_is_seen_from_what_lies_in_it(tmp_path: Path, made: str, planned: bool) -> None:
    place = tmp_path / "place"
    assert run_folder(place) is None
    place.mkdir()
    (place / "some.jsonl").write_text("{}")
    assert run_folder(place) is run_folder(place / "some.jsonl") is None
    path = place / made
    if made.endswith("/"):
        path.mkdir()
    else:
        path.parent.mkdir(exist_ok=True)
        path.write_text("")
    folder = run_folder(place)
    assert folder
    assert folder.planned is planned
