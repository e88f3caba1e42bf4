"""Choosing: of several answers that guards let pass, which one is kept.

For models that are too small to notice that they go round in circles: such a one names a thing three times in two sentences, and
message after message says nothing that was not said. Words are counted, without a call.
"""

from collections.abc import Callable, Iterable

from counseling_sessions.state import Utterance
from counseling_sessions.texts.telling import telling_counts, telling_words

Worth = Callable[[str], float]
"""What an answer is worth; from `ENOUGH` on no other one is asked for."""

ENOUGH = 1.0
_OF_ITS_OWN = 1.0
"""What a new word is worth that the speaker's form has."""
_OTHER = 0.5
"""What any other new word is worth: it may be the right one, or beside the point."""
_MOST = 3.0
"""What new words are worth together, at most: the message with the most of them is not the best one."""
_AGAIN = 1.0
"""What each word that comes again within the message takes away."""


def worth_after(said: Iterable[Utterance], own: frozenset[str] = frozenset()) -> Worth:
    """Judges answers after what was said; `own` are the telling words that are the speaker's own, as its form has them."""
    heard = frozenset[str]().union(*(telling_words(utterance.text) for utterance in said))

    def worth(text: str) -> float:
        counts = telling_counts(text)
        new = counts.keys() - heard
        value = min(_MOST, _OF_ITS_OWN * len(new & own) + _OTHER * len(new - own))
        return value - _AGAIN * (counts.total() - len(counts))

    return worth
