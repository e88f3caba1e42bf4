"""Turns a phrase of the lists into patterns: the phrase itself, with disguised letters, and with its letters apart."""

import re
from dataclasses import dataclass

from counseling_sessions.nodes.risk.spellings import WILD, Apart

SHORTEST = 6
"""Letters of the shortest phrase that counts among letters apart, where words have no ends."""

_TOKEN = re.compile(
    r"(?P<behind>\(\?<[!=][^()]*\))|(?P<escape>\\.)|(?P<group>\(\?[:!=])|\[(?P<set>[^\]]*)\]|(?P<repeat>\{[^}]*\})"
    r"|(?P<space> \??)|(?P<letter>[a-z])|(?P<other>.)",
    re.DOTALL,
)
_ALSO = {"a": "4", "b": "68", "e": "3", "g": "69", "i": "1", "l": "1", "o": "0", "s": "5", "t": "7", "z": "2"}
"""Digits that can stand for a letter."""
_ANY_WORDS = re.compile(r"\(\?:\\w\+ \)(?:\{0,(?P<most>\d)\}|\?)")
_LONGEST = 8
"""Letters of the longest word that can stand inside a phrase with its letters apart."""


@dataclass(frozen=True)
class Phrases:
    """The phrases of a category: `exact` and `loose` match between word boundaries, `apart` anywhere in text without spaces."""

    category: str
    exact: re.Pattern[str]
    loose: re.Pattern[str]
    apart: re.Pattern[str]

    def stand_apart(self, run: Apart) -> bool:
        """Whether at least a part of a phrase has its letters apart."""
        match = self.apart.search(run.text)
        while match:
            overlaps = match.start() < run.end and match.end() > run.start
            if overlaps and len(match[0]) >= SHORTEST:
                return True
            match = self.apart.search(run.text, match.start() + 1)
        return False


def phrases_of(category: str, patterns: tuple[str, ...]) -> Phrases:
    """The patterns of a list's category. Raises `re.error` for an invalid regular expression."""
    return Phrases(
        category,
        re.compile(_between(patterns)),
        re.compile(_between(tuple(map(_loose, patterns)))),
        re.compile("|".join(f"(?:{_loose(_without_words(item), spaces=False)})" for item in patterns)),
    )


def _between(patterns: tuple[str, ...]) -> str:
    return "|".join(rf"\b(?:{item})\b" for item in patterns)


def _without_words(pattern: str) -> str:
    """The pattern with bounds for the words inside the phrase: without spaces a word has no end."""
    pattern = _ANY_WORDS.sub(lambda words: rf"\w{{0,{_LONGEST * int(words['most'] or 1)}}}", pattern)
    return pattern.replace(r"\w+", rf"\w{{1,{_LONGEST}}}").replace(r"\w*", rf"\w{{0,{_LONGEST}}}")


def _loose(pattern: str, spaces: bool = True) -> str:
    """The pattern in which each letter can also be doubled, a digit that looks like it, or a sign for any letter."""

    def loosened(token: re.Match[str]) -> str:
        if token["set"] is not None:
            return f"[{token['set']}{WILD}{''.join(_ALSO.get(letter, '') for letter in token['set'])}]"
        if letter := token["letter"]:
            return f"(?:{letter}{{1,2}}|[{WILD}{_ALSO.get(letter, '')}])"
        return "" if token["space"] and not spaces else token[0]

    return _TOKEN.sub(loosened, pattern)
