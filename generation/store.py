"""Writing a run directory (`sessions.store` says what stands in it): shards of records, and a ledger of every unit's end.

The shards are the truth: a ledger that lost its last lines is completed from them.
"""

import os
from collections.abc import Mapping
from pathlib import Path
from threading import Lock

import zstandard

from generation.files import write_atomically
from graph.journal import SUFFIX
from sessions.store import PACKED, RAW, Entry, RunError, Store, entries_of, record_of
from state import SessionRecord

SHARD_BYTES = 64 * 2**20


def entry_of(record: SessionRecord, shard: str, end: int) -> Entry:
    """The ledger's line for a record that lies there."""
    return Entry(
        session_id=record.session_id,
        profile_id=record.profile_id,
        attitude=record.attitude,
        method=record.configuration["method"],
        session_seed=record.configuration["seed"],
        status=record.status,
        end_reason=record.end_reason,
        failure=record.failure and record.failure.model_copy(update={"call": None}),
        turns=len(record.turns),
        seconds=record.seconds,
        finished_at=record.finished_at,
        usage=record.usage,
        shard=shard,
        end=end,
    )


def recover(store: Store) -> int:
    """Put right what a crash has left: leftovers of a compression, and records that the ledger does not know yet.

    Returns how many of those there were. Only for the process that holds the run's lock. Raises `RunError`.
    """
    try:
        if store.shards.is_dir():
            store.ledgers.mkdir(exist_ok=True)  # one that was lost is made again
        for path in store.shards.glob(".*.tmp"):
            path.unlink()
        for path in store.shards.glob(f"[!.]*{PACKED}"):
            # The packed file got its name when it was whole: what it was made of can go.
            (store.shards / path.name.removesuffix(".zst")).unlink(missing_ok=True)
    except OSError as error:
        raise RunError(f"{store.shards} cannot be written: {error.strerror}") from error
    known: dict[str, int] = {}
    for path in store.ledgers.glob(f"*{RAW}"):
        for entry in entries_of(path):
            known[entry.shard] = max(known.get(entry.shard, 0), entry.end)
    found = 0
    for name in store.shard_names():
        worker = name.rpartition("-")[0]
        if name in known and _size(store, name) in (None, known[name]):
            continue
        for line, end in store.lines(name, known.get(name, 0)):
            try:
                record = record_of(line, name)
            except RunError:
                continue
            append(store.ledgers / f"{worker}{RAW}", line_of(entry_of(record, name, end)))
            found += 1
    return found


def remove_finished_journals(store: Store, entries: Mapping[str, Entry]) -> None:
    """Remove the journals of sessions that are finished and on record: a crash came before they could go. Raises `RunError`."""
    try:
        for path in store.journals.glob(f"*{SUFFIX}"):
            entry = entries.get(path.name.removesuffix(SUFFIX))
            if entry and entry.status == "finished":
                path.unlink(missing_ok=True)
    except OSError as error:
        raise RunError(f"{store.journals} cannot be written: {error.strerror}") from error


class ShardWriter:
    """Appends a worker's records to its shards and their entries to its ledger; threads take turns."""

    def __init__(self, folder: Path, worker: str, shard_bytes: int = SHARD_BYTES) -> None:
        self.store = Store(folder)
        self.worker = worker
        self.shard_bytes = shard_bytes
        self._lock = Lock()
        self._ledger = self.store.ledgers / f"{worker}{RAW}"
        numbers = [int(name.rpartition("-")[2]) for name in self.store.shard_names() if self._mine(name)]
        self._number = max(numbers, default=1)
        if (self.store.shards / f"{self._name}{PACKED}").exists():
            self._number += 1
        try:
            for path in (self.store.shards, self.store.ledgers, self.store.journals):
                path.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise RunError(f"{folder} cannot be written: {error.strerror}") from error

    def keep(self, record: SessionRecord) -> Entry:
        """Keep a record: when this returns, it is on the disk, and the ledger knows it. Raises `RunError`."""
        with self._lock:
            return self._keep(record)

    def _keep(self, record: SessionRecord) -> Entry:
        name = self._name
        end = append(self.store.shards / f"{name}{RAW}", record.model_dump_json().encode() + b"\n", sync=True)
        entry = entry_of(record, name, end)
        append(self._ledger, line_of(entry))
        if end >= self.shard_bytes:
            self._number += 1
            pack(self.store.shards / f"{name}{RAW}", self._ledger)
        return entry

    @property
    def _name(self) -> str:
        return f"{self.worker}-{self._number:05}"

    def _mine(self, name: str) -> bool:
        worker, _, number = name.rpartition("-")
        return worker == self.worker and number.isdecimal()


def append(path: Path, data: bytes, *, sync: bool = False) -> int:
    """Append a line to a file, and return the file's size then; a line that a crash has cut is ended before it.

    Raises `RunError` when it cannot be written; what was written of it is taken back.
    """
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o644)
        try:
            size = os.fstat(descriptor).st_size
            if size and os.pread(descriptor, 1, size - 1) != b"\n":
                data = b"\n" + data
            try:
                left = data
                while left:
                    left = left[os.write(descriptor, left) :]
                if sync:
                    os.fsync(descriptor)
            except OSError:
                os.ftruncate(descriptor, size)
                raise
            return size + len(data)
        finally:
            os.close(descriptor)
    except FileNotFoundError as error:  # a run that was moved away does not come into being again
        raise RunError(f"{path} cannot be written: its folder is not there any more") from error
    except OSError as error:
        raise RunError(f"{path} cannot be written: {error.strerror}") from error


def pack(path: Path, ledger: Path) -> None:
    """Compress a full shard. The ledger is forced to the disk first: it cannot be completed from a packed shard's end."""
    with ledger.open("rb") as file:
        os.fsync(file.fileno())
    with path.open("rb") as raw:
        packed = zstandard.ZstdCompressor(level=6, write_checksum=True)
        write_atomically(path.with_name(path.name + ".zst"), packed.read_to_iter(raw, write_size=2**20))
    path.unlink()


def line_of(entry: Entry) -> bytes:
    """An entry as a line of the ledger."""
    return entry.model_dump_json(exclude_none=True, exclude_defaults=True).encode() + b"\n"


def _size(store: Store, name: str) -> int | None:
    """Bytes of a shard that is still written to; of a packed one only its last line's ledger entry would tell."""
    try:
        return (store.shards / f"{name}{RAW}").stat().st_size
    except FileNotFoundError:
        return None
