"""The data of a session: what is said, what was decided, and what each side may see.

Channels of the graph hold plain JSON, so that checkpoints, the journal and edits made in Studio have one form; nodes read
them through typed views (`CounselorView`, `ClientView`), which are also the knowledge boundary between the two sides.
"""

import operator
from enum import StrEnum
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, JsonValue, StringConstraints
from pydantic_core import to_jsonable_python
from typing_extensions import TypedDict  # pydantic needs this one before Python 3.12

from counseling_sessions.profiles.schema import (
    Attitude,
    ClientProfile,
    Resistance,
    counselor_information,
    counselor_reason,
)

Speaker = Literal["counselor", "client"]
Author = Literal["model", "human"]
Phase = Literal["opening", "exploring", "working", "closing"]
EndReason = Literal["resolved", "left", "turn_limit", "completed", "risk"]
"""`resolved` and `left` are the client's; `completed`: the counselor's closing has done its work; `risk`: handed over to a person."""
Act = Literal["agenda", "summary"]
"""A special job of one of the counselor's messages."""
Readiness = Literal["precontemplation", "contemplation", "preparation", "action"]
"""Stages of change (Prochaska and DiClemente 1983)."""
Appraisal = Literal[
    "understood",
    "asked_well",
    "normalized",
    "gave_choice",
    "pushed",
    "advised_early",
    "misnamed_feeling",
    "lectured",
    "ignored",
]
"""What a message of the counselor's was to the client."""
RiskStep = Literal["acknowledge", "ask", "level", "protective", "safety", "handover", "agreement", "stay", "close"]
"""What a counselor does about a risk, in our order of a first response.

Two of them are for some clients: `agreement` asks once more after a refusal, `stay` asks one who leaves whether it is safe.
"""
RiskWording = Literal["explicit", "unclear", "denied", "none"]
"""What a client's message says of a risk: beyond doubt, perhaps, a clear no to a question about it, or nothing."""
Degree = Annotated[int, Field(ge=0, le=10)]
PickSource = Literal["llm", "rules", "every", "human"]
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


class FrozenData(BaseModel):
    """Data that never change and have no further fields."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


PROMPT_CUT = "prompt_cut"
"""The kind of a finding about a call: its server seems to have cut the prompt without a word (`models.growth`)."""


def unsaid(value: object) -> bool:
    """Whether a field that came later is left out of a file: old records stay as they were."""
    return not value


def unset(value: object) -> bool:
    """Whether a field that came later, and whose false or zero says something, is left out of a file."""
    return value is None


class Finding(FrozenData):
    """Why a generated message was refused or mended: the guard that objected, and what it saw."""

    kind: str
    detail: str = ""
    repaired: bool = False


class Call(FrozenData):
    """The trace of one generated answer, over all the attempts it took.

    `started` is Unix time in seconds; `seconds` is wall time; token counts are sums over the attempts as the server
    reported them, None where it reported none. `requests` counts HTTP requests, `attempts` the answers that were judged
    by the guards until one passed (one answer may have taken several requests). `passed_over` answers passed too and were not
    kept (`choices`); seed and finish reason are those of the one that was. Of reasoning the record has the size alone, summed
    over the attempts. `prompts` is the digest of the prompt files it was made with (`sessions.prompt_sets`); empty in older records.
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
    prompts: Annotated[str, StringConstraints(pattern=r"^([0-9a-f]{16})?$")] = Field(default="", exclude_if=unsaid)
    reasoning_tokens: Tokens | None = Field(default=None, exclude_if=unsaid)
    reasoning_characters: Count = Field(default=0, exclude_if=unsaid)
    sent: dict[str, JsonValue] = Field(default={}, exclude_if=unsaid)

    def __hash__(self) -> int:  # a dict has none
        return hash((self.role, self.started, self.seed))


class Utterance(FrozenData):
    """One message of the dialogue. Turn 0 is the opening exchange of the intake form; the closing is a turn of its own.

    `author` is `human` where a person has typed it (a practice session).
    """

    turn: TurnNumber = Field(ge=0)
    speaker: Speaker
    text: str = Field(min_length=1)
    closing: bool = False
    author: Author = "model"
    call: Call | None = None


class Plan(FrozenData):
    """The CBT plan for this one session: the technique, what it is for here, and three to six ordered steps.

    `formulation` says in a sentence what keeps the problem going. A revised plan is in force from its `turn` on, for its `reason`.
    """

    technique: CBTTechnique
    goal: str = Field(min_length=1)
    steps: tuple[str, ...] = Field(min_length=2, max_length=8)
    formulation: str = Field(default="", exclude_if=unsaid)
    turn: TurnNumber = Field(default=0, ge=0, exclude_if=unsaid)
    reason: str = Field(default="", exclude_if=unsaid)
    call: Call | None = None


