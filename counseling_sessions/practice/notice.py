"""What a person reads before a session as the client: the notice, which is the page for participants as well."""

import unicodedata

from counseling_sessions.models.endpoints import environment_url
from counseling_sessions.nodes.methods import METHODS
from counseling_sessions.nodes.risk import help_text, read_texts
from counseling_sessions.nodes.risk.check import ROLE
from counseling_sessions.nodes.risk.texts import PersonTexts
from counseling_sessions.settings import SessionConfig

_AROUND = " \t.,!¡\"'«»“”„‘’"
"""Signs that people type around a yes."""


def notice_text(config: SessionConfig) -> str:
    """The notice in the session's language; it says which model looks at messages. Raises `SettingsError` as `read_texts`."""
    texts = read_texts()[config.language]
    return texts.notice.format(looks=_looks(config, texts))


def page_text(config: SessionConfig, country: str) -> str:
    """The page to hand out: the notice, a line for the name of who is there, and the help lines of the country."""
    contact = read_texts()[config.language].contact
    lines = help_text(country, config.language, occasion="afterwards")
    return f"{notice_text(config)}\n\n{contact}\n\n{lines}"


def has_agreed(answer: str, language: str) -> bool:
    """Whether an answer to the notice is a yes, in the session's language or in English."""
    word = unicodedata.normalize("NFC", answer).strip(_AROUND).casefold()
    return word in {*read_texts()[language].agreed, *read_texts()["English"].agreed}


def _looks(config: SessionConfig, texts: PersonTexts) -> str:
    if ROLE not in config.models:
        return texts.looks_none
    looking = config.named_for(ROLE)
    speaking = config.named_for(METHODS[config.method].speaker)
    if (looking.model, looking.base_url) == (speaking.model, speaking.base_url):
        return texts.looks_same
    return texts.looks_named.format(model=looking.model or looking.base_url or environment_url())
