"""The client profile: an intake form of an invented person, and who may see each field.

Every field has an audience. The client sees its whole form; the counselor's side sees only what is marked `BOTH`;
`NOBODY` is for evaluation alone. Only `client_form`, `counselor_information` and `counselor_reason` read a profile into a
prompt.
"""

import re
import unicodedata
from collections.abc import Iterator
from enum import StrEnum
from functools import lru_cache
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints, model_validator

Attitude = Literal["positive", "neutral", "negative"]
ATTITUDES: tuple[Attitude, ...] = ("positive", "neutral", "negative")

FIELD_LIMIT = 2000
"""Characters of one field that reach a prompt, which cuts the rest at a word. The profile itself keeps it all."""

TEXT_LIMIT = 20_000
"""Characters of one text of a profile."""
PROFILE_LIMIT = 100_000
"""Characters of all the texts of a profile together."""
MOST_LABELS = 100
"""Labels of techniques that a profile has at most."""
LABEL_LIMIT = 200
"""Characters of one such label."""


class Audience(StrEnum):
    """Who may see a field."""

    BOTH = "client and counselor"
    CLIENT = "client"
    NOBODY = "nobody"


def _visible(text: str) -> str:
    if not clean(text):
        raise ValueError("has no visible character")
    return text


Text = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, max_length=TEXT_LIMIT), AfterValidator(_visible)
]
Label = Annotated[str, StringConstraints(max_length=LABEL_LIMIT)]


def _field(audience: Audience, title: str, description: str, **kwargs: Any) -> Any:
    return Field(title=title, description=description, json_schema_extra={"seen_by": audience.value}, **kwargs)


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


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Demographics(_Part):
    """Who the client is; both sides see it, as a counselor would on the first page of a form."""

    name: Text = _field(Audience.BOTH, "Name", "The name the client goes by")
    age: int | None = _field(Audience.BOTH, "Age", "Years", default=None, strict=True, ge=0, le=120)
    gender: Text | None = _field(Audience.BOTH, "Gender", "As the client would say it", default=None)
    occupation: Text | None = _field(Audience.BOTH, "Occupation", "Work or study", default=None)
    education: Text | None = _field(Audience.BOTH, "Education", "Highest or current", default=None)
    relationship: Text | None = _field(Audience.BOTH, "Relationship", "Marital or partner status", default=None)
    family: Text | None = _field(Audience.BOTH, "Family", "Who the client lives with; close family", default=None)
    background: Text | None = _field(Audience.BOTH, "Background", "Culture, place, language", default=None)


class PresentingProblem(_Part):
    """What the client comes with, in the client's words."""

    what: Text = _field(Audience.CLIENT, "What it is", "The problem as the client lives it")
    since: Text | None = _field(Audience.CLIENT, "Since when", "When and how it began, how it went on", default=None)
    triggers: Text | None = _field(Audience.CLIENT, "What sets it off", "Situations in which it comes", default=None)
    tried: Text | None = _field(Audience.CLIENT, "What was tried", "What the client did about it so far", default=None)


class Functioning(_Part):
    """What the problem does to everyday life."""

    work: Text | None = _field(Audience.CLIENT, "Work or study", "Effect there", default=None)
    relationships: Text | None = _field(Audience.CLIENT, "Relationships", "Effect there", default=None)
    daily_life: Text | None = _field(Audience.CLIENT, "Daily life", "Sleep, appetite, chores, leisure", default=None)


class OpeningExchange(_Part):
    """The first two messages, if the session should start from them: the counselor's greeting, the client's answer."""

    counselor: Text = _field(Audience.BOTH, "Counselor", "The greeting")
    client: Text = _field(Audience.BOTH, "Client", "The client's first message")


