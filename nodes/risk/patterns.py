"""A phrase of the lists as the patterns that are looked for: as it stands, with letters disguised, and with its letters apart."""

import re
from dataclasses import dataclass

from counseling_sessions.nodes.risk.spellings import WILD, Apart

SHORTEST = 6
"""Letters of the shortest phrase that is looked for among letters apart, where words have no ends."""

_TOKEN = re.compile(
    r"(?P<behind>\(\?<[!=][^()]*\))|(?P<escape>\\.)|(?P<group>\(\?[:!=])|\[(?P<set>[^\]]*)\]|(?P<repeat>\{[^}]*\})"
    r"|(?P<space> \??)|(?P<letter>[a-z])|(?P<other>.)",
    re.DOTALL,
)
_ALSO = {"a": "4", "b": "68", "e": "3", "g": "69", "i": "1", "l": "1", "o": "0", "s": "5", "t": "7", "z": "2"}
"""Digits that a letter may be written as."""
_ANY_WORDS = re.compile(r"\(\?:\\w\+ \)(?:\{0,(?P<most>\d)\}|\?)")
_LONGEST = 8
"""Letters of a word that may stand inside a phrase whose letters stand apart."""


@dataclass(frozen=True)
class Phrases:
    """The phrases of a category: `exact` and `loose` stand between word boundaries, `apart` anywhere in a text without spaces."""

    category: str
    exact: re.Pattern[str]
    loose: re.Pattern[str]
    apart: re.Pattern[str]

    def stand_apart(self, found: Apart) -> bool:
        """Whether a phrase is written, in part at least, with letters apart."""
        match = self.apart.search(found.text)
        while match:
            inside = match.start() < found.end and match.end() > found.start
            if inside and len(match[0]) >= SHORTEST:
                return True
            match = self.apart.search(found.text, match.start() + 1)
        return False


def phrases_of(category: str, patterns: tuple[str, ...]) -> Phrases:
    """The patterns of a category of a list. Raises `re.error` for what is no regular expression."""
    return Phrases(
        category,
        re.compile(_between(patterns)),
        re.compile(_between(tuple(map(_loose, patterns)))),
        re.compile("|".join(f"(?:{_loose(_without_words(item), spaces=False)})" for item in patterns)),
    )


def _between(patterns: tuple[str, ...]) -> str:
    return "|".join(rf"\b(?:{item})\b" for item in patterns)


def _without_words(pattern: str) -> str:
    """The pattern with bounds for the words that may stand inside the phrase: without spaces a word has no end."""
    pattern = _ANY_WORDS.sub(lambda words: rf"\w{{0,{_LONGEST * int(words['most'] or 1)}}}", pattern)
    return pattern.replace(r"\w+", rf"\w{{1,{_LONGEST}}}").replace(r"\w*", rf"\w{{0,{_LONGEST}}}")


def _loose(pattern: str, spaces: bool = True) -> str:
    """The pattern with each letter also doubled, as the digits it looks like, or as a sign for any letter."""

    def loosened(token: re.Match[str]) -> str:
        if token["set"] is not None:
            return f"[{token['set']}{WILD}{''.join(_ALSO.get(letter, '') for letter in token['set'])}]"
        if letter := token["letter"]:
            return f"(?:{letter}{{1,2}}|[{WILD}{_ALSO.get(letter, '')}])"
        return "" if token["space"] and not spaces else token[0]

    return _TOKEN.sub(loosened, pattern)
