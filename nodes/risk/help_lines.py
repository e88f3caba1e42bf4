"""The fixed message for a person who expresses risk, with help lines by country. The lines are data."""

import os
from collections.abc import Iterator
from datetime import date
from functools import cache
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from counseling_sessions.nodes.risk.texts import LAST_RESORT, PersonTexts, texts_in
from counseling_sessions.settings import SettingsError, read_yaml, validation_message

FILE = Path(__file__).parent / "help_lines.yaml"
VARIABLE = "COUNSELING_SESSIONS_HELP_LINES"
"""The environment variable that names another file."""
ALL = "ALL"
"""Stands for every country."""
DAYS = 366
"""Days for which a check of a line holds: a year."""


class _Data(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)


class HelpLine(_Data):
    """A help line: how to reach it, when and at what cost (None: we are not sure), whom it is for, and whose page says so.

    `checked` is the day on which the operator verified it, None where nobody has.
    """

    name: str = Field(min_length=1)
    contact: str = Field(min_length=1)
    hours: str | None = Field(default=None, min_length=1)
    cost: str | None = Field(default=None, min_length=1)
    audience: Literal["anyone", "young", "home"] = Field(default="anyone", alias="for")
    source: str = Field(pattern=r"^https://\S+$")
    checked: date | None

    def is_outdated(self, today: date) -> bool:
        """Whether its check is older than a year."""
        return self.checked is not None and (today - self.checked).days > DAYS

    def is_unchecked(self, today: date) -> bool:
        """Whether nobody has checked it; a day to come is a slip, and counts as none."""
        return self.checked is None or self.checked > today


class Country(_Data):
    """The emergency number of a country, and its lines."""

    name: str = Field(min_length=1)
    emergency: HelpLine
    lines: tuple[HelpLine, ...]


Help = dict[str, Country]
"""The countries by code."""


def read_help() -> Help:
    """The built-in help lines, or those of the file that the environment names. Raises `SettingsError`."""
    return _read(Path(os.environ.get(VARIABLE) or FILE))


def check_country(code: str) -> None:
    """Raise `SettingsError`, which lists the codes, for no country, or one without lines. Upper and lower case are the same."""
    countries = read_help()
    if code.upper() not in (*countries, ALL):
        problem = (
            f"no help lines for {code!r}"
            if code
            else "practising as the client needs --country, whose help lines are shown"
        )
        raise SettingsError(
            f"{problem}; choose from {', '.join(countries)}, or all ({VARIABLE} names a file with others)"
        )


def outdated_lines(country: str = "", today: date | None = None) -> list[str]:
    """The names of the lines, of those that would be shown, whose check is older than a year. Raises `SettingsError`."""
    today = today or date.today()
    shown = (line for item in _shown(read_help(), country) for line in (item.emergency, *item.lines))
    return [line.name for line in shown if line.is_outdated(today)]


Occasion = Literal["risk", "failed", "stop", "afterwards"]
"""When lines are shown: after words that may be about risk, after a check that failed, where the person stopped, or where nothing
is wrong."""


def help_text(
    country: str = "", language: str = "English", today: date | None = None, *, occasion: Occasion = "risk"
) -> str:
    """The words of the occasion, the lines, and the general advice. Without a country, or with an unknown one, it has all the
    lines; none of them `afterwards`, where so many would be too much.

    Never raises: `LAST_RESORT` replaces data that cannot be read.
    """
    texts = texts_in(language)
    try:
        help_ = read_help()
    except Exception:
        return LAST_RESORT
    if texts is None:
        return LAST_RESORT
    countries = [] if occasion == "afterwards" and country.upper() not in help_ else _shown(help_, country)
    today = today or date.today()
    lines = "\n".join(line for item in countries for line in _lines(item, texts, today))
    general = f"{texts.general}\n{texts.unchecked_means}" if texts.unchecked in lines else texts.general
    first = f"{texts.message}\n\n{texts.near}" if occasion == "risk" else getattr(texts, occasion)
    return "\n\n".join(part for part in (first, lines, general) if part)


def farewell_text(country: str = "", language: str = "English") -> str:
    """The last words of a session whose counselor has no good answer, with the lines. Never raises."""
    texts = texts_in(language)
    return f"{texts.farewell}\n\n{help_text(country, language, occasion='afterwards')}" if texts else LAST_RESORT


def _shown(help_: Help, country: str) -> list[Country]:
    code = country.upper()
    return [help_[code]] if code in help_ else list(help_.values())


@cache
def _read(path: Path) -> Help:
    data = read_yaml(path)
    if not isinstance(data, dict) or not data:
        raise SettingsError(f"{path}: should have countries by code")
    try:
        return {str(code): Country.model_validate(country) for code, country in data.items()}
    except ValidationError as error:
        raise SettingsError(f"{path}: {validation_message(error)}") from None


def _lines(country: Country, texts: PersonTexts, today: date) -> Iterator[str]:
    """The country and its lines, each with its number first, where no narrow terminal breaks it."""
    yield country.name
    yield f"  {country.emergency.contact} – {texts.emergency}{_mark(country.emergency, texts, today)}"
    audiences = {"anyone": "", "young": f", {texts.young}", "home": f", {texts.home}"}
    for line in country.lines:
        more = "".join(f", {part}" for part in (line.hours, line.cost) if part)
        yield f"  {line.contact} – {line.name}{audiences[line.audience]}{more}{_mark(line, texts, today)}"


def _mark(line: HelpLine, texts: PersonTexts, today: date) -> str:
    """What is known of a line's check; nothing where it is fresh."""
    if line.is_unchecked(today):
        return f" ({texts.unchecked})"
    return f" ({texts.outdated.format(date=line.checked)})" if line.is_outdated(today) else ""
