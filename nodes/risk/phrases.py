"""The deterministic half of the risk check: lists of phrases per language, looked for in several spellings of a message.

The lists are data (`phrases/*.yaml`). Negation never takes a finding back ("I am not suicidal" counts), and what a person
answers to a question about risk counts unless it is a plain no. Any error counts as risk.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from counseling_sessions.nodes.risk.patterns import Phrases, phrases_of
from counseling_sessions.nodes.risk.spellings import Spellings, in_other_letters, spellings
from counseling_sessions.settings import SettingsError, read_yaml, validation_message

FOLDER = Path(__file__).parent / "phrases"
LANGUAGES = ("English", "French", "German", "Spanish")
"""The languages that have a list. All the lists are used on every message, whatever language was agreed."""
MOST = 10_000
"""Characters of the longest message that is checked; what is longer counts as risk. Nobody is let to say so much."""
PLAIN_NO = re.compile(
    r"(?:no|nope|never|not at all|no never|no not at all|no i (?:dont|have not|havent|am not|do not)|absolutely not|nein|nie"
    r"|non|jamais|nunca)(?: (?:thank you|thanks|never|really|danke|merci|gracias))?"
)
"""Answers to a question about risk that are taken as no; anything else is not."""


@dataclass(frozen=True)
class Risk:
    """That a message counts as risk: what found it, and the category (or why it was not checked); never the words."""

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

    So is a message with words in the letters of a language that has no list. `before` is what the same person said last (a phrase may
    run over two messages), `asked` what the other side said last.
    """
    if max(len(text), len(asked)) > MOST:
        return Risk("check_failed", "too long to be checked")
    try:
        if category := _category(text) or _category(f"{before[-200:]} {text}"):
            return Risk("rules", category)
        if asked and (category := _category(asked)) and not PLAIN_NO.fullmatch(spellings(text).exact[0]):
            return Risk("rules", f"answer to a question about {category}")
        if in_other_letters(text):
            return Risk("check_failed", "letters that no list is written in")
    except Exception as error:  # fails closed, whatever went wrong
        return Risk("check_failed", type(error).__name__)
    return None


def phrase_lists(folder: Path | None = None) -> tuple[Phrases, ...]:
    """All the lists, a category after the other, in the order of `LANGUAGES`.

    Raises `SettingsError` for a list that is missing, cannot be read, or does not find its own examples.
    """
    return _read_lists(folder or FOLDER)


def _category(text: str) -> str | None:
    return _listed(spellings(text), phrase_lists())


def _listed(spelled: Spellings, lists: Iterable[Phrases]) -> str | None:
    """The category of the first phrase found, of the spelling that is nearest to the message."""
    for words in spelled.exact:
        for phrases in lists:
            if phrases.exact.search(words):
                return phrases.category
    for words in spelled.loose:
        for phrases in lists:
            if phrases.loose.search(words):
                return phrases.category
    return next((phrases.category for run in spelled.apart for phrases in lists if phrases.stand_apart(run)), None)


@cache
def _read_lists(folder: Path) -> tuple[Phrases, ...]:
    phrases: list[Phrases] = []
    for language in LANGUAGES:
        path = folder / f"{language.lower()}.yaml"
        try:
            listed = PhraseList.model_validate(read_yaml(path))
        except ValidationError as error:
            raise SettingsError(f"{path}: {validation_message(error)}") from None
        if listed.language != language:
            raise SettingsError(f"{path}: language: expected {language}, found {listed.language}")
        phrases += [_phrases(path, name, category) for name, category in listed.categories.items()]
    return tuple(phrases)


def _phrases(path: Path, name: str, category: _Category) -> Phrases:
    try:
        phrases = phrases_of(name, category.patterns)
    except re.error as error:
        raise SettingsError(f"{path}: {name}: not a regular expression: {error}") from None
    for example in category.examples:
        if not _listed(spellings(example), [phrases]):
            raise SettingsError(f"{path}: {name}: does not find its own example {example!r}")
    return phrases
