"""A message as the rules see it: its words, who says it, and what was said before it."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from itertools import pairwise
from typing import NamedTuple, get_args

from counseling_sessions.integrity.facts import Facts
from counseling_sessions.profiles.risk_part import RiskLevel
from counseling_sessions.state import Appraisal, RiskStep, Speaker
from counseling_sessions.texts.reasoning import Answer, take_apart
from counseling_sessions.texts.words import normalized, trigrams

RECENT = 10
"""How many of a speaker's last messages a near-repeat is looked for in; an exact repeat is looked for in all."""
END_MARKER = re.compile(r"\[\s{0,9}END\s{0,9}(?::\s{0,9}(?P<reason>resolved|left)\s{0,9})?\]", re.IGNORECASE)
"""How a client declares the end; honoured only at the very end of its message."""
_HEARD = r"[\[({]\s{0,9}HEARD\b"
HEARD_MARKER = re.compile(
    rf"[*_]{{0,3}}{_HEARD}(?P<read>[^\[\](){{}}\n]{{0,300}})(?:[\])}}][*_]{{0,3}}|\Z|(?=[\[\n]))", re.IGNORECASE
)
"""How a client says what the counselor's message was to it; whole, or as a model leaves it off."""
_BARE = re.compile(r"(?:(?<=\n)|\A|(?<=[.!?…] ))[*_]{0,3}HEARD[*_]{0,3}\s{0,9}[:：][^\n]{0,300}\Z", re.IGNORECASE)
"""The same without brackets, as the last thing of a message."""
APPRAISALS: tuple[Appraisal, ...] = get_args(Appraisal)
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
class Listener:
    """A person who is the client and reads the counselor's message.

    `denied`: the person's last words could be meant as a risk, and the person said that they are not.
    """

    denied: bool = False


@dataclass(frozen=True)
class Spoken(Said):
    """A message to be judged, with what its speaker and the other one said before it, and how a model ended it.

    `cut_from` is how many characters it had before it was cut to what can be spoken (`cut`); None for most. `names` are the
    speaker's own, in small letters, where a client speaks. `closing`: it ends the session. `asks` False: it has to ask nothing.
    `facts` are the form's, as its speaker knows them, where the strict rules look too. `steps` are those of the protocol that the
    message has to take; None where it is none of the protocol's. `risk` is the level up to which a client may speak of harming
    itself; None: not at all. `listener`: a person, for whom further rules look.
    """

    speaker: Speaker
    past: Past = field(default_factory=Past)
    others_past: Past = field(default_factory=Past)
    finish_reason: str | None = None
    cut_from: int | None = None
    names: frozenset[str] = frozenset()
    closing: bool = False
    asks: bool | None = None
    facts: Facts | None = None
    steps: tuple[RiskStep, ...] | None = None
    risk: RiskLevel | None = None
    listener: Listener | None = None

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


class Marked(NamedTuple):
    """A client's message: its words, the end that it declares, and what the counselor's message was to it (None: not said)."""

    text: str
    end: str | None = None
    heard: tuple[Appraisal, ...] | None = None

    def with_markers(self, text: str) -> str:
        """Another text with the same markers at its end."""
        heard = "" if self.heard is None else f" [HEARD: {', '.join(self.heard) or 'none'}]"
        return f"{text}{heard}{f' [END: {self.end}]' if self.end else ''}"


def split_marker(text: str) -> Marked:
    """A client's message without its markers, the end reason that one at its very end declares, and what it heard."""
    said, heard = _without_heard(text)
    reason = None
    matches = list(END_MARKER.finditer(said))
    if matches and not any(c.isalnum() for c in said[matches[-1].end() :]):
        reason = (matches[-1]["reason"] or "resolved").lower()
    return Marked(unmarked(said), reason, heard)


def unmarked(text: str) -> str:
    """The text without markers and stray space around it."""
    # Taking one out can join the halves of another. A text made to go on like that loses its brackets.
    for _ in range(ROUNDS):
        text = _without_heard(text)[0]
        if not END_MARKER.search(text):
            return text.strip()
        text = re.sub(r" {2,}", " ", END_MARKER.sub(" ", text))
    return (text.replace("[", "") if END_MARKER.search(text) or HEARD_MARKER.search(text) else text).strip()


def _without_heard(text: str) -> tuple[str, tuple[Appraisal, ...] | None]:
    """The text without markers of what was heard, and what the last of them says, if it says anything."""
    if "heard" not in text.casefold():
        return text, None
    read = [match["read"] for match in HEARD_MARKER.finditer(text)]
    text = HEARD_MARKER.sub(" ", text) if read else text
    ended = END_MARKER.sub(" ", text).rstrip()
    if bare := _BARE.search(ended):
        read.append(bare[0].partition("HEARD")[2])
        text = text.replace(bare[0], " ")
    return (re.sub(r" {2,}", " ", text) if read else text), _appraisals(read[-1]) if read else None


def _appraisals(read: str) -> tuple[Appraisal, ...] | None:
    """The appraisals that a marker names; none of them where it says so, None where it says nothing that is one."""
    named = {
        word.replace("-", "_").replace(" ", "_")
        for word in re.split(r"[,;/:：|\s]+(?:and\s)?", read.casefold().strip())
    }
    named |= {"_".join(pair) for pair in pairwise(re.findall(r"[a-z]+", read.casefold()))}
    heard = tuple(name for name in APPRAISALS if name in named)
    return heard if heard or "none" in named else None
