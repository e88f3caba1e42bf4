"""Folders of sessions with a random edit, and whether their readers bear it: for the tests and for `benchmarks/fuzz.py`.

An edit is borne where every reader gives what was kept, or says in a user's words what is not there. A session that is lost or
changed without a word is a failure, and so is any other exception.
"""

import json
import os
import random
import shutil
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from counseling_sessions.generation.batch import PROFILES_FILE, Batch, Profiles, units
from counseling_sessions.generation.state import StateReader
from counseling_sessions.graph.provenance import configuration_hash
from counseling_sessions.inspection.find import find_records, overview
from counseling_sessions.profiles.readers import ProfileError
from counseling_sessions.sessions import Session, read_sessions
from counseling_sessions.sessions.errors import RunError
from counseling_sessions.sessions.folder import RunFolder
from counseling_sessions.sessions.ledger import Damage
from counseling_sessions.sessions.record import SessionRecord
from counseling_sessions.sessions.recovery import recover
from counseling_sessions.sessions.writing import ShardWriter, keep
from counseling_sessions.state import Failure
from tests.generation.exports.sessions import client, of
from tests.kept import keep_old, kept_in
from tests.scripted import config

SHARD = 57_000
"""Bytes after which a shard is packed: five records."""
USER_ERRORS = (RunError, ProfileError)
LATER = "2099-01-01T00:00:00+00:00"
FAILED = Failure(stage="client", kind="timeout", message="did not answer")


class Unborne(AssertionError):
    """A reader that did not bear an edit."""


@dataclass
class Tally:
    """How many edits of each kind were read rightly, and how many refused."""

    right: Counter[str] = field(default_factory=Counter)
    refused: Counter[str] = field(default_factory=Counter)


def make_run(folder: Path, *, sessions: int = 6) -> dict[str, SessionRecord]:
    """A run directory of two workers, with a packed shard, and one session that failed before it was finished; its records."""
    folder.mkdir(parents=True)
    lines = [client(number).model_dump_json(exclude_none=True) + "\n" for number in range(sessions)]
    (folder / PROFILES_FILE).write_text("".join(lines), encoding="utf-8")
    profiles = Profiles(folder / PROFILES_FILE)
    asked = {"methods": ("magnet",), "attitudes": ("neutral",), "seeds": (1,), "source": "forms.jsonl"}
    Batch.new(configuration=config(seed=0), profiles=len(profiles), profiles_hash=profiles.hash, **asked).write(folder)
    batch = Batch.model_validate_json((folder / "run.json").read_bytes())
    writers = ShardWriter(folder, "w0", shard_bytes=SHARD), ShardWriter(folder, "w1")
    kept = {}
    for number, unit in enumerate(units(batch, profiles)):
        made, asked_for = of(client(number)), batch.config_of(unit.method, unit.session_seed)
        record = made.model_copy(
            update={
                "session_id": unit.session_id,
                "finished_at": f"2026-01-01T00:00:{number:02}+00:00",
                "configuration": asked_for.model_dump(mode="json"),
                "provenance": made.provenance.model_copy(update={"configuration_hash": configuration_hash(asked_for)}),
            }
        )
        writer = writers[number == sessions - 1]
        if number == 3:
            early = {"status": "failed", "failure": FAILED, "finished_at": "2026-01-01T00:00:00+00:00"}
            writer.keep(record.model_copy(update=early))
        writer.keep(record)
        kept[unit.session_id] = record
    assert list((folder / "shards").glob("*.zst"))
    assert len(list((folder / "shards").glob("*.jsonl"))) == 2
    return kept


def make_single(folder: Path, keep: Callable[[SessionRecord, Path], object] = keep) -> dict[str, SessionRecord]:
    """A folder of three single sessions, of which one failed first; its records."""
    folder.mkdir(parents=True)
    kept = {}
    for number in range(3):
        record = of(client(number), session_id=f"s{number}", finished_at=f"2026-01-01T00:00:{number:02}+00:00")
        if number == 1:
            keep(record.model_copy(update={"status": "failed", "failure": FAILED}), folder)
        keep(record, folder)
        kept[record.session_id] = record
    return kept


def without_checksums(folder: Path) -> None:
    """Make the ledgers of a run as they were before they had checksums."""
    for path in (folder / "ledger").glob("*.jsonl"):
        entries = [json.loads(line) for line in path.read_text().splitlines()]
        lines = [{k: v for k, v in entry.items() if k not in ("size", "crc", "check")} for entry in entries]
        path.write_text("".join(json.dumps(line) + "\n" for line in lines))


