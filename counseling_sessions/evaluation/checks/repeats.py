"""A speaker who says the same again."""

from counseling_sessions.evaluation.checks.spoken import Grams, Past, Spoken
from counseling_sessions.nodes import guards
from counseling_sessions.texts.words import overlap

NEAR = 0.8
"""Jaccard overlap of word 3-grams from which a message is reported as nearly the same; the guards ask again from 0.6."""
SHORT = 3
"""Words up to which a message is a short answer ("I don't know."), which people do give more than once…"""
SHORT_TIMES = 3
"""…but not more often than this in one session."""


def repeat(spoken: Spoken) -> str | None:
    """A message that the speaker has said before, whatever its case, punctuation and spacing."""
    turn, times = spoken.own.said.get(spoken.words, (0, 0))
    if not times or (times < SHORT_TIMES and spoken.words.count(" ") < SHORT):
        return None
    return f"word for word as in turn {turn}"


def near_repeat(spoken: Spoken) -> str | None:
    """A message, no exact repeat, that overlaps by `NEAR` or more with one of the speaker's last ten."""
    if spoken.words in spoken.own.said:
        return None
    return nearest(spoken.grams, spoken.own)


def said_twice(spoken: Spoken) -> str | None:
    """A sentence of three words or more that one message says twice."""
    # Where no 3-gram comes twice, no such sentence does; most messages are through with that.
    if len(spoken.grams) >= spoken.words.count(" ") - 1:
        return None
    return guards.near_repeat(spoken.draft)  # without a past, all that this guard can see


def nearest(grams: Grams, past: Past) -> str | None:
    """Which of the last ten a message overlaps with by `NEAR` or more: the latest, with the overlap."""
    size = len(grams)
    for turn, other in reversed(past.recent):
        # Sets that differ that much in size cannot overlap that far.
        if not NEAR * size <= len(other) <= size / NEAR:
            continue
        if (found := overlap(grams, other)) >= NEAR:
            return f"{found:.2f} of the word 3-grams as in turn {turn}"
    return None
