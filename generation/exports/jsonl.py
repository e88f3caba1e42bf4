"""JSON Lines: the session records as they are, one a line (docs/formats.md)."""

from collections import Counter
from collections.abc import Iterator

from generation.exports.writers import Row, json_lines
from state import SessionRecord


def rows(record: SessionRecord, client: str, counts: Counter[str]) -> Iterator[Row]:
    """The record itself."""
    yield record.model_dump(mode="json")


FORMAT = json_lines("jsonl", rows)
