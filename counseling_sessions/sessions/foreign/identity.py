"""What a file calls its sessions and clients."""

from functools import lru_cache
from pathlib import Path
from typing import Any

from counseling_sessions.profiles.documents import Record
from counseling_sessions.profiles.documents.paths import at, says_nothing
from counseling_sessions.sessions.foreign.shapes import Shape
from counseling_sessions.sessions.foreign.usual import key_in, keys_in, usual

MOST_NAME = 200
"""Characters kept of an id."""


def id_of(value: Any, shape: Shape, record: Record, number: int | None) -> str:
    """A session's id as its file has it, else the file's name with the record's number.

    `number` counts the sessions of a record that holds several; the file's own number of a session stands in its place.
    """
    fields = value if isinstance(value, dict) else value[0] if is_list_of_rows(value) else {}
    named = _name(at(fields, shape.id)) if shape.id else None
    if named is None and is_list_of_rows(value):
        named = _name(group_of(fields, shape))
    if named is None and not is_list_of_rows(value) and (key := key_in(fields, usual().id)):
        named = _name(fields[key])
    if named is None:
        stem = Path(record.file).stem
        named = stem if record.number == 1 else f"{stem}-{record.number}"
    if number is None:
        return named
    stated = _name(at(value, shape.number)) if shape.number else None
    return f"{named}-{stated or number}"


def group_of(row: Any, shape: Shape) -> str | None:
    """What says to which session a row belongs, with its client if it names one; None where nothing does."""
    if not isinstance(row, dict):
        return None
    if shape.group:
        return _name(at(row, shape.group))
    parts = [named for key in _group_keys(tuple(row)) if (named := _name(row[key])) is not None]
    return "-".join(parts) or None


@lru_cache(maxsize=64)  # the rows of a table have the same keys
def _group_keys(layout: tuple[str, ...]) -> tuple[str, ...]:
    row = dict.fromkeys(layout)
    spoken = {key_in(row, usual().speaker), key_in(row, usual().text)}
    keys = dict.fromkeys((*keys_in(row, usual().client_id), *keys_in(row, usual().row_group)))
    return tuple(key for key in keys if key not in spoken)


def rows_without_session(value: Any, shape: Shape) -> bool:
    """Whether rows of a table were taken as one session for want of a column that says more."""
    return is_list_of_rows(value) and len(value) > 1 and group_of(value[0], shape) is None and _is_row(value[0])


def client_named(value: Any, shape: Shape) -> str | None:
    """The client as a record, or the first of its rows, names it."""
    fields = value[0] if is_list_of_rows(value) else value if isinstance(value, dict) else {}
    if shape.client_id and (named := _name(at(fields, shape.client_id))):
        return named
    key = key_in(fields, usual().client_id)
    return _name(fields[key]) if key else None


def _is_row(value: dict[str, Any]) -> bool:
    """Whether a message is a row of a table: texts alone, and more than speaker and text."""
    return len(value) > 2 and all(isinstance(entry, str) for entry in value.values())


def is_list_of_rows(value: Any) -> bool:
    """Whether a record is a session's rows, or its list of messages."""
    return isinstance(value, list) and bool(value) and isinstance(value[0], dict)


def _name(value: Any) -> str | None:
    if isinstance(value, str):
        return _named(value)
    if isinstance(value, float) and value.is_integer():
        value = int(value)  # a table's column of numbers with gaps
    return None if isinstance(value, bool) or not isinstance(value, int | float) else _named(str(value))


@lru_cache(maxsize=256)  # the rows of a session have the same
def _named(text: str) -> str | None:
    return None if says_nothing(text) else " ".join(text.split())[:MOST_NAME]
