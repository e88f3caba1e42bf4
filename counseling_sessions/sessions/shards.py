"""The ledgers and shards of a run's folder, read line by line. `checking` judges them."""

import io
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

import zstandard

from counseling_sessions.sessions.entries import Entry, listed
from counseling_sessions.sessions.errors import RunError
from counseling_sessions.sessions.ledger import read_listed, sealed
from counseling_sessions.sessions.old import OldRecords, read_old
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
    """What the ledgers say of a run, and the records that a crash has kept out of them.

    `shards` has the entries of each, in the ledgers' order; `best` the one of each session that counts, `others` the finished
    ones behind it. `tails` are records at the ends of shards without a line in a ledger; `raw` the shards that can grow; `old`
    the sessions that have a record in the old form alone.
    """

    shards: dict[str, list[Entry]] = field(default_factory=dict)
    best: dict[str, Entry] = field(default_factory=dict)
    others: dict[str, list[Entry]] = field(default_factory=dict)
    tails: list[Entry] = field(default_factory=list)
    raw: set[str] = field(default_factory=set)
    old: OldRecords = field(default_factory=OldRecords)

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
        """Take in a record without a line in the ledger; it never replaces a finished one."""
        self.tails.append(entry)
        before = self.best.get(entry.session_id)
        if before is not None and before.status == "finished":
            self.shards.setdefault(entry.shard, []).append(entry)
            if entry.status == "finished":
                self.others.setdefault(entry.session_id, []).append(entry)
        else:
            self.add(entry)


class Shards:
    """The ledgers and shards of a run's folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.shards = folder / "shards"
        self.ledgers = folder / "ledger"

    @property
    def planned(self) -> bool:
        """Whether the folder is a batch's; else its sessions are single ones."""
        return (self.folder / RUN_FILE).exists()

    def ledger_of(self, shard: str) -> Path:
        """The ledger of the worker that wrote a shard."""
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
        for name in self.shard_names():
            if (self.shards / f"{name}{RAW}").exists():
                index.raw.add(name)
            for entry in self._tail(name, index.shards.get(name, [])):
                index.add_tail(entry)
            index.shards.setdefault(name, [])
        if not self.planned:
            index.old = read_old(self.folder, index.best)
        return index

    def shard_names(self) -> list[str]:
        """The shards, without their suffixes."""
        files = (path.name.removesuffix(".zst") for path in self.shards.glob(f"[!.]*{RAW}*"))
        return sorted({name.removesuffix(RAW) for name in files})

    def last_numbers(self, more: Iterable[str] = ()) -> dict[str, int]:
        """The number of each worker's last shard, among those that are there and `more`."""
        pairs = (name.rpartition("-") for name in {*more, *self.shard_names()})
        numbers = sorted((int(digits), worker) for worker, _, digits in pairs if digits.isdecimal())
        return {worker: number for number, worker in numbers}

    def lines(self, name: str, start: int = 0) -> Iterator[tuple[bytes, int]]:
        """The lines of a shard from an offset on, each with the offset after it; only the last can lack its end."""
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
        """The line at an entry's place; None if none ends there. Raises `RunError`."""
        packed = not (self.shards / f"{entry.shard}{RAW}").exists()
        start = 0 if packed or entry.start is None else max(0, entry.start)
        return next((line for line, end in self.lines(entry.shard, start) if end == entry.end), None)

    def _tail(self, name: str, entries: list[Entry]) -> Iterator[Entry]:
        """The records after the ledger's last one: a crash came before their lines."""
        place = max((entry.end for entry in entries), default=0)
        try:
            size = (self.shards / f"{name}{RAW}").stat().st_size
        except OSError:
            size = 0 if entries else 1  # the ledger of a packed shard was forced to the disk
        if size <= place:
            return
        crcs = {entry.crc for entry in entries}
        identities = {entry.identity for entry in entries}
        try:
            for line, end in self.lines(name, place):
                entry = listed(line[:-1], name, end) if line.endswith(b"\n") else None
                if entry and entry.crc not in crcs and entry.identity not in identities:
                    yield entry
        except RunError:
            return  # a reader of the shard meets the error again

    @contextmanager
    def _open(self, name: str) -> Iterator[IO[bytes]]:
        """A shard for reading. The raw file goes once the packed one is complete."""
        path = self.shards / f"{name}{RAW}"
        try:
            try:
                file = open_plain(path)
            except FileNotFoundError:
                path = self.shards / f"{name}{PACKED}"
                file = open_plain(path)
            with file, unpacking(file) if path.suffix == ".zst" else nullcontext(file) as content:
                yield content
        except FileNotFoundError as error:
            raise RunError("the shard is missing") from error
        except OSError as error:
            raise RunError(f"{path} cannot be read: {error.strerror or error}") from error
        except (zstandard.ZstdError, MemoryError) as error:
            raise RunError(f"{path} is damaged: {error}") from error


@contextmanager
def unpacking(file: IO[bytes]) -> Iterator[IO[bytes]]:
    """The unpacked content of an open packed shard; reading it raises `ZstdError` for anything else."""
    with zstandard.ZstdDecompressor().stream_reader(file, read_across_frames=True) as unpacked:
        yield io.BufferedReader(unpacked, 2**20)
