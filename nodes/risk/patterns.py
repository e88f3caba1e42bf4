"""Turns a phrase of the lists into patterns: the phrase itself, with disguised letters, and with its letters apart."""

import itertools
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache, cached_property, lru_cache

from counseling_sessions.nodes.risk.disguises import ALSO, loose, stands_apart
from counseling_sessions.nodes.risk.spellings import WILD, Apart, Spellings
from counseling_sessions.nodes.risk.starts import starts_of
from counseling_sessions.texts.needs import Sieve, alternatives, needs_of

_LETTERS = "abcdefghijklmnopqrstuvwxyz"
_LETTERS_OF = {WILD: _LETTERS} | {
    digit: "".join(letter for letter, digits in ALSO.items() if digit in digits) for digit in "0123456789"
}
"""The letters that a sign in a word can stand for."""
_SIGNS = re.compile(rf"[{WILD}\d]")
_DOUBLED = re.compile(r"([a-z])\1")
_WORDS = 12
"""Words of the longest phrase, about: so far behind its first word a disguised one can belong to it."""
_LONGEST_START = 24
_MOST_KNOWN = 20_000
"""Words for which a category keeps the patterns that can begin with them."""
_LONG = 7
"""Letters of a word that still stands out with any one of them wrong."""
_GROUP = re.compile(r"<(\w+)>")


@dataclass(frozen=True, eq=False)
class Phrases:
    """The phrases of a category. They match between word boundaries, and with their letters apart in text without spaces."""

    category: str
    patterns: tuple[str, ...]

    def compile(self) -> None:
        """Compiles all the patterns. Raises `re.error` for an invalid one."""
        for pattern in self.patterns:
            _compiled(pattern)

    @cached_property
    def exact(self) -> re.Pattern[str]:
        """All the patterns in one, for a whole clause."""
        return re.compile(_between(self.patterns))

    @cached_property
    def _by_start(self) -> dict[str, list[str]]:
        """The patterns by the words that they can begin with; `*` at the end stands for any more letters."""
        by_start: dict[str, list[str]] = {}
        for pattern in self.patterns:
            for start in starts_of(pattern):
                by_start.setdefault(start, []).append(pattern)
        return by_start

    def found_in(self, words: str) -> bool:
        """Whether lower-case words between single spaces have a phrase."""
        return _together((self,)).first_in((words,)) is not None

    def found_plainly(self, words: str) -> bool:
        """As `found_in`, by trying each pattern at each word: quicker for a text or two, before what patterns need is read."""
        places = [0, *(space.end() for space in re.finditer(" ", words))]
        return any(_compiled(pattern).match(words, place) for pattern in self.patterns for place in places)

    def found_loosely(self, words: str) -> bool:
        """Whether words have a phrase with a sign that stands for several letters, or with drawn-out letters, in it."""
        place, near = 0, _near_disguises(words)
        for number, word in enumerate(words.split(" ")):
            if near[number] and any(
                _compiled(loose(item)).match(words, place) for item in self._loosely_begun_by(word)
            ):
                return True
            place += len(word) + 1
        return False

    def stand_apart(self, run: Apart) -> bool:
        """Whether at least a part of a phrase has its letters apart."""
        return any(stands_apart(item, run) for item in self.patterns)

    @cached_property
    def _remembered(self) -> dict[str, tuple[str, ...]]:
        return {}

    def patterns_begun_by(self, word: str) -> tuple[str, ...]:
        """The patterns that can begin with a word."""
        if (patterns := self._remembered.get(word)) is None:
            patterns = tuple(pattern for start in _starts(word) for pattern in self._by_start.get(start, ()))
            self._keep(word, patterns)
        return patterns

    def _loosely_begun_by(self, word: str) -> tuple[str, ...]:
        """The patterns that can begin with a word in disguise."""
        if not _SIGNS.search(word):
            return tuple(pattern for meant in _undoubled(word) for pattern in self.patterns_begun_by(meant))
        if (patterns := self._remembered.get(f"{word}*")) is None:
            patterns = tuple(
                pattern for start, listed in self._by_start.items() if _can_mean(word, start) for pattern in listed
            )
            self._keep(f"{word}*", patterns)
        return patterns

    def _keep(self, word: str, patterns: tuple[str, ...]) -> None:
        if len(self._remembered) >= _MOST_KNOWN:
            self._remembered.clear()
        self._remembered[word] = patterns


def first_match(spelled: Spellings, lists: Iterable[Phrases]) -> str | None:
    """The category of the first matching phrases, in the spelling that is nearest to the message."""
    lists = tuple(lists)
    if (first := _together(lists).first_in(spelled.exact)) is not None:
        return lists[first].category
    matches = itertools.chain(
        (phrases for phrases in lists for words in spelled.loose if phrases.found_loosely(words)),
        (phrases for phrases in lists for run in spelled.apart if phrases.stand_apart(run)),
    )
    return next((phrases.category for phrases in matches), None)


