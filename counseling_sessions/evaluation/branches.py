"""A rubric in branches: a question's answer leads to the next question, or to how gravely the counselor failed. It is data."""

from pathlib import Path
from typing import Annotated, Literal, Self, get_args

from pydantic import Field, model_validator

from counseling_sessions.evaluation.aspects import RUBRICS, RubricId, RubricPart, RubricText, read_rubric

Severity = Literal["no_occasion", "none", "low", "high"]
"""How gravely a counselor failed on a dimension, from the least on; no_occasion: the session gave none to fail or to do well."""
SEVERITIES: tuple[Severity, ...] = get_args(Severity)
POINTS: dict[Severity, int] = {"none": 2, "low": 1, "high": 0}
"""A severity as a score, more of which is better; no_occasion is none."""


class BranchAnswer(RubricPart):
    """An answer that a judge may choose: what it means, and the question or the severity that it leads to."""

    means: RubricText
    next: RubricId | None = None
    severity: Severity | None = None

    @model_validator(mode="after")
    def _leads_somewhere(self) -> Self:
        if (self.next is None) == (self.severity is None):
            raise ValueError("an answer leads to a next question or to a severity, and not to both")
        return self


class BranchQuestion(RubricPart):
    """A question and its answers by name."""

    ask: RubricText
    answers: dict[RubricId, BranchAnswer] = Field(min_length=2, max_length=8)


class BranchDimension(RubricPart):
    """The questions of a dimension by name; the first opens it, and each leads to later ones alone."""

    title: RubricText
    questions: dict[RubricId, BranchQuestion] = Field(min_length=1, max_length=20)

    @property
    def first(self) -> str:
        return next(iter(self.questions))

    def lengths(self) -> tuple[int, int]:
        """How many questions the shortest and the longest way have."""
        left: dict[str | None, tuple[int, int]] = {None: (0, 0)}
        for name, question in reversed(self.questions.items()):
            after = [left[answer.next] for answer in question.answers.values()]
            left[name] = 1 + min(fewest for fewest, _ in after), 1 + max(most for _, most in after)
        return left[self.first]

    @model_validator(mode="after")
    def _leads_on(self) -> Self:
        names = list(self.questions)
        led_to = {names[0]}
        for place, (name, question) in enumerate(self.questions.items()):
            for answer in question.answers.values():
                if answer.next is not None and answer.next not in names[place + 1 :]:
                    raise ValueError(f"{name}: next: {answer.next!r} is no later question of the dimension")
                led_to |= {answer.next} if answer.next else set()
        if left := [name for name in names if name not in led_to]:
            raise ValueError(f"{left[0]!r}: no answer leads to it")
        return self


class Branches(RubricPart):
    """A rubric in branches. `note` is for readers of results, `question` for the judge; `hash` is of the file (SHA-256, 12 digits)."""

    name: RubricText
    title: RubricText
    note: RubricText
    question: RubricText
    dimensions: dict[RubricId, BranchDimension] = Field(min_length=1, max_length=20)
    hash: Annotated[str, Field(max_length=64)] = ""

    @property
    def low(self) -> int:
        """The fewest points of a dimension."""
        return min(POINTS.values())

    @property
    def high(self) -> int:
        """The most points of a dimension."""
        return max(POINTS.values())

    @property
    def questions(self) -> tuple[int, int]:
        """How many questions a judge is asked about a session, once: the fewest and the most."""
        fewest, most = zip(*(dimension.lengths() for dimension in self.dimensions.values()), strict=True)
        return sum(fewest), sum(most)


def read_branches(path: Path | None = None) -> Branches:
    """Read a rubric in branches from a YAML file; the built-in one on risk without one. Raises `SettingsError`."""
    return read_rubric(path or RUBRICS / "risk.yaml", Branches)
