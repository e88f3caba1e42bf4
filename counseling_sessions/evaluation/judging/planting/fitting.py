"""Words of a planted defect put in place of others, so that the session keeps its length, and words from the client's own form.

A judge that counts words must find nothing in a broken session. Lengths are in words, as `session_length` counts them.
"""

from collections.abc import Sequence
from itertools import accumulate
from random import Random

from counseling_sessions.evaluation.session_length import count_words
from counseling_sessions.profiles.schema import clean, texts_of
from counseling_sessions.sessions import Session
from counseling_sessions.texts.words import sentences, words

SAID = "{said}"
"""Stands in a defect's words for a sentence of the form."""
SHORT_WORD = 4
"""Words of so many letters or fewer say little about whether a sentence of the form has been said."""


class Balance:
    """New texts for messages, one after another: by what one is too long, the next may be too short."""

    def __init__(self) -> None:
        self.over = 0

    def choose(self, old: str, options: Sequence[str]) -> str:
        """That of the options (one at least) that brings the session nearest to its old length."""
        wanted = count_words(old) - self.over
        best = min(options, key=lambda one: abs(count_words(one) - wanted))
        self.over += count_words(best) - count_words(old)
        return best


def endings(text: str, ending: str) -> list[str]:
    """A message that ends in other words: they replace one or more of its last sentences."""
    parts = sentences(text)
    return [" ".join([*parts[:count], ending]) for count in range(max(1, len(parts)))]


def beginnings(text: str, beginning: str) -> list[str]:
    """The same for the first sentences of a message."""
    parts = sentences(text)
    return [" ".join([beginning, *parts[count:]]) for count in range(1, max(1, len(parts)) + 1)]


def lengthening(pieces: Sequence[str]) -> list[str]:
    """The first piece, the first two, and so on."""
    return [" ".join(pieces[:count]) for count in range(1, len(pieces) + 1)]


class Stock:
    """Pieces in a drawn order, or in their own without a draw, over and over; each is used before one comes again."""

    def __init__(self, pieces: Sequence[str], draw: Random | None = None) -> None:
        self.pieces = draw.sample(pieces, len(pieces)) if draw else list(pieces)
        self.place = 0

    def most(self, count: int) -> list[str]:
        """The next pieces, without taking them; none comes twice."""
        count = min(count, len(self.pieces))
        return [self.pieces[(self.place + number) % len(self.pieces)] for number in range(count)]

    def _enough(self, words: int) -> list[str]:
        """The next pieces, as many as are surely longer than so many words together."""
        pieces = self.most(len(self.pieces))
        lengths = list(accumulate(map(count_words, pieces)))
        return pieces[: 2 + sum(length <= words for length in lengths)]

    def take(self, balance: Balance, old: str, *after: str) -> str:
        """As many of the next pieces, one at least, as are as long as the old text, with what comes after them."""
        texts = [" ".join([text, *after]) for text in lengthening(self._enough(count_words(old) + abs(balance.over)))]
        best = balance.choose(old, texts)
        self.place += texts.index(best) + 1
        return best


def of_form(
    session: Session, choices: dict[str, tuple[str, ...]], draw: Random, *, most_said: float = 1.0
) -> list[str]:
    """A drawn text for each of these fields that the client's form has; none without a form.

    `{said}` in it becomes that sentence of the field of which the client has said the smallest share in the session (by longer words,
    0 to 1); a field with a larger share than `most_said` is left out.
    """
    fields = dict(texts_of(session.profile)) if session.profile else {}
    heard = {word for message in session.dialogue if message.speaker == "client" for word in words(message.text)}
    texts = []
    for path, wordings in choices.items():
        if path not in fields:
            continue
        sentence = min(sentences(clean(fields[path])), key=lambda one: _share_said(one, heard))
        wording = draw.choice(wordings)
        if _share_said(sentence, heard) <= most_said:
            texts.append(wording.replace(SAID, sentence))
    return texts


def _share_said(sentence: str, heard: set[str]) -> float:
    telling = [word for word in words(sentence) if len(word) > SHORT_WORD]
    return sum(word in heard for word in telling) / len(telling) if telling else 1.0
