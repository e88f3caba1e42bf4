"""The aspects on which two sessions are compared, by a judge or by people: data that a user can replace."""

from pathlib import Path
from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError, model_validator

from counseling_sessions.settings import SettingsError, read_yaml, validation_message
from counseling_sessions.store.reading import sha256_of

RUBRICS = Path(__file__).parent / "rubrics"

_Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)]


class Aspect(BaseModel):
    """One aspect: what it means, and what a rater looks for."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,39}$")]
    title: _Text
    definition: _Text
    look_for: _Text


class Aspects(BaseModel):
    """A set of aspects, and the hash of the file that they come from (SHA-256, 12 digits)."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: _Text
    title: _Text
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
    path = path or RUBRICS / "aspects.yaml"
    data, digest = read_rubric(path)
    try:
        return Aspects.model_validate(data).model_copy(update={"hash": digest})
    except ValidationError as error:
        raise SettingsError(f"{path}: {validation_message(error)}") from None


def read_rubric(path: Path) -> tuple[object, str]:
    """The content of a YAML file, and 12 hexadecimal digits of its SHA-256. Raises `SettingsError`."""
    return read_yaml(path), sha256_of(path)[:12]
