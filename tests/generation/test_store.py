"""Where sessions are kept: shards and ledger, whole after every kind of cut."""

import asyncio
import random
from pathlib import Path

import pytest

from counseling_sessions.graph.session import SessionTask, run_session
from counseling_sessions.sessions.errors import RunError
from counseling_sessions.sessions.folder import RunFolder
from counseling_sessions.sessions.record import SessionRecord
from counseling_sessions.sessions.recovery import recover, remove_finished_journals
from counseling_sessions.sessions.writing import ShardWriter, pack
from counseling_sessions.state import Failure
from counseling_sessions.store.log import append
from tests.scripted import Sensible, config, profile, scripted_models


@pytest.fixture(scope="module")
def record(tmp_path_factory: pytest.TempPathFactory) -> SessionRecord:
    models, _ = scripted_models(Sensible())
    task = SessionTask(profile=profile(), attitude="neutral", config=config())
    return asyncio.run(run_session(task, tmp_path_factory.mktemp("one"), models))


def numbered(
    record: SessionRecord, number: int, *, failed: bool = False, at: str = "2026-01-01T00:00:00"
) -> SessionRecord:
    failure = Failure(stage="client", kind="timeout", message="did not answer") if failed else None
    status = "failed" if failed else "finished"
    return record.model_copy(
        update={"session_id": f"s{number}", "status": status, "failure": failure, "finished_at": at}
    )


def ids(folder: Path, *, failed: bool = False) -> list[str]:
    return [record.session_id for record in RunFolder(folder).records(failed=failed)]


def test_records_come_back_as_they_were_kept(tmp_path: Path, record: SessionRecord) -> None:
    writer = ShardWriter(tmp_path, "w0")
    kept = [numbered(record, number) for number in range(5)]
    entries = [writer.keep(one) for one in kept]
    assert list(RunFolder(tmp_path).records()) == kept
    assert RunFolder(tmp_path).entries() == {entry.session_id: entry for entry in entries}
    assert entries[0].tokens == sum(item.prompt_tokens + item.completion_tokens for item in record.usage.values())


def test_full_shards_are_packed_and_the_number_of_files_does_not_grow_with_the_sessions(
    tmp_path: Path, record: SessionRecord
) -> None:
    writer = ShardWriter(tmp_path, "w0", shard_bytes=60_000)
    for number in range(60):
        writer.keep(numbered(record, number))
    shards = sorted(path.name for path in (tmp_path / "shards").iterdir())
    assert shards[0] == "w0-00001.jsonl.zst"
    assert len(shards) < 20
    assert ids(tmp_path) == [f"s{number}" for number in range(60)]
    more = ShardWriter(tmp_path, "w0", shard_bytes=60_000)
    more.keep(numbered(record, 60))
    assert len(ids(tmp_path)) == 61


def test_a_session_counts_once_and_finished_comes_before_failed(tmp_path: Path, record: SessionRecord) -> None:
    one, other = ShardWriter(tmp_path, "w0"), ShardWriter(tmp_path, "w1")
    other.keep(numbered(record, 1, at="2026-01-01T00:00:02"))
    one.keep(numbered(record, 1, failed=True, at="2026-01-01T00:00:03"))
    one.keep(numbered(record, 2, failed=True, at="2026-01-01T00:00:01"))
    one.keep(numbered(record, 2, failed=True, at="2026-01-01T00:00:05"))
    assert ids(tmp_path) == ["s1"]
    assert sorted(ids(tmp_path, failed=True)) == ["s1", "s2"]
    records = [each for each in RunFolder(tmp_path).records(failed=True) if each.session_id == "s2"]
    assert [each.finished_at for each in records] == ["2026-01-01T00:00:05"]


def test_a_ledger_that_was_lost_is_made_again_from_the_shards(tmp_path: Path, record: SessionRecord) -> None:
    writer = ShardWriter(tmp_path, "w0", shard_bytes=60_000)
    for number in range(12):
        writer.keep(numbered(record, number))
    before = RunFolder(tmp_path).entries()
    (tmp_path / "ledger" / "w0.jsonl").unlink()
    assert recover(RunFolder(tmp_path)).listed == 12
    assert RunFolder(tmp_path).entries() == before
    assert recover(RunFolder(tmp_path)).listed == 0


