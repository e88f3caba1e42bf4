"""The shard: a record is on it before its journal goes, the last of a session counts, torn lines count for nothing."""

import errno
import json
import os
from pathlib import Path

import pytest

from counseling_sessions.graph.journal import SUFFIX, JournalError
from counseling_sessions.graph.ledger import Damage
from counseling_sessions.graph.session import SessionTask, find_session, resume_session, run_session
from counseling_sessions.graph.store import LEDGER, SHARD, keep, read_records, unfinished
from counseling_sessions.state import SessionRecord
from tests.scripted import Sensible, config, profile, said, scripted_models


def task(**options: object) -> SessionTask:
    return SessionTask(profile=profile(), attitude="neutral", config=config(**{"max_turns": 2, **options}))


async def finished(folder: Path, **options: object) -> SessionRecord:
    models, _ = scripted_models(Sensible())
    return await run_session(task(**options), folder, models)


async def failed(folder: Path, **options: object) -> SessionRecord:
    models, _ = scripted_models(lambda asked: said("") if asked.role == "client" else Sensible()(asked))
    return await run_session(task(**options), folder, models)


def journals(folder: Path) -> list[str]:
    return [path.name.removesuffix(SUFFIX) for path in folder.glob(f"*{SUFFIX}")]


async def test_a_finished_session_is_one_line_and_its_journal_goes(tmp_path: Path) -> None:
    record = await finished(tmp_path)
    assert journals(tmp_path) == [record.session_id]
    shard = keep(record, tmp_path)
    assert journals(tmp_path) == unfinished(tmp_path) == []
    assert shard.read_text() == record.model_dump_json() + "\n"
    assert read_records(tmp_path) == {record.session_id: record}


async def test_a_failed_session_is_on_record_and_keeps_its_journal(tmp_path: Path) -> None:
    record = await failed(tmp_path)
    keep(record, tmp_path)
    assert record.status == "failed"
    assert read_records(tmp_path)[record.session_id] == record
    assert unfinished(tmp_path) == [find_session(tmp_path)]


async def test_the_last_record_of_a_session_counts(tmp_path: Path) -> None:
    first = await failed(tmp_path)
    keep(first, tmp_path)
    models, _ = scripted_models(Sensible())
    again = await resume_session(find_session(tmp_path), models)
    keep(again, tmp_path)
    assert len((tmp_path / SHARD).read_text().splitlines()) == 2
    assert read_records(tmp_path) == {first.session_id: again}
    assert (again.status, again.resumed) == ("finished", 1)
    assert unfinished(tmp_path) == []


@pytest.mark.parametrize("cut", [1, 50, 2000, -2])
async def test_a_line_that_a_crash_left_half_written_is_no_record(tmp_path: Path, cut: int) -> None:
    record, other = await finished(tmp_path), await finished(tmp_path, seed=2)
    line = record.model_dump_json()
    (tmp_path / SHARD).write_text(line[:cut])
    assert read_records(tmp_path) == {}
    assert {path.name for path in unfinished(tmp_path)} == {f"{name}{SUFFIX}" for name in journals(tmp_path)}
    # The next record does not run into the torn line.
    keep(other, tmp_path)
    keep(record, tmp_path)
    assert list(read_records(tmp_path)) == [other.session_id, record.session_id]


async def test_bytes_that_are_no_text_are_named(tmp_path: Path) -> None:
    record = await finished(tmp_path)
    (tmp_path / SHARD).write_bytes(b"\xff\xfe\0\n" + record.model_dump_json().encode())
    with pytest.raises(JournalError, match=r"1 damaged session:\n .*sessions.jsonl, line 1: cut short, or no JSON"):
        read_records(tmp_path)
    left_out: list[Damage] = []
    assert read_records(tmp_path, left_out=left_out) == {record.session_id: record}
    assert len(left_out) == 1


async def several(folder: Path) -> list[SessionRecord]:
    records = [await finished(folder, seed=seed) for seed in (1, 2, 3)]
    for record in records:
        keep(record, folder)
    return records


@pytest.mark.parametrize("ledger", ["there", "gone"])
async def test_a_broken_line_in_the_middle_is_named(tmp_path: Path, ledger: str) -> None:
    first, second, third = await several(tmp_path)
    if ledger == "gone":
        (tmp_path / LEDGER).unlink()
    lines = (tmp_path / SHARD).read_bytes().splitlines(keepends=True)
    (tmp_path / SHARD).write_bytes(lines[0] + lines[1][:3000] + b"\n" + lines[2])
    with pytest.raises(JournalError, match=f"1 damaged session:\n  session {second.session_id}: sessions.jsonl"):
        read_records(tmp_path)
    left_out: list[Damage] = []
    salvaged = read_records(tmp_path, left_out=left_out)
    assert salvaged == {record.session_id: record for record in (first, third)}
    assert [item.session_id for item in left_out] == [second.session_id]


