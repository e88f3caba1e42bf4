"""Which language a session or a text is in, and whether that is another one than expected."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from py3langid.langid import MODEL_FILE, LanguageIdentifier

from counseling_sessions.sessions import Session
from counseling_sessions.settings import read_yaml
from counseling_sessions.texts.words import words

PIECE = 40
"""Words that are judged at a time, so that a message that changes its language is seen."""
ENOUGH = 40
"""Bytes of letters (UTF-8) from which a piece can be judged: about eight English words, or thirteen Chinese characters."""
UNLIKELY, LIKELY = 0.02, 0.5
"""A piece is in another language where the expected one is less probable than the first and another more than the second."""
ENGLISH = 0.3
"""The share of English function words from which a piece is English; it is about a half in English, none elsewhere."""
FOREIGN_LETTERS = 12
"""Letters of another script in a row of words that no quoted name or greeting explains."""

UNKNOWN = "unknown"
"""The code of a language that neither the file nor the text shows: rules read such a session as English, as they always did."""
_SAMPLE = 2000
"""Characters of a session from which its language is recognised."""
_SCRIPTS = (
    ("ja", re.compile(r"[\u3040-\u30ff]")),
    ("ko", re.compile(r"[\uac00-\ud7af]")),
    ("zh", re.compile(r"[\u3400-\u4dbf\u4e00-\u9fff]")),
)
_OF_SCRIPT = 0.1
"""Share of a text's letters from which on a script says its language: Chinese texts have English words, and Japanese ones Han."""

_DATA = read_yaml(Path(__file__).with_name("languages.yaml"))
_CODES = dict(entry.split(":") for entry in _DATA["names"].split())
_ALIKE = [frozenset(group.split()) for group in _DATA["alike"]]
_OTHER_SCRIPTS = frozenset(_DATA["other_scripts"].split())
_ENGLISH = frozenset(_DATA["english"].split())
_NOT_LATIN = re.compile(
    rf"(?:[\u0370-\u1cff\u1f00-\u1fff\u2c80-\u2dff\u3040-\u9fff\ua000-\ua6ff\ua840-\uabff\uac00-\ud7ff][\s、。，！？]?){{{FOREIGN_LETTERS},60}}"
)


@dataclass(frozen=True)
class Expected:
    """A language that messages should be in: its codes, alike ones included, and whether its only script is Latin."""

    codes: frozenset[str]
    latin: bool


@lru_cache(maxsize=256)
def expected(name: str) -> Expected | None:
    """The language of an English name ("German", "Brazilian Portuguese", "Chinese (Simplified)"); None where it is unknown."""
    code = code_of(name)
    if code is None:
        return None
    alike = frozenset({code}).union(*(group for group in _ALIKE if code in group))
    return Expected(alike, not alike & _OTHER_SCRIPTS)


def code_of(name: str) -> str | None:
    """The code of a language by its English name; None where it is unknown."""
    named = [_CODES[word] for word in re.findall(r"\w+", name.casefold()) if word in _CODES]
    return named[-1] if named else None


def title_of(code: str) -> str:
    """The English name of a code's language, or the code."""
    return next((name.capitalize() for name, other in _CODES.items() if other == code), code)


def is_english(said: Sequence[str]) -> bool:
    """Whether enough of a text's words are function words of English."""
    return bool(said) and sum(word in _ENGLISH for word in said) >= ENGLISH * len(said)


def likely_language(said: str) -> str | None:
    """The code of the language that a text, long enough to judge, most probably is in; None where none is probable."""
    if len("".join(word for word in said.split() if word.isalpha()).encode(errors="replace")) < ENOUGH:
        return None
    code, probability = _identifier().rank(said)[0]
    return str(code) if probability >= LIKELY and code != "zxx" else None


def language_of(session: Session) -> str:
    """The code of a session's language: what its file says, else what its text shows, else `UNKNOWN`."""
    if session.language and (code := code_of(session.language)):
        return code
    texts: list[str] = []
    length = 0
    for message in session.dialogue:
        texts.append(message.text)
        length += len(message.text)
        if length > _SAMPLE:
            break
    return _language_of_text("\n".join(texts))


def other_language(text: str, words: str, language: Expected) -> str | None:
    """The code of the other language that a text, or a piece of it long enough to judge, is in; None where it is as expected.

    `words` is the text as it is compared. "another script" is said of letters that the expected language does not have.
    """
    if language.latin and not text.isascii() and _NOT_LATIN.search(text):
        return "another script"
    said = words.split()
    for start in range(0, len(said), PIECE):
        piece = said[start : start + PIECE]
        # The model costs more than all the other checks together: not for what is plainly English.
        if not ("en" in language.codes and is_english(piece)) and (code := _other(piece, language)):
            return code
    return None


@lru_cache(maxsize=64)  # a session is asked about by several measures in a row
def _language_of_text(text: str) -> str:
    if not text.isascii():
        letters = sum(map(str.isalpha, text)) or 1
        for code, letter in _SCRIPTS:
            if len(letter.findall(text)) >= _OF_SCRIPT * letters:
                return code
    said = words(text)
    if is_english(said):
        return "en"
    return likely_language(" ".join(said)) or UNKNOWN


def _other(piece: list[str], language: Expected) -> str | None:
    if len("".join(word for word in piece if word.isalpha()).encode(errors="replace")) < ENOUGH:
        return None
    probable: list[tuple[str, float]] = _identifier().rank(" ".join(piece))
    likely, probability = probable[0]
    if probability < LIKELY or likely == "zxx":  # no language at all
        return None
    return likely if sum(share for code, share in probable if code in language.codes) < UNLIKELY else None


@lru_cache(maxsize=1)
def _identifier() -> LanguageIdentifier:
    return LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)
