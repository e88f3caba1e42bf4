"""A run directory's files as they lie: ledgers and shards, read line by line. What is to be made of them, `sessions.store` says."""

import io
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Annotated, Any

import zstandard
from pydantic import ConfigDict, Field, StringConstraints, ValidationError

from counseling_sessions.graph.ledger import Listed, measured, read_listed
from counseling_sessions.profiles.schema import Attitude
from counseling_sessions.settings import MethodName, validation_message
from counseling_sessions.state import Count, EndReason, Failure, SessionRecord, Usage
from counseling_sessions.store.reading import open_plain, parse_json, read_lines

RUN_FILE = "run.json"
RAW, PACKED = ".jsonl", ".jsonl.zst"
ShardName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_][A-Za-z0-9._-]{0,199}$")]
"""A shard's name without its suffix; nothing that leads out of the folder of shards."""


CONFIGURED: dict[str, type] = {"method": str, "seed": int, "max_turns": int, "language": str}
"""What is read of a record's configuration without more ado, and of what kind it is."""
_KINDS = {str: "text", int: "a whole number of at most 63 bits"}
MOST_SHARD = 4 * 2**30
"""Bytes of the largest shard that is unpacked: one is closed at 64 MiB."""
MOST_LINES = 2**19
"""Lines of the longest shard: a record has more than a thousand bytes, and millions of empty lines pack into a few kilobytes."""


class RunError(RuntimeError):
    """A run directory that cannot be used, or not as asked; the message names the file and says what to do."""


class Entry(Listed):
    """A line of the ledger: what has become of a unit, and where its record is (`end` is the offset after its line)."""

    model_config = ConfigDict(frozen=True, extra="ignore", allow_inf_nan=False)

    profile_id: str
    attitude: Attitude
    method: MethodName
    session_seed: int = Field(ge=-(2**63), lt=2**63)
    end_reason: EndReason | None = None
    failure: Failure | None = None
    turns: Count
    seconds: float
    usage: dict[str, Usage]
    shard: ShardName

    @property
    def tokens(self) -> int:
        return sum(item.prompt_tokens + item.completion_tokens for item in self.usage.values())

    @property
    def calls(self) -> int:
        return sum(item.calls for item in self.usage.values())

    @property
    def rank(self) -> tuple[str, str]:
        """By what the one that counts is chosen: a session that was finished once stays finished, else what came later counts."""
        return self.status, self.finished_at


def entry_of(record: SessionRecord, shard: str, end: int, text: bytes) -> Entry:
    """The ledger's line for a record that lies there as this text, the end of its line aside. Raises `ValidationError`."""
    return Entry(
        session_id=record.session_id,
        profile_id=record.profile_id,
        attitude=record.attitude,
        method=record.configuration.get("method"),
        session_seed=record.configuration.get("seed"),
        status=record.status,
        end_reason=record.end_reason,
        failure=record.failure and record.failure.model_copy(update={"call": None}),
        turns=len(record.turns),
        seconds=record.seconds,
        finished_at=record.finished_at,
        usage=record.usage,
        shard=shard,
        end=end,
        **measured(text),
    )


@dataclass
class Index:
    """What the ledgers say of a run, and of records that a crash has kept out of them.

    `shards` has the entries of each, in the ledgers' order; `best` the one of each session that counts, `others` the finished
    ones that it stands before. `tails` are those that no ledger knows, at the ends of shards; `raw` the shards that could grow.
    """

    shards: dict[str, list[Entry]] = field(default_factory=dict)
    best: dict[str, Entry] = field(default_factory=dict)
    others: dict[str, list[Entry]] = field(default_factory=dict)
    tails: list[Entry] = field(default_factory=list)
    raw: set[str] = field(default_factory=set)

    def add(self, entry: Entry) -> None:
        """Take in a ledger's next line."""
        before = self.best.get(entry.session_id)
        if before == entry:
            return  # the same line twice
        self.shards.setdefault(entry.shard, []).append(entry)
        if before is None or before.rank <= entry.rank:
            self.best[entry.session_id] = entry
            behind = before
        else:
            behind = entry
        if behind is not None and behind.status == "finished":
            self.others.setdefault(entry.session_id, []).append(behind)

    def add_tail(self, entry: Entry) -> None:
        """Take in a record that no ledger knows; where its session is on record as finished, that one stays before it."""
        self.tails.append(entry)
        before = self.best.get(entry.session_id)
        if before is not None and before.status == "finished":
            self.shards.setdefault(entry.shard, []).append(entry)
            if entry.status == "finished":
                self.others.setdefault(entry.session_id, []).append(entry)
        else:
            self.add(entry)


