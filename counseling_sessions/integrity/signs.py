"""Signs in messages: forms of speech by which rules read a dialogue, such as a wish, an assent, or a proposal.

They are data (`signs/*.yaml`). A sign proves itself when the file is read: it must find its examples, and nothing in what
it must pass by. Signs match forms, not what is meant; irony and other languages escape them.
"""

import re
from collections.abc import Container, Iterator
from dataclasses import dataclass
from functools import cache, cached_property, lru_cache
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from counseling_sessions.settings import SettingsError, read_yaml, validation_message
from counseling_sessions.texts.needs import Sieve, alternatives, letters_of, needs_of
from counseling_sessions.texts.words import sentences

FOLDER = Path(__file__).parent / "signs"
READ = 4000
"""Characters of a message that are read."""

_WORD = re.compile(r"<([A-Z]+)>")
_Text = Annotated[str, StringConstraints(min_length=1)]


class _Sign(BaseModel):
    """A sign's patterns: regular expressions, matched in any case, each in one sentence. Apostrophes are straight."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    patterns: tuple[_Text, ...] = Field(min_length=1)
    examples: tuple[_Text, ...] = Field(min_length=1)
    others: tuple[_Text, ...] = ()


class _Listed(BaseModel):
    """The signs of one list; `words` stand for alternatives in patterns and in later words, as `<NAME>`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    words: dict[str, _Text] = {}
    signs: dict[str, _Sign] = Field(min_length=1)


@dataclass(frozen=True)
class Sign:
    """A sign, ready to be looked for."""

    name: str
    patterns: tuple[str, ...]

    def is_in(self, sentence: str) -> bool:
        return any(_pattern(self.ways[number]).search(sentence) for number in self._sieve.passing(letters_of(sentence)))

    @cached_property
    def pattern(self) -> re.Pattern[str]:
        """The patterns in one."""
        return re.compile("|".join(f"(?:{pattern})" for pattern in self.patterns), re.IGNORECASE)

    @cached_property
    def ways(self) -> tuple[str, ...]:
        """The alternatives of the patterns."""
        return tuple(way for pattern in self.patterns for way in alternatives(pattern))

    @cached_property
    def _sieve(self) -> Sieve:
        return Sieve(list(map(needs_of, self.ways)))


@dataclass(frozen=True)
class _Signs:
    """The patterns of a list, each with the name of its sign, and which of them a sentence can match at all."""

    patterns: tuple[tuple[str, str], ...]
    sieve: Sieve

    def names_in(self, sentence: str, only: Container[str] | None) -> Iterator[str]:
        """The names of the signs that a sentence has, of these alone or of all."""
        last = ""
        for number in self.sieve.passing(letters_of(sentence)):
            name, pattern = self.patterns[number]
            if name != last and (only is None or name in only) and _pattern(pattern).search(sentence):
                last = name
                yield name


@lru_cache(maxsize=8192)
def signs_of(text: str, listed: str = "english", only: frozenset[str] | None = None) -> frozenset[str]:
    """The names of a list's signs that a message has, whoever says it; `only`: no others are looked for."""
    signs = _signs(listed)
    return frozenset(name for sentence in _as_read(text) for name in signs.names_in(sentence, only))


@lru_cache(maxsize=8192)
def sentence_with(text: str, name: str, listed: str = "english") -> str:
    """The first sentence of a message that has this sign of a list, without its last stop; empty where none has.

    Raises `SettingsError` for a sign that there is not.
    """
    sign = next((sign for sign in read_signs(listed) if sign.name == name), None)
    if sign is None:
        raise SettingsError(f"there is no sign {name!r}")
    return next((sentence.rstrip(".!… ") for sentence in _as_read(text) if sign.is_in(sentence)), "")


@cache
def _signs(name: str) -> _Signs:
    patterns = tuple((sign.name, pattern) for sign in read_signs(name) for pattern in sign.ways)
    return _Signs(patterns, Sieve([needs_of(pattern) for _, pattern in patterns]))


@cache
def read_signs(name: str) -> tuple[Sign, ...]:
    """The signs of a list. Raises `SettingsError` for a file that is unreadable or does not prove itself."""
    path = FOLDER / f"{name}.yaml"
    try:
        listed = _Listed.model_validate(read_yaml(path))
    except ValidationError as error:
        raise SettingsError(f"{path}: {validation_message(error)}") from None
    return tuple(_compiled(path, name, sign, listed.words) for name, sign in listed.signs.items())


def _as_read(text: str) -> list[str]:
    return sentences(text[:READ].replace("’", "'"))


def _compiled(path: Path, name: str, listed: _Sign, words: dict[str, str]) -> Sign:
    try:
        expanded = _expanded(words)
        sign = Sign(name, tuple(_WORD.sub(lambda word: expanded[word[1]], pattern) for pattern in listed.patterns))
        for pattern in sign.patterns:
            _pattern(pattern)
    except (re.error, KeyError) as error:
        raise SettingsError(f"{path}: {name}: not a regular expression: {error}") from None
    for example in listed.examples:
        if not any(map(sign.is_in, _as_read(example))):
            raise SettingsError(f"{path}: {name}: does not find its own example {example!r}")
    for other in listed.others:
        if any(map(sign.is_in, _as_read(other))):
            raise SettingsError(f"{path}: {name}: finds what it must pass by: {other!r}")
    return sign


@cache
def _pattern(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern, re.IGNORECASE)


def _expanded(words: dict[str, str]) -> dict[str, str]:
    expanded: dict[str, str] = {}
    for name, listed in words.items():
        expanded[name] = f"(?:{_WORD.sub(lambda word: expanded[word[1]], listed)})"
    return expanded
