"""The journal of a running session: every node's update, appended as it comes, so that nothing is lost but the turn in flight.

A journal is a JSON Lines file. Its first line says what session it is (`JournalHead`), each further line is an update or a
`resume` mark, which takes back the updates of a turn that was cut off. Reading it back folds the updates through the
state's own reducers. Lines that a crash left half written are not counted.
"""

import fcntl
import json
import os
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal, Self, get_args, get_type_hints

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from profiles.schema import Attitude, ClientProfile
from settings import SessionConfig, validation_message
from state import Fork, Phase, Provenance, SessionState

FORMAT = 1
SUFFIX = ".journal.jsonl"


class JournalError(RuntimeError):
    """A journal that cannot be read, written or locked; the message names the file and says what to do."""


class JournalUpdate(BaseModel):
    """One node's update to the state, as plain JSON, and when it came (Unix time in seconds)."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    type: Literal["update"] = "update"
    node: str
    at: float
    update: dict[str, Any]


class JournalPast(BaseModel):
    """What a forked session begins with: the phases of the turns that it has from the other session, and the updates that
    made them. What a person edited of the turn played anew is at their end."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    forked_from: Fork
    phases: tuple[Phase, ...]
    updates: tuple[JournalUpdate, ...]


class JournalHead(BaseModel):
    """The first line of a journal: which session it is, and with what it began."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    type: Literal["start"] = "start"
    format: int = FORMAT
    session_id: str
    profile: ClientProfile
    attitude: Attitude
    configuration: SessionConfig
    provenance: Provenance
    started_at: str
    past: JournalPast | None = None


class JournalResume(BaseModel):
    """The session was taken up again after a cut: only the first `keep` updates before this line count.

    With `undo` there was no cut: a person has taken back what the updates after them say.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    type: Literal["resume"] = "resume"
    keep: int = Field(ge=0)
    at: float
    undo: bool = False


@dataclass
class JournalContent:
    """What a journal says: its head, the updates that count, how often it was resumed and the seconds it lay idle before,
    and how many lines were unreadable."""

    head: JournalHead
    updates: list[JournalUpdate] = field(default_factory=list)
    resumed: int = 0
    unreadable: int = 0
    paused: float = 0.0

    @classmethod
    def begun(cls, head: JournalHead) -> Self:
        """What a journal says that has only its head: the past of a forked session, nothing of any other."""
        return cls(head, list(head.past.updates) if head.past else [])

    @property
    def finished_updates(self) -> list[JournalUpdate]:
        """The updates up to the end of the last finished turn, at least the past of a forked session; those of a turn that was
        cut off are left out."""
        end = len(self.head.past.updates) if self.head.past else 0
        for number, item in enumerate(self.updates, 1):
            closing = any(said.get("closing") for said in item.update.get("utterances", ()))
            if "failure" not in item.update and (closing or item.node in ("intake", "plan", "client")):
                end = max(end, number)
        return self.updates[:end]


