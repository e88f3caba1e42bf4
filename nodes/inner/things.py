"""The things of a client's form: which of them a counselor's message asks for, and which a reply tells."""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache

from counseling_sessions.nodes.inner.tables import Length, answers
from counseling_sessions.profiles.disclosure import field_of, levels
from counseling_sessions.profiles.schema import ClientProfile
from counseling_sessions.state import Utterance
from counseling_sessions.texts.telling import telling_words
from counseling_sessions.texts.words import sentences, words

MOST_WORDS = 45
"""Words of a sentence that a client is shown: a longer one comes in parts."""
THOUGHT = "automatic_thought"
"""The path of the thought that comes by itself."""
_NEW = 0.5
"""Share of a sentence's telling words above which it is still new."""
_AT_ONCE: dict[Length, int] = {"few_words": 0, "sentence": 1, "some": 2, "long": 4}
"""Sentences of a thing that an answer of each length may tell."""
_TELLS = 2
"""New words of a thing in a reply from which on the reply tells it."""
_ASKED = 0.6
"""What a word that asks for a thing counts beside a word of the thing itself, which counts 1 where no other thing has it."""


@dataclass(frozen=True)
class Thing:
    """A field of the form that can be told: its path, level, sentences and telling words, and the words that ask for it."""

    path: str
    level: int
    sentences: tuple[str, ...]
    words: frozenset[str]
    asks: frozenset[str]

    def fit(self, message: str, common: Counter[str]) -> float:
        """How well it fits what a message asks: 0 for not at all."""
        telling = sum(1 / common[word] for word in self.words & telling_words(message))
        return telling + _ASKED * len(self.asks & set(words(message)))

    def left(self, heard: frozenset[str]) -> list[str]:
        """Its sentences that are still new: most of what each tells was not said."""
        tells = ((sentence, telling_words(sentence)) for sentence in self.sentences)
        return [sentence for sentence, what in tells if len(what - heard) > _NEW * len(what)]


@lru_cache(maxsize=1024)
def things_of(profile: ClientProfile) -> tuple[Thing, ...]:
    """What a form has to tell, in its order; the reason for counseling comes first, as a counselor knows it anyway."""
    paths = {"reason_for_counseling": 1, **levels(profile)}
    texts = {path: field_of(profile, path) for path in paths}
    return tuple(
        Thing(path, level, tuple(_parts(text)), what, answers().asks_for.get(path, frozenset()) | telling_words(title))
        for path, level in paths.items()
        for title, text in (texts[path],)
        if (what := telling_words(text))
    )


def form_words(profile: ClientProfile, openness: int) -> frozenset[str]:
    """The telling words of what a client may tell of its form at this openness."""
    return frozenset().union(*(thing.words for thing in things_of(profile) if thing.level <= openness))


def asked_for(profile: ClientProfile, message: str) -> Thing | None:
    """The thing that a message asks for most, whatever its level."""
    common = _common(profile)
    best = max(things_of(profile), key=lambda thing: thing.fit(message, common), default=None)
    return best if best and best.fit(message, common) >= _ASKED else None


def due(
    profile: ClientProfile, said: Iterable[Utterance], openness: int, offered: Iterable[str], *, exploring: bool
) -> Thing | None:
    """The thing that may be told now: what the counselor asked for, or while exploring the next one that is left of those it kept.

    What the message itself says is not told yet. Left out is what has nothing new to tell, and what was offered lately
    (`offered`: the paths so far, the latest last).
    """
    said, offered = tuple(said), tuple(offered)
    heard = heard_in(said[:-1])
    left = [thing for thing in things_of(profile) if thing.level <= openness and thing.left(heard)]
    message, common = said[-1].text if said else "", _common(profile)
    lately = set(filter(None, offered[-2:]))
    fits = {thing.path: thing.fit(message, common) for thing in left if thing.path not in lately}
    best = max((thing for thing in left if thing.path in fits), key=lambda thing: fits[thing.path], default=None)
    if best and fits[best.path] > 0:
        return best
    kept = (thing for thing in left if thing.level > 1 and thing.path not in offered)
    return next(kept, None) if exploring else None


def told_in(profile: ClientProfile, before: Iterable[Utterance], reply: str) -> Thing | None:
    """The thing that a reply tells; None where it tells none."""
    new = telling_words(reply) - heard_in(before)
    best = max(things_of(profile), key=lambda thing: len(thing.words & new), default=None)
    return best if best and len(best.words & new) >= _TELLS else None


def thing_text(profile: ClientProfile, path: str, said: Iterable[Utterance], length: Length) -> str:
    """What a client is shown of a thing: as many new sentences as an answer of this `length` tells, those that fit best."""
    thing = thing_of(profile, path)
    if thing is None:
        return ""
    said = tuple(said)
    message = telling_words(said[-1].text if said else "")
    left = thing.left(heard_in(said[:-1]))
    best = sorted(left, key=lambda sentence: len(telling_words(sentence) & message), reverse=True)[: _AT_ONCE[length]]
    return " ".join(sentence for sentence in left if sentence in best)


def thing_of(profile: ClientProfile, path: str) -> Thing | None:
    """The thing with this path; None where the form has none."""
    return next((thing for thing in things_of(profile) if thing.path == path), None)


def knows_thought(profile: ClientProfile, said: Iterable[Utterance], item: str) -> bool:
    """Whether the client knows its automatic thought by name: it tells it easily, may tell it now (`item`), or has told it."""
    thought = thing_of(profile, THOUGHT)
    return thought is not None and (thought.level == 1 or item == THOUGHT or not thought.left(heard_in(said)))


def heard_in(said: Iterable[Utterance]) -> frozenset[str]:
    """The telling words of what was said."""
    return frozenset().union(*(telling_words(utterance.text) for utterance in said))


def _parts(text: str) -> Iterator[str]:
    """The sentences of a text, the long ones in parts."""
    for sentence in sentences(text):
        listed = sentence.split()
        for first in range(0, len(listed), MOST_WORDS):
            rest = " …" if first + MOST_WORDS < len(listed) else ""
            yield " ".join(listed[first : first + MOST_WORDS]) + rest


def _common(profile: ClientProfile) -> Counter[str]:
    return Counter(word for thing in things_of(profile) for word in thing.words)
