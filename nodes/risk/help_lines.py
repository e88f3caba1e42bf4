"""The fixed message that is shown when a person expresses risk, with help lines by country. The lines are data."""

import os
from datetime import date
from functools import cache
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from counseling_sessions.settings import SettingsError, read_yaml, validation_message

FILE = Path(__file__).parent / "help_lines.yaml"
VARIABLE = "COUNSELING_SESSIONS_HELP_LINES"
"""Environment variable that names another file."""
LAST_RESORT = (
    "The exercise has ended here. This program cannot help. If you or someone else may be in danger, please call your "
    "local emergency number now (112, 911 or 999 in many countries), or tell a person near you."
)
"""Shown where the data cannot be read: the message must never fail."""


class _Data(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class HelpLine(_Data):
    """A line that people can turn to, and how."""

    name: str = Field(min_length=1)
    contact: str = Field(min_length=1)


class Country(_Data):
    """The lines of a country; `checked` is the day on which the operator made sure of them, None where nobody has."""

    name: str = Field(min_length=1)
    emergency: str = Field(min_length=1)
    lines: tuple[HelpLine, ...] = ()
    checked: date | None


class Help(_Data):
    """The message, the general advice, and the countries by code."""

    message: str = Field(min_length=1)
    general: str = Field(min_length=1)
    countries: dict[str, Country]

    def country(self, code: str) -> Country:
        """The country of a code, in any case. Raises `SettingsError` that lists the codes there are."""
        if code.upper() not in self.countries:
            raise SettingsError(
                f"no help lines for {code!r}; there are {', '.join(self.countries)}. Leave --country out to show them all, "
                f"or name a file of your own in {VARIABLE}"
            )
        return self.countries[code.upper()]


def read_help() -> Help:
    """The help lines: the built-in ones, unless the environment names another file. Raises `SettingsError`."""
    return _read(Path(os.environ.get(VARIABLE) or FILE))


def help_text(country: str | None = None) -> str:
    """What is shown: the message, the lines of a country (of all, without or with an unknown one), the general advice.

    Never raises: where the data cannot be read, it is `LAST_RESORT`.
    """
    try:
        help_ = read_help()
    except Exception:  # shown whatever went wrong
        return LAST_RESORT
    code = (country or "").upper()
    countries = [help_.countries[code]] if code in help_.countries else list(help_.countries.values())
    lines = "\n".join(_line(item) for item in countries)
    return f"{help_.message.strip()}\n\n{lines}\n\n{help_.general.strip()}"


@cache
def _read(path: Path) -> Help:
    try:
        return Help.model_validate(read_yaml(path))
    except ValidationError as error:
        raise SettingsError(f"{path}: {validation_message(error)}") from None


def _line(country: Country) -> str:
    named = [f"{line.name}: {line.contact}" for line in country.lines]
    return f"  {country.name} – " + "; ".join([*named, f"emergency: {country.emergency}"])
