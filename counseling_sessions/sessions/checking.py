"""Reading a run's records, each compared with its line in the ledger: no loss and no change goes unnoticed.

One pass over the shards is enough if all is well. A record that is missing, cut short or changed damages its session, unless
another finished record of it is as it was kept. A record without a line in the ledger counts at the end of a shard, where a
crash leaves one; elsewhere the ledger is damaged. Lines that are no records count for nothing: a crash has cut them, and
their sessions are still to do.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import chain

from counseling_sessions.sessions.entries import Entry, record_of
from counseling_sessions.sessions.errors import RunError
from counseling_sessions.sessions.ids import session_id_of
from counseling_sessions.sessions.ledger import Comparison, Damage, Other, damage_message
from counseling_sessions.sessions.shards import Index, Shards
from counseling_sessions.state import SessionRecord

UNLISTED = "no ledger knows this record"


@dataclass
class Checked:
    """What a run has: the entries whose records are as they were kept, the damaged sessions, and the records without an entry.

    `best` are the entries that count by the ledger alone, `old` the records in the old form's one file. `tails` and `strays` have
    no line in the ledger: a crash leaves `tails` at the ends of shards, and no `strays`, which come as shard and line.
    """

    entries: dict[str, Entry] = field(default_factory=dict)
    best: dict[str, Entry] = field(default_factory=dict)
    old: dict[str, SessionRecord] = field(default_factory=dict)
    damaged: list[Damage] = field(default_factory=list)
    tails: list[Entry] = field(default_factory=list)
    strays: list[tuple[str, Other]] = field(default_factory=list)
    bad_shards: set[str] = field(default_factory=set)


class Records(Shards):
    """The records in a run's shards, each compared with the ledger. Every method raises `RunError`."""

    def check(self) -> Checked:
        """Compare every record with the ledger, in one pass. A record with a checksum is not parsed: it is as it was written."""
        reading = _Reading(self)
        for entry, line in reading.good():
            if entry.crc is None:
                try:
                    record_of(line)
                except ValueError as error:
                    reading.bad[id(entry)] = str(error)
        return reading.outcome()

    def records(self, *, failed: bool = False, left_out: list[Damage] | None = None) -> Iterator[SessionRecord]:
        """Every finished session's record, once, shard by shard; with `failed`, the failed ones' too.

        At the end `RunError` names the damaged sessions; with a list `left_out`, they are put there instead.
        """
        reading = _Reading(self)
        unreadable: list[Damage] = []
        yield from (item for item in reading.index.old.records.values() if failed or item.status == "finished")
        for entry, line in self._counting(reading, failed):
            try:
                record = record_of(line)
            except ValueError as error:
                unreadable.append(Damage(entry.session_id, f"shard {entry.shard}", str(error)))
                continue
            yield record
        damaged = reading.outcome().damaged + unreadable
        if left_out is not None:
            left_out += damaged
        elif damaged:
            raise RunError(refusal(self, damaged))

    def _counting(self, reading: "_Reading", failed: bool) -> Iterator[tuple[Entry, bytes]]:
        for entry, line in reading.good():
            if reading.index.best[entry.session_id] is entry and (failed or entry.status == "finished"):
                yield entry, line
        reading.outcome()
        for entry in reading.instead.values():
            if (replacement := self.line_at(entry)) is not None:
                yield entry, replacement

    def record(self, session_id: str) -> SessionRecord | None:
        """One session's record, without reading the others; None if no ledger knows it."""
        index = self.index()
        best = index.best.get(session_id)
        if best is None:
            if damaged := [item for item in index.old.damaged if item.session_id == session_id]:
                raise RunError(refusal(self, damaged))
            return index.old.records.get(session_id)
        finished = sorted(index.others.get(session_id, ()), key=lambda entry: entry.rank, reverse=True)
        problems = []
        for entry in [best, *(finished if best.status == "finished" else ())]:
            comparison = Comparison([entry])
            try:
                line = self.line_at(entry)
                expected = [] if line is None else [(line, entry.end)]
                # A change of another line may have moved it.
                for _, text in comparison.good(chain(expected, self.lines(entry.shard))):
                    return record_of(text)
                problems.append(comparison.why(entry))
            except (RunError, ValueError) as error:
                problems.append(str(error))
        raise RunError(refusal(self, [Damage(session_id, f"shard {best.shard}", problems[0])]))


def refusal(store: Shards, damaged: list[Damage]) -> str:
    """What a reader says of damaged sessions, and what can be done."""
    run_again = (
        f" or run them again, and enter records that no ledger knows, with `run.py generate --out {store.folder}`"
    )
    return (
        f"{damage_message(store.folder, damaged)}\n"
        f"restore the files{run_again if store.planned else ''}; --salvage reads the other sessions"
    )


class _Reading:
    """One pass over a run's shards. `bad` says what is wrong with entries, by their `id()`.

    After the pass, `instead` has the entries that stand in for damaged ones.
    """

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
            comparison = Comparison(listed)
            problem = None
            try:
                yield from comparison.good(self.store.lines(name))
            except RunError as error:
                problem = str(error)
            for entry in comparison.missing:
                self.bad[id(entry)] = problem or comparison.why(entry)
                self._bad_shards.add(name)
            self._disputed += [(name, entry, other) for entry, other in comparison.disputed]
            # A run at work appends behind the ledger's last line.
            end = comparison.last_end if name in self.index.raw else -1
            self._others += [(name, other) for other in comparison.others if end < 0 or other.start < end]

    def outcome(self) -> Checked:
        old = self.index.old
        checked = Checked(
            {}, self.index.best, old.records, [*old.damaged], self.index.tails, bad_shards=self._bad_shards
        )
        for session_id, best in self.index.best.items():
            entry = best if id(best) not in self.bad else self._another(best)
            if entry is not None:
                checked.entries[session_id] = entry
                if entry is not best:
                    self.instead[session_id] = entry
            else:
                checked.damaged.append(Damage(session_id, f"shard {best.shard}", self.bad[id(best)]))
        for name, entry, other in self._disputed:
            # A record with a changed id is no further session, once its session has been run again.
            alone = entry.session_id not in checked.entries
            if other.session_id not in checked.entries and (alone or self._has_its_id(name, other)):
                what = f"the ledger has session {entry.session_id} there"
                checked.damaged.append(Damage(other.session_id, f"shard {name}, line {other.number}", what))
        for name, other in self._others:
            if (listed := other.listed) is None:
                continue
            entry = checked.entries.get(listed.session_id)
            if entry is None or (entry.status != "finished" and entry.rank < (listed.status, listed.finished_at)):
                checked.strays.append((name, other))
                checked.damaged.append(Damage(listed.session_id, f"shard {name}, line {other.number}", UNLISTED))
        return checked

    def _has_its_id(self, name: str, other: Other) -> bool:
        """Whether a record has the id that follows from its content."""
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
