"""Output that any terminal and file can take: where an encoding lacks a character, something like it stands in its place."""

import codecs
import json
import re
import sys
import unicodedata
from io import TextIOWrapper

LOOK_ALIKE = "counseling_sessions.look_alike"
"""The name of the error handler, as for `str.encode`."""
_LIKE = {
    **dict.fromkeys("‘’‚′", "'"),
    **dict.fromkeys("“”„«»″", '"'),
    **dict.fromkeys("–—−‐‑─━·", "-"),
    **dict.fromkeys("│┃", "|"),
    **dict.fromkeys("█■●▓", "#"),
    **dict.fromkeys("□○░", "."),
    **dict.fromkeys("•✱∗", "*"),
    **{"…": "...", "→": "->", "←": "<-", "⇄": "<->", "◁": "<", "▷": ">", "▼": "v", "×": "x", "≥": ">=", "≤": "<="},
    **{"€": "EUR", "ß": "ss", "æ": "ae", "Æ": "AE", "ø": "o", "Ø": "O", "ł": "l", "Ł": "L", "đ": "d", "Đ": "D"},
}
_FOREIGN = re.compile(r"[^\x00-\x7f]")


def legible_output() -> None:
    """Let standard output and standard error take every text, whatever their encoding lacks (Windows: often most of Unicode)."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper) and not is_unicode(stream.encoding):
            stream.reconfigure(errors=LOOK_ALIKE)


def is_unicode(encoding: str | None) -> bool:
    """Whether an encoding has every character; so does a stream without one."""
    return (encoding or "utf-8").lower().startswith("utf")


def ascii_json(document: str) -> str:
    """The same JSON document in ASCII alone."""
    return _FOREIGN.sub(lambda character: json.dumps(character[0])[1:-1], document)


def like(text: str) -> str:
    """The text in ASCII, as near as it gets: letters without accents, plain signs, `?` in the width of any other character."""
    return "".join(map(_like, text))


def _like(character: str) -> str:
    if character in _LIKE:
        return _LIKE[character]
    plain = unicodedata.normalize("NFKD", character).encode("ascii", "ignore").decode()
    if plain or unicodedata.combining(character):
        return plain
    return "??" if unicodedata.east_asian_width(character) in "WF" else "?"


def _replaced(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    return like(error.object[error.start : error.end]), error.end


codecs.register_error(LOOK_ALIKE, _replaced)
