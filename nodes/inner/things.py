"""The things of a client's form: which of them a counselor's message asks for, and which a reply tells."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

from counseling_sessions.nodes.inner.tables import answers
from counseling_sessions.profiles.disclosure import field_of, levels
from counseling_sessions.profiles.schema import ClientProfile
from counseling_sessions.state import Utterance
from counseling_sessions.texts.telling import telling_words
from counseling_sessions.texts.words import sentences, words

MOST_WORDS = 45
"""Words of a thing that a client is shown: more would be half the form."""
_CAME_UP = 0.6
"""Share of a thing's words from which on it has come up."""
_TELLS = 2
"""New words of a thing in a reply from which on the reply tells it."""
_ASKED = 0.6
"""What a word that asks for a thing counts beside a word of the thing itself, which counts 1 where no other thing has it."""


@dataclass(frozen=True)
class Thing:
    """A field of the form that can be told: its path, level, text and telling words, and the words that ask for it."""

    path: str
    level: int
    text: str
    words: frozenset[str]
    asks: frozenset[str]

    def fit(self, message: str, common: Counter[str]) -> float:
        """How well it fits what a message asks: 0 for not at all."""
        telling = sum(1 / common[word] for word in self.words & telling_words(message))
        return telling + _ASKED * len(self.asks & set(words(message)))

    def came_up(self, heard: frozenset[str]) -> bool:
        """Whether most of it has been said."""
        return len(self.words & heard) >= _CAME_UP * len(self.words)


@lru_cache(maxsize=1024)
def things_of(profile: ClientProfile) -> tuple[Thing, ...]:
    """What a form has to tell, in its order; the reason for counseling comes first, as a counselor knows it anyway."""
    paths = {"reason_for_counseling": 1, **levels(profile)}
    texts = {path: field_of(profile, path) for path in paths}
    return tuple(
        Thing(path, level, text, told, answers().asks_for.get(path, frozenset()) | telling_words(title))
        for path, level in paths.items()
        for title, text in (texts[path],)
        if (told := telling_words(text))
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
    """The thing that may be told now: what the counselor asked for, or while exploring the next one that is left.

    Left out is what has come up, and what was offered lately (`offered`: the paths so far, the latest last).
    """
    said, offered = tuple(said), tuple(offered)
    heard = heard_in(said)
    left = [thing for thing in things_of(profile) if thing.level <= openness and not thing.came_up(heard)]
    message, common = said[-1].text if said else "", _common(profile)
    lately = set(filter(None, offered[-2:]))
    fits = {thing.path: thing.fit(message, common) for thing in left if thing.path not in lately}
    best = max((thing for thing in left if thing.path in fits), key=lambda thing: fits[thing.path], default=None)
    if best and fits[best.path] > 0:
        return best
    return next((thing for thing in left if thing.path not in offered), None) if exploring else None


def told_in(profile: ClientProfile, before: Iterable[Utterance], reply: str) -> Thing | None:
    """The thing that a reply tells; None where it tells none."""
    new = telling_words(reply) - heard_in(before)
    best = max(things_of(profile), key=lambda thing: len(thing.words & new), default=None)
    return best if best and len(best.words & new) >= _TELLS else None


def thing_text(profile: ClientProfile, path: str, said: Iterable[Utterance]) -> str:
    """What a client is shown of a thing: of one that it has in its form anyway, the sentence that fits best and is left."""
    thing = next((thing for thing in things_of(profile) if thing.path == path), None)
    if thing is None:
        return ""
    text = thing.text
    if thing.level == 1:
        said = tuple(said)
        heard, message = heard_in(said), telling_words(said[-1].text if said else "")
        left = [one for one in sentences(text) if telling_words(one) - heard] or [text]
        text = max(left, key=lambda one: len(telling_words(one) & message))
    shown = text.split()
    return " ".join(shown[:MOST_WORDS]) + (" …" if len(shown) > MOST_WORDS else "")


def heard_in(said: Iterable[Utterance]) -> frozenset[str]:
    """The telling words of what was said."""
    return frozenset().union(*(telling_words(utterance.text) for utterance in said))


def _common(profile: ClientProfile) -> Counter[str]:
    return Counter(word for thing in things_of(profile) for word in thing.words)
