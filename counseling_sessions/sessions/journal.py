"""The journal of a running session: every node's update, appended as it comes, so that nothing is lost but the turn in flight.

A journal is a JSON Lines file. Its first line says what session it is (`JournalHead`), each further line is an update or a
`resume` mark, which takes back the updates of a turn that was cut off. Reading it back folds the updates through the
state's own reducers. Lines that a crash left half written are not counted.
"""

from collections.abc import Callable
from contextlib import ExitStack, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Self

from pydantic import BaseModel

from counseling_sessions.sessions.errors import JournalError
from counseling_sessions.sessions.journal_lines import (
    JournalContent,
    JournalHead,
    JournalResume,
    JournalUpdate,
    items_of,
)
from counseling_sessions.sessions.journal_reading import has_begun, read_journal, read_problem
from counseling_sessions.store.failing import failing_as
from counseling_sessions.store.log import Log


class Journal:
    """A journal open for appending, locked against other processes; a dead process holds no lock."""

    def __init__(self, log: Log) -> None:
        self.path = log.path
        self._log = log

    @classmethod
    def create(cls, path: Path, head: JournalHead, *, private: bool = False, new_folder: bool = True) -> Self:
        """Begin a journal; a `private` one, and its folder if that is new, only its owner can read. So is one with a person's words.

        Without `new_folder` the folder must be there: one that was moved away does not come into being again. Raises
        `JournalError` if there is a journal already, or it cannot be written.
        """
        private = private or _has_typed(head)
        with failing_as(JournalError, f"{path} cannot be written"), ExitStack() as stack:
            if new_folder:
                path.parent.mkdir(parents=True, exist_ok=True, mode=0o700 if private else 0o777)
            log = stack.enter_context(Log(path, private=private))
            log.lock()
            if has_begun(path):
                raise JournalError(f"{path} is there already: an unfinished session; take it up with --resume")
            stack.callback(_discard, path)
            log.clear()  # a crash may have left a piece of a first line
            log.append(_line(head))
            stack.pop_all()
        return cls(log)

    @classmethod
    def resume(
        cls,
        path: Path,
        refuse: Callable[[JournalHead], str | None] = lambda head: None,
        prompts: Callable[[JournalHead], dict[str, str] | None] = lambda head: None,
    ) -> tuple[Self, JournalContent]:
        """Take up a journal after its last finished turn, unless `refuse` says what is wrong with its session.

        `prompts` are those in use from here on, where it began with others: the journal says so.

        Raises `JournalError`, of it `DamagedJournal` for what is none.
        """
        try:
            log = Log(path, create=False)
        except OSError as error:
            raise read_problem(path, error, "opened") from error
        with failing_as(JournalError, f"{path} cannot be written"), ExitStack() as stack:
            stack.enter_context(log).lock()
            content = read_journal(path)
            if problem := refuse(content.head):
                raise JournalError(f"{path}, {problem}")
            mark = JournalResume(keep=len(content.finished_updates), at=_now(), prompts=prompts(content.head))
            log.append(_line(mark))
            content.apply(mark)
            stack.pop_all()
        return cls(log), content

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
        with failing_as(JournalError, f"{self.path} cannot be made private"):
            self._log.make_private()

    def close(self) -> None:
        """Close the file and give up the lock."""
        self._log.close()

    def _append(self, item: BaseModel, sync: bool = False) -> None:
        with failing_as(JournalError, f"{self.path} cannot be written"):
            self._log.append(_line(item), sync=sync)


def _discard(path: Path) -> None:
    """Remove a journal without its head, which is no session. While it is open Windows keeps it: an empty one is none either."""
    with suppress(OSError):
        path.unlink(missing_ok=True)


def _line(item: BaseModel) -> bytes:
    return item.model_dump_json().encode() + b"\n"


def _has_typed(head: JournalHead) -> bool:
    """Whether a person's words are in the past that a forked session begins with."""
    past = head.past.updates if head.past else ()
    return any(said.get("author") == "human" for item in past for said in items_of(item.update.get("utterances")))


def _now() -> float:
    return round(datetime.now(UTC).timestamp(), 3)
