"""The client profile: an intake form of an invented person, and who may see each field.

Every field has an audience. The client sees its whole form; the counselor's side sees only what is marked `BOTH`;
`NOBODY` is for evaluation alone. A field that the client sees also has a level: how much trust it takes to tell it
(`disclosure`). Only `client_form`, `form_up_to`, `field_of`, `counselor_information` and `counselor_reason` read a profile into a
prompt.
"""

from collections.abc import Iterator, Set
from enum import StrEnum
from typing import Annotated, Literal, Self

from pydantic import BaseModel, StringConstraints, model_validator

from counseling_sessions.profiles.fields import (
    FIELD_LIMIT,
    TEXT_LIMIT,
    Audience,
    FormPart,
    Text,
    clean,
    form_field,
    later_field,
)
from counseling_sessions.profiles.manner import Disclosure, Manner, Resistance, Severity, troubles_of
from counseling_sessions.profiles.risk_part import RiskPart

__all__ = [
    "ATTITUDES",
    "FIELD_LIMIT",
    "MOST_LABELS",
    "PROFILE_LIMIT",
    "TEXT_LIMIT",
    "Attitude",
    "Audience",
    "ClientProfile",
    "CognitiveDistortion",
    "Resistance",
    "clean",
    "client_form",
    "counselor_information",
    "counselor_reason",
    "form_lines",
    "texts_of",
]

Attitude = Literal["positive", "neutral", "negative"]
ATTITUDES: tuple[Attitude, ...] = ("positive", "neutral", "negative")
PROFILE_LIMIT = 100_000
"""Characters of all the texts of a profile together."""
MOST_LABELS = 100
"""Labels of techniques that a profile has at most."""
APART = frozenset({"opening", "attitude", "disclosure", "manner", "risk"})
"""Fields that are no part of a form's text: a prompt shows each in its own place, and the risk part only when its time has come."""
LABEL_LIMIT = 200
"""Characters of one such label."""
Label = Annotated[str, StringConstraints(max_length=LABEL_LIMIT)]


class CognitiveDistortion(StrEnum):
    """Habits of thought named in cognitive therapy (Beck 1976; Burns 1980)."""

    ALL_OR_NOTHING = "all-or-nothing thinking"
    OVERGENERALIZATION = "overgeneralization"
    MENTAL_FILTER = "mental filter"
    DISQUALIFYING_THE_POSITIVE = "disqualifying the positive"
    MIND_READING = "mind reading"
    FORTUNE_TELLING = "fortune telling"
    CATASTROPHIZING = "catastrophizing"
    MINIMIZATION = "minimization"
    EMOTIONAL_REASONING = "emotional reasoning"
    SHOULD_STATEMENTS = "should statements"
    LABELING = "labeling"
    PERSONALIZATION = "personalization"
    COMPARISON = "unfair comparison"


class Demographics(FormPart):
    """Who the client is; both sides see it, as a counselor would on the first page of a form."""

    name: Text = form_field(Audience.BOTH, "Name", "The name the client goes by")
    age: int | None = form_field(Audience.BOTH, "Age", "Years", default=None, strict=True, ge=0, le=120)
    gender: Text | None = form_field(Audience.BOTH, "Gender", "As the client would say it", default=None)
    occupation: Text | None = form_field(Audience.BOTH, "Occupation", "Work or study", default=None)
    education: Text | None = form_field(Audience.BOTH, "Education", "Highest or current", default=None)
    relationship: Text | None = form_field(Audience.BOTH, "Relationship", "Marital or partner status", default=None)
    family: Text | None = form_field(Audience.BOTH, "Family", "Who the client lives with; close family", default=None)
    background: Text | None = form_field(Audience.BOTH, "Background", "Culture, place, language", default=None)


class PresentingProblem(FormPart):
    """What the client comes with, in the client's words."""

    what: Text = form_field(Audience.CLIENT, "What it is", "The problem as the client lives it")
    since: Text | None = form_field(
        Audience.CLIENT, "Since when", "When and how it began, how it went on", default=None
    )
    triggers: Text | None = form_field(
        Audience.CLIENT, "What sets it off", "Situations in which it comes", default=None
    )
    tried: Text | None = form_field(
        Audience.CLIENT, "What was tried", "What the client did about it so far", default=None
    )


class Functioning(FormPart):
    """What the problem does to everyday life."""

    work: Text | None = form_field(Audience.CLIENT, "Work or study", "Effect there", default=None)
    relationships: Text | None = form_field(Audience.CLIENT, "Relationships", "Effect there", default=None)
    daily_life: Text | None = form_field(
        Audience.CLIENT, "Daily life", "Sleep, appetite, chores, leisure", default=None
    )


class OpeningExchange(FormPart):
    """The first two messages, if the session should start from them: the counselor's greeting, the client's answer."""

    counselor: Text = form_field(Audience.BOTH, "Counselor", "The greeting")
    client: Text = form_field(Audience.BOTH, "Client", "The client's first message")


