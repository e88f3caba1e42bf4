"""The fixed texts that a person who plays the client reads, in the languages of the check. They are data."""

from functools import cache
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, StringConstraints, ValidationError

from counseling_sessions.nodes.risk.phrases import LANGUAGES
from counseling_sessions.settings import SettingsError, read_yaml, validation_message

FILE = Path(__file__).parent / "texts.yaml"
LAST_RESORT = """\
The exercise has ended here. This program cannot help. If you or someone else may be in danger, call your local emergency \
number now (112, 911 or 999 in many countries), or tell a person near you.

Deutsch: Die Übung ist hier zu Ende. Bei Gefahr rufen Sie 112, oder sprechen Sie mit einem Menschen in Ihrer Nähe.
Français : L'exercice est terminé. En cas de danger, appelez le 112, ou parlez à une personne près de vous.
Español: El ejercicio ha terminado. Si hay peligro, llame al 112 o hable con una persona cercana."""
"""The message if the data cannot be read: it must never fail."""

_Text = Annotated[str, StringConstraints(min_length=1)]


class PersonTexts(BaseModel):
    """The texts of one language; what each is for stands at the head of the file."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    notice: Annotated[str, StringConstraints(pattern=r"\{looks\}")]
    looks_same: _Text
    looks_named: Annotated[str, StringConstraints(pattern=r"\{model\}")]
    looks_none: _Text
    confirm: _Text
    agreed: tuple[_Text, ...]
    refused: _Text
    contact: _Text
    begins: _Text
    commands: _Text
    question: _Text
    question_again: _Text
    message: _Text
    failed: _Text
    stop: _Text
    near: _Text
    general: _Text
    unchecked_means: _Text
    emergency: _Text
    young: _Text
    home: _Text
    unchecked: _Text
    outdated: Annotated[str, StringConstraints(pattern=r"\{date\}")]
    farewell: _Text
    afterwards: _Text


def read_texts() -> dict[str, PersonTexts]:
    """The texts by language, one set for each language of the check. Raises `SettingsError`."""
    return _read(FILE)


def texts_in(language: str) -> PersonTexts | None:
    """The texts in a language, in English for one that has none; None if they cannot be read. Never raises."""
    try:
        texts = read_texts()
    except Exception:
        return None
    return texts.get(language, texts["English"])


@cache
def _read(path: Path) -> dict[str, PersonTexts]:
    data = read_yaml(path)
    if not isinstance(data, dict) or set(data) != set(LANGUAGES):
        raise SettingsError(f"{path}: should have the languages {', '.join(LANGUAGES)}")
    try:
        return {language: PersonTexts.model_validate(data[language]) for language in LANGUAGES}
    except ValidationError as error:
        raise SettingsError(f"{path}: {validation_message(error)}") from None