def test_whatever_a_crash_cuts_off_no_record_is_lost_that_was_whole_and_none_is_there_twice(
    tmp_path: Path, record: SessionRecord
) -> None:
    draw = random.Random(5)
    for trial in range(25):
        folder = tmp_path / str(trial)
        writer = ShardWriter(folder, "w0")
        places = [writer.keep(numbered(record, number)).end for number in range(4)]
        shard, ledger = folder / "shards" / "w0-00001.jsonl", folder / "ledger" / "w0.jsonl"
        cut = draw.randrange(1, places[-1])
        shard.write_bytes(shard.read_bytes()[:cut])
        # The ledger is written after the shard: of what the shard has lost it knows nothing.
        lines = ledger.read_bytes().splitlines(keepends=True)
        listed = b"".join(lines[: sum(place <= cut for place in places)])
        ledger.write_bytes(listed[: draw.randrange(0, len(listed) + 1)])
        recover(RunFolder(folder))
        complete = [f"s{number}" for number, place in enumerate(places) if place <= cut]
        assert ids(folder) == complete
        again = ShardWriter(folder, "w0")
        again.keep(numbered(record, 9))
        assert ids(folder) == [*complete, "s9"]
        assert recover(RunFolder(folder)).listed == 0


def test_a_crash_while_packing_leaves_one_whole_shard(tmp_path: Path, record: SessionRecord) -> None:
    writer = ShardWriter(tmp_path, "w0")
    for number in range(3):
        writer.keep(numbered(record, number))
    shard = tmp_path / "shards" / "w0-00001.jsonl"
    plain = shard.read_bytes()
    half = shard.with_name(f".{shard.name}.zst.77.tmp")
    half.write_bytes(b"half of a packed shard")
    assert ids(tmp_path) == ["s0", "s1", "s2"]
    recover(RunFolder(tmp_path))
    assert not half.exists()
    pack(shard, tmp_path / "ledger" / "w0.jsonl")
    shard.write_bytes(plain)  # the crash came before it was removed
    recover(RunFolder(tmp_path))
    assert [path.name for path in shard.parent.iterdir()] == ["w0-00001.jsonl.zst"]
    assert ids(tmp_path) == ["s0", "s1", "s2"]


def test_the_journal_of_a_finished_session_goes_and_that_of_any_other_stays(
    tmp_path: Path, record: SessionRecord
) -> None:
    """A kill between keeping a record and removing its journal leaves both behind."""
    store, writer = RunFolder(tmp_path), ShardWriter(tmp_path, "w0")
    writer.keep(numbered(record, 0))
    writer.keep(numbered(record, 1, failed=True))
    for name in ("s0", "s1", "s2"):
        (store.journals / f"{name}.journal.jsonl").write_text("{}\n", encoding="utf-8")
    remove_finished_journals(store, store.entries())
    assert sorted(path.name[:2] for path in store.journals.iterdir()) == ["s1", "s2"]


def test_interleaved_and_foreign_lines_are_not_counted(tmp_path: Path, record: SessionRecord) -> None:
    writer = ShardWriter(tmp_path, "w0")
    writer.keep(numbered(record, 0))
    shard = tmp_path / "shards" / "w0-00001.jsonl"
    append(shard, b'{"session_id": "half", "sta' + b"\x00\xff" + b'{"a": 1}\n')
    append(shard, b"[]\n")
    writer.keep(numbered(record, 1))
    (tmp_path / "ledger" / "w0.jsonl").unlink()
    assert recover(RunFolder(tmp_path)).listed == 2
    assert ids(tmp_path) == ["s0", "s1"]


def test_a_damaged_shard_is_named(tmp_path: Path, record: SessionRecord) -> None:
    writer = ShardWriter(tmp_path, "w0", shard_bytes=1)
    writer.keep(numbered(record, 0))
    packed = tmp_path / "shards" / "w0-00001.jsonl.zst"
    packed.write_bytes(packed.read_bytes()[:40] + b"damage" + packed.read_bytes()[46:])
    with pytest.raises(RunError, match=r"w0-00001\.jsonl"):
        ids(tmp_path)
