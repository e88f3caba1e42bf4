"""The shard: a record is on it before its journal goes, the last of a session counts, torn lines count for nothing."""

import json
import os
from pathlib import Path

import pytest

from counseling_sessions.graph.session import SessionTask, find_session, resume_session, run_session
from counseling_sessions.inspection.find import overview
from counseling_sessions.sessions.errors import RunError
from counseling_sessions.sessions.folder import RunFolder
from counseling_sessions.sessions.journal_lines import SUFFIX
from counseling_sessions.sessions.ledger import Damage
from counseling_sessions.sessions.old import OLD_LEDGER, OLD_SHARD
from counseling_sessions.sessions.record import SessionRecord
from counseling_sessions.sessions.writing import keep
from tests.kept import SHARD, keep_old, kept_in
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
    keep_old(record, tmp_path)
    assert journals(tmp_path) == RunFolder(tmp_path).unfinished() == []
    assert (tmp_path / OLD_SHARD).read_text() == record.model_dump_json() + "\n"
    assert kept_in(tmp_path) == {record.session_id: record}


async def test_a_failed_session_is_on_record_and_keeps_its_journal(tmp_path: Path) -> None:
    record = await failed(tmp_path)
    keep_old(record, tmp_path)
    assert record.status == "failed"
    assert kept_in(tmp_path)[record.session_id] == record
    assert RunFolder(tmp_path).unfinished() == [find_session(tmp_path)]


async def test_the_last_record_of_a_session_counts(tmp_path: Path) -> None:
    first = await failed(tmp_path)
    keep_old(first, tmp_path)
    models, _ = scripted_models(Sensible())
    again = await resume_session(find_session(tmp_path), models)
    keep_old(again, tmp_path)
    assert len((tmp_path / OLD_SHARD).read_text().splitlines()) == 2
    assert kept_in(tmp_path) == {first.session_id: again}
    assert (again.status, again.resumed) == ("finished", 1)
    assert RunFolder(tmp_path).unfinished() == []


@pytest.mark.parametrize("cut", [1, 50, 2000, -2])
async def test_a_line_that_a_crash_left_half_written_is_no_record(tmp_path: Path, cut: int) -> None:
    record, other = await finished(tmp_path), await finished(tmp_path, seed=2)
    line = record.model_dump_json()
    (tmp_path / OLD_SHARD).write_text(line[:cut])
    assert kept_in(tmp_path) == {}
    assert {path.name for path in RunFolder(tmp_path).unfinished()} == {
        f"{name}{SUFFIX}" for name in journals(tmp_path)
    }
    # The next record does not run into the torn line.
    keep_old(other, tmp_path)
    keep_old(record, tmp_path)
    assert list(kept_in(tmp_path)) == [other.session_id, record.session_id]


async def test_bytes_that_are_no_text_are_named(tmp_path: Path) -> None:
    record = await finished(tmp_path)
    (tmp_path / OLD_SHARD).write_bytes(b"\xff\xfe\0\n" + record.model_dump_json().encode())
    with pytest.raises(RunError, match=r"1 damaged session:\n .*sessions.jsonl, line 1: cut short, or no JSON"):
        kept_in(tmp_path)
    left_out: list[Damage] = []
    assert kept_in(tmp_path, left_out=left_out) == {record.session_id: record}
    assert len(left_out) == 1


async def several(folder: Path) -> list[SessionRecord]:
    records = [await finished(folder, seed=seed) for seed in (1, 2, 3)]
    for record in records:
        keep_old(record, folder)
    return records


@pytest.mark.parametrize("ledger", ["there", "gone"])
async def test_a_broken_line_in_the_middle_is_named(tmp_path: Path, ledger: str) -> None:
    first, second, third = await several(tmp_path)
    if ledger == "gone":
        (tmp_path / OLD_LEDGER).unlink()
    lines = (tmp_path / OLD_SHARD).read_bytes().splitlines(keepends=True)
    (tmp_path / OLD_SHARD).write_bytes(lines[0] + lines[1][:3000] + b"\n" + lines[2])
    with pytest.raises(RunError, match=f"1 damaged session:\n  session {second.session_id}: sessions.jsonl"):
        kept_in(tmp_path)
    left_out: list[Damage] = []
    salvaged = kept_in(tmp_path, left_out=left_out)
    assert salvaged == {record.session_id: record for record in (first, third)}
    assert [item.session_id for item in left_out] == [second.session_id]


async def test_a_last_line_without_its_journal_is_no_crash(tmp_path: Path) -> None:
    *_, last = await several(tmp_path)
    (tmp_path / OLD_LEDGER).unlink()
    data = (tmp_path / OLD_SHARD).read_bytes()
    (tmp_path / OLD_SHARD).write_bytes(data[:-5000])
    with pytest.raises(RunError, match=rf"session {last.session_id}: .*line 3: cut short"):
        kept_in(tmp_path)
    task(seed=3).journal_path(tmp_path).write_text("{}\n")
    assert len(kept_in(tmp_path)) == 2


