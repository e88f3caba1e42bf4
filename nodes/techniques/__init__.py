"""The techniques: one file each, which names the technique, its prompt and when the rules consider it.

A file in this folder that defines `TECHNIQUE` and a prompt in `prompts/techniques/` are all that a new technique needs:
it becomes a node of the graph, a choice of the router, a card in the counselor's prompt, and a name for `--techniques`.
"""

import importlib
import pkgutil
import re
from dataclasses import dataclass
from functools import cache

from counseling_sessions.prompts import has_prompt
from counseling_sessions.settings import NOT_TECHNIQUES, SettingsError
from counseling_sessions.state import Phase


@dataclass(frozen=True)
class Technique:
    """A psychotherapy technique with a specialist of its own.

    `phases` are those in which the rules policy considers it; `cues` are patterns of what the client just said that call
    for it; `held_back` is how many cues must speak for it before the rules take it as readily as others. Its prompt is
    `prompts/techniques/<name>.md` with the sections `card` and `task`.
    """

    name: str
    phases: tuple[Phase, ...]
    cues: tuple[str, ...] = ()
    held_back: float = 0.0

    @property
    def prompt(self) -> str:
        return f"techniques/{self.name}"

    def called_for(self, said: str) -> int:
        """How many of its cues are in what the client said."""
        return sum(bool(re.search(cue, said, re.IGNORECASE)) for cue in self.cues)


@cache
def techniques() -> dict[str, Technique]:
    """All the techniques there are, by name, in the order of their files."""
    found: dict[str, Technique] = {}
    for module_info in sorted(pkgutil.iter_modules(__path__), key=lambda info: info.name):
        module = importlib.import_module(f"{__name__}.{module_info.name}")
        item = getattr(module, "TECHNIQUE", None)
        if not isinstance(item, Technique):
            raise TypeError(f"nodes/techniques/{module_info.name}.py defines no TECHNIQUE")
        if item.name in NOT_TECHNIQUES or item.name in found:
            raise ValueError(f"nodes/techniques/{module_info.name}.py: the name {item.name!r} is taken")
        if not has_prompt(item.prompt):
            raise FileNotFoundError(f"the technique {item.name!r} has no prompt prompts/{item.prompt}.md")
        found[item.name] = item
    return found


def technique(name: str) -> Technique:
    """The technique of this name. Raises `SettingsError` that lists the names there are."""
    if name not in techniques():
        raise SettingsError(f"there is no technique {name!r}; there are {', '.join(techniques())}")
    return techniques()[name]
