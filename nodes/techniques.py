"""The techniques: one file each, `prompts/techniques/NAME.md`, with its words and, before them, when the rules consider it.

A new technique needs that file alone: it makes a node of the graph, a choice of the router, a card in the counselor's prompt,
and a name for `--techniques`.
"""

import json
import re
from functools import cache
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from counseling_sessions.prompts import front_matter, prompt, prompt_names
from counseling_sessions.settings import NOT_TECHNIQUES, SettingsError, validation_message
from counseling_sessions.state import Phase
from counseling_sessions.store.yaml_text import YamlError, parse_yaml

FOLDER = "techniques/"


TAKEN = NOT_TECHNIQUES | {"intake", "person", "notice", "protocol"}
"""Names of other roles and other nodes of the graphs."""


def _free(name: str) -> str:
    if name in TAKEN:
        raise ValueError(f"{name!r} is taken")
    return name


def _in_any_case(cue: Any) -> re.Pattern[str]:
    try:
        return re.compile(cue, re.IGNORECASE)
    except (re.error, TypeError) as error:
        raise ValueError(f"no regular expression: {error}") from None


class Technique(BaseModel):
    """A psychotherapy technique with a specialist of its own.

    `phases` are those in which the rules policy considers it; `cues` are patterns of what the client just said that call
    for it; `held_back` is how many cues must speak for it before the rules take it as readily as others.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: Annotated[str, AfterValidator(_free)]
    phases: tuple[Phase, ...] = Field(min_length=1)
    cues: tuple[Annotated[re.Pattern[str], BeforeValidator(_in_any_case)], ...] = ()
    held_back: float = Field(default=0.0, ge=0)

    @property
    def prompt(self) -> str:
        return FOLDER + self.name

    def called_for(self, said: str) -> int:
        """How many of its cues are in what the client said."""
        return sum(bool(cue.search(said)) for cue in self.cues)


@cache
def techniques() -> dict[str, Technique]:
    """All techniques by name, in the order of their files.

    Raises `SettingsError` that names file and field, and `PromptError` where a file has no card or no task.
    """
    names = [path.removeprefix(FOLDER) for path in prompt_names() if path.startswith(FOLDER)]
    return {name: _read(name) for name in names}


def technique(name: str) -> Technique:
    """The technique of this name. Raises `SettingsError` that lists the names there are."""
    if name not in techniques():
        raise SettingsError(f"there is no technique {name!r}; there are {', '.join(techniques())}")
    return techniques()[name]


def _read(name: str) -> Technique:
    where = f"prompts/{FOLDER}{name}.md"
    # The name takes the place of the first dashes: a second name is an error, and lines count as in the file.
    text = f"name: {json.dumps(name)}\n{front_matter(FOLDER + name)}"
    try:
        item = Technique.model_validate(parse_yaml(text)[0])
    except YamlError as error:
        line = f", line {error.line}" if error.line else ""
        raise SettingsError(f"{where}{line}: {error.key or 'front matter'}: {error.problem}") from None
    except ValidationError as error:
        raise SettingsError(f"{where}: {validation_message(error)}") from None
    for section in ("card", "task"):
        prompt(item.prompt, section)
    return item
