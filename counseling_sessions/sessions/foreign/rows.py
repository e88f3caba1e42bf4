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
    key: Any = None
    seen: set[Any] = set()
    for item in items:
        if isinstance(item, Record) and isinstance(item.value, dict) and is_message(item.value, shape_for(item.value)):
            group = group_of(item.value, shape_for(item.value))
            if rows and (group != key or len(rows) == MOST_ROWS):
                yield _session(rows)
                seen.add(key)
                rows = []
            if group is not None and group in seen:
                yield Problem(
                    item.file,
                    f"rows of session {group!r} come again after others, so that it is in pieces; sort the file by its session",
                    item.number,
                )
                continue
            key = group
            rows.append(item)
            continue
        if rows:
            yield _session(rows)
            seen.add(key)
            rows = []
        yield item
    if rows:
        yield _session(rows)


def _session(rows: list[Record]) -> Record:
    return Record(rows[0].file, rows[0].number, [row.value for row in rows])
