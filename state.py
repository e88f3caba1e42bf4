"""The data of a session: what is said, what was decided, what each side may see, and the finished record.

Channels of the graph hold plain JSON, so that checkpoints, the journal and edits made in Studio have one form; nodes read
them through typed views (`CounselorView`, `ClientView`), which are also the knowledge boundary between the two sides.
"""

import operator
from enum import StrEnum
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints, model_validator
from pydantic_core import to_jsonable_python
from typing_extensions import TypedDict  # pydantic needs this one before Python 3.12

from counseling_sessions.profiles.schema import Attitude, ClientProfile, counselor_information, counselor_reason

RECORD_FORMAT = 1

Speaker = Literal["counselor", "client"]
Author = Literal["model", "human"]
Phase = Literal["opening", "exploring", "working", "closing"]
EndReason = Literal["resolved", "left", "turn_limit"]
PickSource = Literal["llm", "rules", "every", "human"]
ForkEdit = Literal["client", "pick", "counselor"]
SessionId = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_][A-Za-z0-9._-]{0,99}$")]
"""A session's id. It names files, and so holds nothing that leads out of a folder; ours are UUIDs."""
Count = Annotated[int, Field(ge=0, le=2**53)]
"""A count; sums and shares stay within a float's whole numbers."""
Tokens = Annotated[int, Field(ge=-(2**53), le=2**53)]
"""Tokens as a server reports them; it may report anything."""
TurnNumber = Annotated[int, Field(le=2**31 - 1)]


class CBTTechnique(StrEnum):
    """The twelve CBT techniques a plan may choose from (MAGneT, section 3.1, after CACTUS)."""

    EFFICIENCY_EVALUATION = "efficiency evaluation"
    PIE_CHART = "pie chart technique"
    ALTERNATIVE_PERSPECTIVE = "alternative perspective"
    DECATASTROPHIZING = "decatastrophizing"
    PROS_AND_CONS = "pros and cons analysis"
    EVIDENCE_BASED_QUESTIONING = "evidence-based questioning"
    REALITY_TESTING = "reality testing"
    CONTINUUM = "continuum technique"
    RULES_TO_WISHES = "changing rules to wishes"
    BEHAVIOR_EXPERIMENT = "behavior experiment"
    PROBLEM_SOLVING = "problem-solving skills training"
    SYSTEMATIC_EXPOSURE = "systematic exposure"


def refuse_newer(data: Any, most: int, what: str) -> None:
    """Raise `ValueError` for data whose `format` is newer than `most`: its other fields may be new too."""
    number = data.get("format") if isinstance(data, dict) else None
    if isinstance(number, int) and number > most:
        raise ValueError(f"{what} format {number}; this version reads up to {most}")


