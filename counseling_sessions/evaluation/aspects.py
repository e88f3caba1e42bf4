"""The aspects on which two sessions are compared, by a judge or by people: data that a user can replace."""

from pathlib import Path
from typing import Annotated, Self, TypeVar

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError, model_validator

from counseling_sessions.settings import SettingsError, read_yaml, validation_message
from counseling_sessions.store.reading import sha256_of

RUBRICS = Path(__file__).parent / "rubrics"

RubricText = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)]
RubricId = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,39}$")]


class RubricPart(BaseModel):
    """Any part of a rubric file; unknown fields are errors."""

    model_config = ConfigDict(frozen=True, extra="forbid")


P = TypeVar("P", bound=RubricPart)


class Aspect(RubricPart):
    """One aspect: what it means, and what a rater looks for."""

    id: RubricId
    title: RubricText
    definition: RubricText
    look_for: RubricText


class Aspects(RubricPart):
    """A set of aspects, and the hash of the file that they come from (SHA-256, 12 digits)."""

    name: RubricText
    title: RubricText
    items: tuple[Aspect, ...] = Field(min_length=1, max_length=30)
    hash: str = ""

    @model_validator(mode="after")
    def _distinct(self) -> Self:
        ids = [item.id for item in self.items]
        if len(set(ids)) != len(ids):
            raise ValueError("an aspect is named twice")
        return self


def read_aspects(path: Path | None = None) -> Aspects:
    """Read aspects from a YAML file; the built-in nine without one. Raises `SettingsError` that says what is wrong where."""
    return read_rubric(path or RUBRICS / "aspects.yaml", Aspects)


def read_rubric(path: Path, kind: type[P]) -> P:
    """Read a YAML file as aspects or a scale, with its `hash`. Raises `SettingsError`."""
    data = read_yaml(path)
    if not isinstance(data, dict):
        raise SettingsError(
            f"{path}: expected a mapping with name, title, items and so on, as in the files in {RUBRICS}"
        )
    try:
        return kind.model_validate({**data, "hash": sha256_of(path)[:12]})
    except ValidationError as error:
        raise SettingsError(
            f"{path}: {validation_message(error, [name for name in kind.model_fields if name != 'hash'])}"
        ) from None
