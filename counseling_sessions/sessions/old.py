"""Folders of single sessions as they were written before: one file of records, a ledger of its own, journals beside them.

They are read as any run's folder, with that file as one more shard, and gone on with; what is kept from now on lies elsewhere.
"""

import zlib
from collections.abc import Iterator
from pathlib import Path

from counseling_sessions.sessions.entries import Entry, entry_of, record_of
from counseling_sessions.sessions.journal_lines import SUFFIX
from counseling_sessions.sessions.ledger import Listed, Other, read_listed
from counseling_sessions.store.reading import parse_json

OLD = "sessions"
OLD_SHARD, OLD_LEDGER = f"{OLD}.jsonl", f"{OLD}.ledger"
"""Whose records are in the shard, where, and their checksums; the oldest folders have none."""


def old_entries(ledger: Path, lines: list[tuple[bytes, int]]) -> Iterator[Entry]:
    """What the ledger says, with the rest of an entry from the record; only what the ledger says where no record fits it."""
    texts = {(len(line), zlib.crc32(line)): line for line in (line.removesuffix(b"\n") for line, _ in lines)}
    kept = (item for item in read_listed(ledger, Listed) if item.size is not None and item.crc is not None)
    for item in sorted(kept, key=lambda item: item.end):
        text = texts.get((item.size or 0, item.crc or 0), b"")
        try:
            yield entry_of(record_of(text), OLD, item.end, text)
        except ValueError:
            yield Entry.model_construct(**dict(item), shard=OLD)


def problem_of(folder: Path, lines: list[tuple[bytes, int]], other: Other) -> str | None:
    """What is wrong with a line that no ledger knows; None where it was cut, and a journal or a later record has its session."""
    line = lines[other.number - 1][0]
    if _is_json(line):
        try:
            record_of(line)
        except ValueError as error:
            return str(error)
        return f"{OLD_LEDGER} does not know this record"
    if (name := other.id_begins) is not None:
        later = (text for text, _ in lines[other.number :] if f'"session_id":"{name}'.encode() in text[:200])
        if any(folder.glob(f"{name}*{SUFFIX}")) or any(map(_is_json, later)):
            return None
    return "cut short, or no JSON, and the session has no journal"


def _is_json(line: bytes) -> bool:
    try:
        parse_json(line)
    except ValueError:
        return False
    return True
