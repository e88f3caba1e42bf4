"""Choosing: which one to keep of several answers that pass the guards.

For models too small to notice that they go round in circles: they name a thing three times in two sentences, and say nothing new
in message after message. Words are counted, without a call.
"""

from collections.abc import Callable, Iterable

from counseling_sessions.state import Utterance
from counseling_sessions.texts.telling import telling_counts, telling_words

Worth = Callable[[str], float]
"""What an answer is worth; from `ENOUGH` on the search ends."""

ENOUGH = 1.0
_OF_THE_FORM = 1.0
"""What a new word is worth that the speaker's form has."""
_OTHER = 0.5
"""What any other new word is worth: it may be the right one, or beside the point."""
_MOST = 3.0
"""The most that new words are worth together: the message with the most of them is not the best one."""
_AGAIN = 1.0
"""What each word that comes again within the message takes away."""


def worth_after(said: Iterable[Utterance], form: frozenset[str] = frozenset()) -> Worth:
    """Judges answers after what was said; `form` are the telling words of the speaker's form."""
    heard = frozenset[str]().union(*(telling_words(utterance.text) for utterance in said))

    def worth(text: str) -> float:
        counts = telling_counts(text)
        new = counts.keys() - heard
        value = min(_MOST, _OF_THE_FORM * len(new & form) + _OTHER * len(new - form))
        return value - _AGAIN * (counts.total() - len(counts))

    return worth
