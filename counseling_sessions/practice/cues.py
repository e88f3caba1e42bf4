"""Deterministic cues in English words: questions in a counselor's message, a client's own feelings and what it discloses.

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

from counseling_sessions.evaluation.roots import roots_of
from counseling_sessions.evaluation.talk import ASKS, SAME
from counseling_sessions.settings import read_yaml
from counseling_sessions.state import FrozenData
from counseling_sessions.texts.words import sentences, words

FILE = Path(__file__).parent / "cues.yaml"
_SUBJECT = re.compile(
    r"\b(?:(?P<own>I|me|myself|my (?:heart|hands?|stomach|chest|throat|body|head))\b"
    r"|(?:(?:my|the|his|her|their|our) )?(?P<who>[A-Za-z]+)"
    r"(?='s\b| (?:is|was|are|were|gets?|got|seems?|feels?|felt|has|had|became|looks?|looked)\b))",
    re.IGNORECASE,
)
"""Who a feeling after it can be of: the speaker, or somebody before a verb of being."""
_NEAR = 200
"""Characters before a feeling in which its subject is looked for."""
_DENIED = re.compile(
    r"(?:\b(?:not|never|no|without|hardly|neither|nor)|n't)\b(?! (?:stop|help|only|just))(?: \w+){0,2} *\Z",
    re.IGNORECASE,
)
"""A denial that what follows belongs to."""


class Questions(FrozenData):
    """The questions of a message: those that invite to tell, those that want a yes, a no or a fact, and any others."""

    open: int = 0
    closed: int = 0
    other: int = 0


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


def stacked_in(text: str) -> tuple[str, ...]:
    """The questions of a message that asks several things, as they stand there; none of one that asks one thing, or again the same.

    A question of one or two words ("right?") asks nothing further.
    """
    asked: list[tuple[str, frozenset[str]]] = []
    for sentence in sentences(text):
        if not sentence.rstrip("\"'”»)* ").endswith("?") or len(words(sentence)) < ASKS:
            continue
        roots = roots_of(sentence)
        if not any(roots and len(roots & other) >= SAME * len(roots) for _, other in asked):
            asked.append((sentence, roots))
    return tuple(sentence for sentence, _ in asked) if len(asked) > 1 else ()


@dataclass(frozen=True)
class Moment:
    """A sentence of a client that carries a feeling or tells something hard: of which kind, and the words that show it."""

    kind: str
    words: str
    sentence: str


def moments_in(text: str) -> list[Moment]:
    """The moments of a client's message, one per sentence and kind; what is denied, or said of somebody else, is none."""
    disclosure = _cues().disclosure
    return [
        moment
        for sentence in sentences(text.replace("’", "'"))
        for moment in (
            *feelings_in(sentence),
            *(Moment("disclosure", match[0], sentence) for match in (disclosure.search(sentence),) if match),
        )
    ]


def feelings_in(sentence: str) -> list[Moment]:
    """The client's own feelings in a sentence with straight apostrophes, one of a kind."""
    return [
        Moment(kind, own[0], sentence)
        for kind, pattern in _cues().feelings.items()
        if (own := next((match for match in pattern.finditer(sentence) if _is_own(sentence[: match.start()])), None))
    ]


def _is_own(before: str) -> bool:
    """Whether a feeling is the speaker's own and not denied; `before` is what stands before it in its sentence."""
    before = before[-_NEAR:]
    subjects = [*_SUBJECT.finditer(before)]
    is_others = bool(subjects) and subjects[-1]["own"] is None and subjects[-1]["who"].lower() in _cues().people
    return not is_others and not _DENIED.search(before)


def picks_up(answer: str, moment: Moment) -> bool:
    """Whether a counselor's answer takes up a moment: it names a feeling of that kind, says that it is hard or human, or has one
    of the less common words of the client's sentence."""
    answer = answer.replace("’", "'")
    family = _cues().feelings.get(moment.kind)
    return bool(
        (family and family.search(answer))
        or _cues().acknowledges.search(answer)
        or _content(moment.sentence) & _content(answer)
    )


def _content(text: str) -> set[str]:
    # Five letters stand for a word's other forms.
    return {word[:5] for word in words(text) if len(word) > 3 and word not in _cues().common}


def _pattern(cues: str | list[str]) -> re.Pattern[str]:
    return re.compile(cues if isinstance(cues, str) else "|".join(cues), re.IGNORECASE)


def _split(words: str) -> frozenset[str]:
    return frozenset(words.split())


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

    acknowledges: Cue
    questions: _Questions
    feelings: dict[str, Words]
    disclosure: Cue
    people: Annotated[frozenset[str], BeforeValidator(_split)]
    common: Annotated[frozenset[str], BeforeValidator(_split)]


@cache
def _cues() -> _Cues:
    return _Cues.model_validate(read_yaml(FILE))
