"""Deterministic cues in English words: techniques and questions in a counselor's message, feelings in a client's.

They match forms of speech, not what is meant: irony, other languages and unusual wording escape them. `docs/practice.md` lists
their limits; whoever shows what they found says that cues found it.
"""

import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from counseling_sessions.settings import read_yaml
from counseling_sessions.texts.words import sentences, words

FILE = Path(__file__).parent / "cues.yaml"


@dataclass(frozen=True)
class Questions:
    """The questions of a message: those that invite to tell, those that want a yes, a no or a fact, and any others."""

    open: int = 0
    closed: int = 0
    other: int = 0


def techniques_in(text: str) -> tuple[str, ...]:
    """The techniques for which a counselor's message has a cue."""
    text = text.replace("’", "'")
    found = [name for name, pattern in _cues().techniques.items() if pattern.search(text)]
    if questions_in(text).open:
        found.insert(0, "questioning")
    return tuple(found)


def questions_in(text: str) -> Questions:
    """Count the questions of a message: its sentences with a question mark, and invitations to tell without one.

    A question is what its first question word or verb makes it: "how" and "what" open, "do", "is", "who" or "how often"
    closed. "Can you tell me what happened?" is an invitation, and open.
    """
    cues = _cues()
    counts = {"open": 0, "closed": 0, "other": 0}
    for sentence in sentences(text.replace("’", "'")):
        asked = sentence.rstrip("\"'”»)* ").endswith("?")
        if cues.invitation.search(sentence):
            counts["open"] += 1
        elif asked:
            opens, closes = cues.open.search(sentence), cues.closed.search(sentence)
            if opens and (not closes or opens.start() < closes.start()):
                counts["open"] += 1
            else:
                counts["closed" if closes else "other"] += 1
    return Questions(**counts)


@dataclass(frozen=True)
class Moment:
    """A sentence of a client that carries a feeling or tells something hard: of which kind, and the words that show it."""

    kind: str
    words: str
    sentence: str


def moments_in(text: str) -> list[Moment]:
    """The moments of a client's message, one per sentence and kind."""
    found = []
    for sentence in sentences(text.replace("’", "'")):
        for kind, pattern in _cues().feelings.items():
            if match := pattern.search(sentence):
                found.append(Moment(kind, match[0], sentence))
        if match := _cues().disclosure.search(sentence):
            found.append(Moment("disclosure", match[0], sentence))
    return found


def picks_up(answer: str, moment: Moment) -> bool:
    """Whether a counselor's answer takes up a moment: it names a feeling of that kind, has a cue of empathy or normalizing, or
    says one of the less common words of the client's sentence."""
    answer = answer.replace("’", "'")
    family = _cues().feelings.get(moment.kind)
    if family and family.search(answer):
        return True
    if {"empathy", "normalizing"} & set(techniques_in(answer)):
        return True
    return bool(_content(moment.sentence) & _content(answer))


def _content(text: str) -> set[str]:
    # Five letters stand for a word's other forms.
    return {word[:5] for word in words(text) if len(word) > 3 and word not in _cues().common}


class _Questions(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    open: str
    closed: str
    invitation: str


class _Data(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    techniques: dict[str, tuple[str, ...]]
    questions: _Questions
    feelings: dict[str, str]
    disclosure: str
    common: str


class _Cues:
    """The cues of the file, compiled."""

    def __init__(self, data: _Data) -> None:
        self.techniques = {name: _pattern("|".join(cues)) for name, cues in data.techniques.items()}
        self.open, self.closed = _pattern(data.questions.open), _pattern(data.questions.closed)
        self.invitation = _pattern(data.questions.invitation)
        self.feelings = {name: _pattern(rf"\b(?:{words})\b") for name, words in data.feelings.items()}
        self.disclosure = _pattern(data.disclosure)
        self.common = frozenset(data.common.split())


@cache
def _cues() -> _Cues:
    return _Cues(_Data.model_validate(read_yaml(FILE)))


def _pattern(text: str) -> re.Pattern[str]:
    return re.compile(text, re.IGNORECASE)