class _Together:
    """Several lists in one look at each word of a text, however many they are.

    Most texts hold too little of what any pattern needs, and of the others few patterns are tried.
    """

    def __init__(self, lists: tuple[Phrases, ...]) -> None:
        self._lists = lists
        self._patterns = [
            (number, way) for number, one in enumerate(lists) for item in one.patterns for way in alternatives(item)
        ]
        starts = [starts_of(item) for _, item in self._patterns]
        self._sieve = Sieve(
            [
                (*needs_of(item, at_word=True), _as_need(begin))
                for (_, item), begin in zip(self._patterns, starts, strict=True)
            ]
        )
        self._by_start: dict[str, list[int]] = {}
        for place, begin in enumerate(starts):
            for start in begin:
                self._by_start.setdefault(start, []).append(place)
        self._remembered: dict[str, frozenset[int]] = {}

    def first_in(self, spellings: Iterable[str]) -> int | None:
        """The place of the first list that a spelling has a phrase of."""
        first = len(self._lists)
        for words in spellings:
            listed = words.split(" ")
            different = set(listed)
            if not (passing := frozenset(self._sieve.passing(different))):
                continue
            tried = {word: sorted(both) for word in different if (both := self._begun_by(word) & passing)}
            place = 0
            for word in listed if tried else ():
                for one in tried.get(word, ()):
                    number, pattern = self._patterns[one]
                    if number >= first:
                        break
                    if _compiled(pattern).match(words, place):
                        first = number
                        break
                place += len(word) + 1
        return first if first < len(self._lists) else None

    def _begun_by(self, word: str) -> frozenset[int]:
        """The places of the patterns that can begin with a word."""
        if (begun := self._remembered.get(word)) is None:
            if len(self._remembered) >= _MOST_KNOWN:
                self._remembered.clear()
            begun = frozenset(place for start in _starts(word) for place in self._by_start.get(start, ()))
            self._remembered[word] = begun
        return begun


@lru_cache(maxsize=32)
def _together(lists: tuple[Phrases, ...]) -> _Together:
    return _Together(lists)


def _as_need(starts: Iterable[str]) -> frozenset[str]:
    """The starts of a pattern as what a text needs."""
    return frozenset(f"^{start[:-1]}" if start.endswith("*") else f"^{start}$" for start in starts)


def _starts(word: str) -> tuple[str, ...]:
    """The starts of patterns that can begin with a word."""
    return (word, *(f"{word[:end]}*" for end in range(len(word[:_LONGEST_START]) + 1)))


@cache
def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile(rf"(?:{pattern})\b")


@lru_cache(maxsize=8)
def _near_disguises(words: str) -> list[bool]:
    """For each word, whether a disguised one is near enough to belong to a phrase that begins with it."""
    near: list[bool] = []
    left = 0
    for word in reversed(words.split(" ")):
        left = _WORDS if len(word) > 1 and (_SIGNS.search(word) or _DOUBLED.search(word)) else left - 1
        near.append(left > 0)
    return near[::-1]


def _can_mean(word: str, start: str) -> bool:
    """Whether a word with signs in it can be, or can begin with, the start of a pattern."""
    letters = start.rstrip("*")
    if len(word) == 1 or len(word) < len(letters) or (len(word) != len(letters) and letters == start):
        return False
    return all(
        sign == letter or letter in _LETTERS_OF.get(sign, "") for sign, letter in zip(word, letters, strict=False)
    )


def _undoubled(word: str) -> set[str]:
    """The word as it is, and without each or all of its doubled letters."""
    return {word, _DOUBLED.sub(r"\1", word)} | {
        f"{word[: double.start()]}{word[double.start() + 1 :]}" for double in _DOUBLED.finditer(word)
    }


def with_groups(patterns: Iterable[str], groups: Mapping[str, str]) -> tuple[str, ...]:
    """The patterns with each `<name>` replaced by the group of that name. Raises `KeyError` for a name without a group."""

    def group(name: re.Match[str]) -> str:
        return f"(?:{_GROUP.sub(group, groups[name[1]])})"

    return tuple(_GROUP.sub(group, item) for item in patterns)


def slips_of(words: Iterable[str]) -> dict[str, str]:
    """Misspelled words and the word meant, of four letters or more: two letters swapped, one left out, or one twice.

    In a word of seven letters or more, any one letter can also be wrong or too many.
    """
    slips: dict[str, str] = {}
    for word in words:
        cuts = [(word[:place], word[place:]) for place in range(len(word) + 1)]
        wrong = [f"{a}{b[1]}{b[0]}{b[2:]}" for a, b in cuts if len(b) > 1]
        wrong += [f"{a}{b[1:]}" for a, b in cuts[1:] if b] + [f"{a}{b[0]}{b}" for a, b in cuts if b]
        if len(word) >= _LONG:
            wrong += [f"{a}{letter}{rest}" for a, b in cuts for letter in _LETTERS for rest in (b, b[1:])]
        slips |= {slip: word for slip in wrong if slip != word}
    return {slip: word for slip, word in slips.items() if slip not in words}


def _between(patterns: Iterable[str]) -> str:
    return "|".join(rf"\b(?:{item})\b" for item in patterns)
