"""What a session's trace is made of. `inspection.trace` makes it from a record."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from counseling_sessions.inspection.survival import Kept, Origin
from counseling_sessions.state import Call, Candidate, Failure, Fork, Phase, Pick, Plan, Provenance, Usage, Utterance

PLAN_TURN = 0
"""The turn of the opening and the plan."""


@dataclass(frozen=True)
class CallTrace:
    """A call in its place: the turn (0: the plan), the graph's node that made it, and when.

    `offset` is in seconds after the begin of the session, by the clock: None where the record does not tell. A fork begins
    where the session did that it branched off from. `number` is the call's place in `SessionTrace.calls`.
    """

    number: int
    turn: int
    node: str
    offset: float | None
    call: Call

    @property
    def end(self) -> float | None:
        """Seconds after the begin of the session at which the answer was there."""
        return None if self.offset is None else self.offset + self.call.seconds

    @property
    def regenerations(self) -> int:
        """How often the guards had the answer made again."""
        return max(0, self.call.attempts - 1)


def timed(calls: Iterable[CallTrace]) -> list[tuple[float, float]]:
    """Begin and end of the calls whose time is known, in seconds after the begin of the session, the first begun first."""
    return sorted((item.offset, item.end) for item in calls if item.offset is not None and item.end is not None)


@dataclass(frozen=True)
class PickTrace:
    """What was picked for a turn and why; `call` is None where rules or a person decided."""

    pick: Pick
    call: CallTrace | None


@dataclass(frozen=True)
class CandidateTrace:
    """A specialist's draft: whether its technique was picked, and what of it stands in the utterance (None: there is none)."""

    candidate: Candidate
    picked: bool
    call: CallTrace | None
    kept: Kept | None


@dataclass(frozen=True)
class SaidTrace:
    """What somebody said. `origins` tell which candidate each piece of it comes from; `words` is how many words it has."""

    utterance: Utterance
    call: CallTrace | None
    origins: tuple[Origin, ...] = ()
    words: int = 0


@dataclass(frozen=True)
class TurnTrace:
    """A turn with all that led to it; the closing utterance is the last one.

    `saw` is what the client had said last, `step_text` the plan's step that the pick names. `seconds` is from the first call's begin
    to the last one's end, `overlap` how much time calls saved by running side by side. `inherited`: a fork has
    it from the session that it branched off from. `calls` are in order of time.
    """

    turn: int
    phase: Phase
    closing: bool
    inherited: bool
    saw: str
    step_text: str
    pick: PickTrace | None
    candidates: tuple[CandidateTrace, ...]
    counselor: SaidTrace | None
    client: SaidTrace | None
    failure: Failure | None
    calls: tuple[CallTrace, ...]
    seconds: float
    overlap: float


@dataclass(frozen=True)
class RoleUse:
    """What a role cost: `node` is the graph's node that asks it, `longest` the seconds of its slowest call, `retries` the HTTP
    requests that were made again, `cost` in the prices' currency, where prices are given."""

    role: str
    node: str
    usage: Usage
    longest: float
    findings: int
    retries: int
    cost: float | None


@dataclass(frozen=True)
class TechniqueUse:
    """How a technique was used: the turns that picked it, those in which it drafted, and those whose draft could not be had.

    Of its drafts' `words` so many were `kept` in the utterances, where so many words are put down to it (`given`).
    """

    technique: str
    picked: tuple[int, ...]
    drafted: tuple[int, ...]
    lost: tuple[int, ...]
    words: int
    kept: int
    given: int


@dataclass(frozen=True)
class SessionTrace:
    """A session's trace. `calls` are in order of time, `total` is over all of them; `busy` is the time in which calls ran
    (seconds, those side by side counted once)."""

    session_id: str
    profile_id: str
    name: str
    attitude: str
    method: str
    seed: int
    status: str
    end_reason: str | None
    failure: Failure | None
    configuration: dict[str, Any]
    provenance: Provenance
    started_at: str
    seconds: float
    resumed: int
    forked_from: Fork | None
    opening: tuple[Utterance, ...]
    plan: Plan | None
    plan_call: CallTrace | None
    turns: tuple[TurnTrace, ...]
    calls: tuple[CallTrace, ...]
    roles: tuple[RoleUse, ...]
    techniques: tuple[TechniqueUse, ...]
    total: Usage
    busy: float
    cost: float | None

    @property
    def cut_off(self) -> bool:
        """Whether the session is unfinished rather than failed."""
        return self.failure is not None and self.failure.kind == "unfinished"

    @property
    def slowest(self) -> list[CallTrace]:
        """The calls, the slowest first."""
        return sorted(self.calls, key=lambda item: -item.call.seconds)
