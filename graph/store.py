"""Where finished sessions are kept: a shard, one record a line, and a ledger of them. A session on record has no journal any more."""

from collections.abc import Iterable
from pathlib import Path

from pydantic import ValidationError

from counseling_sessions.graph.journal import SUFFIX, JournalError, has_begun
from counseling_sessions.graph.ledger import (
    Comparison,
    Damage,
    Listed,
    Other,
    damage_message,
    measured,
    read_listed,
    sealed,
)
from counseling_sessions.settings import validation_message
from counseling_sessions.state import SessionRecord
from counseling_sessions.store.log import append
from counseling_sessions.store.reading import open_plain, parse_json, read_lines

SHARD = "sessions.jsonl"
LEDGER = "sessions.ledger"
"""Whose records are in the shard, where, and their checksums; a folder made before has none."""


def keep(record: SessionRecord, folder: Path) -> Path:
    """Append a record to the folder's shard, force it to the disk, and only then remove the session's journal.

    A failed session keeps its journal, from which it can be taken up again; its record says how far it came. A reader
    takes the last record of a session. Where a person has typed, the files are for their owner alone. Raises `JournalError`
    when the record cannot be written.
    """
    shard = folder / SHARD
    private = any(said.author == "human" for said in record.dialogue)
    text = record.model_dump_json().encode()
    try:
        ends = {item.end for item in read_listed(folder / LEDGER, Listed)}
        if shard.exists() and shard.stat().st_size != max(ends, default=0):
            _list(folder, (item for item in _Reading(folder).unlisted if item.end not in ends), private)
        end = append(shard, text + b"\n", sync=True, private=private)
        listed = Listed(
            session_id=record.session_id,
            status=record.status,
            finished_at=record.finished_at,
            end=end,
            **measured(text),
        )
        _list(folder, [listed], private)
    except OSError as error:
        raise JournalError(f"{shard} cannot be written: {error.strerror}; the session's journal is kept") from error
    if record.status == "finished":
        (folder / f"{record.session_id}{SUFFIX}").unlink(missing_ok=True)
    return shard


def read_records(folder: Path, *, left_out: list[Damage] | None = None) -> dict[str, SessionRecord]:
    """The records of a folder by session id, the last one where a session has several.

    A line that a crash left half written is no record: its session has a journal, or a later record. Raises `JournalError` that
    names the damaged sessions; with a list for what is left out, they are put there instead.
    """
    try:
        reading = _Reading(folder)
    except OSError as error:
        raise JournalError(f"{folder / SHARD} cannot be read: {error.strerror or error}") from error
    if reading.damaged and left_out is None:
        raise JournalError(
            f"{damage_message(folder / SHARD, reading.damaged)}\n"
            f"restore the file; --salvage reads the other sessions, and without {LEDGER} the file is taken as it is"
        )
    if left_out is not None:
        left_out += reading.damaged
    return reading.records


def has_records(folder: Path) -> bool:
    """Whether a folder is one of single sessions, with records that are there or were."""
    return (folder / SHARD).exists() or (folder / LEDGER).exists()


def unfinished(folder: Path) -> list[Path]:
    """The journals of a folder's sessions that are not on record as finished; of a damaged record its journal is the truth."""
    records = read_records(folder, left_out=[])
    done = {name for name, record in records.items() if record.status == "finished"}
    journals = [path for path in sorted(folder.glob(f"*{SUFFIX}")) if has_begun(path)]
    return [path for path in journals if path.name.removesuffix(SUFFIX) not in done]


class _Reading:
    """A folder's shard, compared with its ledger: its records, what is damaged, and what the ledger could yet be told.

    Raises `OSError`.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.records: dict[str, SessionRecord] = {}
        self.damaged: list[Damage] = []
        self.unlisted: list[Listed] = []
        listed = sorted(read_listed(folder / LEDGER, Listed), key=lambda item: item.end)
        self._lines = _lines(folder / SHARD)
        comparison = Comparison(listed)
        self._counts = {item.session_id: item.end for item in listed}
        good = {id(item): line for item, line in comparison.good(self._lines)}
        for item in {item.session_id: item for item in listed}.values():
            if id(item) in good:
                self._take(good[id(item)], item.session_id, f"{SHARD}, record that ends at byte {item.end:,}")
            else:
                self.damaged.append(Damage(item.session_id, SHARD, comparison.why(item)))
        for other in comparison.others:
            self._take_other(other, comparison.known_end)

    def _take_other(self, other: Other, known_end: int) -> None:
        where = f"{SHARD}, line {other.number}"
        if other.listed is None:
            if not self._is_torn(other):
                self._take(self._lines[other.number - 1][0], other.session_id, where)
        elif other.start >= known_end:
            self.unlisted.append(other.listed)
            self._take(self._lines[other.number - 1][0], other.session_id, where)
        elif other.end > self._counts.get(other.listed.session_id, 0):
            self.damaged.append(Damage(other.session_id, where, f"{LEDGER} does not know this record"))

    def _take(self, line: bytes, session_id: str | None, where: str) -> None:
        try:
            record = SessionRecord.model_validate(parse_json(line))
        except ValidationError as error:
            self.damaged.append(Damage(session_id, where, f"not a session record: {validation_message(error)}"))
        except ValueError:
            self.damaged.append(Damage(session_id, where, "cut short, or no JSON, and the session has no journal"))
        else:
            self.records[record.session_id] = record

    def _is_torn(self, other: Other) -> bool:
        """Whether a crash has cut a line: its session is still there, in its journal or as a later record."""
        line = self._lines[other.number - 1][0]
        if _is_json(line):
            return False
        name = other.id_begins
        if name is None:
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
    end, lines = 0, []
    with file:
        for line in read_lines(file):
            end += len(line)
            lines.append((line, end))
    return lines


def _is_json(line: bytes) -> bool:
    try:
        parse_json(line)
    except ValueError:
        return False
    return True


def _list(folder: Path, items: Iterable[Listed], private: bool) -> None:
    if data := b"".join(map(sealed, items)):
        append(folder / LEDGER, data, sync=True, private=private)
