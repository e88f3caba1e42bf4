"""What a file says beside the dialogue: of a session, and of each of its messages."""

from collections.abc import Iterator, Mapping, Set
from itertools import chain, islice
from typing import Any

from counseling_sessions.profiles.documents.paths import says_nothing
from counseling_sessions.sessions.foreign.shapes import Shape

Scalar = str | int | float | bool
Codes = dict[str, tuple[str, ...]]
MOST_ENTRIES = 300
"""Entries kept of a session, and of a message."""
MOST_TEXT = 4000
"""Characters kept of an entry."""
DEEPEST = 6


def metadata_of(value: Any, without: Set[str]) -> dict[str, Scalar]:
    """The scalars of a record, and its lists of scalars as one text, by their paths, but for these fields; empty ones are left out."""
    entries: dict[str, Scalar] = {}
    for path, entry in _entries(value, "", without, 0):
        if len(entries) == MOST_ENTRIES:
            break
        entries[path] = entry[:MOST_TEXT] if isinstance(entry, str) else entry
    return entries


def common_metadata(rows: Any, shape: Shape) -> dict[str, Scalar]:
    """What all rows of a session say alike; a single row says nothing of its session."""
    if not isinstance(rows, list) or len(rows) < 2 or not all(isinstance(row, Mapping) for row in rows):
        return {}
    first, *others = rows
    without = set(shape.of_message or ())
    common: dict[Any, dict[str, Scalar]] = {}
    count = 0
    for key, value in first.items():
        if count < MOST_ENTRIES and (entries := metadata_of({key: value}, without)):
            common[key] = entries
            count += len(entries)
    for row in others:
        # What every message says anew, as its text, is looked at in no further row.
        for key in [key for key in common if key not in row or row[key] != first[key]]:
            other = metadata_of({key: row.get(key)}, without)
            common[key] = {path: entry for path, entry in common[key].items() if other.get(path) == entry}
        common = {key: entries for key, entries in common.items() if entries}
    return dict(list(chain.from_iterable(entries.items() for entries in common.values()))[:MOST_ENTRIES])


def codes_of(item: Mapping[str, Any], shape: Shape, without: Set[str]) -> Codes:
    """What is said of a message beside speaker and text, by its path; one value for each annotator."""
    apart = without | shape.of_row
    entries = _entries(item, "", apart, 0)
    listed = (entry for entry in entries if shape.of_message is None or entry[0] in shape.of_message)
    return {path: (str(entry),) for path, entry in islice(listed, MOST_ENTRIES)}


def _entries(value: Any, prefix: str, without: Set[str], depth: int) -> Iterator[tuple[str, Scalar]]:
    if isinstance(value, str | int | float):
        if not says_nothing(value):
            yield prefix.rstrip("/"), value.strip() if isinstance(value, str) else value
    elif isinstance(value, Mapping) and depth < DEEPEST:
        for key, inner in value.items():
            path = f"{prefix}{key}"
            if path not in without:
                yield from _entries(inner, f"{path}/", without, depth + 1)
    elif isinstance(value, list | tuple):
        texts = [str(entry) for entry in value if isinstance(entry, str | int | float) and not says_nothing(entry)]
        if texts and len(texts) == len(value):
            yield prefix.rstrip("/"), "; ".join(texts)
    elif hasattr(value, "isoformat"):
        yield prefix.rstrip("/"), str(value.isoformat())
