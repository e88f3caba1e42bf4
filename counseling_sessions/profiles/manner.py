"""How the client is in a talk, how bad the last two weeks were, and how much trust it takes to tell each thing."""

from typing import Annotated, Literal

from pydantic import Field

from counseling_sessions.profiles.fields import FormPart, Text, later_field

Amount = Literal["low", "medium", "high"]
Resistance = Literal["few_words", "dont_know", "complies", "argues", "jokes", "drifts", "silent"]
"""How a client holds back in a talk."""
Level = Annotated[int, Field(ge=1, le=3, strict=True)]
"""How much trust it takes to tell a thing: 1 easily told, 2 after some trust, 3 the painful part."""
Trouble = Annotated[int, Field(ge=0, le=3, strict=True)]
"""How much of a trouble there was in the last two weeks: none, a little, a good deal, very much."""


class Manner(FormPart):
    """How the client is in a talk. What is left open follows from the attitude (`manner_of`)."""

    verbosity: Amount | None = later_field("Talks", "How much the client talks")
    insight: Amount | None = later_field("Insight", "How well the client sees what goes on in it")
    resists_by: tuple[Resistance, ...] = later_field(
        "Holds back by", "What the client does in place of an answer", (), max_length=7
    )
    closes: Text | None = later_field("Closes up at", "What makes the client close up")
    opens: Text | None = later_field("Opens up at", "What makes it easier for the client to go on")


class Severity(FormPart):
    """The client's own view of the last two weeks: eight troubles, each 0 (none) to 3 (very much)."""

    low_mood: Trouble = later_field("Low mood", "Sad, flat or empty", 0)
    loss_of_interest: Trouble = later_field("Loss of interest", "Little pleasure in what used to be liked", 0)
    worry: Trouble = later_field("Worry", "Anxious, tense, thoughts that go round", 0)
    sleep: Trouble = later_field("Sleep", "Too little, too light or too much", 0)
    energy: Trouble = later_field("Energy", "Tired, slowed, everything an effort", 0)
    concentration: Trouble = later_field("Concentration", "Hard to keep the mind on a thing", 0)
    self_blame: Trouble = later_field("Self-blame", "Hard on oneself, feels a failure", 0)
    daily_tasks: Trouble = later_field("Daily tasks", "Work, chores and meetings fall behind", 0)

    @property
    def total(self) -> int:
        """The sum of the eight, 0 to 24."""
        return sum(getattr(self, name) for name in Severity.model_fields)

    @property
    def level(self) -> Literal["slight", "moderate", "severe"]:
        """In a word: slight up to 7, severe from 15 on."""
        return "slight" if self.total < 8 else "moderate" if self.total < 15 else "severe"


class Disclosure(FormPart):
    """The levels of the form's fields, where they differ from the defaults (`disclosure.DEFAULT_LEVELS`)."""

    what: Level | None = later_field("What it is", "Its level")
    since: Level | None = later_field("Since when", "Its level")
    triggers: Level | None = later_field("What sets it off", "Its level")
    tried: Level | None = later_field("What was tried", "Its level")
    history: Level | None = later_field("History", "Its level")
    work: Level | None = later_field("Work or study", "Its level")
    relationships: Level | None = later_field("Relationships", "Its level")
    daily_life: Level | None = later_field("Daily life", "Its level")
    support: Level | None = later_field("Support", "Its level")
    automatic_thought: Level | None = later_field("Automatic thought", "Its level")
    strengths: Level | None = later_field("Strengths", "Its level")
    other: Level | None = later_field("Other notes", "Its level")


_WORDS = {1: "a little", 2: "a good deal", 3: "very much"}


def troubles_of(severity: Severity) -> str:
    """The troubles there were in words, the worst first."""
    named: dict[int, list[str]] = {3: [], 2: [], 1: [], 0: []}
    for name, field in Severity.model_fields.items():
        named[getattr(severity, name)].append(str(field.title).lower())
    return "; ".join(f"{_WORDS[degree]}: {', '.join(named[degree])}" for degree in (3, 2, 1) if named[degree]) or "good"
