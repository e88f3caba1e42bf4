"""Writing a run directory (`sessions.store` says what stands in it): shards of records, and a ledger of every unit's end.

The shards are the truth: a ledger that lost lines is completed from them. What is damaged stays as it is: its sessions get new
records, in shards that are whole, and those count.
"""

import os
import shutil
import threading
from collections.abc import Callable, Container, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import zstandard

from counseling_sessions.graph.journal import SUFFIX
from counseling_sessions.graph.ledger import Damage, read_listed, sealed
from counseling_sessions.sessions.store import PACKED, RAW, Checked, Entry, RunError, Store, entry_of, listed
from counseling_sessions.state import SessionRecord
from counseling_sessions.store.atomic import write_atomically
from counseling_sessions.store.failing import failing_as
from counseling_sessions.store.lock import Lock
from counseling_sessions.store.log import append
from counseling_sessions.store.reading import open_plain

SHARD_BYTES = 64 * 2**20


@dataclass
class Recovered:
    """A run as it is after a recovery: what has become of its units, whose records are damaged, and how many records got a
    line in the ledger. `strays` are those of them that no crash can have left where they were, by session id; `forgotten` are
    sessions that only a damaged line of the ledger spoke of.
    """

    entries: dict[str, Entry]
    damaged: list[Damage] = field(default_factory=list)
    listed: int = 0
    strays: list[str] = field(default_factory=list)
    forgotten: list[str] = field(default_factory=list)


def recover(store: Store, batch: Callable[[], Container[str]] | None = None) -> Recovered:
    """Put right what a crash has left: leftovers of a compression, and records that the ledger does not know yet.

    Every record is compared with the ledger; a damaged one is left as it is, and nothing is written behind it. `batch` gives the ids
    of the sessions that the run is of, and is called only where some are damaged: lines of the ledger about others, without a
    record, are taken out, and the ledger that had them is kept aside. Only for the process that holds the run's lock. Raises
    `RunError`.
    """
    with failing_as(RunError, f"{store.folder} cannot be written"):
        return _recover(store, batch)


def _recover(store: Store, batch: Callable[[], Container[str]] | None) -> Recovered:
    _remove_leftovers(store)
    checked = store.check()
    for entry in checked.tails:
        append(_ledger_of(store, entry.shard), sealed(entry))
    strays = list(_list_strays(store, checked))
    _leave_behind(store, checked.bad_shards)
    listed_now = len(checked.tails) + len(strays)
    if strays:
        checked = store.check()
    forgotten = _forget(store, checked, batch) if batch and checked.damaged else []
    if forgotten:  # whose records their lines disputed is seen anew
        again = _recover(store, None)
        return Recovered(again.entries, again.damaged, listed_now + again.listed, [*strays, *again.strays], forgotten)
    return Recovered(checked.entries, checked.damaged, listed_now, strays)


def _forget(store: Store, checked: Checked, batch: Callable[[], Container[str]]) -> list[str]:
    """Take out of the ledgers what they say of sessions that are neither in the batch nor in any shard."""
    ids = batch()
    gone = {item.session_id for item in checked.damaged if item.session_id and item.session_id not in ids}
    for path in sorted(store.ledgers.glob(f"*{RAW}")) if gone else ():
        entries = list(read_listed(path, Entry))
        if any(entry.session_id in gone for entry in entries):
            shutil.copyfile(path, path.with_name(f".{path.name}.damaged"))
            write_atomically(path, (sealed(entry) for entry in entries if entry.session_id not in gone))
    return sorted(gone)


def _list_strays(store: Store, checked: Checked) -> Iterator[str]:
    """Give the records that no ledger knows a line in it; their sessions' ids."""
    ends: dict[str, set[int]] = {}
    for name, other in checked.strays:
        ends.setdefault(name, set()).add(other.end)
    for name, wanted in ends.items():
        for line, end in store.lines(name):
            if end in wanted and (entry := listed(line.removesuffix(b"\n"), name, end)):
                append(_ledger_of(store, name), sealed(entry))
                yield entry.session_id