class Pick(FrozenData):
    """Which techniques a turn needs and why; `step` is the plan's step being worked on (1-based; None without a plan).

    `asks` says whether the message asks something (None: it may). `focus` is what the client wants to be different, in the client's
    words, from the turn on in which it was agreed. `progress` says why phase and step are these, `revise` why the plan no longer fits.
    """

    turn: TurnNumber = Field(ge=1)
    phase: Phase
    techniques: tuple[str, ...] = Field(min_length=1)
    step: TurnNumber | None = Field(default=None, ge=1)
    reason: str = ""
    source: PickSource
    fallback: str | None = Field(default=None, description="Why the rules decided although a model was asked")
    act: Act | None = Field(default=None, exclude_if=unsaid)
    asks: bool | None = Field(default=None, exclude_if=unset)
    focus: str = Field(default="", exclude_if=unsaid)
    progress: str = Field(default="", exclude_if=unsaid)
    revise: str = Field(default="", exclude_if=unsaid)
    call: Call | None = None


class Candidate(FrozenData):
    """What one technique's specialist would say this turn; without a text, `error` says why.

    `refused` marks an error that stays: the endpoint refused the request, and would refuse it in every turn to come. `kind` is that
    of the error (`Failure`).
    """

    turn: TurnNumber = Field(ge=1)
    technique: str
    text: str = ""
    error: str | None = None
    refused: bool = False
    kind: str | None = Field(default=None, exclude_if=unsaid)
    call: Call | None = None


class Failure(FrozenData):
    """Why a session could not be finished, and at which stage (a node's name); the HTTP `status` if an endpoint gave one."""

    stage: str
    kind: str
    message: str
    turn: TurnNumber = 0
    status: int | None = Field(default=None, ge=100, le=999, exclude_if=unsaid)
    call: Call | None = None


class RiskEntry(FrozenData):
    """What a client's message shows of a risk, and what the counselor's message of this `turn` has to do about it.

    There is one for each turn from the first sign on, until a clear no or the end, and for each that a model has looked at. The
    counselor's side alone sees it. `source` says who saw the sign (`call`: the model's), `category` which; "routine": nobody, and the
    question is the one that everybody is asked. `done` are the steps of all messages before. Without `steps` the plan goes on.
    `end` is what the session was about to end for, where it goes on instead.
    """

    turn: TurnNumber = Field(ge=1)
    wording: RiskWording
    source: Literal["rules", "model", "routine"] = "rules"
    category: str = ""
    steps: tuple[RiskStep, ...] = ()
    done: tuple[RiskStep, ...] = ()
    end: EndReason | None = Field(default=None, exclude_if=unsaid)
    call: Call | None = None


class ClientState(FrozenData):
    """How it is for the client when it answers in a turn (0: when it arrives). The client alone sees it.

    `trust`, `belief` in the troubling thought and the strength of `feeling` go from 0 to 10. `heard` is what the counselor's message
    was to the client, as rules read it. `openness` (1 to 3) is the level up to which the form may be told, `item` the path of the
    field that may be told now. `manner` and `length` are those of the answer, `step` what becomes of what the counselor proposed.
    `reading` is what the client's model itself took the message for: it comes with the answer, and moves the next one.
    """

    turn: TurnNumber = Field(ge=0)
    trust: Degree
    belief: Degree
    feeling: Degree
    readiness: Readiness
    openness: Annotated[int, Field(ge=1, le=3)] = 1
    heard: tuple[Appraisal, ...] = ()
    manner: Literal["tells", "deflects"] | Resistance = "tells"
    length: Literal["few_words", "sentence", "some", "long"] = "some"
    step: Literal["takes", "bargains", "complies", "refuses"] | None = None
    item: str = ""
    reading: tuple[Appraisal, ...] | None = Field(default=None, exclude_if=unset)


class RiskQuestion(FrozenData):
    """A person who is the client was asked what unclear words of a turn mean; `denied`: a clear no came, and they were said."""

    turn: TurnNumber = Field(ge=1)
    category: str
    denied: bool = False


Part = Plan | Pick | Candidate | Utterance | RiskEntry | Failure
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
    client_states: Annotated[list[dict[str, Any]], operator.add]
    risk: Annotated[list[dict[str, Any]], operator.add]
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
    risk: Annotated[tuple[RiskEntry, ...], _Untraced] = ()

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
    client_states: tuple[ClientState, ...] = ()


class FlowView(DialogueView):
    """What the routes decide on: who spoke last, whether the session is over, what was picked."""

    plan: Plan | None = None
    picks: Annotated[tuple[Pick, ...], _Untraced] = ()
    risk: Annotated[tuple[RiskEntry, ...], _Untraced] = ()
    failure: Failure | None = None