class Journal:
    """A journal open for appending, locked against other processes; a dead process holds no lock."""

    def __init__(self, path: Path, descriptor: int) -> None:
        self.path = path
        self._descriptor = descriptor

    @classmethod
    def create(cls, path: Path, head: JournalHead) -> Self:
        """Begin a journal. Raises `JournalError` if there is one already, or it cannot be written."""
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
        except OSError as error:
            raise JournalError(f"{path} cannot be written: {error.strerror}") from error
        journal = cls(path, descriptor)
        try:
            journal._lock()
            if has_begun(path):
                raise JournalError(f"{path} is there already: an unfinished session; take it up with --resume")
            journal._begin(head)
        except JournalError:
            journal.close()
            raise
        return journal

    @classmethod
    def resume(cls, path: Path) -> tuple[Self, JournalContent]:
        """Take up a journal after its last finished turn. Raises `JournalError`."""
        try:
            descriptor = os.open(path, os.O_RDWR | os.O_APPEND)
        except OSError as error:
            raise JournalError(f"{path} cannot be opened: {error.strerror}") from error
        journal = cls(path, descriptor)
        try:
            journal._lock()
            content = read_journal(path)
            kept = content.finished_updates
            if os.fstat(descriptor).st_size and os.pread(descriptor, 1, os.fstat(descriptor).st_size - 1) != b"\n":
                journal._write(b"\n")  # ends the line that a crash left half written
            mark = JournalResume(keep=len(kept), at=_now())
            journal._append(mark)
            _apply(content, mark)
        except JournalError:
            journal.close()
            raise
        return journal, content

    def add(self, node: str, update: dict[str, Any]) -> JournalUpdate:
        """Append a node's update; at the end of a turn it is forced to the disk."""
        item = JournalUpdate(node=node, at=_now(), update=update)
        self._append(item, sync=node == "client")
        return item

    def take_back(self, content: JournalContent, keep: int) -> None:
        """Take back all but the first `keep` updates, in the file and in what is known of it."""
        mark = JournalResume(keep=keep, at=_now(), undo=True)
        self._append(mark, sync=True)
        _apply(content, mark)

    def close(self) -> None:
        """Close the file and give up the lock."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1

    def remove(self) -> None:
        """The session is on record: its journal goes away."""
        self.path.unlink(missing_ok=True)
        self.close()

    def _begin(self, head: JournalHead) -> None:
        try:
            os.ftruncate(self._descriptor, 0)  # a crash may have left a piece of a first line
            self._append(head)
        except JournalError:
            self.path.unlink(missing_ok=True)  # a journal without its head is no session
            raise

    def _append(self, item: BaseModel, sync: bool = False) -> None:
        self._write(item.model_dump_json().encode() + b"\n", sync)

    def _write(self, data: bytes, sync: bool = False) -> None:
        try:
            while data:
                data = data[os.write(self._descriptor, data) :]
            if sync:
                os.fsync(self._descriptor)
        except OSError as error:
            raise JournalError(f"{self.path} cannot be written: {error.strerror}") from error

    def _lock(self) -> None:
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise JournalError(f"{self.path} is being written by another process") from None


def read_journal(path: Path) -> JournalContent:
    """Read a journal, finished or cut anywhere. Raises `JournalError` if it is none."""
    try:
        lines = path.read_bytes().split(b"\n")
    except OSError as error:
        raise JournalError(f"{path} cannot be read: {error.strerror}") from error
    content = JournalContent.begun(_read_head(path, lines[0]))
    torn = False
    for line in lines[1:]:
        if not line.strip():
            continue
        item = _read_line(line)
        if isinstance(item, JournalResume) and item.keep <= len(content.updates):
            _apply(content, item)
            torn = False
        elif isinstance(item, JournalUpdate) and not torn:
            content.updates.append(item)
        else:
            # What follows a lost update does not fit what came before it; a resume mark goes on from before the tear.
            torn = True
            content.unreadable += 1
    return content


def has_begun(path: Path) -> bool:
    """Whether a journal holds a whole first line: one without it (a crash at the very start) is no session yet."""
    try:
        with path.open("rb") as file:
            return file.readline().endswith(b"\n")
    except FileNotFoundError:
        return False
    except OSError as error:
        raise JournalError(f"{path} cannot be read: {error.strerror}") from error


def fold(updates: Iterable[JournalUpdate]) -> dict[str, Any]:
    """The state after these updates: each channel by its own reducer, as the graph itself would have it."""
    state: dict[str, Any] = {}
    for item in updates:
        for name, value in item.update.items():
            reducer = _REDUCERS.get(name)
            if reducer is None:
                state[name] = value
            elif isinstance(value, dict) and "__overwrite__" in value:
                state[name] = list(value["__overwrite__"])
            else:
                state[name] = reducer(state.get(name, []), value)
    return state


def _read_head(path: Path, line: bytes) -> JournalHead:
    try:
        data = json.loads(line)
        number = data.get("format") if isinstance(data, dict) else None
        if isinstance(number, int) and number > FORMAT:
            # Before the fields: a newer format may have others.
            raise JournalError(f"{path} has format {number}; this version reads up to {FORMAT}")
        return JournalHead.model_validate(data)
    except ValidationError as error:
        raise JournalError(f"{path} is not a session's journal: {validation_message(error)}") from None
    except (ValueError, RecursionError):
        raise JournalError(f"{path} is not a session's journal: its first line is not JSON") from None


def _apply(content: JournalContent, mark: JournalResume) -> None:
    if not mark.undo:
        content.paused += max(0.0, mark.at - (content.updates[-1].at if content.updates else mark.at))
        content.resumed += 1
    del content.updates[mark.keep :]


def _now() -> float:
    return round(datetime.now(UTC).timestamp(), 3)


def _read_line(line: bytes) -> JournalUpdate | JournalResume | None:
    try:
        data = json.loads(line)
        kind = JournalResume if isinstance(data, dict) and data.get("type") == "resume" else JournalUpdate
        return kind.model_validate(data)
    except (ValueError, RecursionError):
        return None


_REDUCERS: dict[str, Any] = {
    name: get_args(hint)[1]
    for name, hint in get_type_hints(SessionState, include_extras=True).items()
    if hasattr(hint, "__metadata__")
}
