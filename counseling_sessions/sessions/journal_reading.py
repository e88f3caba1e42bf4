"""Reading a journal: lines that a crash has cut are left out, lines that no session writes are refused, by line and field."""

import errno
from collections.abc import Iterable
from pathlib import Path
from typing import Any, get_args, get_type_hints

from pydantic import ValidationError

from counseling_sessions.sessions.channels import Misfit, Order
from counseling_sessions.sessions.errors import DamagedJournal, JournalError
from counseling_sessions.sessions.journal_lines import (
    FORMAT,
    SUFFIX,
    JournalContent,
    JournalHead,
    JournalResume,
    JournalUpdate,
)
from counseling_sessions.settings import validation_message
from counseling_sessions.state import SessionState
from counseling_sessions.store.reading import MOST_LINE, open_plain, parse_json, read_bytes

NOT_OURS = (errno.EINVAL, errno.EFBIG, errno.EISDIR, errno.ENXIO, errno.ELOOP)
"""Errors of the file, not of the disk: a pipe, a folder, a device, something far too large."""


def read_journal(path: Path) -> JournalContent:
    """Read a journal, finished or cut anywhere.

    Raises `DamagedJournal` if it has lines that no session writes, and `JournalError` if it cannot be read.
    """
    try:
        lines = read_bytes(path).split(b"\n")
    except OSError as error:
        raise read_problem(path, error) from error
    content = JournalContent.begun(_read_head(path, lines[0]))
    places = [1] * len(content.updates)
    torn = False
    for number, line in enumerate(lines[1:], 2):
        if not line.strip():
            continue
        item = _read_line(line)
        if isinstance(item, JournalResume) and item.keep <= len(content.updates):
            content.apply(item)
            del places[item.keep :]
            torn = False
        elif isinstance(item, JournalUpdate) and not torn:
            content.updates.append(item)
            places.append(number)
        else:
            # What follows a lost update does not fit what came before it; a resume mark goes on from before the tear.
            torn = True
            content.unreadable += 1
    _check(path, content, places)
    return content


def has_begun(path: Path) -> bool:
    """Whether a journal has a complete first line: without it (a crash at the very start) it is no session yet."""
    try:
        with open_plain(path) as file:
            return file.readline(MOST_LINE).endswith(b"\n")
    except FileNotFoundError:
        return False
    except OSError as error:
        raise read_problem(path, error) from error


def fold(updates: Iterable[JournalUpdate]) -> dict[str, Any]:
    """The state after these updates, each channel by its reducer, as in the graph.

    Raises `JournalError` if a list channel gets no list.
    """
    state: dict[str, Any] = {}
    for item in updates:
        for name, value in item.update.items():
            reducer = _REDUCERS.get(name)
            replaced = isinstance(value, dict) and "__overwrite__" in value
            items = value["__overwrite__"] if replaced else value
            if reducer is None:
                state[name] = value
            elif not isinstance(items, (list, tuple)):
                raise JournalError(f"an update of {item.node[:40]} gives no list to the channel {name}")
            else:
                state[name] = list(items) if replaced else reducer(state.get(name, []), list(items))
    return state


def read_problem(path: Path, error: OSError, doing: str = "read") -> JournalError:
    """The error for a person: `DamagedJournal` if the file cannot be a journal."""
    kind = DamagedJournal if error.errno in NOT_OURS else JournalError
    return kind(f"{path} cannot be {doing}: {error.strerror}")


def _read_head(path: Path, line: bytes) -> JournalHead:
    try:
        data = parse_json(line, finite=True)
    except ValueError:
        raise DamagedJournal(f"{path} is not a session's journal: its first line is not JSON") from None
    number = data.get("format") if isinstance(data, dict) else None
    if isinstance(number, int) and number > FORMAT:
        # Before the fields: a newer format may have others.
        raise JournalError(f"{path} has format {number}; this version reads up to {FORMAT}")
    try:
        head = JournalHead.model_validate(data)
    except ValidationError as error:
        raise DamagedJournal(f"{path} is not a session's journal: line 1: {validation_message(error)[:500]}") from None
    if path.name != f"{head.session_id}{SUFFIX}":
        raise DamagedJournal(
            f"{path} is the journal of another session, line 1: session_id: {head.session_id}; "
            f"a journal is named {head.session_id}{SUFFIX}"
        )
    return head


def _check(path: Path, content: JournalContent, places: list[int]) -> None:
    """Raise `DamagedJournal` for an update that counts and cannot stand there."""
    order = Order(content.head)
    for item, place in zip(content.updates, places, strict=True):
        try:
            order.take(item)
        except Misfit as error:
            raise DamagedJournal(
                f"{path} is damaged, line {place}: {error}; cut it off before this line, or begin the session anew"
            ) from None


def _read_line(line: bytes) -> JournalUpdate | JournalResume | None:
    try:
        data = parse_json(line, finite=True)
        kind = JournalResume if isinstance(data, dict) and data.get("type") == "resume" else JournalUpdate
        return kind.model_validate(data)
    except ValueError:
        return None


_REDUCERS: dict[str, Any] = {
    name: get_args(hint)[1]
    for name, hint in get_type_hints(SessionState, include_extras=True).items()
    if hasattr(hint, "__metadata__")
}
