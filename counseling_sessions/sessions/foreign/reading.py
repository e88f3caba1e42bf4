"""Sessions in anybody's files, read one by one: whatever has a dialogue under some usual name, and our own records.

`documents` gives a file's records, `shapes` says what is particular to a kind of file, `usual` how files name things; a record's
messages, its sides and its sessions follow. What is read and what is left out are all that there is.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from counseling_sessions.profiles.documents import Place, Record, files_in, records_of
from counseling_sessions.profiles.documents.paths import at
from counseling_sessions.profiles.documents.values import Items
from counseling_sessions.profiles.problems import Note, Problem, ProfileError
from counseling_sessions.sessions.entries import record_of_value
from counseling_sessions.sessions.folder import runs_inside
from counseling_sessions.sessions.foreign.assembling import Origin, sessions_of
from counseling_sessions.sessions.foreign.errors import FieldError
from counseling_sessions.sessions.foreign.messages import is_message
from counseling_sessions.sessions.foreign.ours import is_row_of_ours, session_of_row
from counseling_sessions.sessions.foreign.rows import in_sessions
from counseling_sessions.sessions.foreign.shapes import Shape, shape_of
from counseling_sessions.sessions.record import SessionRecord
from counseling_sessions.sessions.session import Session, session_of

INDEX = "index.jsonl"
"""The file of an export that says which session each file holds."""
_OPENS = "the exchange beside the history came before in the file: if it is the first one and not the last, say --shape emollm"


@dataclass(frozen=True)
class HowToRead:
    """How others' files are read: as which shape, whom a file calls its client, in which encoding. None leaves it to the file."""

    shape: Shape | None = None
    client_is: str | None = None
    encoding: str | None = None


AS_IT_SAYS = HowToRead()


@dataclass(frozen=True)
class Aside(Problem):
    """A file or a record that lies beside sessions and is none."""


def foreign_sessions(
    path: Path, how: HowToRead = AS_IT_SAYS, notes: list[Note] | None = None
) -> Iterator[Session | Problem]:
    """Every session of a file or of a folder's files (session_2 before session_10), and every problem, in their order.

    A record that is no session becomes a `Problem` with file, record and field. Files are streamed. `notes` gets what was assumed
    about files, such as an encoding. Raises `ProfileError` if there is nothing to read.
    """
    for file, item in records_and_sessions(path, how, notes):
        yield session_of(item, file) if isinstance(item, SessionRecord) else item


def records_and_sessions(
    path: Path, how: HowToRead = AS_IT_SAYS, notes: list[Note] | None = None
) -> Iterator[tuple[str, SessionRecord | Session | Problem]]:
    """The same, each with its file, and our records unchanged, with all that led to the dialogue."""
    position = 0

    def shape_for(value: Any) -> Shape:
        return how.shape or shape_of(value[0] if isinstance(value, list) and value else value)

    notes = [] if notes is None else notes
    listed = _ids_in(path / INDEX)
    for file in _files(path, notes):
        ids: dict[str, int] = {}
        openings = Openings()
        for item in in_sessions(partial(_records, file, how), shape_for, notes):
            if isinstance(item, Problem):
                yield str(file), item
                continue
            position += 1
            origin = Origin(item, position, shape_for(item.value), how.client_is)
            if path.is_dir() and isinstance(item.value, str) and not is_message(item.value, origin.shape):
                yield (
                    str(file),
                    Aside(item.file, "no session: a text in which no line begins with a speaker", item.number),
                )
                continue
            for session in _read(origin):
                if isinstance(session, Session):
                    name = listed.get(str(file))
                    yield str(file), openings.checked(_named(session, ids, name), origin)
                else:
                    yield str(file), session


def _files(path: Path, notes: list[Note]) -> list[Place]:
    try:
        return files_in(path, notes=notes)
    except ProfileError as error:
        raise ProfileError(f"{error}{runs_inside(path)}") from None


def _records(file: Place, how: HowToRead, notes: list[Note]) -> Items:
    return records_of(file, lambda first: is_message(first, how.shape), encoding=how.encoding, notes=notes)


def _ids_in(index: Path) -> dict[str, str]:
    """The id of the session of each file that the index of an export lists."""
    if not index.is_file():
        return {}
    rows = (item.value for item in records_of(index) if isinstance(item, Record) and isinstance(item.value, dict))
    return {
        str(index.parent / str(row["file"])): str(row["session_id"])
        for row in rows
        if {"file", "session_id"} <= row.keys()
    }


def _read(origin: Origin) -> Iterator[SessionRecord | Session | Problem]:
    item, value = origin.record, origin.record.value
    try:
        if is_row_of_ours(value):
            yield session_of_row(value, item.file)
            return
        if _is_record_of_ours(value):
            yield record_of_value(value)
            return
    except (ValueError, RecursionError) as error:
        yield Problem(item.file, str(error), item.number)
        return
    if origin.shape.holds_no_session:
        yield Aside(item.file, f"no session: {origin.shape.title}", item.number)
        return
    for session in sessions_of(origin):
        if isinstance(session, FieldError):
            yield Problem(item.file, str(session), item.number, session.field)
        else:
            yield session


def _is_record_of_ours(value: Any) -> bool:
    """Whether a value is one of our records, maybe a broken one; others have a list of messages under `turns`."""
    if not isinstance(value, dict) or "session_id" not in value or "turns" not in value:
        return False
    return "profile_id" in value or not isinstance(value["turns"], list)


@dataclass
class Openings:
    """The exchanges of a file that stand beside a history: where one comes again, it may be the first one and not the last."""

    seen: set[int] = field(default_factory=set)

    def checked(self, session: Session, origin: Origin) -> Session:
        """The session, with a note if what its record has beside the history came before in the file."""
        if not origin.shape.last:
            return session
        asked = hash(repr(at(origin.record.value, origin.shape.last[0])))
        again = asked in self.seen
        self.seen.add(asked)
        return session.model_copy(update={"assumed": (*session.assumed, _OPENS)}) if again else session


def _named(session: Session, ids: dict[str, int], listed: str | None) -> Session:
    """The session under the id that an index lists for its file, or under one that no other of its file has."""
    wanted = listed or session.id
    name, number = wanted, ids.get(wanted, 1)
    while name in ids:
        number += 1
        name = f"{wanted}-{number}"
    ids[wanted], ids[name] = number, ids.get(name, 1)
    return session if name == session.id else session.model_copy(update={"id": name})
