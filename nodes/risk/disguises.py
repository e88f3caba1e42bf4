"""A phrase of the lists in disguise: with signs for letters, with letters drawn out, or with its letters apart."""

import re
import string
from functools import cache, lru_cache

from counseling_sessions.nodes.risk.spellings import WILD, Apart
from counseling_sessions.texts.needs import needs_of

SHORTEST = 6
"""Letters of the shortest phrase that counts among letters apart, where words have no ends."""

_TOKEN = re.compile(
    r"(?P<behind>\(\?<[!=][^()]*\))|(?P<escape>\\.)|(?P<group>\(\?[:!=])|\[(?P<set>[^\]]*)\]|(?P<repeat>\{[^}]*\})"
    r"|(?P<space> \??)|(?P<letter>[a-z])|(?P<other>.)",
    re.DOTALL,
)
ALSO = {"a": "4", "b": "68", "e": "3", "g": "69", "i": "1", "l": "1", "o": "0", "s": "5", "t": "7", "z": "2"}
"""Digits that can stand for a letter."""
LETTERS_OF = {WILD: string.ascii_lowercase} | {
    digit: "".join(letter for letter, digits in ALSO.items() if digit in digits) for digit in string.digits
}
"""The letters that a sign in a word can stand for."""
_ANY_WORDS = re.compile(r"\(\?:\\w\+ \)(?:\{0,(?P<most>\d)\}|\?)")
_LONGEST = 8
"""Letters of the longest word that can stand inside a phrase with its letters apart."""
_REPEATED = re.compile(r"([a-z])\1+")
_SIGN = re.compile(rf"[{WILD}\d]")


def stands_apart(pattern: str, run: Apart) -> bool:
    """Whether at least a part of a phrase has its letters apart."""
    if not _may_be_in(pattern, run.text):
        return False
    apart = _compiled_apart(pattern)
    match = apart.search(run.text)
    while match:
        overlaps = match.start() < run.end and match.end() > run.start
        if overlaps and len(match[0]) >= SHORTEST:
            return True
        match = apart.search(run.text, match.start() + 1)
    return False


@cache
def _compiled_apart(pattern: str) -> re.Pattern[str]:
    return re.compile(loose(_without_words(pattern), spaces=False))


def _may_be_in(pattern: str, text: str) -> bool:
    """Whether text without spaces can hold a phrase: a search of it can take seconds. A sign may be any letter.

    Letters may be drawn out, so that of those in a row one counts.
    """
    once = _once(text)
    return bool(_SIGN.search(text)) or all(any(run in once for run in need) for need in _needs_apart(pattern))


def may_be_loosely_in(pattern: str, words: str) -> bool:
    """Whether words can hold a phrase in disguise: to compile its loose pattern takes far longer than this look."""
    once = _once(words)
    return all(any(run in once or _disguised(run, once) for run in need) for need in _needs_loosely(pattern))


def _disguised(letters: str, once: str) -> bool:
    """Whether a word with signs in it can stand for, or hold, these letters."""
    return any(
        all(sign == letter or letter in LETTERS_OF.get(sign, "") for sign, letter in zip(part, letters, strict=True))
        for word in _signed(once)
        for part in (word[start : start + len(letters)] for start in range(len(word) - len(letters) + 1))
    )


@lru_cache(maxsize=256)
def _signed(words: str) -> tuple[str, ...]:
    return tuple(word for word in words.split(" ") if _SIGN.search(word))


@cache
def _needs_loosely(pattern: str) -> tuple[frozenset[str], ...]:
    return tuple(frozenset(_once(run.strip("^$")) for run in need) for need in needs_of(pattern))


@cache
def _needs_apart(pattern: str) -> tuple[frozenset[str], ...]:
    needs = needs_of(_without_spaces(_without_words(pattern)))
    return tuple(frozenset(_once(run.strip("^$")) for run in need) for need in needs)


@lru_cache(maxsize=256)
def _once(text: str) -> str:
    return _REPEATED.sub(r"\1", text)


def _without_spaces(pattern: str) -> str:
    return _TOKEN.sub(lambda token: "" if token["space"] else token[0], pattern)


def _without_words(pattern: str) -> str:
    """The pattern with bounds for the words inside the phrase: without spaces a word has no end."""
    pattern = _ANY_WORDS.sub(lambda words: rf"\w{{0,{_LONGEST * int(words['most'] or 1)}}}", pattern)
    return pattern.replace(r"\w+", rf"\w{{1,{_LONGEST}}}").replace(r"\w*", rf"\w{{0,{_LONGEST}}}")


def loose(pattern: str, spaces: bool = True) -> str:
    """The pattern in which each letter can also be doubled, a digit that looks like it, or a sign for any letter."""

    def loosened(token: re.Match[str]) -> str:
        if token["set"] is not None:
            return f"[{token['set']}{WILD}{''.join(ALSO.get(letter, '') for letter in token['set'])}]"
        if letter := token["letter"]:
            return f"(?:{letter}{{1,2}}|[{WILD}{ALSO.get(letter, '')}])"
        return "" if token["space"] and not spaces else token[0]

    return _TOKEN.sub(loosened, pattern)
