"""The deterministic half of the risk check: lists of phrases per language, looked for in several spellings of a message.

The lists are data (`phrases/*.yaml`). Negation never takes a finding back ("I am not suicidal" counts), and what a person
answers to a question about risk counts unless it is a plain no. Any error counts as risk.
"""

import re
import unicodedata
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from settings import SettingsError, read_yaml, validation_message

FOLDER = Path(__file__).parent / "phrases"
LANGUAGES = ("English", "French", "German", "Spanish")
"""The languages that have a list. All the lists are used on every message, whatever language was agreed."""
PLAIN_NO = re.compile(
    r"(?:no|nope|never|not at all|no never|no not at all|no i (?:dont|have not|havent|am not|do not)|absolutely not|nein|nie"
    r"|non|jamais|nunca)(?: (?:thank you|thanks|never|really|danke|merci|gracias))?"
)
"""Answers to a question about risk that are taken as no; anything else is not."""

_LOOK_ALIKE = str.maketrans("01345@$!|", "oieasasii")
_UNSEEN = frozenset({"Cc", "Cf", "Cs", "Co"})
_CYRILLIC = str.maketrans("аеіорсухѕԁ", "aeiopcyxsd")


@dataclass(frozen=True)
class Risk:
    """That a message counts as risk: what found it, and the category (or the error) by which it did; never the words."""

    source: Literal["rules", "model", "check_failed"]
    category: str


_Text = Annotated[str, StringConstraints(min_length=1)]


class _Category(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    patterns: tuple[_Text, ...] = Field(min_length=1)
    examples: tuple[_Text, ...] = Field(min_length=1)


class PhraseList(BaseModel):
    """The phrases of one language, by category."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    language: str
    categories: dict[str, _Category] = Field(min_length=1)


def find_risk(text: str, *, before: str = "", asked: str = "") -> Risk | None:
    """Whether a message counts as risk by the lists; None if not. Never raises: an error is a finding (`check_failed`).

    `before` is what the same person said last (a phrase may run over two messages), `asked` what the other side said last.
    """
    try:
        if category := _category(text) or _category(f"{before[-200:]} {text}"):
            return Risk("rules", category)
        if asked and (category := _category(asked)) and not PLAIN_NO.fullmatch(spellings(text)[0]):
            return Risk("rules", f"answer to a question about {category}")
    except Exception as error:  # fails closed, whatever went wrong
        return Risk("check_failed", type(error).__name__)
    return None


def phrase_lists(folder: Path | None = None) -> tuple[tuple[str, re.Pattern[str]], ...]:
    """All the lists as (category, pattern) in the order of `LANGUAGES`.

    Raises `SettingsError` for a list that is missing, cannot be read, or does not find its own examples.
    """
    return _read_lists(folder or FOLDER)


def spellings(text: str) -> tuple[str, ...]:
    """A message in plain words, and again with disguises taken off: signs for letters, letters apart, letters drawn out."""
    text = unicodedata.normalize("NFKC", text).casefold().translate(_CYRILLIC)
    found: list[str] = []
    # What is no character to read may stand inside a word or between two.
    for gap in ("", " "):
        seen = "".join(gap if unicodedata.category(c) in _UNSEEN and c not in "\n\t" else c for c in text)
        plain = _words(seen)
        unmasked = _words(re.sub(r"\S+", lambda word: _unmask(word[0]), seen))
        together = re.sub(r"\b(?:\w ){2,}\w\b", lambda letters: letters[0].replace(" ", ""), plain)
        drawn, doubled = (re.sub(r"(\w)\1{2,}", letters, plain) for letters in (r"\1", r"\1\1"))
        found += [plain, unmasked, together, drawn, doubled]
    return tuple(dict.fromkeys(found))


def _category(text: str) -> str | None:
    lists = phrase_lists()
    for words in spellings(text):
        for category, pattern in lists:
            if pattern.search(words):
                return category
    return None


def _unmask(word: str) -> str:
    inner = word.rstrip("!?.,;:)\"'")
    masked = any(c.isalpha() for c in inner) and not inner.isalpha()
    return inner.translate(_LOOK_ALIKE) if masked else word


def _words(text: str) -> str:
    """Single-spaced words without accents and apostrophes."""
    text = "".join(c for c in unicodedata.normalize("NFD", text) if unicodedata.category(c) != "Mn")
    text = re.sub("['’‘`´ʼ]", "", text)
    return " ".join(re.sub(r"[\W_]+", " ", text).split())


@cache
def _read_lists(folder: Path) -> tuple[tuple[str, re.Pattern[str]], ...]:
    found: list[tuple[str, re.Pattern[str]]] = []
    for language in LANGUAGES:
        path = folder / f"{language.lower()}.yaml"
        try:
            listed = PhraseList.model_validate(read_yaml(path))
        except ValidationError as error:
            raise SettingsError(f"{path}: {validation_message(error)}") from None
        if listed.language != language:
            raise SettingsError(f"{path}: language: expected {language}, found {listed.language}")
        found += [(name, _pattern(path, name, category)) for name, category in listed.categories.items()]
    return tuple(found)


def _pattern(path: Path, name: str, category: _Category) -> re.Pattern[str]:
    try:
        pattern = re.compile("|".join(rf"\b(?:{item})\b" for item in category.patterns))
    except re.error as error:
        raise SettingsError(f"{path}: {name}: not a regular expression: {error}") from None
    for example in category.examples:
        if not any(pattern.search(words) for words in spellings(example)):
            raise SettingsError(f"{path}: {name}: does not find its own example {example!r}")
    return pattern
