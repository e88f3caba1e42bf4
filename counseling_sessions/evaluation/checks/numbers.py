"""The numbers of a text, in digits or written out, each with what it counts."""

import re
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from counseling_sessions.evaluation.roots import root
from counseling_sessions.settings import read_yaml
from counseling_sessions.texts.words import words

_DATA = read_yaml(Path(__file__).with_name("numbers.yaml"))
_ONES = {word: value for value, word in enumerate(_DATA["ones"].split())}
_TENS = {word: 10 * value for value, word in enumerate(_DATA["tens"].split(), 2)}
_MANY: dict[str, int] = _DATA["many"]
_TIMES = frozenset(_DATA["times"].split())
_BEGIN = frozenset({*_ONES, *_TENS, _DATA["half"]} - {"zero", "one"})
"""The words that a number begins with; "one" is more often a pronoun."""
_CLAUSE = re.compile(r"[^.,;:!?…()\n]+")
_DIGIT = re.compile(r"\d")
_LONGEST = 9
"""Digits of a number that is read: a longer one counts nothing."""


class Number(NamedTuple):
    """A number and the root of the word after it in its clause ("" if none tells anything); of a clock time, the hour ("past 6")."""

    value: float
    counts: str


def numbers_of(text: str, said: Iterable[str]) -> Iterator[Number]:
    """The numbers from two on of a text, in their order. `said` are its words: where none begins a number, all is done."""
    if not _BEGIN.isdisjoint(said) or _DIGIT.search(text):
        for clause in _CLAUSE.findall(text):
            yield from _in_clause(words(clause))


def _in_clause(said: Sequence[str]) -> Iterator[Number]:
    place = 0
    while place < len(said):
        value, place = _number(said, place)
        if value is not None:
            yield Number(value, _counted(said[place : place + 2]))


def _number(said: Sequence[str], place: int) -> tuple[float | None, int]:
    """The number that begins at a place, and the place after it; None and the next place if none begins there."""
    word = said[place]
    place += 1
    value: float
    if word.isdecimal() and len(word) <= _LONGEST:
        value = int(word)
    elif word in _TENS:
        value = _TENS[word]
        if place < len(said) and 0 < _ONES.get(said[place], 0) < 10:
            value += _ONES[said[place]]
            place += 1
    elif word in _ONES and word in _BEGIN:
        value = _ONES[word]
    elif word == _DATA["half"]:
        value = 0.5
    else:
        return None, place
    while place < len(said) and said[place] in _MANY:
        value *= _MANY[said[place]]
        place += 1
    return value, place


def _counted(after: Sequence[str]) -> str:
    if len(after) == 2 and after[0] in _TIMES:
        hour, _ = _number(after, 1)
        return "" if hour is None else f"{after[0]} {hour:g}"
    return root(after[0]) if after else ""
