"""JSON Lines: the session records, one a line (docs/formats.md), without what is not public (`public`)."""

from collections import Counter
from collections.abc import Iterator

from counseling_sessions.generation.exports.public import public_row
from counseling_sessions.generation.exports.writers import Row, json_lines
from counseling_sessions.state import SessionRecord


def rows(record: SessionRecord, client: str, counts: Counter[str]) -> Iterator[Row]:
    """The record itself, without where its models were reached."""
    yield public_row(record)


FORMAT = json_lines("jsonl", rows)
