"""The scales on which judges rate sessions: data that a user can replace.

Those labelled "-style" are this project's wording of published constructs; they are not the instruments. A user with the right to
official wording names a file of the same form instead, and its hash goes into the results. `realism` has constructs of our own.
"""

from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import Field, StringConstraints, model_validator

from counseling_sessions.evaluation.aspects import RUBRICS, RubricId, RubricPart, RubricText, read_rubric
from counseling_sessions.profiles.schema import clean
from counseling_sessions.settings import SettingsError

BUILT_IN = ("ctrs-style", "wai-style", "panas-style", "realism")
"""Names of the scales that come with the project."""

Subject = Literal["session", "affect"]
"""What is rated: the session, or what the client feels before it (from the intake form) and after it (form and session)."""


class Item(RubricPart):
    """One item: what it means, and what some points of the scale stand for (default: the scale's anchors).

    A `reverse` item describes something that is wrong: its score counts the other way round.
    """

    id: RubricId
    title: RubricText
    definition: RubricText
    anchors: dict[int, RubricText] = Field(default_factory=dict)
    reverse: bool = False


class Scale(RubricPart):
    """A scale: whole numbers from `low` to `high` on every item, and subscales that share out the items.

    `note` says what the scale is and is not, for readers of results; `question` is what the judge is asked. With `form` the judge of a
    session sees the client's intake form beside it. `hash` is of the file (SHA-256, 12 digits).
    """

    name: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,39}$")]
    title: RubricText
    note: RubricText
    subject: Subject = "session"
    form: bool = False
    low: int = Field(ge=-100, le=100)
    high: int = Field(ge=-100, le=100)
    question: RubricText
    anchors: dict[int, RubricText] = Field(default_factory=dict)
    items: tuple[Item, ...] = Field(min_length=1, max_length=60)
    subscales: dict[RubricId, Annotated[tuple[str, ...], Field(min_length=1)]] = Field(min_length=1)
    hash: str = ""

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.low >= self.high:
            raise ValueError(f"low ({self.low}) must be less than high ({self.high})")
        ids = [item.id for item in self.items]
        if twice := _twice(ids):
            raise ValueError(f"items: {twice!r} is there twice")
        named = [item for items in self.subscales.values() for item in items]
        if unknown := [item for item in named if item not in ids]:
            raise ValueError(f"subscales: {unknown[0]!r} is none of the items")
        if twice := _twice(named):
            raise ValueError(f"subscales: {twice!r} is in two places; each item belongs to one subscale")
        if left := [item for item in ids if item not in named]:
            raise ValueError(f"subscales: {left[0]!r} is in none; each item belongs to one subscale")
        for where, anchors in (("", self.anchors), *((f"{item.id}: ", item.anchors) for item in self.items)):
            if outside := [point for point in anchors if not self.low <= point <= self.high]:
                raise ValueError(f"{where}anchors: {outside[0]} lies outside {self.low} to {self.high}")
        if bare := [item.id for item in self.items if len(self.anchors_of(item)) < 2]:
            raise ValueError(f"{bare[0]}: needs anchors for two points at least, its own or the scale's")
        return self

    @property
    def needs_form(self) -> bool:
        """Whether the judge sees the intake form: by `form`, and always for affect."""
        return self.form or self.subject == "affect"

    def anchors_of(self, item: Item) -> dict[int, str]:
        """What points of the scale stand for on an item, from low to high."""
        return dict(sorted((item.anchors or self.anchors).items()))

    def scored(self, item_id: str, score: int) -> int:
        """A score so that more is better for its subscale: low + high - score for a reverse-keyed item, else itself."""
        reverse = {item.id: item.reverse for item in self.items}[item_id]
        return self.low + self.high - score if reverse else score

    def members(self, name: str) -> tuple[str, ...]:
        """The items behind the name of a subscale or of a single item; none for an unknown name."""
        return self.subscales.get(name) or tuple(item.id for item in self.items if item.id == name)


def read_scale(source: str | Path) -> Scale:
    """Read a scale: a built-in one by its name, or a YAML file. Raises `SettingsError` that says what is wrong where."""
    path = RUBRICS / f"{source}.yaml" if str(source) in BUILT_IN else Path(source)
    if str(source) not in BUILT_IN and not path.exists():
        raise SettingsError(f"{source} is neither a built-in scale ({', '.join(BUILT_IN)}) nor a file")
    return read_rubric(path, Scale)


def described(item: Item) -> str:
    """An item as lines of a prompt: its id, definition and anchors, all of them cleaned."""
    lines = [f"- {item.id} ({clean(item.title)}): {clean(item.definition)}"]
    lines += [f"    {point} = {clean(text)}" for point, text in sorted(item.anchors.items())]
    return "\n".join(lines)


def _twice(names: list[str]) -> str | None:
    return next((name for place, name in enumerate(names) if name in names[:place]), None)
