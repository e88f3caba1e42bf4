"""The state of a run, read from its directory alone, whether or not a process is at work on it."""

import time
from collections import Counter
from dataclasses import asdict, dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from counseling_sessions.generation.batch import Batch, Profiles, begun_batch, units
from counseling_sessions.generation.failures import FailureNames
from counseling_sessions.models.prices import Prices
from counseling_sessions.sessions.checking import Checked
from counseling_sessions.sessions.entries import Entry
from counseling_sessions.sessions.folder import RunFolder
from counseling_sessions.sessions.journal_lines import SUFFIX
from counseling_sessions.sessions.ledger import Damage
from counseling_sessions.state import Count
from counseling_sessions.store.lock import is_held
from counseling_sessions.store.reading import parse_json, read_bytes

MOST_LIVE = 2**20
RECENT = 600.0
"""Seconds that the rate of a run at work is taken over."""


@dataclass
class RunState:
    """Counts of a run. `live` is the report of the process at work, None if there is none.

    `damaged` sessions count neither as finished nor as failed. `unlisted` records count, but have no line in the ledger yet:
    a crash came before it.
    """

    folder: Path
    batch: Batch
    total: int
    finished: int = 0
    failed: int = 0
    begun: int = 0
    damaged: list[Damage] = field(default_factory=list)
    unlisted: int = 0
    turns: int = 0
    calls: int = 0
    prompt_tokens: int = 0
    cached_tokens: int = 0
    completion_tokens: int = 0
    cost: float | None = None
    by_method: Counter[str] = field(default_factory=Counter)
    by_end: Counter[str] = field(default_factory=Counter)
    failures: Counter[str] = field(default_factory=Counter)
    sessions_per_hour: float | None = None
    live: dict[str, Any] | None = None

    @property
    def left(self) -> int:
        return self.total - self.finished - self.failed

    @property
    def hours_left(self) -> float | None:
        return self.left / self.sessions_per_hour if self.sessions_per_hour and self.left else None

    def as_json(self) -> dict[str, Any]:
        """The state as plain JSON."""
        names = ("total", "finished", "failed", "left", "begun", "turns", "calls", "prompt_tokens", "cached_tokens")
        return {
            "folder": str(self.folder),
            **{name: getattr(self, name) for name in names},
            "damaged": [asdict(item) for item in self.damaged],
            "unlisted": self.unlisted,
            "completion_tokens": self.completion_tokens,
            "cost": self.cost,
            "finished_by_method": dict(self.by_method),
            "finished_by_end": dict(self.by_end),
            "failures": dict(self.failures.most_common()),
            "running": self.live is not None,
            "live": self.live,
            "sessions_per_hour": self.sessions_per_hour,
            "hours_left": self.hours_left,
        }


class StateReader:
    """Reads the state of a run again and again; batch and profiles are read once.

    The first reading compares the records with the ledger, and so does every reading without a process at work. With one at
    work, the ledger is enough.
    """

    def __init__(self, folder: Path, prices: Prices | None = None) -> None:
        self.folder, self.run, self.batch = folder, RunFolder(folder), begun_batch(folder)
        self._prices = prices
        self._checked: Checked | None = None
        self._names = FailureNames()
        self._total = sum(1 for _ in units(self.batch, Profiles.of(self.batch, folder)))

    def read(self, *, by_ledger: bool = False) -> RunState:
        """The state now; `by_ledger` without a look at the records. Raises `RunError`."""
        state = RunState(self.folder, self.batch, self._total, cost=0.0 if self._prices else None)
        at_work = is_held(self.run.lock_file)
        entries = list(self.run.entries().values()) if by_ledger else self._entries(state, at_work)
        for entry in entries:
            self._count(state, entry)
        journals = {path.name.removesuffix(SUFFIX) for path in self.run.journal_files()}
        state.begun = len(journals - {entry.session_id for entry in entries})
        if at_work:
            state.live = _live(self.run.live)
            state.sessions_per_hour = _rate([entry for entry in entries if entry.status == "finished"], state.live)
        return state

    def _entries(self, state: RunState, at_work: bool) -> list[Entry]:
        if self._checked is None or not at_work:
            self._checked = self.run.check()
            state.unlisted = 0 if at_work else len(self._checked.tails)
            state.damaged = self._checked.damaged
            return list(self._checked.entries.values())
        best, before = self.run.entries(), self._checked
        # A session stays damaged until it has been run again, and has another record.
        names = {name for item in before.damaged if best.get(name := item.session_id or "") == before.best.get(name)}
        state.damaged = [item for item in before.damaged if (item.session_id or "") in names]
        return [entry for name, entry in best.items() if name not in names]

    def _count(self, state: RunState, entry: Entry) -> None:
        if entry.status == "finished":
            state.finished += 1
            state.by_method[entry.method] += 1
            state.by_end[entry.end_reason or "unknown"] += 1
        else:
            state.failed += 1
            state.failures[self._names.name(entry.failure)] += 1
        state.turns += entry.turns
        state.calls += entry.calls
        for item in entry.usage.values():
            state.prompt_tokens += item.prompt_tokens
            state.cached_tokens += item.cached_tokens
            state.completion_tokens += item.completion_tokens
        if self._prices and state.cost is not None:
            state.cost += self._prices.cost(self.batch.configuration, entry.tokens_by_role)


class _Live(BaseModel):
    """The fields of a live.json that are shown."""

    model_config = ConfigDict(extra="allow", allow_inf_nan=False)

    began: float = Field(default=0.0, ge=0)
    running: Count = 0
    line: str = ""


def _live(path: Path) -> dict[str, Any]:
    """The report of the process at work; empty if there is none yet, or it cannot be read."""
    try:
        live = parse_json(read_bytes(path, MOST_LIVE))
        _Live.model_validate(live)
    except (OSError, ValueError):
        return {}
    return dict(live)


def _rate(finished: list[Entry], live: dict[str, Any] | None) -> float | None:
    """Sessions an hour, from those that finished lately, since the work began."""
    now = time.time()
    ends = sorted(datetime.fromisoformat(entry.finished_at).timestamp() for entry in finished)
    since = max(now - RECENT, float((live or {}).get("began") or 0.0))
    recent = [end for end in ends if end > since]
    if len(recent) < 2:
        return None
    start = since if live and live.get("began") else recent[0]
    return len(recent) / max(now - start, 1.0) * 3600