class ClientProfile(FormPart):
    """An intake form. Only `id`, a name, a presenting problem and a reason for counseling are required."""

    id: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$")] = form_field(
        Audience.NOBODY, "Id", "Unique name of the profile: letters, digits, dot, dash and underscore"
    )
    demographics: Demographics = form_field(Audience.BOTH, "Client", "Who the client is")
    reason_for_counseling: Text = form_field(Audience.BOTH, "Reason for counseling", "Why now, in the client's words")
    presenting_problem: PresentingProblem = form_field(
        Audience.CLIENT, "Presenting problem", "What the client comes with"
    )
    history: Text | None = form_field(
        Audience.CLIENT, "History", "Earlier episodes, treatment, illness, formative events", default=None
    )
    functioning: Functioning = form_field(
        Audience.CLIENT, "Functioning", "Effects on everyday life", default_factory=Functioning
    )
    support: Text | None = form_field(Audience.CLIENT, "Support", "Who is there for the client", default=None)
    automatic_thought: Text | None = form_field(
        Audience.CLIENT, "Automatic thought", "The thought that comes by itself, word for word", default=None
    )
    cognitive_distortion: CognitiveDistortion | None = form_field(
        Audience.NOBODY,
        "Cognitive distortion",
        "The habit of thought behind it; no client knows it by name",
        default=None,
    )
    strengths: Text | None = form_field(Audience.CLIENT, "Strengths", "What the client can build on", default=None)
    other: Text | None = form_field(
        Audience.CLIENT, "Other notes", "What a foreign intake form says beyond these fields", default=None
    )
    severity: Severity | None = later_field("Last two weeks", "The client's own view of how bad it was")
    manner: Manner | None = later_field("Manner", "How the client is in a talk")
    disclosure: Disclosure | None = later_field("Disclosure", "Fields that take more trust, or less, than usual")
    risk: RiskPart | None = later_field("Risk", "Of a client at risk alone: what it says of it, and when")
    opening: OpeningExchange | None = form_field(
        Audience.BOTH, "Opening exchange", "The first two messages", default=None
    )
    attitude: Attitude | None = form_field(
        Audience.CLIENT, "Attitude", "The record's own attitude; a session may be given another", default=None
    )
    labelled_techniques: tuple[Label, ...] = form_field(
        Audience.NOBODY,
        "Labelled CBT techniques",
        "The label of a benchmark, for evaluation only",
        default=(),
        max_length=MOST_LABELS,
    )
    source: Text | None = form_field(Audience.NOBODY, "Source", "Where the profile comes from", default=None)

    @model_validator(mode="after")
    def _within_bounds(self) -> Self:
        # Every node of a session validates its view of the profile, so this counts in the fastest way.
        parts = (
            self,
            self.demographics,
            self.presenting_problem,
            self.functioning,
            self.opening,
            self.manner,
            self.risk,
        )
        total = sum(len(text) for part in parts if part for text in vars(part).values() if isinstance(text, str))
        if total > PROFILE_LIMIT:
            raise ValueError(
                f"has {total:,} characters; the texts of a profile have at most {PROFILE_LIMIT:,} together"
            )
        return self


def texts_of(part: BaseModel, prefix: str = "") -> Iterator[tuple[str, str]]:
    """Each text of a profile, or of a part of one, with its path."""
    for name in type(part).model_fields:
        value = getattr(part, name)
        if isinstance(value, BaseModel):
            yield from texts_of(value, f"{prefix}{name}.")
        elif isinstance(value, str):
            yield prefix + name, value


def counselor_information(profile: ClientProfile) -> str:
    """What the counselor's side may see of the client, one `Title: value` line a field."""
    return "\n".join(form_lines(profile.demographics, {Audience.BOTH}))


def counselor_reason(profile: ClientProfile) -> str:
    """The reason for counseling as one clean line."""
    return clean(profile.reason_for_counseling)


def client_form(profile: ClientProfile) -> str:
    """The whole form as its client knows it: all but the fields for evaluation and those that are no part of the story (`APART`)."""
    return "\n".join(form_lines(profile, {Audience.BOTH, Audience.CLIENT}, APART))


def form_lines(
    part: BaseModel, seen_by: set[Audience], skip: Set[str] = frozenset(), prefix: str = ""
) -> Iterator[str]:
    """The fields of a part of a form for these audiences as `Title: value` lines, but for the paths in `skip`."""
    for name, field in type(part).model_fields.items():
        extra = field.json_schema_extra
        audience = Audience(str(extra["seen_by"])) if isinstance(extra, dict) else Audience.NOBODY
        value = getattr(part, name)
        if audience not in seen_by or prefix + name in skip or value in (None, "", ()):
            continue
        if isinstance(value, Severity):
            yield f"{field.title}: {troubles_of(value)}"
        elif isinstance(value, BaseModel):
            yield from form_lines(value, seen_by, skip, f"{prefix}{name}.")
        elif isinstance(value, tuple):
            yield f"{field.title}: {', '.join(map(str, value)).replace('_', ' ')}"
        else:
            yield f"{field.title}: {clean(str(value))}"