def flip(path: Path, draw: random.Random) -> None:
    data = bytearray(path.read_bytes())
    for _ in range(draw.choice((1, 1, 1, 3))):
        place = draw.randrange(len(data))
        data[place] ^= 1 << draw.randrange(8)
    path.write_bytes(data)


def cut(path: Path, draw: random.Random) -> None:
    data = path.read_bytes()
    path.write_bytes(data[: draw.randrange(len(data))])


def cut_out(path: Path, draw: random.Random) -> None:
    data = path.read_bytes()
    start, end = sorted((draw.randrange(len(data)), draw.randrange(len(data))))
    path.write_bytes(data[:start] + data[end:])


def _on_lines(change: Callable[[list[bytes], random.Random], None]) -> Callable[[Path, random.Random], None]:
    def edit(path: Path, draw: random.Random) -> None:
        lines = path.read_bytes().splitlines(keepends=True)
        change(lines, draw)
        path.write_bytes(b"".join(lines))

    return edit


def _delete_line(lines: list[bytes], draw: random.Random) -> None:
    del lines[draw.randrange(len(lines))]


def _repeat_line(lines: list[bytes], draw: random.Random) -> None:
    lines.insert(draw.randrange(len(lines) + 1), draw.choice(lines))


def _swap_lines(lines: list[bytes], draw: random.Random) -> None:
    one, other = draw.randrange(len(lines)), draw.randrange(len(lines))
    lines[one], lines[other] = lines[other], lines[one]


def _tear_line(lines: list[bytes], draw: random.Random) -> None:
    line = draw.choice(lines)
    lines.insert(draw.randrange(len(lines) + 1), line[: draw.randrange(len(line))] + b"\n")


def _change_field(lines: list[bytes], draw: random.Random) -> None:
    number = draw.randrange(len(lines))
    try:
        value = json.loads(lines[number])
    except ValueError:
        value = None
    if not isinstance(value, dict):
        lines[number] = b"{}\n"  # a piece of a packed shard
        return
    holder: Any = value
    for _ in range(draw.randrange(4)):
        inner = [
            item
            for item in (holder.values() if isinstance(holder, dict) else holder)
            if item and isinstance(item, dict | list)
        ]
        if not inner:
            break
        holder = draw.choice(inner)
    key = draw.choice(list(holder) if isinstance(holder, dict) else range(len(holder))) if holder else None
    if key is None:
        return
    if draw.random() < 0.3:
        del holder[key]
    else:
        holder[key] = draw.choice([None, -1, "x", "../../x", [], {}, 10**400, 1e300, True, "9999-99-99T00:00:00"])
    lines[number] = json.dumps(value).encode() + b"\n"


def remove(path: Path, draw: random.Random) -> None:
    path.unlink()


def make_folder(path: Path, draw: random.Random) -> None:
    path.unlink()
    path.mkdir()


def make_pipe(path: Path, draw: random.Random) -> None:
    path.unlink()
    os.mkfifo(path)


def make_device(path: Path, draw: random.Random) -> None:
    path.unlink()
    path.symlink_to("/dev/zero")


def empty(path: Path, draw: random.Random) -> None:
    path.write_bytes(b"")


EDITS: dict[str, Callable[[Path, random.Random], None]] = {
    "bytes flipped": flip,
    "cut short": cut,
    "a piece cut out": cut_out,
    "a line deleted": _on_lines(_delete_line),
    "a line repeated": _on_lines(_repeat_line),
    "lines swapped": _on_lines(_swap_lines),
    "half a line put in": _on_lines(_tear_line),
    "a field changed": _on_lines(_change_field),
    "deleted": remove,
    "a folder": make_folder,
    "a pipe": make_pipe,
    "a device": make_device,
    "emptied": empty,
}


def edited(folder: Path, names: list[str], draw: random.Random) -> tuple[str, str]:
    """Change one file of a folder; returns the kind of edit and the file's name."""
    name, kind = draw.choice(names), draw.choice(list(EDITS))
    EDITS[kind](folder / name, draw)
    return kind, name


def files_of(folder: Path) -> list[str]:
    """The files that can be edited."""
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file() and path.name != "lock")


Reader = Callable[[Path, "list[Damage] | None"], "dict[str, SessionRecord]"]


def _stored(folder: Path, left_out: list[Damage] | None) -> dict[str, SessionRecord]:
    return kept_in(folder, left_out)


