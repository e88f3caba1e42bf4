"""Turns a phrase of the lists into patterns: the phrase itself, with disguised letters, and with its letters apart."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache, cached_property, lru_cache

from counseling_sessions.nodes.risk.disguises import LETTERS_OF, loose, stands_apart
from counseling_sessions.nodes.risk.spellings import WILD, Apart
from counseling_sessions.nodes.risk.starts import starts_of

_LETTERS = "abcdefghijklmnopqrstuvwxyz"
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
            compiled(pattern)

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

    def found_plainly(self, words: str) -> bool:
        """Whether lower-case words between single spaces have a phrase, by trying each pattern at each word.

        For a text or two that is quicker than a `PhraseIndex`, which first reads what the patterns need.
        """
        places = [0, *(space.end() for space in re.finditer(" ", words))]
        return any(compiled(pattern).match(words, place) for pattern in self.patterns for place in places)

    def found_loosely(self, words: str) -> bool:
        """Whether words have a phrase with a sign that stands for several letters, or with drawn-out letters, in it."""
        place, near = 0, _near_disguises(words)
        for number, word in enumerate(words.split(" ")):
            if near[number] and any(compiled(loose(item)).match(words, place) for item in self._loosely_begun_by(word)):
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


def _starts(word: str) -> tuple[str, ...]:
    """The starts of patterns that can begin with a word."""
    return (word, *(f"{word[:end]}*" for end in range(len(word[:_LONGEST_START]) + 1)))


@cache
def compiled(pattern: str) -> re.Pattern[str]:
    """A pattern that ends at a word's end."""
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
        sign == letter or letter in LETTERS_OF.get(sign, "") for sign, letter in zip(word, letters, strict=False)
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