class Shards:
    """The ledgers and shards of a run directory."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.shards = folder / "shards"
        self.ledgers = folder / "ledger"
        self.journals = folder / "journals"

    def index(self) -> Index:
        """What the ledgers say, completed from the ends of the shards. Raises `RunError`."""
        index = Index()
        for path in sorted(self.ledgers.glob(f"*{RAW}")):
            try:
                for entry in read_listed(path, Entry):
                    index.add(entry)
            except OSError as error:
                raise RunError(f"{path} cannot be read: {error.strerror or error}") from error
        for name in self.shard_names():
            if (self.shards / f"{name}{RAW}").exists():
                index.raw.add(name)
            for entry in self._tail(name, index.shards.get(name, [])):
                index.add_tail(entry)
            index.shards.setdefault(name, [])
        return index

    def shard_names(self) -> list[str]:
        """The shards, without their suffixes."""
        there = (path.name.removesuffix(".zst") for path in self.shards.glob(f"[!.]*{RAW}*"))
        return sorted({name.removesuffix(RAW) for name in there})

    def lines(self, name: str, start: int = 0) -> Iterator[tuple[bytes, int]]:
        """The lines of a shard from an offset on, each with the offset after it; only the last can be without its end."""
        end = start
        with self._open(name) as file:
            if start:
                file.seek(start)
            for number, line in enumerate(read_lines(file), 1):
                end += len(line)
                if number > MOST_LINES:
                    raise RunError(f"shard {name} is damaged: it has more than {MOST_LINES:,} lines")
                if end - start > MOST_SHARD:
                    raise RunError(f"shard {name} is damaged: it unpacks to more than {MOST_SHARD:,} bytes")
                yield line, end

    def line_at(self, entry: Entry) -> bytes | None:
        """The line that lies where an entry says; None where none ends there. Raises `RunError`."""
        packed = not (self.shards / f"{entry.shard}{RAW}").exists()
        start = 0 if packed or entry.start is None else max(0, entry.start)
        return next((line for line, end in self.lines(entry.shard, start) if end == entry.end), None)

    def _tail(self, name: str, known: list[Entry]) -> Iterator[Entry]:
        """The records after the last one that the ledger knows: a crash came between the two."""
        place = max((entry.end for entry in known), default=0)
        try:
            size = (self.shards / f"{name}{RAW}").stat().st_size
        except OSError:
            size = 0 if known else 1  # of a packed one the ledger's last line was forced to the disk before
        if size <= place:
            return
        crcs = {entry.crc for entry in known}
        identities = {entry.identity for entry in known}
        try:
            for line, end in self.lines(name, place):
                entry = listed(line[:-1], name, end) if line.endswith(b"\n") else None
                if entry and entry.crc not in crcs and entry.identity not in identities:
                    yield entry
        except RunError:
            return  # whoever reads the shard is told

    @contextmanager
    def _open(self, name: str) -> Iterator[IO[bytes]]:
        """A shard for reading. A raw one goes when its packed one is whole, so that it is looked for first and last."""
        raw, packed = self.shards / f"{name}{RAW}", self.shards / f"{name}{PACKED}"
        path = raw if raw.exists() or not packed.exists() else packed
        try:
            try:
                file = open_plain(path)
            except FileNotFoundError:
                path = packed
                file = open_plain(path)
            with file:
                if path is raw:
                    yield file
                    return
                with zstandard.ZstdDecompressor().stream_reader(file, read_across_frames=True) as plain:
                    yield io.BufferedReader(plain, 2**20)
        except FileNotFoundError as error:
            raise RunError("the shard is missing") from error
        except OSError as error:
            raise RunError(f"{path} cannot be read: {error.strerror or error}") from error
        except (zstandard.ZstdError, MemoryError) as error:
            raise RunError(f"{path} is damaged: {error}") from error


def listed(text: bytes, shard: str, end: int) -> Entry | None:
    """The ledger's line for what lies there; None where it is no record."""
    try:
        return entry_of(record_of(text), shard, end, text)
    except ValueError:
        return None


def record_of(line: bytes) -> SessionRecord:
    """The record on a line. Raises `ValueError` that says what is wrong with it."""
    return record_of_value(parse_json(line))


def record_of_value(value: Any) -> SessionRecord:
    """The record that a JSON value is. Raises `ValueError` that says what is wrong with it."""
    try:
        record = SessionRecord.model_validate(value)
    except ValidationError as error:
        raise ValueError(f"not a session record: {validation_message(error)}") from None
    for name, kind in CONFIGURED.items():
        value = record.configuration.get(name, kind())
        if type(value) is not kind or (isinstance(value, int) and abs(value) >= 2**63):
            raise ValueError(f"not a session record: configuration.{name}: should be {_KINDS[kind]}")
    if not record.configuration.get("method") or "seed" not in record.configuration:
        raise ValueError("not a session record: its configuration should say method and seed")
    return record