def _to_look_at(folder: Path, left_out: list[Damage] | None) -> dict[str, SessionRecord]:
    return {record.session_id: record for record in find_records(folder, left_out=left_out)}


MAKERS = {"run": make_run, "single": make_single, "before": partial(make_single, keep=keep_old)}
"""Folders of a batch, of single sessions, and of single sessions as they were written before."""


def bears(folder: Path, kept: dict[str, SessionRecord], *, exact: bool = True) -> bool:
    """Whether all is read as it was kept; False where a reader refuses it. Raises `Unborne`, and whatever a reader raises.

    `exact` compares whole records; without it only which sessions there are, for folders without checksums.
    """
    outcomes = set()
    for reader in (_stored, _to_look_at):
        try:
            outcomes.add(True)
            _compare(reader(folder, None), kept, exact)
        except USER_ERRORS as error:
            outcomes.discard(True)
            outcomes.add(False)
            if str(folder) not in str(error) or "Traceback" in str(error):
                raise Unborne(f"{reader.__name__}: the error names no file: {error}") from error
        left_out: list[Damage] = []
        try:
            there = reader(folder, left_out)
        except USER_ERRORS:
            continue
        named = {damage.session_id for damage in left_out}
        if None in named:
            named |= set(kept) - set(there)  # the damage has left no id
        others = {name: record for name, record in there.items() if name not in named}
        _compare(others, {name: record for name, record in kept.items() if name not in named}, exact)
    _look_at_all(folder, kept)
    return False not in outcomes


def _compare(there: dict[str, SessionRecord], kept: dict[str, SessionRecord], exact: bool) -> None:
    if set(there) != set(kept):
        raise Unborne(f"read without a word: {sorted(there)}, kept: {sorted(kept)}")
    changed = [name for name, record in there.items() if exact and record != kept[name]]
    if changed:
        raise Unborne(f"changed without a word: {changed}")


def _look_at_all(folder: Path, kept: dict[str, SessionRecord]) -> None:
    """The other readers raise nothing but a user's errors, and count what they leave out."""
    try:
        ids = {item.id for item in read_sessions(folder, failed=True) if isinstance(item, Session)}
        if ids != set(kept) and (folder / "run.json").exists():
            raise Unborne(f"evaluated without a word: {sorted(ids)}")
    except USER_ERRORS:
        pass
    try:
        if {row.session_id for row in overview(folder)} != set(kept):
            raise Unborne("a list that is not whole")
    except USER_ERRORS:
        pass
    try:
        state = StateReader(folder).read()
        if state.finished != len(kept) and not state.damaged:
            raise Unborne(f"{state.finished} finished, and nothing damaged")
    except USER_ERRORS:
        pass


def runs_again(folder: Path, kept: dict[str, SessionRecord]) -> bool:
    """Whether the run is whole again, once what is missing has been run anew; False where it is refused to be opened."""
    try:
        whole = recover(RunFolder(folder), lambda: kept).entries
        writer = ShardWriter(folder, "w0", shard_bytes=SHARD)
        for name, record in kept.items():
            if name not in whole:
                writer.keep(record.model_copy(update={"finished_at": LATER}))
        there = _stored(folder, None)
    except RunError as error:
        if not any(path.is_dir() or not path.is_file() for path in (folder / "ledger").glob("*")):
            raise Unborne(f"not whole after it was run again: {error}") from error
        return False
    if set(there) != set(kept):
        raise Unborne(f"after it was run again: {sorted(there)}")
    return True


def try_edits(place: Path, kind: str, count: int, seed: int, *, exact: bool = True) -> Tally:
    """Edit a folder so many times, each time a fresh copy. Raises `Unborne` that says which edit was not borne."""
    original = place / "original"
    kept = MAKERS[kind](original)
    if not exact:
        without_checksums(original)
    tally, names = Tally(), files_of(original)
    for number in range(count):
        draw = random.Random(f"{seed}/{kind}/{number}")
        folder = place / "edited"
        shutil.copytree(original, folder)
        what, name = edited(folder, names, draw)
        try:
            right = bears(folder, kept, exact=exact)
            if kind == "run":
                runs_again(folder, kept)
        except Exception as error:
            raise Unborne(f"edit {number} of seed {seed}: {name} {what}: {type(error).__name__}: {error}") from error
        (tally.right if right else tally.refused)[what] += 1
        shutil.rmtree(folder)
    return tally