@pytest.mark.parametrize("line", [0, 1, 2])
async def test_a_record_that_was_taken_out_is_named(tmp_path: Path, line: int) -> None:
    records = await several(tmp_path)
    lines = (tmp_path / OLD_SHARD).read_bytes().splitlines(keepends=True)
    (tmp_path / OLD_SHARD).write_bytes(b"".join(lines[:line] + lines[line + 1 :]))
    with pytest.raises(RunError, match=f"1 damaged session:\n  session {records[line].session_id}"):
        kept_in(tmp_path)
    assert RunFolder(tmp_path).unfinished() == []


async def test_a_changed_word_is_noticed(tmp_path: Path) -> None:
    first, *_ = await several(tmp_path)
    shard = tmp_path / OLD_SHARD
    shard.write_bytes(shard.read_bytes().replace(b" the ", b" The ", 1))
    with pytest.raises(RunError, match=f"session {first.session_id}: sessions.jsonl: changed"):
        kept_in(tmp_path)


@pytest.mark.parametrize("ledger", ["there", "gone"])
async def test_a_folder_of_before_is_gone_on_with_and_what_is_kept_then_lies_as_in_any_run(
    tmp_path: Path, ledger: str
) -> None:
    records = await several(tmp_path)
    broken = await failed(tmp_path, seed=4)
    keep_old(broken, tmp_path)
    if ledger == "gone":
        (tmp_path / OLD_LEDGER).unlink()
    before = (tmp_path / OLD_SHARD).read_bytes()
    assert list(kept_in(tmp_path).values()) == [*records, broken]
    assert RunFolder(tmp_path).record(broken.session_id) == broken
    models, _ = scripted_models(Sensible())
    mended = await resume_session(find_session(tmp_path), models)
    more = await finished(tmp_path, seed=5)
    for record in (mended, more):
        assert keep(record, tmp_path) == tmp_path / SHARD
    assert RunFolder(tmp_path).journal_files() == []
    assert kept_in(tmp_path) == {record.session_id: record for record in [*records, mended, more]}
    assert (
        set(RunFolder(tmp_path).entries()) == {row.session_id for row in overview(tmp_path)} == set(kept_in(tmp_path))
    )
    assert (tmp_path / OLD_SHARD).read_bytes() == before


async def test_a_record_whose_line_in_the_ledger_is_gone_is_named(tmp_path: Path) -> None:
    first, *_ = await several(tmp_path)
    lines = (tmp_path / OLD_LEDGER).read_bytes().splitlines(keepends=True)
    (tmp_path / OLD_LEDGER).write_bytes(b"".join(lines[1:]))
    what = "sessions.jsonl, line 1: sessions.ledger does not know this record"
    with pytest.raises(RunError, match=f"session {first.session_id}: {what}"):
        kept_in(tmp_path)


async def test_a_later_record_stands_for_a_damaged_one(tmp_path: Path) -> None:
    first, second, third = await several(tmp_path)
    lines = (tmp_path / OLD_SHARD).read_bytes().splitlines(keepends=True)
    (tmp_path / OLD_SHARD).write_bytes(lines[0] + lines[1][:3000] + b"\n" + lines[2])
    with pytest.raises(RunError, match=second.session_id):
        RunFolder(tmp_path).record(second.session_id)
    assert RunFolder(tmp_path).record(first.session_id) == first
    keep(second, tmp_path)
    assert kept_in(tmp_path) == {record.session_id: record for record in (first, third, second)}


async def test_beside_a_batchs_records_nothing_of_before_counts(tmp_path: Path) -> None:
    await several(tmp_path)
    (tmp_path / "run.json").write_text("{}")
    assert kept_in(tmp_path) == {}


@pytest.mark.parametrize("name", [OLD_SHARD, OLD_LEDGER])
async def test_a_shard_that_is_no_file_is_told(tmp_path: Path, name: str) -> None:
    await several(tmp_path)
    (tmp_path / name).unlink()
    os.mkfifo(tmp_path / name)
    with pytest.raises(RunError, match="it is a pipe, not a file"):
        kept_in(tmp_path)


async def test_json_that_is_no_record_is_named_with_its_line(tmp_path: Path) -> None:
    record = await finished(tmp_path)
    keep_old(record, tmp_path)
    spoilt = record.model_dump(mode="json") | {"status": "perhaps"}
    with (tmp_path / OLD_SHARD).open("a") as shard:
        shard.write(json.dumps(spoilt) + "\n")
    with pytest.raises(RunError, match=r"sessions.jsonl, line 2: not a session record: status"):
        kept_in(tmp_path)
