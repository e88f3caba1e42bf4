"""Keeping records in a run's folder: a record is on the disk, and its ledger knows it, before its journal goes."""

import os
import stat
import threading
from pathlib import Path

import zstandard

from counseling_sessions.sessions.entries import Entry, entry_of
from counseling_sessions.sessions.errors import JournalError, RunError
from counseling_sessions.sessions.folder import RunFolder
from counseling_sessions.sessions.old import OLD
from counseling_sessions.sessions.record import SessionRecord
from counseling_sessions.sessions.shards import PACKED, RAW
from counseling_sessions.store.atomic import write_atomically
from counseling_sessions.store.failing import failing_as
from counseling_sessions.store.lock import Lock
from counseling_sessions.store.log import append

SHARD_BYTES = 64 * 2**20
PATIENCE = 30.0
"""Seconds for which a single session waits for others to be kept."""


def keep(record: SessionRecord, folder: Path) -> Path:
    """Keep the record of a single session, and only then remove its journal; the shard that it is in.

    Several processes may, one after the other. A failed session keeps its journal, from which it can be taken up again; its
    record says how far it came. Raises `JournalError`.
    """
    run = RunFolder(folder)
    try:
        with Lock(run.lock_file, wait=PATIENCE):
            for entry in run.index().tails:  # a crash has left them; behind what comes next they would be damage
                if entry.shard != OLD:
                    run.enter(entry)
            entry = ShardWriter(folder, "w0").keep(record)
        if record.status == "finished":
            run.remove_journal(record.session_id)
    except (OSError, RunError) as error:
        why = f"{folder} cannot be written: {error.strerror}" if isinstance(error, OSError) else str(error)
        raise JournalError(f"{why}; the session's journal is kept") from error
    return run.shards / f"{entry.shard}{RAW}"


class ShardWriter:
    """Appends a worker's records to its shards and their entries to its ledger; threads take turns."""

    def __init__(self, folder: Path, worker: str, shard_bytes: int = SHARD_BYTES) -> None:
        self.run = RunFolder(folder)
        self.worker = worker
        self.shard_bytes = shard_bytes
        self._lock = threading.Lock()
        numbers = [int(name.rpartition("-")[2]) for name in self.run.shard_names() if self._mine(name)]
        self._number = max(numbers, default=1)
        if (self.run.shards / f"{self._name}{PACKED}").exists():
            self._number += 1
        with failing_as(RunError, f"{folder} cannot be written"):
            for path in (self.run.shards, self.run.ledgers, self.run.journals):
                path.mkdir(parents=True, exist_ok=True)

    def keep(self, record: SessionRecord) -> Entry:
        """Keep a record: when this returns, it is on the disk, and the ledger knows it. Raises `RunError`.

        Where a person has typed, its files are for their owner alone from then on.
        """
        with self._lock, failing_as(RunError, f"{self.run.shards} cannot be written"):
            return self._keep(record)

    def _keep(self, record: SessionRecord) -> Entry:
        name, private = self._name, any(said.author == "human" for said in record.dialogue)
        shard, ledger = self.run.shards / f"{name}{RAW}", self.run.ledger_of(name)
        text = record.model_dump_json().encode()
        end = append(shard, text + b"\n", sync=True, private=private)
        entry = entry_of(record, name, end, text)
        self.run.enter(entry, private=private)
        if end >= self.shard_bytes:
            self._number += 1
            pack(shard, ledger)
        return entry

    @property
    def _name(self) -> str:
        return f"{self.worker}-{self._number:05}"

    def _mine(self, name: str) -> bool:
        worker, _, number = name.rpartition("-")
        return worker == self.worker and number.isdecimal()


def pack(path: Path, ledger: Path) -> None:
    """Compress a full shard. The ledger is forced to the disk first: it cannot be completed from a packed shard's end."""
    with ledger.open("r+b") as file:  # Windows syncs no file that is open to read alone
        os.fsync(file.fileno())
    with path.open("rb") as raw:
        packed = zstandard.ZstdCompressor(level=6, write_checksum=True)
        private = not stat.S_IMODE(path.stat().st_mode) & 0o077
        target = path.with_name(path.name + ".zst")
        write_atomically(target, packed.read_to_iter(raw, write_size=2**20), private=private)
    path.unlink()
