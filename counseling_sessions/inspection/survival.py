"""What of the candidates survived in the merged utterance: the runs of words that both have.

A run is three or more words in the same order, whatever their case, punctuation and apostrophes; its place in either text does
not matter, since a merge moves sentences about. Limits: what the merge said in other words is not seen, and a phrase that any
counselor might use counts although nobody took it over. A language that is written without spaces between words is compared
by the stretches between its punctuation marks, and so shows almost nothing.
"""

import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
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
    """What of one candidate stands in the utterance: where, how many of its `total` words, and how many of the utterance's
    words are put down to it."""

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
    """So many words in common, from these places on."""

    length: int
    candidate: int
    place: int
    own_place: int


def survival(utterance: str, candidates: Sequence[str]) -> Survival:
    """Compare an utterance with the candidates that it was merged from.

    Each word of the utterance is put down to the longest run that it is in, of several of one length to the first
    candidate's. A candidate's words survived wherever they stand in a run, also where another candidate's was longer.
    """
    words, drafts = _words(utterance), [_words(text) for text in candidates]
    runs = [run for place, draft in enumerate(drafts) for run in _runs(words, draft, place)]
    origin: dict[int, int] = {}
    kept: list[set[int]] = [set() for _ in drafts]
    for run in sorted(runs, key=lambda run: (-run.length, run.candidate, run.place)):
        kept[run.candidate].update(range(run.own_place, run.own_place + run.length))
        for place in range(run.place, run.place + run.length):
            origin.setdefault(place, run.candidate)
    given = list(origin.values())
    parts = [[place for place in sorted(origin) if origin[place] == number] for number in range(len(drafts))]
    origins = [
        Origin(span.start, span.end, number) for number, part in enumerate(parts) for span in _spans(utterance, part)
    ]
    return Survival(
        kept=tuple(
            Kept(tuple(_spans(candidates[number], sorted(own))), len(own), len(drafts[number]), given.count(number))
            for number, own in enumerate(kept)
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
    for own_place, said in enumerate(_grams(theirs)):
        begins[said].append(own_place)
    for place, said in enumerate(_grams(ours)):
        if said not in begins:
            continue
        for own_place in begins[said]:
            if place and own_place and ours[place - 1] == theirs[own_place - 1]:
                continue  # in the middle of one that began before
            length = SHORTEST
            while (
                ours[place + length : place + length + 1] == theirs[own_place + length : own_place + length + 1] != []
            ):
                length += 1
            yield _Run(length, candidate, place, own_place)


def _grams(said: list[str]) -> Iterator[tuple[str, ...]]:
    return zip(*(said[place:] for place in range(SHORTEST)), strict=False)


def _spans(text: str, places: list[int]) -> Iterator[Span]:
    """Words that follow each other as one span, from the first one's begin to the last one's end."""
    if not places:
        return
    words = list(_WORD.finditer(text))
    for number, place in enumerate(places):
        if number and places[number - 1] == place - 1:
            continue
        last = number
        while last + 1 < len(places) and places[last + 1] == places[last] + 1:
            last += 1
        yield Span(words[place].start(), words[places[last]].end())
