"""Folders of single sessions in the old form: one file of records, one ledger, and the journals beside them.

They are still read; new records in them lie as in any run's folder.
"""

from collections.abc import Container
from dataclasses import dataclass, field
from itertools import accumulate
from pathlib import Path

from counseling_sessions.sessions.entries import record_of
from counseling_sessions.sessions.errors import RunError
from counseling_sessions.sessions.journal_lines import SUFFIX
from counseling_sessions.sessions.ledger import Comparison, Damage, Listed, Other, read_listed
from counseling_sessions.state import SessionRecord
from counseling_sessions.store.failing import failing_as
from counseling_sessions.store.reading import open_plain, parse_json, read_lines

OLD_SHARD = "sessions.jsonl"
OLD_LEDGER = "sessions.ledger"
"""The ledger of the file of records; the oldest folders have none."""


@dataclass
class OldRecords:
    """The records of the old file by session id, of several the last, and the damaged sessions."""

    records: dict[str, SessionRecord] = field(default_factory=dict)
    damaged: list[Damage] = field(default_factory=list)


def read_old(folder: Path, later: Container[str]) -> OldRecords:
    """The records of a folder in the old form, compared with their ledger.

    Sessions in `later` have later records elsewhere, and are left out. A line that a crash left half written is no record: its
    session has a journal, or a later record. Raises `RunError`.
    """
    shard = folder / OLD_SHARD
    with failing_as(RunError, f"{shard} cannot be read"):
        old = _Reading(folder, _lines(shard), list(read_listed(folder / OLD_LEDGER, Listed))).result
    return OldRecords(
        {name: record for name, record in old.records.items() if name not in later},
        [item for item in old.damaged if item.session_id is None or item.session_id not in later],
    )


class _Reading:
    def __init__(self, folder: Path, lines: list[tuple[bytes, int]], listed: list[Listed]) -> None:
        self.folder, self._lines = folder, lines
        self.result = OldRecords()
        listed.sort(key=lambda item: item.end)
        last = {item.session_id: item for item in listed}
        comparison = Comparison(listed)
        good = {id(item): line for item, line in comparison.good(lines)}
        for item in last.values():
            if id(item) in good:
                self._take(good[id(item)], item.session_id, f"record that ends at byte {item.end:,}")
            else:
                self.result.damaged.append(Damage(item.session_id, OLD_SHARD, comparison.why(item)))
        for other in comparison.others:
            counts = last.get(other.listed.session_id) if other.listed else None
            if other.listed and counts and other.end <= counts.end:
                continue  # a later one counts
            if other.listed and other.start < comparison.last_end:
                what = f"{OLD_LEDGER} does not know this record"
                self.result.damaged.append(Damage(other.session_id, f"{OLD_SHARD}, line {other.number}", what))
            elif other.listed or not self._is_torn(other):
                self._take(lines[other.number - 1][0], other.session_id, f"line {other.number}")

    def _take(self, line: bytes, session_id: str | None, where: str) -> None:
        try:
            record = record_of(line)
            self.result.records[record.session_id] = record
        except ValueError as error:
            what = str(error) if _is_json(line) else "cut short, or no JSON, and the session has no journal"
            self.result.damaged.append(Damage(session_id, f"{OLD_SHARD}, {where}", what))

    def _is_torn(self, other: Other) -> bool:
        """Whether a crash has cut a line: its session then has a journal or a later record."""
        name = other.id_begins
        if name is None or _is_json(self._lines[other.number - 1][0]):
            return False
        start = f'"session_id":"{name}'.encode()
        later = (text for text, _ in self._lines[other.number :] if start in text[:200])
        journals = (path for path in self.folder.glob(f"*{SUFFIX}") if path.name.startswith(name))
        return any(journals) or any(_is_json(text) for text in later)


def _lines(shard: Path) -> list[tuple[bytes, int]]:
    try:
        file = open_plain(shard)
    except FileNotFoundError:
        return []
    with file:
        lines = list(read_lines(file))
    return list(zip(lines, accumulate(map(len, lines)), strict=True))


def _is_json(line: bytes) -> bool:
    try:
        parse_json(line)
    except ValueError:
        return False
    return True
