"""A message as the checks see it: its words, who said what before, and what the profile tells."""

import re
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from itertools import chain, islice

from pydantic import BaseModel

from counseling_sessions.evaluation.checks.languages import Expected, expected
from counseling_sessions.nodes.guards import RECENT, Draft
from counseling_sessions.sessions import Session
from counseling_sessions.state import Speaker
from counseling_sessions.texts.words import normalized, trigrams

Grams = frozenset[tuple[str, ...]]

_NOT_SAID = {"id", "source", "labelled_techniques", "attitude"}


@dataclass(slots=True)
class Past:
    """What one speaker has said so far.

    `said` gives for every message, as it is compared, the turn it first came in and how often it came; `recent` the last
    ten with their 3-grams; `vocabulary` every word.
    """

    said: dict[str, tuple[int, int]] = field(default_factory=dict)
    recent: deque[tuple[int, Grams]] = field(default_factory=lambda: deque(maxlen=RECENT))
    vocabulary: set[str] = field(default_factory=set)

    def add(self, turn: int, words: str, grams: Grams) -> None:
        first, times = self.said.get(words, (turn, 0))
        self.said[words] = first, times + 1
        self.recent.append((turn, grams))
        self.vocabulary.update(words.split())


class Setting:
    """What holds for a whole session: its profile's words, and the language it should be in."""

    def __init__(self, session: Session) -> None:
        self.session = session

    @cached_property
    def profile(self) -> str:
        """All that the profile says, as one text; empty without a profile."""
        return "\n".join(_texts(self.session.profile)) if self.session.profile else ""

    @cached_property
    def profile_words(self) -> frozenset[str]:
        return frozenset(normalized(self.profile).split())

    @cached_property
    def client_names(self) -> list[str]:
        """The parts of the client's name, as they are compared."""
        profile = self.session.profile
        return normalized(profile.demographics.name).split() if profile else []

    @cached_property
    def language(self) -> Expected | None:
        return language_of(self.session)

    @cached_property
    def other(self) -> tuple[str, ...]:
        """A message in which the client speaks of clients of their own, if there is one: talk of them is no defect."""
        said = (message.text for message in self.session.dialogue if message.speaker == "client")
        return tuple(islice((text for text in chain(said, [self.profile]) if re.search(r"\bclients?\b", text)), 1))


@dataclass(slots=True)
class Spoken:
    """One message: `text` as it stands, `draft` as the guards take it (the end marker left out), `words` as it is compared.

    `own` and `other` are what its speaker and the other one said before it; `follows_own` where the speaker did not wait for
    an answer.
    """

    text: str
    speaker: Speaker
    draft: Draft
    words: str
    grams: Grams
    own: Past
    other: Past
    follows_own: bool
    setting: Setting


Check = Callable[[Spoken], str | None]
"""Gives what is wrong, short; None where nothing is."""


def language_of(session: Session) -> Expected | None:
    """The language a session should be in, English where it does not say; None where we do not know it by its name."""
    return expected(session.language or "English")


def spoken(session: Session) -> Iterator[Spoken]:
    """The messages of a session in their order, each with its past. Time and memory are linear in the text."""
    setting = Setting(session)
    pasts: dict[Speaker, Past] = {"counselor": Past(), "client": Past()}
    before: Speaker | None = None
    for message in session.dialogue:
        speaker: Speaker = message.speaker
        draft = Draft(Draft(message.text, speaker).said, speaker)
        words = draft.words
        grams = trigrams(words)
        own, other = pasts[speaker], pasts["client" if speaker == "counselor" else "counselor"]
        yield Spoken(message.text, speaker, draft, words, grams, own, other, before == speaker, setting)
        own.add(message.turn, words, grams)
        before = speaker


def _texts(part: BaseModel) -> Iterator[str]:
    for name in type(part).model_fields:
        value = getattr(part, name)
        if isinstance(value, BaseModel):
            yield from _texts(value)
        elif value is not None and name not in _NOT_SAID:
            yield str(value)
