"""The review at the end of a practice session: what a person's messages as the counselor were like, by plain counts and cues.

It gives no grade. Figures count the words as they stand. What comes from cues (techniques, kinds of questions, moments) may be
wrong, and the review says so.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from operator import itemgetter

from counseling_sessions.practice.cues import (
    Moment,
    Questions,
    moments_in,
    picks_up,
    questions_in,
    techniques_in,
    title,
)
from counseling_sessions.state import Utterance
from counseling_sessions.texts.words import words

MOST_MISSED = 3
"""Moments that are shown; more would read like a list of faults."""


@dataclass(frozen=True)
class Missed:
    """A moment in a client's message of this turn that the next message may not have taken up."""

    turn: int
    moment: Moment


@dataclass(frozen=True)
class Review:
    """What the person said in numbers. Words are those of `texts.words`; the opening exchange of the form does not count.

    `techniques` holds each of their messages' turn and techniques by cues; `longest` is the turn and the words of the longest
    message; `share` is the person's share of all words, 0 to 1, None where nobody said any.
    """

    messages: int
    words: int
    client_words: int
    techniques: tuple[tuple[int, tuple[str, ...]], ...]
    questions: Questions
    longest: tuple[int, int] | None
    missed: tuple[Missed, ...]

    @property
    def share(self) -> float | None:
        spoken = self.words + self.client_words
        return self.words / spoken if spoken else None


def review_of(dialogue: Sequence[Utterance]) -> Review:
    """Look back on a session in which a person was the counselor."""
    mine = [said for said in dialogue if said.author == "human" and said.speaker == "counselor"]
    client = [said for said in dialogue if said.speaker == "client" and said.turn > 0]
    lengths = [len(words(said.text)) for said in mine]
    return Review(
        messages=len(mine),
        words=sum(lengths),
        client_words=sum(len(words(said.text)) for said in client),
        techniques=tuple((said.turn, techniques_in(said.text)) for said in mine if not said.closing),
        questions=questions_in(*(said.text for said in mine)),
        longest=max(
            ((said.turn, length) for said, length in zip(mine, lengths, strict=True)), key=itemgetter(1), default=None
        ),
        missed=tuple(_missed(dialogue)),
    )


def review_lines(review: Review) -> list[str]:
    """The review as lines to read."""
    if not review.messages:
        return ["You have said nothing yet; there is nothing to look back on."]
    share = f"{review.share:.0%}" if review.share is not None else "–"
    lines = [
        f"You said {review.messages} messages with {review.words} words, the client {review.client_words}: "
        f"{share} of the words were yours.",
    ]
    if review.longest:
        lines.append(f"Your longest message had {review.longest[1]} words (turn {review.longest[0]}).")
    asked = review.questions
    lines.append(
        f"Questions: {asked.open} open, {asked.closed} closed" + (f", {asked.other} other." if asked.other else ".")
    )
    return [*lines, *_technique_lines(review), *_missed_lines(review)]


def _technique_lines(review: Review) -> list[str]:
    used = Counter(name for _, names in review.techniques for name in names)
    if not used:
        return ["Techniques, by cues in the words: none was found; a cue can miss what was meant."]
    total = ", ".join(f"{title(name)} {count}" for name, count in used.most_common())
    head = f"Techniques, by cues in the words (a cue can miss, or mistake, what was meant): {total}."
    return [head, *(f"  turn {turn}: {', '.join(map(title, names)) or 'no cue'}" for turn, names in review.techniques)]


def _missed_lines(review: Review) -> list[str]:
    if not review.missed:
        return ["No moment stood out as passed over, as far as cues can tell."]
    lines = ["Moments that you may want to look at again (by cues; you may have had your reasons):"]
    lines += [
        f"  turn {item.turn}, {item.moment.kind}: “{item.moment.sentence}”" for item in review.missed[:MOST_MISSED]
    ]
    if (more := len(review.missed) - MOST_MISSED) > 0:
        lines.append(f"  and {more} more")
    return lines


def _missed(dialogue: Sequence[Utterance]) -> list[Missed]:
    missed = []
    for said, answer in pairwise(dialogue):
        if said.speaker != "client" or answer.author != "human" or answer.closing:
            continue
        moments = moments_in(said.text)
        # Taking up one of them is an answer; a person cannot answer everything at once.
        if moments and not any(picks_up(answer.text, moment) for moment in moments):
            missed.append(Missed(said.turn, moments[0]))
    return missed
