"""Finding sessions to look at: in a run's folder, a journal, or a file of records.

Unfinished sessions count too: their journals become records as far as they go.
"""

from collections.abc import Callable, Container, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from counseling_sessions.graph.record import make_record
from counseling_sessions.profiles.schema import Attitude
from counseling_sessions.sessions.checking import refusal
from counseling_sessions.sessions.entries import Entry, record_of
from counseling_sessions.sessions.errors import DamagedJournal, RunError
from counseling_sessions.sessions.folder import RunFolder, run_folder, runs_inside
from counseling_sessions.sessions.journal_lines import SUFFIX
from counseling_sessions.sessions.journal_reading import has_begun, read_journal
from counseling_sessions.sessions.ledger import Damage
from counseling_sessions.sessions.record import SessionRecord
from counseling_sessions.state import EndReason
from counseling_sessions.store.failing import failing_as
from counseling_sessions.store.reading import open_plain, read_lines

Status = Literal["finished", "failed", "unfinished"]
LISTED = 8
"""Sessions that an error names, for a person to choose from."""


@dataclass(frozen=True)
class Overview:
    """A session in a line. `tokens` are those of prompts and answers, `seconds` wall time."""

    session_id: str
    profile_id: str
    attitude: Attitude
    method: str
    seed: int
    status: Status
    end_reason: EndReason | None
    turns: int
    seconds: float
    tokens: int


def status_of(record: SessionRecord) -> Status:
    """A session's status: finished, failed, or unfinished (cut off, or still running)."""
    return "unfinished" if record.failure and record.failure.kind == "unfinished" else record.status


def overview(place: Path, *, left_out: list[Damage] | None = None) -> list[Overview]:
    """Every session of a place in a line, in the order of their numbers.

    Raises `RunError` or `JournalError`, also for damaged sessions unless `left_out` collects them.
    """
    folder = run_folder(place)
    if folder is None:
        return [_of_record(record) for record in find_records(place, left_out=left_out)]
    checked = folder.check()
    if checked.damaged and left_out is None:
        raise RunError(refusal(folder, checked.damaged))
    if left_out is not None:
        left_out += checked.damaged
    journals = _from_journals(folder, checked.entries, left_out)
    return [*map(_of_entry, checked.entries.values()), *map(_of_record, journals)]


def find_records(
    place: Path, *, left_out: list[Damage] | None = None, wanted: Callable[[bytes], bool] = bool
) -> Iterator[SessionRecord]:
    """Every session of a place, finished, failed or cut off; in no particular order.

    Of a run's records, those whose line is not `wanted` are passed over before they are parsed.

    Raises `RunError` for a place without sessions and for a damaged journal; at the end for damaged sessions, unless `left_out`
    collects them.
    """
    if folder := run_folder(place):
        done = set()
        for record in folder.records(failed=True, left_out=left_out, wanted=wanted):
            done.add(record.session_id)
            yield record
        yield from _from_journals(folder, done, left_out)
    elif place.is_dir():
        raise RunError(f"{place} is no run directory and has no sessions{runs_inside(place)}")
    elif place.is_file():
        yield from _from_file(place)
    else:
        raise RunError(f"{place} is not there; give a run's folder, a journal or a file of records")


def find_one(place: Path, name: str | None = None, *, left_out: list[Damage] | None = None) -> SessionRecord:
    """One session: by its id, the beginning of its id, or its number (from 1) in `overview`; the only one without a name.

    Raises `RunError` that lists the sessions to choose from, and what `overview` raises.
    """
    folder = run_folder(place)
    if name is not None and folder and (record := folder.record(name)) is not None:
        return record  # the others are not looked at
    rows = overview(place, left_out=left_out)
    if not rows:
        raise RunError(f"{place} has no sessions {'that can be read' if left_out else 'yet'}")
    if name is None:
        if len(rows) > 1:
            raise RunError(f"{place} has {len(rows):,} sessions; name one by its id or its number:\n{_choice(rows)}")
        wanted = rows[0].session_id
    else:
        wanted = _wanted(place, rows, name)
    if folder:
        match = record_in(folder, wanted)
    else:
        match = next((record for record in find_records(place, left_out=[]) if record.session_id == wanted), None)
    if match is None:
        raise RunError(f"{place}: the record of {wanted} cannot be found; was the run moved while it was being read?")
    return match


def _wanted(place: Path, rows: list[Overview], name: str) -> str:
    ids = [row.session_id for row in rows]
    if name in ids:
        return name
    if name.isdecimal() and 1 <= int(name) <= len(ids):
        return ids[int(name) - 1]
    begins = [row for row in rows if row.session_id.startswith(name)]
    if len(begins) == 1:
        return begins[0].session_id
    if begins:
        raise RunError(f"{place}: {name} is the beginning of {len(begins):,} sessions' ids:\n{_choice(begins)}")
    raise RunError(f"{place} has no session {name}; there are:\n{_choice(rows)}")


def _choice(rows: list[Overview]) -> str:
    lines = [
        f"  {number}  {row.session_id}  {row.profile_id}, {row.attitude}, {row.method}, {row.status}"
        for number, row in enumerate(rows[:LISTED], 1)
    ]
    if len(rows) > LISTED:
        lines.append(f"  … and {len(rows) - LISTED:,} more: python run.py trace lists them")
    return "\n".join(lines)


def record_in(folder: RunFolder, session_id: str) -> SessionRecord | None:
    """The session of a run with this id, without reading the others; None where there is none.

    Raises `RunError` or `JournalError` for a damaged one.
    """
    if (record := folder.record(session_id)) is not None:
        return record
    paths = (path for path in folder.journal_files() if path.name == f"{session_id}{SUFFIX}" and has_begun(path))
    return next((make_record(read_journal(path)) for path in paths), None)


def _from_journals(folder: RunFolder, done: Container[str], left_out: list[Damage] | None) -> Iterator[SessionRecord]:
    for path in folder.journal_files():
        name = path.name.removesuffix(SUFFIX)
        try:
            if name not in done and has_begun(path):
                yield make_record(read_journal(path))
        except DamagedJournal as error:
            if left_out is None:
                raise
            left_out.append(Damage(name, "journal", str(error)))


def _from_file(path: Path) -> Iterator[SessionRecord]:
    if path.name.endswith(SUFFIX):
        yield make_record(read_journal(path))
        return
    with failing_as(RunError, f"{path} cannot be read"), open_plain(path) as file:
        for number, line in enumerate(read_lines(file), 1):
            if line.strip():
                try:
                    yield record_of(line)
                except ValueError as error:
                    raise RunError(f"{path}, line {number}: {str(error)[:200]}") from None


def _of_entry(entry: Entry) -> Overview:
    return _row(entry, entry.method, entry.session_seed, entry.status, entry.turns)


def _of_record(record: SessionRecord) -> Overview:
    config = record.configuration
    return _row(record, str(config.get("method")), int(config.get("seed", 0)), status_of(record), len(record.turns))


def _row(item: Entry | SessionRecord, method: str, seed: int, status: Status, turns: int) -> Overview:
    tokens = sum(used.prompt_tokens + used.completion_tokens for used in item.usage.values())
    about = item.session_id, item.profile_id, item.attitude
    return Overview(*about, method, seed, status, item.end_reason, turns, item.seconds, tokens)
