"""Finding sessions to look at: in a run directory, a folder of single sessions, a journal, or a file of records.

Unfinished sessions are found too: their journals are made into records as far as they go.
"""

from collections.abc import Container, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from counseling_sessions.graph.journal import SUFFIX, DamagedJournal, has_begun, read_journal
from counseling_sessions.graph.ledger import Damage
from counseling_sessions.graph.record import make_record
from counseling_sessions.graph.store import SHARD, has_records, read_records
from counseling_sessions.profiles.schema import Attitude
from counseling_sessions.sessions.checking import refusal
from counseling_sessions.sessions.store import Entry, RunError, Store, is_run, record_of
from counseling_sessions.state import EndReason, SessionRecord
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


def overview(place: Path, *, left_out: list[Damage] | None = None) -> list[Overview]:
    """Every session of a place in a line, in the order in which they are numbered.

    Raises `RunError` or `JournalError`, also for damaged sessions; with a list for what is left out, they are put there instead.
    """
    if is_run(place):
        store = Store(place)
        checked = store.check()
        if checked.damaged and left_out is None:
            raise RunError(refusal(place, checked.damaged))
        if left_out is not None:
            left_out += checked.damaged
        rows = [_of_entry(entry) for entry in checked.entries.values()]
        journals = _from_journals(store.journals.glob(f"*{SUFFIX}"), set(checked.entries), left_out)
        return rows + [_of_record(record) for record in journals]
    return [_of_record(record) for record in find_records(place, left_out=left_out)]


def find_records(place: Path, *, left_out: list[Damage] | None = None) -> Iterator[SessionRecord]:
    """Every session of a place, finished, failed or cut off; in no particular order.

    Raises `RunError` where there is nothing to find, and `JournalError` for a damaged journal or file of records; for damaged
    sessions at the end, unless there is a list for what is left out.
    """
    if is_run(place):
        store = Store(place)
        done = set()
        for record in store.records(failed=True, left_out=left_out):
            done.add(record.session_id)
            yield record
        yield from _from_journals(store.journals.glob(f"*{SUFFIX}"), done, left_out)
    elif place.is_dir():
        yield from _from_folder(place, left_out)
    elif place.is_file():
        yield from _from_file(place)
    else:
        raise RunError(
            f"{place} is not there; give a run directory, a session's folder, a journal or a file of records"
        )


def find_one(place: Path, name: str | None = None, *, left_out: list[Damage] | None = None) -> SessionRecord:
    """One session: by its id, the beginning of its id, or its number (from 1) in `overview`; the only one without a name.

    Raises `RunError` that says what there is to choose from, and as `overview` does.
    """
    if name is not None and is_run(place) and (record := Store(place).record(name)) is not None:
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
    records = _of_run(place, wanted) if is_run(place) else find_records(place, left_out=[])
    found = next((record for record in records if record.session_id == wanted), None)
    if found is None:
        raise RunError(f"{place}: the record of {wanted} cannot be found; was the run moved while it was being read?")
    return found


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


def _of_run(place: Path, wanted: str) -> Iterator[SessionRecord]:
    """The one record of a run directory, without reading all the others: the ledger tells where it lies."""
    store = Store(place)
    if (record := store.record(wanted)) is not None:
        yield record
    else:
        yield from (make_record(read_journal(path)) for path in [store.journals / f"{wanted}{SUFFIX}"] if path.exists())


def _from_journals(
    paths: Iterable[Path], done: Container[str], left_out: list[Damage] | None
) -> Iterator[SessionRecord]:
    for path in sorted(paths):
        name = path.name.removesuffix(SUFFIX)
        try:
            if name not in done and has_begun(path):
                yield make_record(read_journal(path))
        except DamagedJournal as error:
            if left_out is None:
                raise
            left_out.append(Damage(name, "journal", str(error)))


def _from_folder(folder: Path, left_out: list[Damage] | None) -> Iterator[SessionRecord]:
    records = read_records(folder, left_out=left_out) if has_records(folder) else {}
    yield from records.values()
    journals = list(_from_journals(folder.glob(f"*{SUFFIX}"), records, left_out))
    yield from journals
    if not records and not journals and not left_out:
        raise RunError(f"{folder} is no run directory and has no sessions; runs have a run.json or a {SHARD}")


def _from_file(path: Path) -> Iterator[SessionRecord]:
    if path.name.endswith(SUFFIX):
        yield make_record(read_journal(path))
        return
    try:
        with open_plain(path) as file:
            for number, line in enumerate(read_lines(file), 1):
                if line.strip():
                    yield _record(line, path, number)
    except OSError as error:
        raise RunError(f"{path} cannot be read: {error.strerror or error}") from error


def _record(line: bytes, path: Path, number: int) -> SessionRecord:
    try:
        return record_of(line)
    except ValueError as error:
        raise RunError(f"{path}, line {number}: {str(error)[:200]}") from None


def _of_entry(entry: Entry) -> Overview:
    return Overview(
        session_id=entry.session_id,
        profile_id=entry.profile_id,
        attitude=entry.attitude,
        method=entry.method,
        seed=entry.session_seed,
        status=entry.status,
        end_reason=entry.end_reason,
        turns=entry.turns,
        seconds=entry.seconds,
        tokens=entry.tokens,
    )


def _of_record(record: SessionRecord) -> Overview:
    cut_off = record.failure is not None and record.failure.kind == "unfinished"
    return Overview(
        session_id=record.session_id,
        profile_id=record.profile_id,
        attitude=record.attitude,
        method=str(record.configuration.get("method")),
        seed=int(record.configuration.get("seed", 0)),
        status="unfinished" if cut_off else record.status,
        end_reason=record.end_reason,
        turns=len(record.turns),
        seconds=record.seconds,
        tokens=sum(used.prompt_tokens + used.completion_tokens for used in record.usage.values()),
    )
