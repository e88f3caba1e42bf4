"""The codebook: which behaviour codes there are, and what each of them means."""

from functools import cache
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from counseling_sessions.settings import SettingsError, read_yaml, validation_message
from counseling_sessions.state import Speaker

FILE = Path(__file__).with_name("codebook.yaml")
Group = Literal["question", "reflection", "input", "other", "change", "sustain", "neutral"]


class Code(BaseModel):
    """A code: its title, what it means, invented examples, and the coarser code that experts give (`group`).

    `resists`: a kind of a client's resistance.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    title: str
    means: str
    examples: tuple[str, ...]
    group: Group | None = None
    resists: bool = False


class Codebook(BaseModel):
    """The codes of either side by their names, in the order in which they are shown."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    counselor: dict[str, Code]
    client: dict[str, Code]

    def of(self, side: Speaker) -> dict[str, Code]:
        """The codes of one side."""
        return self.counselor if side == "counselor" else self.client

    def grouped(self, group: Group) -> frozenset[str]:
        """The codes that experts' coarser code holds together."""
        return frozenset(
            name for side in (self.counselor, self.client) for name, code in side.items() if code.group == group
        )

    @property
    def resistance(self) -> tuple[str, ...]:
        """The kinds of resistance."""
        return tuple(name for name, code in self.client.items() if code.resists)


@cache
def codebook() -> Codebook:
    """The codebook. Raises `SettingsError` for a file that is none."""
    try:
        return Codebook.model_validate(read_yaml(FILE))
    except ValidationError as error:
        raise SettingsError(f"{FILE}: {validation_message(error)}") from None
