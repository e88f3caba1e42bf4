"""What a file holds: its records, in order, and what is wrong with it."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from counseling_sessions.profiles.problems import Problem


@dataclass(frozen=True)
class Record:
    """One value of a file, with its 1-based position: its line in JSON Lines, its row below the header in a table."""

    file: str
    number: int
    value: Any


@dataclass
class Document:
    """The records of one file and its problems."""

    records: list[Record] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)


Items = Iterator[Record | Problem]
OneRecord = Callable[[Any], bool]
"""Whether a list that begins with this item is one record, and not a list of records."""


def never(first: Any) -> bool:
    """A list holds records, whatever its first item."""
    return False


def spread(value: Any, file: str, one_record: OneRecord = never) -> Items:
    """The records of a file that holds this one value."""
    if isinstance(value, list) and not value:
        yield Problem(file, "the list is empty")
    elif isinstance(value, list) and not one_record(value[0]):
        for number, item in enumerate(value, 1):
            yield Record(file, number, item)
    else:
        yield whole_value(value, file, 1)


def whole_value(value: Any, file: str, number: int) -> Record | Problem:
    """A value of a file's top level as one record; a bare number, text or null is none."""
    if isinstance(value, dict | list):
        return Record(file, number, value)
    kind = "null" if value is None else type(value).__name__
    return Problem(file, f"holds {kind}, not an object or a list of objects")
