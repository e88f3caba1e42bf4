"""The fixed message for a person who expresses risk, with help lines by country. The lines are data."""

import os
from datetime import date
from functools import cache
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from counseling_sessions.settings import SettingsError, read_yaml, validation_message

FILE = Path(__file__).parent / "help_lines.yaml"
VARIABLE = "COUNSELING_SESSIONS_HELP_LINES"
"""The environment variable that names another file."""
LAST_RESORT = (
    "The exercise has ended here. This program cannot help. If you or someone else may be in danger, please call your "
    "local emergency number now (112, 911 or 999 in many countries), or tell a person near you."
)
"""The message if the data cannot be read: it must never fail."""


class _Data(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class HelpLine(_Data):
    """A help line, and how to reach it."""

    name: str = Field(min_length=1)
    contact: str = Field(min_length=1)


class Country(_Data):
    """The lines of a country; `checked` is the day on which the operator verified them, or None."""

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
        """The country of a code in upper or lower case. Raises `SettingsError`, which lists the codes."""
        if code.upper() not in self.countries:
            raise SettingsError(
                f"no help lines for {code!r}; there are lines for {', '.join(self.countries)}. "
                f"Leave --country out to show them all, or name a file of your own in {VARIABLE}"
            )
        return self.countries[code.upper()]


def read_help() -> Help:
    """The built-in help lines, or those of the file that the environment names. Raises `SettingsError`."""
    return _read(Path(os.environ.get(VARIABLE) or FILE))


def help_text(country: str | None = None) -> str:
    """The message, the lines, and the general advice. Without a country, or with an unknown one, it has all the lines.

    Never raises: `LAST_RESORT` replaces data that cannot be read.
    """
    try:
        help_ = read_help()
    except Exception:
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
    lines = [f"{line.name}: {line.contact}" for line in country.lines]
    return f"  {country.name} – " + "; ".join([*lines, f"emergency: {country.emergency}"])