async def test_a_last_line_without_its_journal_is_no_crash(tmp_path: Path) -> None:
    *_, last = await several(tmp_path)
    (tmp_path / LEDGER).unlink()
    data = (tmp_path / SHARD).read_bytes()
    (tmp_path / SHARD).write_bytes(data[:-5000])
    with pytest.raises(JournalError, match=rf"session {last.session_id}: .*line 3: cut short"):
        read_records(tmp_path)
    task(seed=3).journal_path(tmp_path).write_text("{}\n")
    assert len(read_records(tmp_path)) == 2


@pytest.mark.parametrize("line", [0, 1, 2])
async def test_a_record_that_was_taken_out_is_named(tmp_path: Path, line: int) -> None:
    records = await several(tmp_path)
    lines = (tmp_path / SHARD).read_bytes().splitlines(keepends=True)
    (tmp_path / SHARD).write_bytes(b"".join(lines[:line] + lines[line + 1 :]))
    with pytest.raises(JournalError, match=f"1 damaged session:\n  session {records[line].session_id}"):
        read_records(tmp_path)
    assert unfinished(tmp_path) == []


async def test_a_changed_word_is_noticed(tmp_path: Path) -> None:
    first, *_ = await several(tmp_path)
    shard = tmp_path / SHARD
    shard.write_bytes(shard.read_bytes().replace(b" the ", b" The ", 1))
    with pytest.raises(JournalError, match=f"session {first.session_id}: sessions.jsonl: changed"):
        read_records(tmp_path)


async def test_a_folder_made_before_there_was_a_ledger_is_read_and_gets_one(tmp_path: Path) -> None:
    records = await several(tmp_path)
    (tmp_path / LEDGER).unlink()
    assert list(read_records(tmp_path).values()) == records
    more = await finished(tmp_path, seed=4)
    keep(more, tmp_path)
    assert list(read_records(tmp_path).values()) == [*records, more]
    assert len((tmp_path / LEDGER).read_bytes().splitlines()) == 4


async def test_what_a_person_typed_is_for_its_owner_alone(tmp_path: Path) -> None:
    plain = await finished(tmp_path)
    keep(plain, tmp_path)
    assert (tmp_path / SHARD).stat().st_mode & 0o077
    turn = plain.turns[0]
    assert turn.client
    typed = turn.model_copy(update={"client": turn.client.model_copy(update={"author": "human"})})
    keep(plain.model_copy(update={"session_id": "typed", "turns": (typed, *plain.turns[1:])}), tmp_path)
    assert [(tmp_path / name).stat().st_mode & 0o777 for name in (SHARD, LEDGER)] == [0o600, 0o600]


@pytest.mark.parametrize("name", [SHARD, LEDGER])
async def test_a_shard_that_is_no_file_is_told(tmp_path: Path, name: str) -> None:
    await several(tmp_path)
    (tmp_path / name).unlink()
    os.mkfifo(tmp_path / name)
    with pytest.raises(JournalError, match="it is a pipe, not a file"):
        read_records(tmp_path)


async def test_json_that_is_no_record_is_named_with_its_line(tmp_path: Path) -> None:
    record = await finished(tmp_path)
    keep(record, tmp_path)
    spoilt = record.model_dump(mode="json") | {"status": "perhaps"}
    with (tmp_path / SHARD).open("a") as shard:
        shard.write(json.dumps(spoilt) + "\n")
    with pytest.raises(JournalError, match=r"sessions.jsonl, line 2: not a session record: status"):
        read_records(tmp_path)


async def test_a_crash_between_the_record_and_the_journals_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    record = await finished(tmp_path)

    def crash(self: Path, missing_ok: bool = False) -> None:
        raise SystemExit

    with monkeypatch.context() as patch:
        patch.setattr(Path, "unlink", crash)
        with pytest.raises(SystemExit):
            keep(record, tmp_path)
    assert journals(tmp_path) == [record.session_id]
    assert read_records(tmp_path) == {record.session_id: record}
    # It is finished, and nobody is told to take it up again.
    assert unfinished(tmp_path) == []
    with pytest.raises(JournalError, match="has no unfinished session"):
        find_session(tmp_path)
    with pytest.raises(JournalError, match=r"is in .* already; give another --seed"):
        task().refuse_if_done(tmp_path)
    # Who takes it up all the same, by its journal, finds it finished and asks no model.
    models, asked = scripted_models(Sensible())
    again = await resume_session(task().journal_path(tmp_path), models)
    assert asked == []
    assert again.dialogue == record.dialogue
    keep(again, tmp_path)
    assert journals(tmp_path) == []
    assert read_records(tmp_path)[record.session_id].dialogue == record.dialogue


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
    assert len(unfinished(tmp_path)) == 1
    keep(record, tmp_path)
    assert list(read_records(tmp_path)) == [record.session_id]


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
    task().journal_path(tmp_path).write_text('{"type": "sta')
    assert unfinished(tmp_path) == []
    task().refuse_if_done(tmp_path)