class _Data(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class Finding(_Data):
    """Why a generated message was refused or mended: the guard that objected, and what it saw."""

    kind: str
    detail: str = ""
    repaired: bool = False


class Call(_Data):
    """The trace of one generated answer, over all the attempts it took.

    `started` is Unix time in seconds; `seconds` is wall time; token counts are sums over the attempts as the server
    reported them, None where it reported none. `requests` counts HTTP requests, `attempts` the answers that were judged
    by the guards until one passed (one answer may have taken several requests). `passed_over` answers passed too and were not
    kept (`choices`); seed and finish reason are those of the one that was.
    """

    role: str
    model: str = ""
    endpoint: str = ""
    started: float = 0.0
    seconds: float = Field(default=0.0, ge=0)
    prompt_tokens: Tokens | None = None
    cached_tokens: Tokens | None = None
    completion_tokens: Tokens | None = None
    requests: Count = 0
    attempts: Count = 0
    passed_over: Count = 0
    finish_reason: str | None = None
    structured: str | None = None
    seed: int | None = Field(default=None, ge=-(2**63), lt=2**63)
    findings: tuple[Finding, ...] = ()
    errors: tuple[str, ...] = ()


class Utterance(_Data):
    """One message of the dialogue. Turn 0 is the opening exchange of the intake form; the closing is a turn of its own.

    `author` is `human` where a person has typed it (a practice session).
    """

    turn: TurnNumber = Field(ge=0)
    speaker: Speaker
    text: str = Field(min_length=1)
    closing: bool = False
    author: Author = "model"
    call: Call | None = None


class Plan(_Data):
    """The CBT plan for this one session: the technique, what it is for here, and three to six ordered steps."""

    technique: CBTTechnique
    goal: str = Field(min_length=1)
    steps: tuple[str, ...] = Field(min_length=2, max_length=8)
    call: Call | None = None


class Pick(_Data):
    """Which techniques a turn needs and why; `step` is the plan's step being worked on (1-based; None without a plan)."""

    turn: TurnNumber = Field(ge=1)
    phase: Phase
    techniques: tuple[str, ...] = Field(min_length=1)
    step: TurnNumber | None = Field(default=None, ge=1)
    reason: str = ""
    source: PickSource
    fallback: str | None = Field(default=None, description="Why the rules decided although a model was asked")
    call: Call | None = None


class Candidate(_Data):
    """What one technique's specialist would say this turn; without a text, `error` says why.

    `refused` marks an error that stays: the endpoint refused the request, and would refuse it in every turn to come.
    """

    turn: TurnNumber = Field(ge=1)
    technique: str
    text: str = ""
    error: str | None = None
    refused: bool = False
    call: Call | None = None


class Failure(_Data):
    """Why a session could not be finished, and at which stage (a node's name)."""

    stage: str
    kind: str
    message: str
    turn: TurnNumber = 0
    call: Call | None = None


Part = Plan | Pick | Candidate | Utterance | Failure
"""What one node gives to a session."""


def replace(items: list[Any]) -> dict[str, Any]:
    """An update that replaces a list channel instead of appending to it (LangGraph's JSON form of `Overwrite`)."""
    return {"__overwrite__": items}


def update(**channels: Any) -> dict[str, Any]:
    """A node's answer to the graph: these channels as plain JSON."""
    return {name: to_jsonable_python(value) for name, value in channels.items()}


class SessionInput(TypedDict, total=False):
    """What starts a session: a built-in client's id, or a profile; and an attitude, if not the profile's."""

    profile_id: Annotated[str, Field(description="A built-in client's id, such as amira-exam-panic")]
    profile: Annotated[dict[str, Any], Field(description="A whole client profile, in place of a built-in one")]
    attitude: Annotated[Attitude, Field(description="How the client is today; else the profile's own, or neutral")]
    session_id: Annotated[str, Field(description="An id that is sent to the endpoint with every call; may be left out")]


class SessionState(TypedDict, total=False):
    """The channels of the session graph. Lists grow by appending; everything else is replaced."""

    session_id: str
    profile_id: str
    profile: dict[str, Any]
    attitude: Attitude
    client_information: str
    reason_for_counseling: str
    plan: dict[str, Any]
    utterances: Annotated[list[dict[str, Any]], operator.add]
    picks: Annotated[list[dict[str, Any]], operator.add]
    candidates: Annotated[list[dict[str, Any]], operator.add]
    end_reason: EndReason
    failure: dict[str, Any]


def _without_traces(items: Any) -> Any:
    """List items without the trace of their calls: no node reads it, and checking it costs more than all the rest."""
    if not isinstance(items, list):
        return items
    return [{key: item[key] for key in item if key != "call"} if isinstance(item, dict) else item for item in items]


_Untraced = BeforeValidator(_without_traces)


class DialogueView(BaseModel):
    """What every node sees of the state: the dialogue, and whether it has ended."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    session_id: SessionId | Literal[""] = ""
    utterances: Annotated[tuple[Utterance, ...], _Untraced] = ()
    end_reason: EndReason | None = None

    @property
    def turn(self) -> int:
        """The turn in progress, 1-based: it begins with the counselor's utterance and ends with the client's."""
        if not self.utterances:
            return 1
        last = self.utterances[-1]
        return last.turn + 1 if last.speaker == "client" else max(last.turn, 1)

    def said_by(self, speaker: Speaker) -> list[str]:
        return [utterance.text for utterance in self.utterances if utterance.speaker == speaker]

    def last_of(self, speaker: Speaker) -> str:
        """What this side said last; empty where it has said nothing."""
        return next((said.text for said in reversed(self.utterances) if said.speaker == speaker), "")


class CounselorView(DialogueView):
    """All that the counselor's side may know: never the attitude, the labelled technique or the rest of the form."""

    client_information: str = ""
    reason_for_counseling: str = ""
    plan: Plan | None = None
    picks: Annotated[tuple[Pick, ...], _Untraced] = ()
    candidates: Annotated[tuple[Candidate, ...], _Untraced] = ()

    @classmethod
    def of(cls, profile: ClientProfile, **fields: Any) -> Self:
        """The view with what a client's counselor may know of the form; `fields` are the others."""
        information, reason = counselor_information(profile), counselor_reason(profile)
        return cls(client_information=information, reason_for_counseling=reason, **fields)

    @property
    def pick(self) -> Pick | None:
        """This turn's pick, if it has been made."""
        return self.picks[-1] if self.picks and self.picks[-1].turn == self.turn else None


class ClientView(DialogueView):
    """All that the client may know: its own form, its attitude and the dialogue; never plan, picks or candidates."""

    profile: ClientProfile
    attitude: Attitude


class FlowView(DialogueView):
    """What the routes decide on: who spoke last, whether the session is over, what was picked."""

    plan: Plan | None = None
    picks: Annotated[tuple[Pick, ...], _Untraced] = ()
    failure: Failure | None = None


class Turn(_Data):
    """One turn of a finished session, with all that led to it. `client` is None only in a session cut off or failed."""

    turn: TurnNumber = Field(ge=1)
    phase: Phase
    pick: Pick | None = None
    candidates: tuple[Candidate, ...] = ()
    counselor: Utterance | None = None
    client: Utterance | None = None


class Usage(_Data):
    """Calls and tokens of one role over a session. `unreported` counts the answers for which the server gave no usage."""

    calls: Count = 0
    requests: Count = 0
    attempts: Count = 0
    prompt_tokens: Tokens = 0
    cached_tokens: Tokens = 0
    completion_tokens: Tokens = 0
    seconds: float = 0.0
    unreported: Count = 0


class Provenance(_Data):
    """What made a session, so that it can be defended: seeds alone do not reproduce a batched server's output."""

    configuration_hash: str
    prompt_hashes: dict[str, str]
    packages: dict[str, str]
    python: str
    platform: str


class Fork(_Data):
    """Where a session branched off from another: the turns before `turn` are that session's.

    `edits` says what a person replaced there: the client's last words, the pick, or the counselor's words.
    """

    session_id: SessionId
    turn: TurnNumber = Field(ge=1)
    edits: tuple[ForkEdit, ...] = ()


class SessionRecord(_Data):
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
    turns: tuple[Turn, ...] = ()
    closing: Utterance | None = None
    usage: dict[str, Usage] = Field(default_factory=dict)

    @model_validator(mode="before")
    @classmethod
    def _of_this_version(cls, data: Any) -> Any:
        refuse_newer(data, RECORD_FORMAT, "record")
        return data

    @property
    def dialogue(self) -> list[Utterance]:
        """All the utterances in order."""
        turns = [said for turn in self.turns for said in (turn.counselor, turn.client)]
        return [said for said in (*self.opening, *turns, self.closing) if said]

    @property
    def steps(self) -> list[tuple[int, tuple[Part, ...]]]:
        """All parts with their turn (0: the plan), in the order of work; drafts of one turn stand together."""
        steps: list[tuple[int, tuple[Part | None, ...]]] = [(0, (self.plan,))]
        for turn in self.turns:
            groups = (turn.pick,), turn.candidates, (turn.counselor,), (turn.client,)
            steps += [(turn.turn, group) for group in groups]
        if self.closing:
            steps.append((self.closing.turn, (self.closing,)))
        if self.failure:
            steps.append((0 if self.failure.stage == "plan" else self.failure.turn, (self.failure,)))
        present = [(turn, tuple(part for part in group if part is not None)) for turn, group in steps]
        return [(turn, parts) for turn, parts in present if parts]

    @property
    def calls(self) -> list[tuple[int, Call]]:
        """Every call of the session with its turn (0: the plan's), in the order of work; the last is that of its failure."""
        return [(turn, part.call) for turn, parts in self.steps for part in parts if part.call]
