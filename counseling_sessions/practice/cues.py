"""Deterministic cues in English words: techniques and questions in a counselor's message, feelings in a client's.

They match forms of speech, not what is meant: irony, other languages and unusual wording escape them. `docs/practice.md` lists
their limits. What shows their hits says that cues made them.
"""

import re
from collections import Counter
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, BeforeValidator, ConfigDict

from counseling_sessions.settings import read_yaml
from counseling_sessions.texts.words import sentences, words

FILE = Path(__file__).parent / "cues.yaml"


@dataclass(frozen=True)
class Questions:
    """The questions of a message: those that invite to tell, those that want a yes, a no or a fact, and any others."""

    open: int = 0
    closed: int = 0
    other: int = 0


def title(name: str) -> str:
    """A technique's name for people."""
    return name.replace("_", " ")


def techniques_in(text: str) -> tuple[str, ...]:
    """The techniques for which a counselor's message has a cue."""
    asks = ["questioning"] if questions_in(text).open else []
    text = text.replace("’", "'")
    return (*asks, *(name for name, pattern in _cues().techniques.items() if pattern.search(text)))


def questions_in(*texts: str) -> Questions:
    """Count the questions of messages: sentences with a question mark, and invitations to tell without one.

    A question is what its first question word or verb makes it: "how" and "what" open, "do", "is", "who" or "how often"
    closed. "Can you tell me what happened?" is an invitation, and open.
    """
    cues, counts = _cues().questions, Counter[str]()
    for sentence in (sentence for text in texts for sentence in sentences(text.replace("’", "'"))):
        opens, closes = cues.open.search(sentence), cues.closed.search(sentence)
        if cues.invitation.search(sentence):
            counts["open"] += 1
        elif sentence.rstrip("\"'”»)* ").endswith("?"):
            first_opens = opens and (not closes or opens.start() < closes.start())
            counts["open" if first_opens else "closed" if closes else "other"] += 1
    return Questions(**counts)


@dataclass(frozen=True)
class Moment:
    """A sentence of a client that carries a feeling or tells something hard: of which kind, and the words that show it."""

    kind: str
    words: str
    sentence: str


def moments_in(text: str) -> list[Moment]:
    """The moments of a client's message, one per sentence and kind."""
    kinds = {**_cues().feelings, "disclosure": _cues().disclosure}
    return [
        Moment(kind, match[0], sentence)
        for sentence in sentences(text.replace("’", "'"))
        for kind, pattern in kinds.items()
        if (match := pattern.search(sentence))
    ]


def picks_up(answer: str, moment: Moment) -> bool:
    """Whether a counselor's answer takes up a moment: it names a feeling of that kind, has a cue of empathy or normalizing, or
    says one of the less common words of the client's sentence."""
    answer = answer.replace("’", "'")
    family = _cues().feelings.get(moment.kind)
    return bool(
        (family and family.search(answer))
        or {"empathy", "normalizing"} & set(techniques_in(answer))
        or _content(moment.sentence) & _content(answer)
    )


def _content(text: str) -> set[str]:
    # Five letters stand for a word's other forms.
    return {word[:5] for word in words(text) if len(word) > 3 and word not in _cues().common}


def _pattern(cues: str | list[str]) -> re.Pattern[str]:
    return re.compile(cues if isinstance(cues, str) else "|".join(cues), re.IGNORECASE)


Cue = Annotated[re.Pattern[str], BeforeValidator(_pattern)]
Words = Annotated[re.Pattern[str], BeforeValidator(lambda words: _pattern(rf"\b(?:{words})\b"))]


class _Questions(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    open: Cue
    closed: Cue
    invitation: Cue


class _Cues(BaseModel):
    """The cues of the file, compiled."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    techniques: dict[str, Cue]
    questions: _Questions
    feelings: dict[str, Words]
    disclosure: Cue
    common: Annotated[frozenset[str], BeforeValidator(str.split)]


@cache
def _cues() -> _Cues:
    return _Cues.model_validate(read_yaml(FILE))
