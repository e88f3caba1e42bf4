"""All the lists' phrases in one look at the words of a message, however many lists there are.

Most messages hold too little of what any pattern needs, and of the others few patterns are tried.
"""

from collections.abc import Iterable, Mapping, Set
from dataclasses import dataclass
from functools import cached_property, lru_cache
from itertools import chain

from counseling_sessions.nodes.risk.patterns import Phrases, compiled
from counseling_sessions.nodes.risk.spellings import Spellings
from counseling_sessions.nodes.risk.starts import starts_of
from counseling_sessions.texts.needs import Needs, Sieve, alternatives, needs_of

_SPELLINGS = 1024
"""Messages of which it is kept what they can match: a session looks at each several times."""


@dataclass(frozen=True)
class _Way:
    """An alternative of a list's pattern; `starts` are the words that its phrases begin with, or the first letters of these."""

    phrases: Phrases
    pattern: str
    starts: frozenset[str]

    @cached_property
    def needs(self) -> Needs:
        """What a text must hold to match."""
        starts = frozenset(f"^{start[:-1]}" if start.endswith("*") else f"^{start}$" for start in self.starts)
        return (*needs_of(self.pattern, at_word=True), starts)

    @cached_property
    def _words(self) -> Mapping[str, str]:
        return {start: f" {start} " for start in self.starts if not start.endswith("*")}

    @cached_property
    def _prefixes(self) -> tuple[str, ...]:
        return tuple(f" {start[:-1]}" for start in self.starts if start.endswith("*"))

    def begun_by(self, words: Set[str]) -> tuple[str, ...]:
        """What a phrase in a text of these words begins with, each after a space."""
        return (*(self._words[word] for word in self._words.keys() & words), *self._prefixes)

    def is_in(self, words: str, spaced: str, begun: Iterable[str]) -> bool:
        """Whether a phrase begins at one of the words, with one of these beginnings; `spaced` are the words between two spaces."""
        for start in begun:
            place = spaced.find(start)
            while place >= 0:
                if compiled(self.pattern).match(words, place):
                    return True
                place = spaced.find(start, place + 1)
        return False


class PhraseIndex:
    """Lists of phrases, of which any can be looked for in a message. Where several match, their order here counts."""

    def __init__(self, lists: Iterable[Phrases]) -> None:
        self._ways = [
            _Way(one, way, frozenset(starts_of(way)))
            for one in lists
            for item in one.patterns
            for way in alternatives(item)
        ]
        self._sieve = Sieve([way.needs for way in self._ways])
        self._candidates = lru_cache(maxsize=_SPELLINGS)(self._passing)

    def first_match(self, spelled: Spellings, lists: Iterable[Phrases]) -> str | None:
        """The category of the first of `lists`, which are in this index, that matches in the spelling nearest to the message."""
        wanted = dict.fromkeys(lists)
        if first := self._first_in(spelled.exact, wanted):
            return first.category
        matches = chain(
            (phrases for phrases in wanted if any(map(phrases.found_loosely, spelled.loose))),
            (phrases for phrases in wanted if any(map(phrases.stand_apart, spelled.apart))),
        )
        return next((phrases.category for phrases in matches), None)

    def is_in(self, words: str, phrases: Phrases) -> bool:
        """Whether lower-case words between single spaces have a phrase."""
        return self._first_in((words,), {phrases: None}) is not None

    def _first_in(self, exact: tuple[str, ...], wanted: Mapping[Phrases, None]) -> Phrases | None:
        if not (ways := [one for one in self._candidates(exact) if one[0].phrases in wanted]):
            return None
        spaced = [(words, f" {words} ") for words in exact]
        return next((way.phrases for way, begun in ways if any(way.is_in(*both, begun) for both in spaced)), None)

    def _passing(self, exact: tuple[str, ...]) -> tuple[tuple[_Way, tuple[str, ...]], ...]:
        """What the spellings of a message can match at all, by their words together, in the order of the lists, with `begun_by`."""
        words = {word for spelling in exact for word in spelling.split(" ")}
        passing = (self._ways[number] for number in self._sieve.passing(words))
        return tuple((way, way.begun_by(words)) for way in passing)
