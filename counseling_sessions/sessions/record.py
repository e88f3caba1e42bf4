"""The record of a finished or failed session: all that was said, and all that led to it. docs/formats.md describes its fields."""

from typing import Any, Literal

from pydantic import Field, model_validator

from counseling_sessions.profiles.schema import Attitude, ClientProfile
from counseling_sessions.state import (
    Call,
    Candidate,
    ClientState,
    Count,
    EndReason,
    Failure,
    FrozenData,
    Part,
    Phase,
    Pick,
    Plan,
    RiskEntry,
    SessionId,
    Tokens,
    TurnNumber,
    Utterance,
    refuse_newer,
    unsaid,
    unset,
)

RECORD_FORMAT = 1

ForkEdit = Literal["client", "pick", "counselor"]


class Turn(FrozenData):
    """One turn of a finished session, with all that led to it. `client` is None only in a session cut off or failed.

    `step` and `progress` are those of a turn without a pick.
    """

    turn: TurnNumber = Field(ge=1)
    phase: Phase
    step: TurnNumber | None = Field(default=None, ge=1, exclude_if=unset)
    progress: str = Field(default="", exclude_if=unsaid)
    pick: Pick | None = None
    candidates: tuple[Candidate, ...] = ()
    counselor: Utterance | None = None
    client_state: ClientState | None = Field(default=None, exclude_if=unset)
    client: Utterance | None = None


class Usage(FrozenData):
    """Calls and tokens of one role over a session. `unreported` counts the answers for which the server gave no usage."""

    calls: Count = 0
    requests: Count = 0
    attempts: Count = 0
    prompt_tokens: Tokens = 0
    cached_tokens: Tokens = 0
    completion_tokens: Tokens = 0
    seconds: float = 0.0
    unreported: Count = 0


class Provenance(FrozenData):
    """What made a session, so that it can be defended: seeds alone do not reproduce a batched server's output.

    `prompt_hashes` are of the prompt files that it began with. `other_prompts` has those that other calls on record were made
    with, by the digest that these calls carry (`sessions.prompt_sets`).
    """

    configuration_hash: str
    prompt_hashes: dict[str, str]
    other_prompts: dict[str, dict[str, str]] = Field(default_factory=dict, exclude_if=unsaid)
    packages: dict[str, str]
    python: str
    platform: str


class Fork(FrozenData):
    """Where a session branched off from another: the turns before `turn` are that session's.

    `edits` says what a person replaced there: the client's last words, the pick, or the counselor's words.
    """

    session_id: SessionId
    turn: TurnNumber = Field(ge=1)
    edits: tuple[ForkEdit, ...] = ()


class SessionRecord(FrozenData):
    """A finished or failed session: one line of a shard. Documented in docs/formats.md."""

    format: int = Field(default=RECORD_FORMAT, ge=1, le=RECORD_FORMAT)
    session_id: SessionId
    status: Literal["finished", "failed"]
    end_reason: EndReason | None = None
    failure: Failure | None = None
    profile_id: str
    profile: ClientProfile
    attitude: Attitude
    configuration: dict[str, Any]
    provenance: Provenance
    started_at: str
    finished_at: str
    seconds: float = Field(ge=0)
    resumed: int = Field(default=0, ge=0, description="How often the session was taken up again after a cut")
    forked_from: Fork | None = None
    opening: tuple[Utterance, ...] = ()
    plan: Plan | None = None
    revisions: tuple[Plan, ...] = Field(default=(), exclude_if=unsaid)
    turns: tuple[Turn, ...] = ()
    closing: Utterance | None = None
    risk: tuple[RiskEntry, ...] = Field(default=(), exclude_if=unsaid)
    usage: dict[str, Usage] = Field(default_factory=dict)

    @model_validator(mode="before")
    @classmethod
    def _of_this_version(cls, data: Any) -> Any:
        refuse_newer(data, RECORD_FORMAT, "record")
        return data

    def plan_at(self, turn: int) -> Plan | None:
        """The plan in force in a turn."""
        return next((plan for plan in reversed(self.revisions) if plan.turn <= turn), self.plan)

    @property
    def has_risk(self) -> bool:
        """Whether a risk is part of the session: of its client's form, beyond doubt in its words, or handed over to a person."""
        explicit = any(entry.wording == "explicit" for entry in self.risk)
        return explicit or self.profile.risk is not None or self.end_reason == "risk"

    @property
    def dialogue(self) -> list[Utterance]:
        """All the utterances in order."""
        turns = [said for turn in self.turns for said in (turn.counselor, turn.client)]
        return [said for said in (*self.opening, *turns, self.closing) if said]

    @property
    def after(self) -> int:
        """The turn after the last one: that of the closing, or the one that is missing."""
        return self.closing.turn if self.closing else self.turns[-1].turn + 1 if self.turns else 1

    @property
    def steps(self) -> list[tuple[int, tuple[Part, ...]]]:
        """All parts with their turn (0: the first plan), in the order of work; drafts of one turn stand together."""
        steps: list[tuple[int, tuple[Part | None, ...]]] = [(0, (self.plan,))]
        revised = {plan.turn: plan for plan in self.revisions}
        noticed = {entry.turn: entry for entry in self.risk}
        for turn in self.turns:
            before = (noticed.get(turn.turn),), (revised.get(turn.turn),), (turn.pick,)
            groups = *before, turn.candidates, (turn.counselor,), (turn.client,)
            steps += [(turn.turn, group) for group in groups]
        steps += [(self.after, (noticed.get(self.after),)), (self.after, (self.closing,))]
        if self.failure:
            steps.append((0 if self.failure.stage == "plan" else self.failure.turn, (self.failure,)))
        present = [(turn, tuple(part for part in group if part is not None)) for turn, group in steps]
        return [(turn, parts) for turn, parts in present if parts]

    @property
    def calls(self) -> list[tuple[int, Call]]:
        """Every call of the session with its turn (0: the plan's), in the order of work; the last is that of its failure."""
        return [(turn, part.call) for turn, parts in self.steps for part in parts if part.call]
