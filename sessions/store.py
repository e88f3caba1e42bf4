"""The sessions of a run directory, for reading. Who writes it is `generation.store`.

    run.json, profiles.jsonl      what was asked for
    journals/                     sessions in flight, and failed ones, which can be taken up again
    shards/w0-00001.jsonl         records, one a line; a shard that is full is compressed (.jsonl.zst)
    ledger/w0.jsonl               one short line for every record, with its place

Every worker (`w0`, `w1`, …) has files of its own. Of a session with several records (failed, then taken up again) the finished one
counts, else the last.
"""

import io
import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Annotated, Literal

import zstandard
from pydantic import BaseModel, ConfigDict, StringConstraints, ValidationError

from profiles.schema import Attitude
from settings import MethodName, validation_message
from state import EndReason, Failure, SessionId, SessionRecord, Usage

RUN_FILE = "run.json"
RAW, PACKED = ".jsonl", ".jsonl.zst"
ShardName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_][A-Za-z0-9._-]{0,199}$")]
"""A shard's name without its suffix; nothing that leads out of the folder of shards."""


class RunError(RuntimeError):
    """A run directory that cannot be used, or not as asked; the message names the file and says what to do."""


class Entry(BaseModel):
    """A line of the ledger: what has become of a unit, and where its record is (`end` is the offset after its line)."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    session_id: SessionId
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
    shard: ShardName
    end: int

    @property
    def tokens(self) -> int:
        return sum(item.prompt_tokens + item.completion_tokens for item in self.usage.values())

    @property
    def calls(self) -> int:
        return sum(item.calls for item in self.usage.values())


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
            for entry in entries_of(path):
                before = latest.get(entry.session_id)
                # A session that was finished once stays finished; else what came later counts.
                if before is None or (before.status, before.finished_at) <= (entry.status, entry.finished_at):
                    latest[entry.session_id] = entry
        return latest

    def records(self, *, failed: bool = False) -> Iterator[SessionRecord]:
        """The record of every finished session, once, shard by shard; with `failed`, of the failed ones too."""
        yield from (record_of(line, name) for line, name in self.record_lines(failed=failed))

    def record_lines(self, *, failed: bool = False) -> Iterator[tuple[bytes, str]]:
        """The same records as they are written, each with its shard: for `record_of`, which says what is wrong with one."""
        wanted = {(entry.shard, entry.end) for entry in self.entries().values() if failed or entry.status == "finished"}
        for name in self.shard_names():
            for line, end in self.lines(name):
                if (name, end) in wanted:
                    yield line, name

    def shard_names(self) -> list[str]:
        """The shards, without their suffixes."""
        found = (path.name.removesuffix(".zst") for path in self.shards.glob(f"[!.]*{RAW}*"))
        return sorted({name.removesuffix(RAW) for name in found})

    def lines(self, name: str, start: int = 0) -> Iterator[tuple[bytes, int]]:
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


def entries_of(path: Path) -> Iterator[Entry]:
    """The whole lines of a ledger. Raises `RunError`."""
    try:
        with path.open("rb") as lines:
            for line in lines:
                try:
                    yield Entry.model_validate_json(line)
                except ValidationError:
                    continue  # cut by a crash; the shard still has the record
    except OSError as error:
        raise RunError(f"{path} cannot be read: {error.strerror}") from error


def record_of(line: bytes, shard: str) -> SessionRecord:
    """The record on a line of a shard. Raises `RunError`."""
    try:
        return SessionRecord.model_validate(json.loads(line))
    except ValidationError as error:
        raise RunError(f"shard {shard}: not a session record: {validation_message(error)}") from None
    except ValueError:
        raise RunError(f"shard {shard}: a line that is not JSON") from None
