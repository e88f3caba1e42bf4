"""Where the sessions of a run are kept: shards of records, and a ledger that says what has become of every unit.

    run.json, profiles.jsonl      what was asked for
    journals/                     sessions in flight, and failed ones, which can be taken up again
    shards/w0-00001.jsonl         records, one a line; a shard that is full is compressed (.jsonl.zst)
    ledger/w0.jsonl               one short line for every record, with its place

Every worker (`w0`, `w1`, …) appends to files of its own. The shards are the truth: a ledger that lost its last lines is
completed from them. Of a session with several records (failed, then taken up again) the last one counts.
"""

import io
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Lock
from typing import IO, Literal

import zstandard
from pydantic import BaseModel, ConfigDict, ValidationError

from generation.files import RunError, write_atomically
from profiles.schema import Attitude
from settings import MethodName, validation_message
from state import EndReason, Failure, SessionRecord, Usage

SHARD_BYTES = 64 * 2**20
RAW, PACKED = ".jsonl", ".jsonl.zst"


class Entry(BaseModel):
    """A line of the ledger: what has become of a unit, and where its record is (`end` is the offset after its line)."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    session_id: str
    profile_id: str
    attitude: Attitude
    method: MethodName
    session_seed: int
    status: Literal["finished", "failed"]
    end_reason: EndReason | None = None
    failure: Failure | None = None
    turns: int
    seconds: float
    finished_at: str
    usage: dict[str, Usage]
    shard: str
    end: int

    @property
    def tokens(self) -> int:
        return sum(item.prompt_tokens + item.completion_tokens for item in self.usage.values())

    @property
    def calls(self) -> int:
        return sum(item.calls for item in self.usage.values())


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


class Store:
    """The sessions of a run directory, for reading."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.shards = folder / "shards"
        self.ledgers = folder / "ledger"
        self.journals = folder / "journals"

    def entries(self) -> dict[str, Entry]:
        """What has become of every unit that has come to an end, by session id."""
        latest: dict[str, Entry] = {}
        for path in sorted(self.ledgers.glob(f"*{RAW}")):
            for entry in _entries(path):
                before = latest.get(entry.session_id)
                # A session that was finished once stays finished; else what came later counts.
                if before is None or (before.status, before.finished_at) <= (entry.status, entry.finished_at):
                    latest[entry.session_id] = entry
        return latest

    def records(self, *, failed: bool = False) -> Iterator[SessionRecord]:
        """The record of every finished session, once, shard by shard; with `failed`, of the failed ones too."""
        wanted = {(entry.shard, entry.end) for entry in self.entries().values() if failed or entry.status == "finished"}
        for name in self.shard_names():
            for line, end in self._lines(name):
                if (name, end) in wanted:
                    yield _record(line, name)

    def shard_names(self) -> list[str]:
        """The shards, without their suffixes."""
        found = (path.name.removesuffix(".zst") for path in self.shards.glob(f"[!.]*{RAW}*"))
        return sorted({name.removesuffix(RAW) for name in found})

    def recover(self) -> int:
        """Put right what a crash has left: leftovers of a compression, and records that the ledger does not know yet.

        Returns how many of those there were. Only for the process that holds the run's lock. Raises `RunError`.
        """
        try:
            for path in self.shards.glob(".*.tmp"):
                path.unlink()
            for path in self.shards.glob(f"[!.]*{PACKED}"):
                # The packed file got its name when it was whole: what it was made of can go.
                (self.shards / path.name.removesuffix(".zst")).unlink(missing_ok=True)
        except OSError as error:
            raise RunError(f"{self.shards} cannot be written: {error.strerror}") from error
        known: dict[str, int] = {}
        for path in self.ledgers.glob(f"*{RAW}"):
            for entry in _entries(path):
                known[entry.shard] = max(known.get(entry.shard, 0), entry.end)
        found = 0
        for name in self.shard_names():
            worker = name.rpartition("-")[0]
            if name in known and self._size(name) in (None, known[name]):
                continue
            for line, end in self._lines(name, known.get(name, 0)):
                try:
                    record = _record(line, name)
                except RunError:
                    continue
                append(self.ledgers / f"{worker}{RAW}", line_of(entry_of(record, name, end)))
                found += 1
        return found

    def _size(self, name: str) -> int | None:
        """Bytes of a shard that is still written to; of a packed one only its last line's ledger entry would tell."""
        try:
            return (self.shards / f"{name}{RAW}").stat().st_size
        except FileNotFoundError:
            return None

    def _lines(self, name: str, start: int = 0) -> Iterator[tuple[bytes, int]]:
        """The whole lines of a shard from an offset on, each with the offset after it."""
        end = start
        with self._open(name) as file:
            if start:
                file.seek(start)
            for line in file:
                end += len(line)
                if line.endswith(b"\n") and line.strip():
                    yield line, end

    @contextmanager
    def _open(self, name: str) -> Iterator[IO[bytes]]:
        raw, packed = self.shards / f"{name}{RAW}", self.shards / f"{name}{PACKED}"
        try:
            if packed.exists():
                with (
                    packed.open("rb") as file,
                    zstandard.ZstdDecompressor().stream_reader(file, read_across_frames=True) as plain,
                ):
                    yield io.BufferedReader(plain, 2**20)
            else:
                with raw.open("rb") as file:
                    yield file
        except OSError as error:
            raise RunError(f"{raw} cannot be read: {error.strerror}") from error
        except zstandard.ZstdError as error:
            raise RunError(f"{packed} is damaged: {error}") from error


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
    except FileNotFoundError:
        path.parent.mkdir(parents=True, exist_ok=True)
        return append(path, data, sync=sync)
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


def _entries(path: Path) -> Iterator[Entry]:
    try:
        with path.open("rb") as lines:
            for line in lines:
                try:
                    yield Entry.model_validate_json(line)
                except ValidationError:
                    continue  # cut by a crash; the shard still has the record
    except OSError as error:
        raise RunError(f"{path} cannot be read: {error.strerror}") from error


def _record(line: bytes, shard: str) -> SessionRecord:
    try:
        return SessionRecord.model_validate(json.loads(line))
    except ValidationError as error:
        raise RunError(f"shard {shard}: not a session record: {validation_message(error)}") from None
    except ValueError:
        raise RunError(f"shard {shard}: a line that is not JSON") from None
