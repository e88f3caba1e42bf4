"""The parts of a session's trace. `inspection.trace` makes them from a record."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from counseling_sessions.inspection.survival import Kept, Origin
from counseling_sessions.sessions.prompt_sets import PromptsInUse, digest_of, sets_of_calls
from counseling_sessions.sessions.record import Fork, Provenance, Usage
from counseling_sessions.state import Call, Candidate, ClientState, Failure, Phase, Pick, Plan, RiskEntry, Utterance

PLAN_TURN = 0
"""The turn of the opening and the plan."""


@dataclass(frozen=True)
class CallTrace:
    """A call with its turn (0: the plan), the graph's node that made it, and its time.

    `offset` is in seconds after the start of the session, None if the record has no time. A fork's start is that of its parent.
    `number` is the call's place in `SessionTrace.calls`.
    """

    number: int
    turn: int
    node: str
    offset: float | None
    call: Call

    @property
    def end(self) -> float | None:
        """The time of the answer, in seconds after the start of the session."""
        return None if self.offset is None else self.offset + self.call.seconds

    @property
    def regenerations(self) -> int:
        """How often the guards asked for another answer."""
        return max(0, self.call.attempts - 1)


def timed(calls: Iterable[CallTrace]) -> list[tuple[float, float]]:
    """Start and end of the calls with a time, in seconds after the start of the session, in order."""
    return sorted((item.offset, item.end) for item in calls if item.offset is not None and item.end is not None)


@dataclass(frozen=True)
class PlanTrace:
    """A plan and its call."""

    plan: Plan
    call: CallTrace | None


@dataclass(frozen=True)
class PickTrace:
    """A turn's pick; `call` is None if rules or a person decided."""

    pick: Pick
    call: CallTrace | None


@dataclass(frozen=True)
class CandidateTrace:
    """A specialist's draft, whether its technique was picked, and which words of it the utterance kept (None without one)."""

    candidate: Candidate
    picked: bool
    call: CallTrace | None
    kept: Kept | None


@dataclass(frozen=True)
class SaidTrace:
    """An utterance. `origins` name the candidate of each piece that comes from one; `words` counts its words."""

    utterance: Utterance
    call: CallTrace | None
    origins: tuple[Origin, ...] = ()
    words: int = 0


@dataclass(frozen=True)
class TurnTrace:
    """A turn and all its steps; the closing utterance is the last turn.

    `revised` is the plan in force from this turn on, if it is another one. `step` is the plan's step in work (`step_text`), and
    `progress` says why phase and step are these. `risk` is the protocol's entry, where it leads. `client_state` follows on
    `state_before`. `saw` is the client's message before it. `seconds` is from the start of the first call to the end of the last,
    `overlap` the seconds that concurrent calls saved. An `inherited` turn comes from a fork's parent. `calls` are in order of time.
    """

    turn: int
    phase: Phase
    closing: bool
    inherited: bool
    saw: str
    revised: PlanTrace | None
    step: int | None
    step_text: str
    progress: str
    risk: RiskEntry | None
    pick: PickTrace | None
    candidates: tuple[CandidateTrace, ...]
    counselor: SaidTrace | None
    client_state: ClientState | None
    state_before: ClientState | None
    client: SaidTrace | None
    failure: Failure | None
    calls: tuple[CallTrace, ...]
    seconds: float
    overlap: float


@dataclass(frozen=True)
class RoleUse:
    """The use of a role by the graph's `node`: `longest` is the seconds of its slowest call, `retries` counts repeated HTTP
    requests, `cost` is in the prices' currency, or None."""

    role: str
    node: str
    usage: Usage
    longest: float
    findings: int
    retries: int
    cost: float | None


@dataclass(frozen=True)
class TechniqueUse:
    """The use of a technique: the turns that picked it, those with its draft, and those that `lost` its draft to an error.

    `words` counts the words of its drafts, `kept` those that the utterances kept, `given` the utterances' words from it.
    """

    technique: str
    picked: tuple[int, ...]
    drafted: tuple[int, ...]
    lost: tuple[int, ...]
    words: int
    kept: int
    given: int


@dataclass(frozen=True)
class Message:
    """A message of a prompt, with the role under which it was sent: `system`, `user` or `assistant`."""

    role: str
    text: str


@dataclass(frozen=True)
class Prompts:
    """The prompts of a session's calls by their number; `problem` says why there are none, or not all."""

    by_call: dict[int, tuple[Message, ...]]
    problem: str = ""


@dataclass(frozen=True)
class SessionTrace:
    """A session's trace. `calls` are in order of time, `total` is their sum; `busy` is the seconds in which at least one ran."""

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
    def mixed_prompts(self) -> dict[int, str]:
        """The digest of the prompts of each call, by the call's number, where a prompt changed in the session; else empty."""
        sets = sets_of_calls(self.configuration, self.provenance, (item.call for item in self.calls))
        in_use = PromptsInUse()
        in_use.add(sets)
        if not in_use.mixed:
            return {}
        began = digest_of(self.configuration["techniques"], self.provenance.prompt_hashes)
        return {item.number: item.call.prompts or began for item in self.calls}

    @property
    def cut_off(self) -> bool:
        """Whether the session is unfinished rather than failed."""
        return self.failure is not None and self.failure.kind == "unfinished"

    @property
    def slowest(self) -> list[CallTrace]:
        """The calls from the slowest to the fastest."""
        return sorted(self.calls, key=lambda item: -item.call.seconds)