class ClientProfile(_Part):
    """An intake form. Only `id`, a name, a presenting problem and a reason for counseling are required."""

    id: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$")] = _field(
        Audience.NOBODY, "Id", "Unique name of the profile: letters, digits, dot, dash and underscore"
    )
    demographics: Demographics = _field(Audience.BOTH, "Client", "Who the client is")
    reason_for_counseling: Text = _field(Audience.BOTH, "Reason for counseling", "Why now, in the client's words")
    presenting_problem: PresentingProblem = _field(Audience.CLIENT, "Presenting problem", "What the client comes with")
    history: Text | None = _field(
        Audience.CLIENT, "History", "Earlier episodes, treatment, illness, formative events", default=None
    )
    functioning: Functioning = _field(
        Audience.CLIENT, "Functioning", "Effects on everyday life", default_factory=Functioning
    )
    support: Text | None = _field(Audience.CLIENT, "Support", "Who is there for the client", default=None)
    automatic_thought: Text | None = _field(
        Audience.CLIENT, "Automatic thought", "The thought that comes by itself, word for word", default=None
    )
    cognitive_distortion: CognitiveDistortion | None = _field(
        Audience.NOBODY,
        "Cognitive distortion",
        "The habit of thought behind it; no client knows it by name",
        default=None,
    )
    strengths: Text | None = _field(Audience.CLIENT, "Strengths", "What the client can build on", default=None)
    other: Text | None = _field(
        Audience.CLIENT, "Other notes", "What a foreign intake form says beyond these fields", default=None
    )
    opening: OpeningExchange | None = _field(Audience.BOTH, "Opening exchange", "The first two messages", default=None)
    attitude: Attitude | None = _field(
        Audience.CLIENT, "Attitude", "The record's own attitude; a session may be given another", default=None
    )
    labelled_techniques: tuple[Label, ...] = _field(
        Audience.NOBODY,
        "Labelled CBT techniques",
        "The label of a benchmark, for evaluation only",
        default=(),
        max_length=MOST_LABELS,
    )
    source: Text | None = _field(Audience.NOBODY, "Source", "Where the profile comes from", default=None)

    @model_validator(mode="after")
    def _within_bounds(self) -> Self:
        # Every node of a session validates its view of the profile, so this counts in the fastest way.
        parts = (self, self.demographics, self.presenting_problem, self.functioning, self.opening)
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
    return "\n".join(_lines(profile.demographics, {Audience.BOTH}))


def counselor_reason(profile: ClientProfile) -> str:
    """The reason for counseling as one clean line."""
    return clean(profile.reason_for_counseling)


def client_form(profile: ClientProfile) -> str:
    """The form as its client knows it: all but the fields for evaluation, the opening and the attitude."""
    return "\n".join(_lines(profile, {Audience.BOTH, Audience.CLIENT}, skip={"opening", "attitude"}))


def _lines(part: BaseModel, seen_by: set[Audience], skip: frozenset[str] | set[str] = frozenset()) -> Iterator[str]:
    for name, field in type(part).model_fields.items():
        extra = field.json_schema_extra
        audience = Audience(str(extra["seen_by"])) if isinstance(extra, dict) else Audience.NOBODY
        value = getattr(part, name)
        if audience not in seen_by or name in skip or value in (None, "", ()):
            continue
        if isinstance(value, BaseModel):
            yield from _lines(value, seen_by)
        else:
            yield f"{field.title}: {clean(str(value))}"


_LABEL = re.compile(
    r"(?<![^\W_])(counsel+or|therapist|client|system|assistant|user)[\s*_\u200c\u200d]*[:：]", re.IGNORECASE
)
_MARKER = re.compile(r"\[[\s/]*(?=(?:end|risk)\b)", re.IGNORECASE)
_TOKEN = re.compile(
    r"(?:(?<=<)(?=[|｜]|/?(?:s|bos|eos|start_of_turn|end_of_turn|think)>)|(?<=[|｜])(?=>)|(?<=\[)(?=/?INST\]))",
    re.IGNORECASE,
)


@lru_cache(maxsize=4096)  # Every call of a turn renders the same dialogue.
def clean(text: str, limit: int = FIELD_LIMIT) -> str:
    """Make a foreign text safe inside a prompt: one line of data of at most `limit` characters.

    It removes control and format characters, makes white space single spaces, and cuts a long text at a word with an
    ellipsis. Chat-template tokens, speaker labels and end markers lose their meaning. Cleaning twice changes nothing.
    """
    if not text.isprintable():
        text = "".join(" " if unicodedata.category(c) in {"Cc", "Zl", "Zp"} else c for c in text)
        text = "".join(c for c in text if unicodedata.category(c) not in {"Cf", "Cs", "Co"} or c in "\u200c\u200d")
    # Splits tokens such as <|im_end|>, so that no server takes them for its own.
    text = _LABEL.sub(r"\1 -", _TOKEN.sub(" ", text))
    text = " ".join(text.split())
    if len(text) > limit:
        head = text[: limit - 2]
        text = (head[: head.rfind(" ")] if " " in head[limit // 2 :] else head.rstrip()) + " …"
    # Last, as the cut can turn a word into `end`.
    return _MARKER.sub("(", text)
