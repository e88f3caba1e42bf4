"""Reading a run's records, each compared with what the ledger says of it: nothing is lost or changed unnoticed.

One pass over the shards is enough where all is well. A record that is missing, cut short or changed makes its session a damaged
one, unless another record of it, which was finished too, is as it was kept. A record that no ledger knows is taken where it lies
at the end of a shard, where a crash leaves one, and its session is not on record as finished; elsewhere it is damage of the ledger.
Lines that are no records count for nothing: a crash has cut them, and their sessions are still to do.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import chain

from counseling_sessions.sessions.entries import Entry, record_of
from counseling_sessions.sessions.errors import RunError
from counseling_sessions.sessions.ids import session_id_of
from counseling_sessions.sessions.ledger import Damage, LedgerComparison, Other, damage_message
from counseling_sessions.sessions.old import OLD, OLD_SHARD, problem_of
from counseling_sessions.sessions.record import SessionRecord
from counseling_sessions.sessions.shards import Index, Shards

UNLISTED = "no ledger knows this record"


@dataclass
class Checked:
    """What a run has: the entries whose records are as they were kept, the damaged sessions, and the records without an entry.

    `best` are the entries that would count by the ledger alone. `strays` are records that no ledger knows and that no crash has
    left where they are, as shard and line.
    """

    entries: dict[str, Entry] = field(default_factory=dict)
    best: dict[str, Entry] = field(default_factory=dict)
    damaged: list[Damage] = field(default_factory=list)
    tails: list[Entry] = field(default_factory=list)
    strays: list[tuple[str, Other]] = field(default_factory=list)
    bad_shards: set[str] = field(default_factory=set)


def check(store: Shards) -> Checked:
    """Compare every record of a run with the ledger, in one pass. Raises `RunError`.

    A record with a checksum is not parsed: it is what was written.
    """
    reading = _Reading(store)
    for entry, line in reading.good():
        if entry.crc is None or entry.shard == OLD:
            try:
                record_of(line)
            except ValueError as error:
                reading.bad[id(entry)] = str(error)
    return reading.outcome()


def read_records(
    store: Shards,
    *,
    failed: bool = False,
    left_out: list[Damage] | None = None,
    wanted: Callable[[bytes], bool] = bool,
) -> Iterator[SessionRecord]:
    """Every finished session's record, once, shard by shard; with `failed`, the failed ones' too.

    `wanted` looks at a record's line before it is parsed, which takes a hundred times as long, and can pass over it.
    At the end `RunError` names the damaged sessions; with a list for what is left out, they are put there instead.
    """
    reading = _Reading(store)
    unreadable: list[Damage] = []
    for entry, line in _wanted(reading, failed):
        if not wanted(line):
            continue
        try:
            record = record_of(line)
        except ValueError as error:
            unreadable.append(Damage(entry.session_id, _place(entry.shard), str(error)))
            continue
        yield record
    damaged = reading.outcome().damaged + unreadable
    if damaged and left_out is None:
        raise RunError(refusal(store, damaged))
    if left_out is not None:
        left_out += damaged


def _wanted(reading: "_Reading", failed: bool) -> Iterator[tuple[Entry, bytes]]:
    for entry, line in reading.good():
        if reading.index.best[entry.session_id] is entry and (failed or entry.status == "finished"):
            yield entry, line
    reading.outcome()
    for entry in reading.instead.values():
        if (there := reading.store.line_at(entry)) is not None:
            yield entry, there


def read_one(store: Shards, session_id: str) -> SessionRecord | None:
    """The record of one session, without reading the others; None where the ledger does not know it. Raises `RunError`."""
    index = store.index()
    best = index.best.get(session_id)
    if best is None:
        return None
    finished = sorted(index.others.get(session_id, ()), key=lambda entry: entry.rank, reverse=True)
    problems = []
    for entry in [best, *(finished if best.status == "finished" else ())]:
        comparison = LedgerComparison([entry])
        try:
            there = store.line_at(entry)
            # It may have been moved by a change of another line.
            for _, text in comparison.good(chain([(there or b"", entry.end)], store.lines(entry.shard))):
                return record_of(text)
            problems.append(comparison.why(entry))
        except (RunError, ValueError) as error:
            problems.append(str(error))
    raise RunError(refusal(store, [Damage(session_id, _place(best.shard), problems[0])]))


def refusal(store: Shards, damaged: list[Damage]) -> str:
    """What a reader says of damaged sessions, and what can be done."""
    run_again = (
        f" or run them again, and enter records that no ledger knows, with `run.py generate --out {store.folder}`"
    )
    return (
        f"{damage_message(store.folder, damaged)}\n"
        f"restore the files{run_again if store.planned else ''}; --salvage reads the other sessions"
    )


def _place(shard: str, other: Other | None = None) -> str:
    return (OLD_SHARD if shard == OLD else f"shard {shard}") + (f", line {other.number}" if other else "")


class _Reading:
    """One pass over a run's shards. `bad` says what is wrong with entries, by their `id()`; `instead` are the records that stand
    in for damaged ones, known after the pass."""

    def __init__(self, store: Shards) -> None:
        self.store = store
        self.index: Index = store.index()
        self.instead: dict[str, Entry] = {}
        self.bad: dict[int, str] = {}
        self._others: list[tuple[str, Other]] = []
        self._disputed: list[tuple[str, Entry, Other]] = []
        self._bad_shards: set[str] = set()

    def good(self) -> Iterator[tuple[Entry, bytes]]:
        for name, listed in sorted(self.index.shards.items()):
            comparison = LedgerComparison(listed)
            problem = None
            try:
                yield from comparison.good(self.store.lines(name))
            except RunError as error:
                problem = str(error)
            for entry in comparison.missing:
                self.bad[id(entry)] = problem or comparison.why(entry)
                self._bad_shards.add(name)
            self._disputed += [(name, entry, other) for entry, other in comparison.disputed]
            # Behind what was known when the pass began, a run at work writes on.
            end = comparison.known_end if name in self.index.raw else -1
            self._others += [(name, other) for other in comparison.others if end < 0 or other.start < end]

    def outcome(self) -> Checked:
        checked = Checked(best=self.index.best, tails=self.index.tails, bad_shards=self._bad_shards)
        for session_id, best in self.index.best.items():
            entry = best if id(best) not in self.bad else self._another(best)
            if entry is not None:
                checked.entries[session_id] = entry
                if entry is not best:
                    self.instead[session_id] = entry
            else:
                checked.damaged.append(Damage(session_id, _place(best.shard), self.bad[id(best)]))
        for name, entry, other in self._disputed:
            # A record whose id was changed is no session of its own, once that session has been run again.
            alone = entry.session_id not in checked.entries
            if other.session_id not in checked.entries and (alone or self._has_its_id(name, other)):
                what = f"the ledger has session {entry.session_id} there"
                checked.damaged.append(Damage(other.session_id, _place(name, other), what))
        for name, other in self._others:
            listed, problem = other.listed, UNLISTED
            entry = checked.entries.get(listed.session_id) if listed else None
            if entry and listed and (entry.status == "finished" or entry.rank >= (listed.status, listed.finished_at)):
                continue
            if name == OLD:
                problem = problem_of(self.store.folder, self.store.old_lines(), other) or ""
            elif listed:
                checked.strays.append((name, other))
            if listed or (name == OLD and problem):
                checked.damaged.append(Damage(other.session_id, _place(name, other), problem))
        return checked

    def _has_its_id(self, name: str, other: Other) -> bool:
        """Whether the id of a record is the one that follows from what it says."""
        line = next((line for line, end in self.store.lines(name) if end == other.end), b"")
        try:
            record = record_of(line)
        except ValueError:
            return False
        hashed, seed = record.provenance.configuration_hash, record.configuration["seed"]
        return record.session_id == session_id_of(record.profile_id, record.attitude, hashed, seed)

    def _another(self, best: Entry) -> Entry | None:
        """Another good record of a session that is finished."""
        if best.status != "finished":
            return None
        good = (entry for entry in self.index.others.get(best.session_id, ()) if id(entry) not in self.bad)
        return max(good, key=lambda entry: entry.rank, default=None)
