"""The ledgers and shards of a run's folder as they lie, read line by line. What is to be made of them, `checking` says."""

import io
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

import zstandard

from counseling_sessions.sessions.entries import Entry, listed
from counseling_sessions.sessions.errors import RunError
from counseling_sessions.sessions.ledger import read_listed, sealed
from counseling_sessions.sessions.old import OLD, OLD_LEDGER, OLD_SHARD, old_entries
from counseling_sessions.store.failing import failing_as
from counseling_sessions.store.log import append
from counseling_sessions.store.reading import open_plain, read_lines

RUN_FILE = "run.json"
RAW, PACKED = ".jsonl", ".jsonl.zst"
MOST_SHARD = 4 * 2**30
"""Bytes of the largest shard that is unpacked: one is closed at 64 MiB."""
MOST_LINES = 2**19
"""Lines of the longest shard: a record has more than a thousand bytes, and millions of empty lines pack into a few kilobytes."""


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
    """The ledgers and shards of a run's folder; whether it is of a batch, which has a plan."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.shards = folder / "shards"
        self.ledgers = folder / "ledger"

    @property
    def planned(self) -> bool:
        """Whether there is a batch's plan; else the sessions are single ones."""
        return (self.folder / RUN_FILE).exists()

    def ledger_of(self, shard: str) -> Path:
        """The ledger of the worker that has written a shard."""
        return self.ledgers / f"{shard.rpartition('-')[0] or shard}{RAW}"

    def enter(self, entry: Entry, *, private: bool = False) -> None:
        """Append an entry to its ledger. Raises `OSError`."""
        append(self.ledger_of(entry.shard), sealed(entry), private=private)

    def index(self) -> Index:
        """What the ledgers say, completed from the ends of the shards. Raises `RunError`."""
        index = Index()
        for path in sorted(self.ledgers.glob(f"*{RAW}")):
            with failing_as(RunError, f"{path} cannot be read"):
                for entry in read_listed(path, Entry):
                    index.add(entry)
        if self.has_old:
            with failing_as(RunError, f"{self.folder / OLD_SHARD} cannot be read"):
                for entry in old_entries(self.folder / OLD_LEDGER, self.old_lines()):
                    index.add(entry)
        for name in self.shard_names():
            if name != OLD and self.raw(name).exists():
                index.raw.add(name)
            for entry in self._tail(name, index.shards.get(name, [])):
                index.add_tail(entry)
            index.shards.setdefault(name, [])
        return index

    @property
    def has_old(self) -> bool:
        """Whether sessions were kept here as they were before; a batch never has its own there."""
        return not self.planned and any((self.folder / name).exists() for name in (OLD_SHARD, OLD_LEDGER))

    def old_lines(self) -> list[tuple[bytes, int]]:
        """The lines of the old file of records, as `lines` gives them; none where it is gone. Raises `RunError`."""
        return list(self.lines(OLD)) if self.raw(OLD).exists() else []

    def raw(self, name: str) -> Path:
        """Where a shard is before it is packed."""
        return (self.folder if name == OLD else self.shards) / f"{name}{RAW}"

    def shard_names(self) -> list[str]:
        """The shards, without their suffixes."""
        files = (path.name.removesuffix(".zst") for path in self.shards.glob(f"[!.]*{RAW}*"))
        return sorted({*(name.removesuffix(RAW) for name in files), *([OLD] if self.has_old else [])})

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
        packed = not self.raw(entry.shard).exists()
        start = 0 if packed or entry.start is None else max(0, entry.start)
        return next((line for line, end in self.lines(entry.shard, start) if end == entry.end), None)

    def _tail(self, name: str, entries: list[Entry]) -> Iterator[Entry]:
        """The records after the last one that the ledger knows: a crash came between the two."""
        place = max((entry.end for entry in entries), default=0)
        try:
            size = self.raw(name).stat().st_size
        except OSError:
            size = 0 if entries else 1  # the ledger of a packed shard was forced to the disk
        if size <= place:
            return
        crcs = {entry.crc for entry in entries}
        identities = {entry.identity for entry in entries}
        try:
            for line, end in self.lines(name, place):
                complete = line.endswith(b"\n") or name == OLD  # nobody appends to the old file
                entry = listed(line.removesuffix(b"\n"), name, end) if complete else None
                if entry and entry.crc not in crcs and entry.identity not in identities:
                    yield entry
        except RunError:
            return  # reading the shard raises it again

    @contextmanager
    def _open(self, name: str) -> Iterator[IO[bytes]]:
        """A shard for reading. A raw one goes when its packed one is whole, so that it is looked for first and last."""
        raw, packed = self.raw(name), self.shards / f"{name}{PACKED}"
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