def _remove_leftovers(store: Store) -> None:
    if store.shards.is_dir():
        store.ledgers.mkdir(exist_ok=True)  # one that was lost is made again
    for path in store.shards.glob(".*.tmp"):
        path.unlink()
    for packed in store.shards.glob(f"[!.]*{PACKED}"):
        name = packed.name.removesuffix(PACKED)
        raw = store.shards / f"{name}{RAW}"
        if not raw.exists():
            continue
        if _unpacks_to(packed, raw):
            raw.unlink()  # the crash came before it could go
        else:
            packed.rename(packed.with_name(f".{packed.name}.damaged"))


def _unpacks_to(packed: Path, raw: Path) -> bool:
    size = 2**20
    with (
        open_plain(packed) as file,
        zstandard.ZstdDecompressor().stream_reader(file, read_across_frames=True) as plain,
        open_plain(raw) as other,
    ):
        try:
            while piece := other.read(size):
                left = piece
                while left:
                    there = plain.read(len(left))
                    if not there or not left.startswith(there):
                        return False
                    left = left[len(there) :]
            return not plain.read(1)
        except zstandard.ZstdError:
            return False


def _ledger_of(store: Store, shard: str) -> Path:
    return store.ledgers / f"{shard.rpartition('-')[0] or shard}{RAW}"


def _leave_behind(store: Store, bad: set[str]) -> None:
    """Begin a new shard wherever a worker's last one is damaged or gone: what comes next is not written into it."""
    last: dict[str, int] = {}
    for name in {*bad, *store.shard_names()}:
        worker, _, digits = name.rpartition("-")
        if digits.isdecimal():
            last[worker] = max(last.get(worker, 0), int(digits))
    for worker, number in last.items():
        if f"{worker}-{number:05}" in bad:
            store.shards.mkdir(parents=True, exist_ok=True)
            (store.shards / f"{worker}-{number + 1:05}{RAW}").touch()


def remove_finished_journals(store: Store, entries: Mapping[str, Entry]) -> None:
    """Remove the journals of sessions that are finished and on record: a crash came before they could go. Raises `RunError`."""
    with failing_as(RunError, f"{store.journals} cannot be written"):
        for path in store.journals.glob(f"*{SUFFIX}"):
            entry = entries.get(path.name.removesuffix(SUFFIX))
            if entry and entry.status == "finished":
                path.unlink(missing_ok=True)


def lock_run(folder: Path) -> Lock:
    """The lock of a run directory, which is made where there is none. Raises `RunError`."""
    with failing_as(RunError, f"{folder} cannot be written"):
        folder.mkdir(parents=True, exist_ok=True)
        return Lock(folder / "lock")


class ShardWriter:
    """Appends a worker's records to its shards and their entries to its ledger; threads take turns."""

    def __init__(self, folder: Path, worker: str, shard_bytes: int = SHARD_BYTES) -> None:
        self.store = Store(folder)
        self.worker = worker
        self.shard_bytes = shard_bytes
        self._lock = threading.Lock()
        self._ledger = self.store.ledgers / f"{worker}{RAW}"
        numbers = [int(name.rpartition("-")[2]) for name in self.store.shard_names() if self._mine(name)]
        self._number = max(numbers, default=1)
        if (self.store.shards / f"{self._name}{PACKED}").exists():
            self._number += 1
        with failing_as(RunError, f"{folder} cannot be written"):
            for path in (self.store.shards, self.store.ledgers, self.store.journals):
                path.mkdir(parents=True, exist_ok=True)

    def keep(self, record: SessionRecord) -> Entry:
        """Keep a record: when this returns, it is on the disk, and the ledger knows it. Raises `RunError`."""
        with self._lock, failing_as(RunError, f"{self.store.shards} cannot be written"):
            return self._keep(record)

    def _keep(self, record: SessionRecord) -> Entry:
        name = self._name
        text = record.model_dump_json().encode()
        end = append(self.store.shards / f"{name}{RAW}", text + b"\n", sync=True)
        entry = entry_of(record, name, end, text)
        append(self._ledger, sealed(entry))
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


def pack(path: Path, ledger: Path) -> None:
    """Compress a full shard. The ledger is forced to the disk first: it cannot be completed from a packed shard's end."""
    with ledger.open("rb") as file:
        os.fsync(file.fileno())
    with path.open("rb") as raw:
        packed = zstandard.ZstdCompressor(level=6, write_checksum=True)
        write_atomically(path.with_name(path.name + ".zst"), packed.read_to_iter(raw, write_size=2**20))
    path.unlink()
