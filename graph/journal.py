"""The journal of a running session: every node's update, appended as it comes, so that nothing is lost but the turn in flight.

A journal is a JSON Lines file. Its first line says what session it is (`JournalHead`), each further line is an update or a
`resume` mark, which takes back the updates of a turn that was cut off. Reading it back folds the updates through the
state's own reducers. Lines that a crash left half written are not counted.
"""

import fcntl
import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Self

from pydantic import BaseModel

from counseling_sessions.graph.journal_lines import (
    FORMAT,
    SUFFIX,
    DamagedJournal,
    JournalContent,
    JournalError,
    JournalHead,
    JournalPast,
    JournalResume,
    JournalUpdate,
    items_of,
)
from counseling_sessions.graph.journal_reading import fold, has_begun, read_journal, read_problem
from counseling_sessions.nodes.techniques import techniques
from counseling_sessions.store.reading import refuse_special

__all__ = [
    "FORMAT",
    "SUFFIX",
    "DamagedJournal",
    "Journal",
    "JournalContent",
    "JournalError",
    "JournalHead",
    "JournalPast",
    "JournalResume",
    "JournalUpdate",
    "fold",
    "has_begun",
    "read_journal",
]


class Journal:
    """A journal open for appending, locked against other processes; a dead process holds no lock."""

    def __init__(self, path: Path, descriptor: int) -> None:
        self.path = path
        self._descriptor = descriptor

    @classmethod
    def create(cls, path: Path, head: JournalHead, *, private: bool = False, new_folder: bool = True) -> Self:
        """Begin a journal; a `private` one, and its folder if that is new, only its owner can read. So is one with a person's words.

        Without `new_folder` the folder must be there: one that was moved away does not come into being again. Raises
        `JournalError` if there is a journal already, or it cannot be written.
        """
        private = private or _has_typed(head)
        try:
            if new_folder:
                path.parent.mkdir(parents=True, exist_ok=True, mode=0o700 if private else 0o777)
            descriptor = _open(path, os.O_WRONLY | os.O_CREAT, 0o600 if private else 0o644)
        except OSError as error:
            raise JournalError(f"{path} cannot be written: {error.strerror}{_gone(path)}") from error
        journal = cls(path, descriptor)
        try:
            journal._lock()
            if has_begun(path):
                raise JournalError(f"{path} is there already: an unfinished session; take it up with --resume")
            if private:
                journal.make_private()
            journal._begin(head)
        except JournalError:
            journal.close()
            raise
        return journal

    @classmethod
    def resume(cls, path: Path) -> tuple[Self, JournalContent]:
        """Take up a journal after its last finished turn. Raises `JournalError`, of it `DamagedJournal` for what is none."""
        try:
            descriptor = _open(path, os.O_RDWR)
        except OSError as error:
            raise read_problem(path, error, "opened") from error
        journal = cls(path, descriptor)
        try:
            journal._lock()
            content = read_journal(path)
            _refuse_unknown(path, content.head)
            kept = content.finished_updates
            if os.fstat(descriptor).st_size and os.pread(descriptor, 1, os.fstat(descriptor).st_size - 1) != b"\n":
                journal._write(b"\n")  # ends the line that a crash left half written
            mark = JournalResume(keep=len(kept), at=_now())
            journal._append(mark)
            content.apply(mark)
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
        content.apply(mark)

    def make_private(self) -> None:
        """Let only its owner read it, whatever it was begun with. Raises `JournalError`."""
        try:
            os.fchmod(self._descriptor, 0o600)
        except OSError as error:
            raise JournalError(f"{self.path} cannot be made private: {error.strerror}") from error

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


def _open(path: Path, flags: int, mode: int = 0o644) -> int:
    """Open a plain file for appending. Raises `OSError` also for what is no plain file."""
    # Without O_NONBLOCK the opening of a pipe would wait for somebody to read.
    descriptor = os.open(path, flags | os.O_APPEND | os.O_NONBLOCK, mode)
    try:
        refuse_special(descriptor, path)
    except OSError:
        os.close(descriptor)
        raise
    return descriptor


def _refuse_unknown(path: Path, head: JournalHead) -> None:
    unknown = [name for name in head.configuration.techniques if name not in techniques()]
    if unknown:
        message = f"there is no technique {unknown[0][:40]!r}; there are {', '.join(techniques())}"
        raise JournalError(f"{path}, line 1: configuration.techniques: {message}")


def _has_typed(head: JournalHead) -> bool:
    """Whether a person's words are in the past that a forked session begins with."""
    past = head.past.updates if head.past else ()
    return any(said.get("author") == "human" for item in past for said in items_of(item.update.get("utterances")))


def _gone(path: Path) -> str:
    return "" if path.parent.exists() else f"; the folder {path.parent} is not there any more"


def _now() -> float:
    return round(datetime.now(UTC).timestamp(), 3)
