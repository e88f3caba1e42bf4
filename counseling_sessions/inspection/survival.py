"""What of the candidates survived in the merged utterance: the runs of words that both have.

A run is three or more words in the same order, whatever their case, punctuation and apostrophes. Its place does not matter: a
merge moves sentences. Limits: it does not see paraphrases, and it counts phrases that any counselor might use. In a language
without spaces between words it compares the stretches between punctuation marks, and so shows almost nothing.
"""

import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby, takewhile
from typing import NamedTuple

from counseling_sessions.texts.words import folded

SHORTEST = 3
"""Words of the shortest run: two words in a row are in common by chance."""

_WORD = re.compile(r"\w+(?:['’]\w+)*")


@dataclass(frozen=True)
class Span:
    """A piece of a text by its characters, `end` not included."""

    start: int
    end: int


@dataclass(frozen=True)
class Origin(Span):
    """A piece of the utterance that stands in a candidate too: `candidate` is its place in the list, from 0."""

    candidate: int


@dataclass(frozen=True)
class Kept:
    """The part of a candidate that survived: where, how many of its `total` words, and the words of the utterance from it."""

    spans: tuple[Span, ...]
    words: int
    total: int
    given: int

    @property
    def share(self) -> float:
        """The share of the candidate's words that survived, 0 to 1."""
        return self.words / self.total if self.total else 0.0


@dataclass(frozen=True)
class Survival:
    """What of each candidate survived, and where each piece of the utterance comes from; `total` is the utterance's words."""

    kept: tuple[Kept, ...]
    origins: tuple[Origin, ...]
    total: int


class _Run(NamedTuple):
    """A number of common words from these places on."""

    length: int
    candidate: int
    place: int
    draft_place: int


def survival(utterance: str, candidates: Sequence[str]) -> Survival:
    """Compare an utterance with the candidates that it was merged from.

    Each word of the utterance comes from the longest run around it; of runs of one length, from the first candidate's. A
    candidate's words survived in any run, also where another candidate's is longer.
    """
    words, drafts = _words(utterance), [_words(text) for text in candidates]
    runs = [run for place, draft in enumerate(drafts) for run in _runs(words, draft, place)]
    origin: dict[int, int] = {}
    kept: list[set[int]] = [set() for _ in drafts]
    for run in sorted(runs, key=lambda run: (-run.length, run.candidate, run.place)):
        kept[run.candidate].update(range(run.draft_place, run.draft_place + run.length))
        for place in range(run.place, run.place + run.length):
            origin.setdefault(place, run.candidate)
    parts = [[place for place in sorted(origin) if origin[place] == number] for number in range(len(drafts))]
    origins = [
        Origin(span.start, span.end, number) for number, part in enumerate(parts) for span in _spans(utterance, part)
    ]
    return Survival(
        kept=tuple(
            Kept(
                tuple(_spans(candidates[number], sorted(places))), len(places), len(drafts[number]), len(parts[number])
            )
            for number, places in enumerate(kept)
        ),
        origins=tuple(sorted(origins, key=lambda item: item.start)),
        total=len(words),
    )


def _words(text: str) -> list[str]:
    if text.isascii():  # by far the most texts, and many times as fast
        return [word.replace("'", "") for word in _WORD.findall(text.lower())]
    return [folded(word) for word in _WORD.findall(text)]


def _runs(ours: list[str], theirs: list[str], candidate: int) -> Iterator[_Run]:
    """The runs that cannot be made longer at either end."""
    begins: defaultdict[tuple[str, ...], list[int]] = defaultdict(list)
    for draft_place, said in enumerate(_grams(theirs)):
        begins[said].append(draft_place)
    for place, said in enumerate(_grams(ours)):
        for draft_place in begins.get(said, ()):
            if place and draft_place and ours[place - 1] == theirs[draft_place - 1]:
                continue  # in the middle of one that began before
            both = zip(ours[place:], theirs[draft_place:], strict=False)
            yield _Run(sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], both)), candidate, place, draft_place)


def _grams(said: list[str]) -> Iterator[tuple[str, ...]]:
    return zip(*(said[place:] for place in range(SHORTEST)), strict=False)


def _spans(text: str, places: list[int]) -> Iterator[Span]:
    """Words that follow each other as one span, from the first one's begin to the last one's end."""
    words = list(_WORD.finditer(text)) if places else []
    for _, run in groupby(enumerate(places), key=lambda item: item[1] - item[0]):
        following = [place for _, place in run]
        yield Span(words[following[0]].start(), words[following[-1]].end())
