"""How one model on one server takes a request: what is left out or put otherwise, as learned from what the server refused."""

from collections.abc import Sequence
from dataclasses import dataclass

from langchain_core.messages import BaseMessage, HumanMessage

from counseling_sessions.settings import ModelSettings

LIMIT = ("max_tokens", "max_completion_tokens")
SEED = ("seed", "random_seed")
"""The names of one field at different servers."""


@dataclass(frozen=True)
class Dialect:
    """How a model takes a request.

    `refused` are names of fields that are not sent; `mode` is an index into `MODES`. `folds` puts the system message into the
    first message of the user. `streams` asks for a stream. `warmest` is the highest temperature, if there is one below 2.
    """

    refused: frozenset[str] = frozenset()
    mode: int = 0
    folds: bool = False
    streams: bool = False
    warmest: float | None = None

    def __or__(self, other: "Dialect") -> "Dialect":
        if other == PLAIN:  # As nearly always.
            return self
        heats = [heat for heat in (self.warmest, other.warmest) if heat is not None]
        return Dialect(
            self.refused | other.refused,
            max(self.mode, other.mode),
            self.folds or other.folds,
            self.streams or other.streams,
            min(heats, default=None),
        )

    def name_of(self, names: Sequence[str]) -> str | None:
        """The first of a field's names that is not refused."""
        return next((name for name in names if name not in self.refused), None)


PLAIN = Dialect()


def said_by(settings: ModelSettings) -> Dialect:
    """What a configuration says of a model: what it omits, and whether the system message is folded."""
    names = {*(settings.omit or ()), *(name for name, value in (settings.extra_body or {}).items() if value is None)}
    for one in (LIMIT, SEED):
        names.update(one if one[0] in names else ())
    return Dialect(frozenset(names), folds=settings.system_role == "fold")


def folded(messages: Sequence[BaseMessage]) -> list[BaseMessage]:
    """The messages without a system message: its words stand before those of the first user message."""
    systems = [message for message in messages if message.type == "system"]
    others = [message for message in messages if message.type != "system"]
    texts = [str(message.text) for message in systems]
    if others and others[0].type == "human":
        return [HumanMessage("\n\n".join([*texts, str(others[0].text)])), *others[1:]]
    return [HumanMessage("\n\n".join(texts)), *others] if texts else others
