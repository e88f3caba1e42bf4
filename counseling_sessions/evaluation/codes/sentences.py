"""Messages as the coder reads them: sentences, each with its words and what stands around it.

Written and spoken talk are brought to one form: sounds of hesitation, notes in brackets and words that are begun twice fall away.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from counseling_sessions.evaluation.roots import root
from counseling_sessions.evaluation.talk import BACKCHANNELS
from counseling_sessions.settings import read_yaml
from counseling_sessions.texts.words import sentences

_SPEECH = read_yaml(Path(__file__).with_name("speech.yaml"))
_HESITATION = frozenset(_SPEECH["hesitation"].split())
_LISTENS = BACKCHANNELS.union(_SPEECH["acknowledging"].split())
_NOTE = re.compile(r"\[[^\]]{0,60}\]|\([a-z ]{0,20}\)")
_WORD = re.compile(r"[a-z0-9]+(?:'[a-z]+)*")
_ASKS = re.compile(r"[?？؟]\W*$")
_LENGTHS = (1, 2, 3, 5, 8, 13, 21)
"""Words up to which lengths count as one."""
_ECHOES = (0.0, 0.26, 0.51, 0.76, 1.0)


@dataclass(frozen=True, slots=True)
class Sentence:
    """A sentence of a message: its `words`, with "^" before and "$" (or "?") after them, and `cues`, features of what it is like."""

    text: str
    words: tuple[str, ...]
    cues: tuple[str, ...]

    @property
    def listens(self) -> bool:
        """Whether it only shows that one listens, or says that something is good."""
        return self.words[-1] != "?" and _LISTENS.issuperset(self.words[1:-1])


@lru_cache(maxsize=64)
def pieces(text: str) -> tuple[str, ...]:
    """The sentences of a message that have a word, as they stand there."""
    return tuple(piece for piece in sentences(text) if any(map(str.isalnum, piece)))


def read_message(text: str, before: str) -> list[Sentence]:
    """A message's sentences in the coder's form; `before` is what the other said just before, empty at the start."""
    parts = pieces(text)
    asks = [bool(_ASKS.search(part)) for part in parts]
    said = _roots(before)
    answers = bool(_ASKS.search(before))
    return [_sentence(part, place, asks, said, answers) for place, part in enumerate(parts)]


def features(sentence: Sentence) -> list[str]:
    """All features of a sentence: one to three words together, and its cues."""
    words = sentence.words
    together = [
        " ".join(words[start : start + length]) for length in (1, 2, 3) for start in range(len(words) - length + 1)
    ]
    return [*together, *sentence.cues]


@lru_cache(maxsize=1024)  # A message's sentences are looked at again with the answer to it.
def plain_words(sentence: str) -> tuple[str, ...]:
    """The words of a sentence in lower case, without hesitation and notes; a word said twice in a row comes once."""
    plain = sentence.replace("’", "'").lower()
    if "[" in plain or "(" in plain:
        plain = _NOTE.sub(" ", plain)
    words = [word for word in _WORD.findall(plain) if word not in _HESITATION]
    return tuple(word for word, before in zip(words, ["", *words], strict=False) if word != before)


@lru_cache(maxsize=64)
def _roots(text: str) -> frozenset[str]:
    """The roots of a message's telling words."""
    return frozenset().union(*map(_roots_of_sentence, pieces(text)))


@lru_cache(maxsize=1024)
def _roots_of_sentence(sentence: str) -> frozenset[str]:
    return frozenset(map(root, plain_words(sentence))) - {""}


def _sentence(text: str, place: int, asks: Sequence[bool], said: frozenset[str], answers: bool) -> Sentence:
    words = plain_words(text)
    mark = "?" if asks[place] else "$"
    telling = _roots_of_sentence(text)
    return Sentence(
        text,
        ("^", *words, mark),
        (
            f"=words {_step(len(words), _LENGTHS)}",
            f"=echo {_echo(telling, said)}{mark}",
            f"=same {min(len(telling & said), 3)}",
            f"=place {'only' if len(asks) == 1 else 'first' if not place else 'last' if place == len(asks) - 1 else 'between'}",
            f"=asked {any(asks[:place])}",
            f"=asks later {any(asks[place + 1 :])}",
            f"=answers {answers}",
        ),
    )


def _echo(telling: frozenset[str], said: frozenset[str]) -> str:
    if not telling or not said:
        return "none"
    return str(_step(len(telling & said) / len(telling), _ECHOES))


def _step(value: float, ends: Sequence[float]) -> int:
    return next((place for place, end in enumerate(ends) if value <= end), len(ends))
