"""The lists of phrases of the deterministic risk check. They are data (`phrases/*.yaml`), one a language.

A list has phrases that are `explicit`, phrases that are `unclear` (they can be meant harmlessly, so a person is asked), what a
counselor asks (`questions`; `safety` where it is the no that counts, as in "Are you safe?"), and how a person answers.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from counseling_sessions.nodes.risk.index import PhraseIndex
from counseling_sessions.nodes.risk.patterns import Phrases, slips_of, with_groups
from counseling_sessions.nodes.risk.spellings import Spellings, spellings
from counseling_sessions.settings import SettingsError, read_yaml, validation_message

FOLDER = Path(__file__).parent / "phrases"
LANGUAGES = ("English", "French", "German", "Spanish")
"""The languages that have a list. Every message is checked against all the lists, whatever the session's language."""

Wording = Literal["explicit", "unclear"]
_PARTS = ("explicit", "unclear", "questions", "safety")


@dataclass(frozen=True)
class Risk:
    """A message counts as risk: who says so, and the category or why the check failed; never the message's words.

    `explicit` wording ends a session. `unclear` wording can be meant harmlessly: the person is asked what is meant.
    """

    source: Literal["rules", "model", "check_failed"]
    category: str
    wording: Wording = "explicit"


_Text = Annotated[str, StringConstraints(min_length=1)]


class _Data(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class _Category(_Data):
    patterns: tuple[_Text, ...] = Field(min_length=1)
    examples: tuple[_Text, ...] = Field(min_length=1)


class _Answers(_Data):
    """How a person answers a question about risk. `denial`, `after_denial` and `safe` must match a clause from end to end.

    `after_denial` may follow a `denial`; `safe` is a clear yes to a question of `safety`. `admission` and `doubt` match anywhere,
    and leave no clear no.
    """

    denial: _Category
    after_denial: _Category
    safe: _Category
    admission: _Category
    doubt: _Category


class PhraseList(_Data):
    """The phrases of one language, by category.

    A pattern may name a `<group>`. `slips` are words that count with a slip of a key too. `turned` makes a counselor's second
    person a person's first, word by word; each entry is one reading.
    """

    language: str
    groups: dict[str, _Text] = {}
    slips: tuple[_Text, ...] = Field(min_length=1)
    turned: tuple[dict[str, str], ...] = Field(min_length=1)
    explicit: dict[str, _Category] = Field(min_length=1)
    unclear: dict[str, _Category] = Field(min_length=1)
    questions: dict[str, _Category] = Field(min_length=1)
    safety: dict[str, _Category] = Field(min_length=1)
    asking: _Category
    answers: _Answers


@dataclass(frozen=True)
class Lists:
    """All the lists together, in the order of `LANGUAGES`."""

    explicit: tuple[Phrases, ...]
    unclear: tuple[Phrases, ...]
    questions: tuple[Phrases, ...]
    safety: tuple[Phrases, ...]
    asking: Phrases
    denial: Phrases
    after_denial: Phrases
    safe: Phrases
    admission: Phrases
    doubt: Phrases
    turned: tuple[Mapping[str, str], ...]
    slips: Mapping[str, str]

    @cached_property
    def index(self) -> PhraseIndex:
        """The lists that are looked for in messages."""
        return PhraseIndex(
            (
                *(*self.explicit, *self.unclear, *self.questions, *self.safety),
                *(self.asking, self.admission, self.doubt),
            )
        )


def phrase_lists(folder: Path | None = None) -> Lists:
    """The phrases of all the lists.

    Raises `SettingsError` for a list that is missing or unreadable, or that does not match its own examples.
    """
    return _read_lists(folder or FOLDER)


@cache
def _read_lists(folder: Path) -> Lists:
    lists = [_read_list(folder / f"{language.lower()}.yaml", language) for language in LANGUAGES]
    explicit, unclear, questions, safety = (_by_category(lists, part) for part in _PARTS)
    return Lists(
        explicit=explicit,
        unclear=unclear,
        questions=questions,
        safety=safety,
        asking=_together("asking", [item.asking for item in lists]),
        **{name: _together(name, [getattr(item.answers, name) for item in lists]) for name in _Answers.model_fields},
        turned=tuple(turned for item in lists for turned in item.turned),
        slips=slips_of({word for item in lists for word in item.slips}),
    )


def _together(name: str, categories: Iterable[_Category]) -> Phrases:
    return Phrases(name, tuple(pattern for category in categories for pattern in category.patterns))


def _by_category(lists: list[PhraseList], part: str) -> tuple[Phrases, ...]:
    return tuple(Phrases(name, category.patterns) for item in lists for name, category in getattr(item, part).items())


def _read_list(path: Path, language: str) -> PhraseList:
    try:
        listed = PhraseList.model_validate(read_yaml(path))
    except ValidationError as error:
        raise SettingsError(f"{path}: {validation_message(error)}") from None
    if listed.language != language:
        raise SettingsError(f"{path}: language: should be {language}, not {listed.language}")
    answers = {
        name: _filled(f"{path}: answers: {name}", getattr(listed.answers, name), listed.groups)
        for name in _Answers.model_fields
    }
    parts = {
        part: {
            name: _filled(f"{path}: {part}: {name}", category, listed.groups)
            for name, category in getattr(listed, part).items()
        }
        for part in _PARTS
    }
    asking = _filled(f"{path}: asking", listed.asking, listed.groups)
    return listed.model_copy(update={**parts, "asking": asking, "answers": _Answers(**answers)})


def _filled(where: str, category: _Category, groups: Mapping[str, str]) -> _Category:
    """The category with the groups in its patterns, after a look whether it finds its examples."""
    try:
        phrases = Phrases(where, with_groups(category.patterns, groups))
        phrases.compile()
        lost = [item for item in category.examples if not _finds(phrases, spellings(item))]
    except re.error as error:
        raise SettingsError(f"{where}: not a regular expression: {error}") from None
    except KeyError as error:
        raise SettingsError(f"{where}: there is no group {error}") from None
    if lost:
        raise SettingsError(f"{where}: does not find its own example {lost[0]!r}")
    return category.model_copy(update={"patterns": phrases.patterns})


def _finds(phrases: Phrases, spelled: Spellings) -> bool:
    """Whether a message has one of the phrases: nearly every example has it plainly, so that little is made for the look."""
    return (
        any(map(phrases.found_plainly, spelled.exact))
        or PhraseIndex([phrases]).first_match(spelled, [phrases]) is not None
    )
