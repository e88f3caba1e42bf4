"""The deterministic half of the risk check: it searches several spellings of a message for lists of phrases.

The lists are data (`phrases/*.yaml`), one a language. Negation never cancels a match ("I am not suicidal" counts). An answer
to a question about risk counts unless it is a plain no. Any error counts as risk.
"""

import itertools
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
"""The languages that have a list. Every message is checked against all the lists, whatever the session's language."""
MOST = 10_000
"""Characters of the longest message that is checked; a longer one counts as risk. No session accepts one."""
PLAIN_NO = re.compile(
    r"(?:no|nope|never|not at all|no never|no not at all|no i (?:dont|have not|havent|am not|do not)|absolutely not|nein|nie"
    r"|non|jamais|nunca)(?: (?:thank you|thanks|never|really|danke|merci|gracias))?"
)
"""The only answers to a question about risk that count as a no."""


@dataclass(frozen=True)
class Risk:
    """A message counts as risk: who says so, and the category or why the check failed; never the message's words."""

    source: Literal["rules", "model", "check_failed"]
    category: str
    wording: Literal["explicit", "unclear"] = "explicit"


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
    """The risk that the lists find in a message, or None. Never raises: an error counts as risk (`check_failed`).

    So do words in letters that no list has. `before` is the same person's last message, as a phrase can run over two
    messages; `asked` is the other side's last message.
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
    except Exception as error:  # Any error counts as risk.
        return Risk("check_failed", type(error).__name__)
    return None


def phrase_lists(folder: Path | None = None) -> tuple[Phrases, ...]:
    """The categories of all the lists, in the order of `LANGUAGES`.

    Raises `SettingsError` for a list that is missing or unreadable, or that does not match its own examples.
    """
    return _read_lists(folder or FOLDER)


def _category(text: str) -> str | None:
    return _first_match(spellings(text), phrase_lists())


def _first_match(spelled: Spellings, lists: Iterable[Phrases]) -> str | None:
    """The category of the first matching phrase, in the spelling that is nearest to the message."""
    matches = itertools.chain(
        (phrases for words in spelled.exact for phrases in lists if phrases.exact.search(words)),
        (phrases for words in spelled.loose for phrases in lists if phrases.loose.search(words)),
        (phrases for run in spelled.apart for phrases in lists if phrases.stand_apart(run)),
    )
    return next((phrases.category for phrases in matches), None)


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
            raise SettingsError(f"{path}: language: should be {language}, not {listed.language}")
        phrases += [_phrases(path, name, category) for name, category in listed.categories.items()]
    return tuple(phrases)


def _phrases(path: Path, name: str, category: _Category) -> Phrases:
    try:
        phrases = phrases_of(name, category.patterns)
    except re.error as error:
        raise SettingsError(f"{path}: {name}: not a regular expression: {error}") from None
    for example in category.examples:
        if not _first_match(spellings(example), [phrases]):
            raise SettingsError(f"{path}: {name}: does not find its own example {example!r}")
    return phrases


def asks_about_risk(text: str) -> str | None:
    return "suicide" if "thoughts of not wanting to live" in text or "hurting yourself" in text else None


def answer_of(text: str) -> Literal["no", "yes", "unclear"]:
    words = spellings(text).exact[0]
    return "no" if words.startswith("no") else "yes" if words.startswith("yes") else "unclear"
