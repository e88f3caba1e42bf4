"""Files with a message a row: the rows of a session become one record."""

from collections.abc import Callable, Iterator
from typing import Any

from counseling_sessions.profiles.documents import Record
from counseling_sessions.profiles.problems import Problem
from counseling_sessions.sessions.foreign.identity import group_of
from counseling_sessions.sessions.foreign.messages import is_message
from counseling_sessions.sessions.foreign.shapes import Shape

MOST_ROWS = 100_000
"""Rows of one session."""


def in_sessions(items: Iterator[Record | Problem], shape_for: Callable[[Any], Shape]) -> Iterator[Record | Problem]:
    """Records as they come, and rows with a message each as one record a session, whose value is the list of rows.

    Rows belong together while what names their session stays the same; without a name all rows of a file do. A session whose rows
    come again later, or that has too many, is a problem.
    """
    rows: list[Record] = []
    key: str | None = None
    shape: Shape | None = None
    keys_before: tuple[Any, ...] | None = None
    seen: set[str] = set()
    for item in items:
        # A row with the keys of the row before is a message as that was, of the same shape.
        keys = _keys(item.value) if isinstance(item, Record) else None
        if not rows or keys is None or keys != keys_before:
            shape = _shape_of_row(item, shape_for)
        if shape is None or not isinstance(item, Record):
            yield from _ended(rows, key, seen)
            yield item
            continue
        group = group_of(item.value, shape)
        if group != key or len(rows) == MOST_ROWS:
            yield from _ended(rows, key, seen)
        if group is not None and group in seen:
            why = f"rows of session {group!r} come again after others, so that it is in pieces; sort the file by its session"
            yield Problem(item.file, why, item.number)
            continue
        key, keys_before = group, keys
        rows.append(item)
    yield from _ended(rows, key, seen)


def _keys(value: Any) -> tuple[Any, ...] | None:
    return tuple(value) if isinstance(value, dict) else None


def _shape_of_row(item: Record | Problem, shape_for: Callable[[Any], Shape]) -> Shape | None:
    """The shape of a record that is a message; None for any other."""
    if not isinstance(item, Record) or not isinstance(item.value, dict):
        return None
    shape = shape_for(item.value)
    return shape if is_message(item.value, shape) else None


def _ended(rows: list[Record], key: str | None, seen: set[str]) -> Iterator[Record]:
    """The session of these rows, if there are any; they are taken away, and its name is kept."""
    if rows:
        yield Record(rows[0].file, rows[0].number, [row.value for row in rows])
        rows.clear()
        if key is not None:
            seen.add(key)
