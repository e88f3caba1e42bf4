"""Lists of phrases by language, as data (`phrases/*.yaml`), that say what a message is: reasoning in plain words, a refusal.

A list proves itself when it is read: it must find its examples, and none of what it knows as speech.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from counseling_sessions.settings import SettingsError, read_yaml, validation_message

FOLDER = Path(__file__).parent / "phrases"
_DRESS = r"[\s\"“*_#>(-]{0,9}"
"""What may stand before a sentence's first word."""
_BEGINS = re.compile(_DRESS)
_LINE = re.compile(rf"\n{_DRESS}")
_SENTENCE = re.compile(r"[.?!…:\n][\s\"“”*_#>)(-]{1,9}")
_WORD = re.compile(r"<([A-Z]+)>")
_MOST_HEAD = 400
"""Characters of a message's beginning in which `begins` is looked for."""

_Text = Annotated[str, StringConstraints(min_length=1)]


class _Language(BaseModel):
    """One language's phrases, see the head of a file. Patterns are regular expressions, matched in any case."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    words: dict[str, _Text] = {}
    lead: str = ""
    cues: tuple[_Text, ...] = ()
    begins: tuple[_Text, ...] = ()
    lines: tuple[_Text, ...] = ()
    anywhere: tuple[_Text, ...] = ()
    hints: tuple[_Text, ...] = ()
    examples: tuple[_Text, ...] = Field(min_length=1)
    speech: tuple[_Text, ...] = Field(min_length=1)

    def joined(self, patterns: tuple[str, ...]) -> str:
        """The patterns as one, with the words in their places."""
        expanded = (_WORD.sub(lambda word: f"(?:{self.words[word[1]]})", pattern) for pattern in patterns)
        return "|".join(f"(?:{pattern})" for pattern in expanded)


@dataclass(frozen=True)
class Phrases:
    """The phrases of one language, ready to be looked for."""

    cues: tuple[str, ...]
    begins: re.Pattern[str] | None
    lines: re.Pattern[str] | None
    anywhere: re.Pattern[str] | None
    hints: re.Pattern[str] | None

    def seen_in(self, text: str, lower: str) -> str | None:
        """The first words of a text that match, or None; `lower` is the text in lower case. Apostrophes are straight."""
        if self.cues and not any(cue in lower for cue in self.cues):
            return None
        if self.begins and (match := self.begins.match(text, 0, _MOST_HEAD)):
            return match[0]
        if self.anywhere and (match := self.anywhere.search(text)):
            return match[0]
        if self.lines and (match := _first(self.lines, _places(_LINE, text), text)):
            return match[0]
        return self._two_hints(text) if self.hints else None

    def _two_hints(self, text: str) -> str | None:
        # With cues few messages come so far; without, only the beginnings of sentences are worth the time.
        assert self.hints
        if self.cues:
            matches = self.hints.finditer(text)
        else:
            matches = filter(None, (self.hints.match(text, place) for place in _places(_SENTENCE, text)))
        seen: dict[str | None, str] = {}
        for match in matches:
            seen.setdefault(match.lastgroup, match[0])
            if len(seen) == 2:
                return " … ".join(seen.values())
        return None


def _places(starts: re.Pattern[str], text: str) -> Iterator[int]:
    """Where the words of the text begin, and those after each of `starts`."""
    if begin := _BEGINS.match(text):
        yield begin.end()
    yield from (start.end() for start in starts.finditer(text))


def _first(pattern: re.Pattern[str], places: Iterable[int], text: str) -> re.Match[str] | None:
    return next(filter(None, (pattern.match(text, place) for place in places)), None)


def phrase_in(name: str, text: str) -> str | None:
    """The words by which a list (`reasoning`, `refusals` or `further_session`) knows a text, in one line; None for speech.

    Raises `SettingsError` for a list that is unreadable or does not prove itself.
    """
    text = text.strip().replace("’", "'")
    lower = text.lower()
    seen = next((phrase for phrases in _named(name) if (phrase := phrases.seen_in(text, lower))), None)
    return " ".join(seen.split()) if seen else None


@cache
def _named(name: str) -> tuple[Phrases, ...]:
    return read_phrases(FOLDER / f"{name}.yaml")


@cache
def read_phrases(path: Path) -> tuple[Phrases, ...]:
    """A file's phrases, one for each language. Raises `SettingsError`."""
    data = read_yaml(path)
    if not isinstance(data, dict):
        raise SettingsError(f"{path}: should have a language on each line")
    return tuple(_phrases(path, str(language), fields) for language, fields in data.items())


def _phrases(path: Path, language: str, fields: object) -> Phrases:
    try:
        listed = _Language.model_validate(fields)
        phrases = _compiled(listed)
    except ValidationError as error:
        raise SettingsError(f"{path}: {language}: {validation_message(error)}") from None
    except (re.error, KeyError) as error:
        raise SettingsError(f"{path}: {language}: not a regular expression: {error}") from None
    for example in listed.examples:
        if not phrases.seen_in(example, example.lower()):
            raise SettingsError(f"{path}: {language}: does not find its own example {example!r}")
    for words in listed.speech:
        if seen := phrases.seen_in(words, words.lower()):
            raise SettingsError(f"{path}: {language}: takes speech for more ({seen!r}): {words!r}")
    return phrases


def _compiled(listed: _Language) -> Phrases:
    def pattern(patterns: tuple[str, ...], before: str = "") -> re.Pattern[str] | None:
        return re.compile(f"{before}(?:{listed.joined(patterns)})", re.IGNORECASE) if patterns else None

    hints = tuple(f"(?P<hint{number}>{hint})" for number, hint in enumerate(listed.hints))
    return Phrases(
        cues=tuple(cue.lower() for cue in listed.cues),
        begins=pattern(listed.begins, _DRESS + listed.lead),
        lines=pattern(listed.lines),
        anywhere=pattern(listed.anywhere),
        hints=pattern(hints),
    )
