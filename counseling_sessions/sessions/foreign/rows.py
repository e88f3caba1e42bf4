"""Files with a message a row: the rows of a session become one record.

A table is gone through twice: before its first session is given, it must be known which ones stand in pieces, with others between them.
"""

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from counseling_sessions.profiles.documents import Record
from counseling_sessions.profiles.documents.paths import at, says_nothing
from counseling_sessions.profiles.documents.values import Items
from counseling_sessions.profiles.problems import Note, Problem
from counseling_sessions.sessions.foreign.identity import group_of
from counseling_sessions.sessions.foreign.messages import is_message
from counseling_sessions.sessions.foreign.shapes import Shape
from counseling_sessions.texts.words import counted

MOST_ROWS = 100_000
"""Rows of one session."""
MOST_HELD = 500_000
"""Rows of sessions in pieces that are held at once."""

ReadRecords = Callable[[list[Note]], Items]
"""Read a file from its beginning; the list takes what was assumed about it."""
_ShapeFor = Callable[[Any], Shape]
_Key = tuple[str, str | None]
"""The file of a row and the name of its session there; None where nothing names it."""


def in_sessions(read: ReadRecords, shape_for: _ShapeFor, notes: list[Note]) -> Items:
    """Records as they come, and rows with a message each as one record a session, whose value is the list of rows.

    Rows belong together while what names their session stays the same; without a name all rows of a file do. A broken row between
    them costs itself alone. Of a session whose rows come again after others, the pieces are put together where the shape names what
    orders them and it goes on, with a note at the end; else it is one problem, as is a session that has too many rows.
    """
    rows: list[Record] = []
    before: _Key | None = None
    pieces: _Pieces | None = None
    for place, (item, shape, key) in enumerate(_grouped(read(notes), shape_for)):
        if isinstance(item, Problem):
            yield item
            continue
        if key is None or shape is None:
            yield from _ended(rows)
            before = None
            yield item
            continue
        if pieces is None and key[1] is not None:
            pieces = _Pieces(_in_pieces(read([]), shape_for))
        if key != before:
            yield from _ended(rows)
        before = key
        if pieces and key in pieces.last:
            yield from pieces.take(place, item, shape, key)
        elif len(rows) <= MOST_ROWS:  # one more than there may be says that there are too many
            rows.append(item)
    yield from _ended(rows)
    notes += (
        Note(file, f"{counted(times, 'session')} stood in pieces with others between them; put together by {order!r}")
        for (file, order), times in (pieces.joined if pieces else Counter()).items()
    )


@dataclass
class _Pieces:
    """The sessions that stand in pieces: where each has its last row, and the rows that are held until it comes."""

    last: dict[_Key, int]
    held: dict[_Key, list[Record]] = field(default_factory=dict)
    refused: set[_Key] = field(default_factory=set)
    count: int = 0
    joined: Counter[tuple[str, str]] = field(default_factory=Counter)

    def take(self, place: int, row: Record, shape: Shape, key: _Key) -> Items:
        """Take a row; gives the session with its last one, or why there is none, once."""
        if key in self.refused:
            return
        rows = self.held.setdefault(key, [])
        rows.append(row)
        self.count += 1
        if why := self._refusal(rows, shape, ends=place == self.last[key]):
            self.refused.add(key)
            yield _problem(rows[0], f"rows of session {key[1]!r} come again after others, {why}")
        elif place < self.last[key]:
            return
        else:
            self.joined[row.file, str(shape.order)] += 1
            yield from _ended([*rows])
        self.count -= len(self.held.pop(key))

    def _refusal(self, rows: list[Record], shape: Shape, *, ends: bool) -> str | None:
        if shape.order is None:
            return "so that it is in pieces or they are several sessions with one name; if it is one, sort the file by its session"
        if self.count > MOST_HELD:
            return f"and more than {MOST_HELD:,} such rows would be held at once; sort the file by its session"
        if ends and _begins_again(rows, shape):
            return f"and {shape.order!r} does not go on, so that they may be several sessions with one name; give each its own"
        return None


def _begins_again(rows: list[Record], shape: Shape) -> bool:
    """Whether rows lack what orders them, or two of one annotator have the same of it."""
    orders = [at(row.value, str(shape.order)) for row in rows]
    annotators = [at(row.value, shape.annotator) if shape.annotator else None for row in rows]
    marks = {(str(order), str(annotator)) for order, annotator in zip(orders, annotators, strict=True)}
    return any(map(says_nothing, orders)) or len(marks) < len(rows)


def _in_pieces(items: Items, shape_for: _ShapeFor) -> dict[_Key, int]:
    """The sessions whose rows come again after others, each with the place of its last row."""
    ended: set[_Key] = set()
    last: dict[_Key, int] = {}
    before: _Key | None = None
    for place, (item, _, key) in enumerate(_grouped(items, shape_for)):
        if isinstance(item, Problem):
            continue
        if before is not None and key != before and before[1] is not None:
            ended.add(before)
        if key is not None and (key in last or key in ended):
            last[key] = place
        before = key
    return last


def _grouped(items: Items, shape_for: _ShapeFor) -> Iterator[tuple[Record | Problem, Shape | None, _Key | None]]:
    """Each record with its shape and its session if it is a row with a message, else with neither."""
    shape: Shape | None = None
    keys_before: tuple[Any, ...] | None = None
    for item in items:
        if isinstance(item, Problem) or not isinstance(item.value, dict):
            yield item, None, None
            continue
        keys = tuple(item.value)
        if keys != keys_before:  # a row with the keys of the row before is a message as that was, of the same shape
            shape = shape_for(item.value)
            shape = shape if is_message(item.value, shape) else None
        keys_before = keys if shape else None
        yield item, shape, (item.file, group_of(item.value, shape)) if shape else None


def _ended(rows: list[Record]) -> Items:
    """The session of these rows, if there are any; they are taken away."""
    if len(rows) > MOST_ROWS:
        yield _problem(rows[0], f"a session has more than {MOST_ROWS:,} rows")
    elif rows:
        yield Record(rows[0].file, rows[0].number, [row.value for row in rows])
    rows.clear()


def _problem(row: Record, why: str) -> Problem:
    return Problem(row.file, why, row.number)
