"""Words of a planted defect put in place of others: about as long as what they replace, and from the client's own form."""

from collections.abc import Sequence
from random import Random

from counseling_sessions.profiles.schema import clean, texts_of
from counseling_sessions.sessions import Session
from counseling_sessions.texts.words import sentences, words

SAID = "{said}"
"""Stands in a defect's words for a sentence of the form."""
SHORT_WORD = 4
"""Words of so many letters or fewer say little about whether a sentence of the form has been said."""


def with_end(text: str, ending: str) -> str:
    """A message that ends in other words: they replace as many of its last sentences, one at least, as keep its length best."""
    parts = sentences(text)
    kept = [" ".join([*parts[:count], ending]) for count in range(max(1, len(parts)))]
    return min(kept, key=lambda one: abs(len(one) - len(text)))


def with_start(text: str, beginning: str) -> str:
    """The same for the first sentences of a message."""
    parts = sentences(text)
    kept = [" ".join([beginning, *parts[count:]]) for count in range(1, max(1, len(parts)) + 1)]
    return min(kept, key=lambda one: abs(len(one) - len(text)))


def as_long(pieces: Sequence[str], length: int) -> str:
    """The first pieces, one at least: as many as come nearest to a length in characters."""
    texts = [" ".join(pieces[:count]) for count in range(1, len(pieces) + 1)]
    return min(texts, key=lambda one: abs(len(one) - length))


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
