"""What a reader of a run says of records that are missing, cut, changed or not in the ledger, and what it does not."""

import json
from pathlib import Path

import pytest
import zstandard

from counseling_sessions.inspection.find import find_one, overview
from counseling_sessions.sessions import read_sessions
from counseling_sessions.sessions.entries import Entry, record_of
from counseling_sessions.sessions.errors import RunError
from counseling_sessions.sessions.folder import RunFolder
from counseling_sessions.sessions.ledger import Damage, measured, sealed
from counseling_sessions.sessions.record import SessionRecord
from counseling_sessions.sessions.recovery import recover
from counseling_sessions.sessions.shards import MOST_LINES
from counseling_sessions.sessions.writing import ShardWriter
from counseling_sessions.training.sources import Source, read_sources
from tests.damaged import LATER, make_run, without_checksums


@pytest.fixture
def run(tmp_path: Path) -> tuple[Path, dict[str, SessionRecord]]:
    return tmp_path / "run", make_run(tmp_path / "run")


Run = tuple[Path, dict[str, SessionRecord]]


def in_shard(folder: Path, name: str) -> list[str]:
    return [entry.session_id for entry in RunFolder(folder).entries().values() if entry.shard == name]


def damage(folder: Path, what: str) -> list[str]:
    """Do that to the folder; the ids of the sessions whose records it takes."""
    raw, packed = folder / "shards" / "w0-00002.jsonl", folder / "shards" / "w0-00001.jsonl.zst"
    path = packed if "packed" in what else raw
    ids = in_shard(folder, path.name.split(".")[0])
    data = path.read_bytes()
    if "missing" in what:
        path.unlink()
    elif "cut" in what:
        path.write_bytes(data[: len(data) // 2])
    elif "in place" in what:
        path.write_bytes(data.replace(b" the ", b" The ", 1))
        assert path.read_bytes() != data
    else:
        path.write_bytes(data.replace(b'"text":"', b'"text":"No. ', 1))
    return ids


@pytest.mark.parametrize(
    "what", ["missing", "missing, packed", "cut short", "cut, packed", "changed", "changed in place"]
)
def test_damaged_sessions_are_named_by_every_reader_and_salvaged_without(run: Run, what: str) -> None:
    folder, kept = run
    ids = damage(folder, what)
    readers = (
        lambda: list(RunFolder(folder).records()),
        lambda: list(read_sessions(folder)),
        lambda: list(read_sources(folder)),
        lambda: overview(folder),
        lambda: find_one(folder, "1"),
    )
    left_out: list[Damage] = []
    salvaged = {record.session_id: record for record in RunFolder(folder).records(left_out=left_out)}
    lost = {item.session_id for item in left_out}
    assert lost
    assert lost <= set(ids)
    assert salvaged == {name: record for name, record in kept.items() if name not in lost}
    for reader in readers:
        with pytest.raises(RunError) as error:
            reader()
        assert all(name in str(error.value) for name in lost if name)
        assert what.replace(",", "").split(maxsplit=1)[0] in str(error.value)
        assert "run.py generate --out" in str(error.value)
    intact = next(iter(salvaged))
    assert find_one(folder, intact) == kept[intact]
    with pytest.raises(RunError, match="1 damaged session"):
        find_one(folder, str(next(iter(lost))))
    assert len([item for item in read_sources(folder, left_out=[]) if isinstance(item, Source)]) == len(salvaged)


def test_without_checksums_a_session_that_is_not_there_is_named_as_well(run: Run) -> None:
    folder, kept = run
    without_checksums(folder)
    assert {record.session_id: record for record in RunFolder(folder).records()} == kept
    ids = damage(folder, "cut short")
    with pytest.raises(RunError, match=ids[0]):
        list(RunFolder(folder).records())


def test_a_line_taken_out_of_a_shard_costs_no_session_but_its_own(run: Run) -> None:
    """Those behind it lie elsewhere then, and are known by their checksums."""
    folder, kept = run
    packed = folder / "shards" / "w0-00001.jsonl.zst"
    lines = [line for line, _ in RunFolder(folder).lines("w0-00001")]
    (packed.with_name("w0-00001.jsonl")).write_bytes(b"".join(lines[1:]))
    packed.unlink()
    left_out: list[Damage] = []
    records = list(RunFolder(folder).records(left_out=left_out))
    assert [item.session_id for item in left_out] == [record_of(lines[0]).session_id]
    assert len(records) == len(kept) - 1


def test_a_record_that_no_ledger_knows_is_named_unless_a_crash_can_have_left_it(run: Run) -> None:
    folder, kept = run
    ledger = folder / "ledger" / "w0.jsonl"
    lines = ledger.read_bytes().splitlines(keepends=True)
    ledger.write_bytes(b"".join(lines[:-1]))  # a crash between the two
    assert {record.session_id: record for record in RunFolder(folder).records()} == kept
    assert len(RunFolder(folder).check().tails) == 1
    ledger.write_bytes(b"".join(lines[1:]))
    lost = json.loads(lines[0])["session_id"]
    with pytest.raises(RunError, match=rf"session {lost}: shard w0-00001, line 1: no ledger knows this record"):
        list(RunFolder(folder).records())
    recovered = recover(RunFolder(folder))
    assert (recovered.strays, recovered.damaged) == ([lost], [])
    assert {record.session_id: record for record in RunFolder(folder).records()} == kept


def test_a_changed_ledger_is_no_way_to_lose_a_session(run: Run) -> None:
    folder, kept = run
    ledger = folder / "ledger" / "w1.jsonl"
    ledger.write_bytes(ledger.read_bytes().replace(b'"finished"', b'"failed"'))
    assert {record.session_id: record for record in RunFolder(folder).records()} == kept  # the shard's end is the truth
    entry = next(entry for entry in RunFolder(folder).entries().values() if entry.shard == "w1-00001")
    ledger.write_bytes(sealed(entry.model_copy(update={"shard": "w9-00001"})))
    assert {record.session_id: record for record in RunFolder(folder).records()} == kept
    (folder / "shards" / "w1-00001.jsonl").unlink()
    with pytest.raises(RunError, match=f"session {entry.session_id}: shard w9-00001: the shard is missing"):
        list(RunFolder(folder).records())


def test_a_session_that_was_run_again_stands_for_its_damaged_record(run: Run) -> None:
    folder, kept = run
    damage(folder, "changed")
    damage(folder, "cut, packed")
    recovered = recover(RunFolder(folder))
    assert len(recovered.damaged) == len(kept) - len(recovered.entries) > 1
    writer = ShardWriter(folder, "w0")
    for item in recovered.damaged:
        entry = writer.keep(kept[str(item.session_id)].model_copy(update={"finished_at": LATER}))
        assert entry.shard == "w0-00003"  # nothing is written behind what is damaged
    assert len(list(RunFolder(folder).records())) == len(kept)
    assert recover(RunFolder(folder)).damaged == []
    # A clock that was put back does not bring the damaged one back.
    first = str(recovered.damaged[0].session_id)
    earlier = sealed(RunFolder(folder).entries()[first].model_copy(update={"finished_at": "2001-01-01T00:00:00"}))
    path = folder / "ledger" / "w0.jsonl"
    path.write_bytes(path.read_bytes().replace(sealed(RunFolder(folder).entries()[first]), earlier))
    assert len(list(RunFolder(folder).records())) == len(kept)


def test_a_session_that_only_a_damaged_ledger_speaks_of_is_forgotten_aloud(run: Run) -> None:
    folder, kept = run
    without_checksums(folder)
    ledger = folder / "ledger" / "w1.jsonl"
    (name,) = in_shard(folder, "w1-00001")
    ghost = f"0{name[1:]}" if name[0] != "0" else f"1{name[1:]}"
    before = ledger.read_text().replace(name, ghost)
    ledger.write_text(before)
    with pytest.raises(RunError, match=f"session {ghost}: shard w1-00001: changed"):
        list(RunFolder(folder).records())
    assert recover(RunFolder(folder)).forgotten == []  # who does not know the batch takes nothing out
    recovered = recover(RunFolder(folder), lambda: kept)
    assert (recovered.forgotten, recovered.damaged) == ([ghost], [])
    assert (folder / "ledger" / ".w1.jsonl.damaged").read_text() == before
    ShardWriter(folder, "w1").keep(kept[name].model_copy(update={"finished_at": LATER}))
    assert {record.session_id for record in RunFolder(folder).records()} == set(kept)


def test_a_few_kilobytes_that_unpack_to_endless_lines_do_not_hold_a_reader_up(run: Run) -> None:
    folder, _ = run
    packed = folder / "shards" / "w0-00001.jsonl.zst"
    ids = in_shard(folder, "w0-00001")
    lines = zstandard.ZstdCompressor().compress(b"\n" * (MOST_LINES + 1))
    packed.write_bytes(lines + packed.read_bytes())
    left_out: list[Damage] = []
    list(RunFolder(folder).records(left_out=left_out))
    assert {item.session_id for item in left_out} == set(ids)
    assert {item.what for item in left_out} == {"shard w0-00001 is damaged: it has more than 524,288 lines"}


def test_records_of_a_newer_format_are_refused_by_name(run: Run) -> None:
    folder, kept = run
    first, *others = kept.values()
    newer = first.model_dump(mode="json") | {"format": 3, "mood": "new"}
    writer = ShardWriter(folder.with_name("other"), "w0")
    for record in others:
        writer.keep(record)
    shard = folder.with_name("other") / "shards" / "w0-00001.jsonl"
    text = json.dumps(newer).encode()
    start = shard.stat().st_size
    shard.write_bytes(shard.read_bytes() + text + b"\n")
    entry = next(iter(RunFolder(folder.with_name("other")).entries().values()))

    new = entry.model_copy(update={"session_id": first.session_id, "end": start + len(text) + 1, **measured(text)})
    with (folder.with_name("other") / "ledger" / "w0.jsonl").open("ab") as ledger:
        ledger.write(sealed(new))
    with pytest.raises(RunError, match="record format 3; this version reads up to 1"):
        list(RunFolder(folder.with_name("other")).records())
    (folder / "some.jsonl").write_bytes(text + b"\n")
    (problem,) = read_sessions(folder / "some.jsonl")
    assert "record format 3; this version reads up to 1" in str(problem)
    with pytest.raises(RunError, match=r"some.jsonl, line 1: .*record format 3"):
        overview(folder / "some.jsonl")


def test_ledger_lines_with_impossible_values_are_none(run: Run) -> None:
    folder, _ = run
    entry = next(iter(RunFolder(folder).entries().values()))
    for field, value in {
        "finished_at": "x",
        "end": -1,
        "session_seed": 10**400,
        "seconds": float("inf"),
        "shard": "../../x",
    }.items():
        other = Entry.model_construct(**(dict(entry) | {field: value, "session_id": "other"}))
        (folder / "ledger" / "w9.jsonl").write_bytes(sealed(other))
        assert "other" not in RunFolder(folder).entries(), field
