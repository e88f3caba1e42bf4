"""A speaker who says the same again."""

from counseling_sessions.evaluation.checks.spoken import SpokenInSession
from counseling_sessions.integrity import rules
from counseling_sessions.integrity.spoken import Past

NEAR = 0.8
"""Jaccard overlap of word 3-grams from which a message is reported as nearly the same; the guards ask again from 0.6."""
SHORT = 3
"""Words up to which a message is a short answer ("I don't know."), which people do give more than once…"""
SHORT_TIMES = 3
"""…but not more often than this in one session."""


def repeat(spoken: SpokenInSession) -> str | None:
    """A message that its speaker repeats, whatever its case, punctuation and spacing."""
    earlier = spoken.past.by_words.get(spoken.words, [])
    if not earlier or (len(earlier) < SHORT_TIMES and spoken.words.count(" ") < SHORT):
        return None
    return f"word for word as in turn {earlier[0].turn}"


def near_repeat(spoken: SpokenInSession) -> str | None:
    """A message, no exact repeat, that overlaps by `NEAR` or more with one of the speaker's last ten."""
    return None if spoken.words in spoken.past.by_words else nearest(spoken, spoken.past)


def said_twice(spoken: SpokenInSession) -> str | None:
    """A sentence of three words or more that one message says twice."""
    # Where no 3-gram comes twice, no such sentence does; most messages are through with that.
    return None if len(spoken.grams) >= spoken.words.count(" ") - 1 else rules.said_twice(spoken.text)


def nearest(spoken: SpokenInSession, past: Past) -> str | None:
    """Which of the last ten a message overlaps with by `NEAR` or more: the latest, with the overlap."""
    near = rules.nearest(spoken, past.recent, NEAR)
    return f"{near[1]:.2f} of the word 3-grams as in turn {near[0].turn}" if near else None
