"""A message as the rules see it: its words, who says it, and what was said before it."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property, lru_cache

from counseling_sessions.state import Speaker
from counseling_sessions.texts.reasoning import Answer, take_apart
from counseling_sessions.texts.words import normalized, trigrams

RECENT = 10
"""How many of a speaker's last messages a near-repeat is looked for in; an exact repeat is looked for in all."""
END_MARKER = re.compile(r"\[\s{0,9}END\s{0,9}(?::\s{0,9}(?P<reason>resolved|left)\s{0,9})?\]", re.IGNORECASE)
"""How a client declares the end; honoured only at the very end of its message."""
ROUNDS = 9
"""How often mending goes through a text again; what people and models write needs two."""


@dataclass(frozen=True)
class Said:
    """A message that was said, and the number of its turn (0: not said)."""

    text: str
    turn: int = field(default=0, kw_only=True)

    @cached_property
    def words(self) -> str:
        """The message as it is compared."""
        return normalized(self.text)

    @cached_property
    def grams(self) -> frozenset[tuple[str, ...]]:
        """Its word 3-grams."""
        return trigrams(self.words)


# All the calls of a turn look at the same dialogue, and the next turn's at most of it.
_said = lru_cache(maxsize=4096)(Said)


class Past:
    """What one speaker has said so far, in order; `by_words` has every message by its words, `vocabulary` has every word."""

    def __init__(self, texts: Iterable[str] = ()) -> None:
        self.said: list[Said] = []
        self.by_words: dict[str, list[Said]] = {}
        self.vocabulary: set[str] = set()
        for text in texts:
            self._keep(_said(text))

    def add(self, said: Said) -> None:
        """Go on by a message, of which only the words stay: with its own past in it, a session would hold itself in memory."""
        kept = Said(said.text, turn=said.turn)
        vars(kept).update(words=said.words, **{name: value for name, value in vars(said).items() if name == "grams"})
        self._keep(kept)

    def _keep(self, said: Said) -> None:
        self.said.append(said)
        self.by_words.setdefault(said.words, []).append(said)
        self.vocabulary.update(said.words.split())

    @property
    def recent(self) -> list[Said]:
        """The last messages, the latest first."""
        return self.said[: -RECENT - 1 : -1]


@dataclass(frozen=True)
class Spoken(Said):
    """A message to be judged, with what its speaker and the other one said before it, and how a model ended it.

    `cut_from` is how many characters it had before it was cut to what can be spoken (`cut`); None for most. `names` are the
    speaker's own, in small letters, where a client speaks. `closing`: it ends the session. `asks` False: it has to ask nothing.
    """

    speaker: Speaker
    past: Past = field(default_factory=Past)
    others_past: Past = field(default_factory=Past)
    finish_reason: str | None = None
    cut_from: int | None = None
    names: frozenset[str] = frozenset()
    closing: bool = False
    asks: bool | None = None

    @cached_property
    def bare(self) -> str:
        """The message without the client's end marker."""
        return unmarked(self.text)

    @cached_property
    def apart(self) -> Answer:
        """The message as a model's answer, taken apart: without the marks that a dialogue's other messages do not have."""
        return take_apart(self.text)

    @cached_property
    def words(self) -> str:
        return normalized(self.bare)

    @cached_property
    def has_clients(self) -> bool:
        """Whether the other one speaks of clients of their own (a designer, a lawyer), and so is spoken to about them."""
        return speaks_of_clients(said.text for said in self.others_past.said)


def speaks_of_clients(texts: Iterable[str]) -> bool:
    """Whether one of the texts has the word."""
    return any(re.search(r"\bclients?\b", text) for text in texts)


def split_marker(text: str) -> tuple[str, str | None]:
    """A client's message without its end markers, and the end reason that a marker at its very end declares."""
    reason = None
    matches = list(END_MARKER.finditer(text))
    if matches and not any(c.isalnum() for c in text[matches[-1].end() :]):
        reason = (matches[-1]["reason"] or "resolved").lower()
    return unmarked(text), reason


def unmarked(text: str) -> str:
    """The text without end markers and stray space around it."""
    # Taking one out can join the halves of another. A text made to go on like that loses its brackets.
    for _ in range(ROUNDS):
        if not END_MARKER.search(text):
            return text.strip()
        text = re.sub(r" {2,}", " ", END_MARKER.sub(" ", text))
    return (text.replace("[", "") if END_MARKER.search(text) else text).strip()
