"""What kind of file it is: by its content, and by its suffix where content leaves it open."""

import csv
import json
import re
from collections import Counter
from enum import StrEnum

from counseling_sessions.profiles.documents.places import JSON_LINES, TABLES, TEXT_SUFFIXES, YAML


class Kind(StrEnum):
    """How a file is read; the value is how a note names it."""

    JSON = "JSON"
    JSON_LINES = "JSON Lines"
    YAML = "YAML"
    TABLE = "a table"
    TEXT = "plain text"
    OPEN = "YAML or plain text"
    PARQUET = "Parquet"
    ARROW = "Arrow"
    ZIP = "a zip archive"


DELIMITERS = ",;\t|"
_MAGIC = {b"PAR1": Kind.PARQUET, b"PK\x03\x04": Kind.ZIP, b"PK\x05\x06": Kind.ZIP, b"ARROW1": Kind.ARROW}
_JSON_START = re.compile(r'\s*(\{\s*["}]|\[\s*[\[{"\]])')
_SCALAR = re.compile(r'\s*("|-?\d|null|true|false|NaN|-?Infinity|[{\[])')
_NAME = re.compile(r"\s*[^\W\d][\w .:/()#-]{0,60}\s*")
_EXPECTED = {
    Kind.JSON: {".json"},
    Kind.JSON_LINES: JSON_LINES,
    Kind.YAML: YAML,
    Kind.TABLE: TABLES,
    Kind.TEXT: TEXT_SUFFIXES,
    Kind.PARQUET: {".parquet"},
    Kind.ARROW: {".arrow"},
    Kind.ZIP: {".zip"},
}


def binary_kind(head: bytes, suffix: str) -> Kind | None:
    """The kind of a file that is no text."""
    if suffix == ".arrow":
        return Kind.ARROW
    return next((kind for magic, kind in _MAGIC.items() if head.startswith(magic)), None)


def text_kind(head: str, suffix: str, *, is_all: bool) -> Kind:
    """The kind of a file of text, from its beginning, which may be all of it (`is_all`)."""
    if suffix in YAML:
        return Kind.YAML
    if _JSON_START.match(head):
        return Kind.JSON_LINES if _is_lines(head, suffix, is_all=is_all) else Kind.JSON
    if suffix in TABLES or suffix in TEXT_SUFFIXES:
        return Kind.TABLE if suffix in TABLES else Kind.TEXT
    is_json = suffix in JSON_LINES or suffix == ".json"
    if not (is_json and _SCALAR.match(head)) and _is_table(head, is_all=is_all):
        return Kind.TABLE
    if not is_json:
        return Kind.OPEN
    return Kind.JSON_LINES if suffix in JSON_LINES else Kind.JSON


def is_expected(kind: Kind, suffix: str) -> bool:
    """Whether files with this suffix are read so; any way is right for a suffix that says nothing."""
    known_suffixes = set().union(*_EXPECTED.values())
    return suffix not in known_suffixes or suffix in _EXPECTED.get(kind, known_suffixes)


def _is_lines(head: str, suffix: str, *, is_all: bool) -> bool:
    """Whether every line is a value of its own; of a broken first line the suffix says so."""
    lines = [line for line in _complete_lines(head, is_all=is_all) if line.strip()]
    if len(lines) > 1 and _is_json(lines[0]) and _is_json(lines[1]):
        return True
    if suffix not in JSON_LINES or (lines and lines[0].strip() in ("[", "{")):
        return False
    return not lines or _is_json(lines[0]) or not _begins_over_lines(head)


def _begins_over_lines(head: str) -> bool:
    """Whether a value begins here and goes on over the end of its first line."""
    text = head.lstrip()
    try:
        end = json.JSONDecoder().raw_decode(text[1:].lstrip() if text[0] == "[" else text)[1]
    except (ValueError, RecursionError):
        return False
    return "\n" in text[: end + 1] or text[0] == "["


def _is_json(line: str) -> bool:
    try:
        json.loads(line)
    except (ValueError, RecursionError):
        return False
    return True


def _complete_lines(head: str, *, is_all: bool) -> list[str]:
    lines = head.split("\n")
    return lines if is_all or len(lines) == 1 else lines[:-1]


def _is_table(head: str, *, is_all: bool) -> bool:
    """Whether a text of unknown kind is a table: a header of names, and two rows or more of as many cells."""
    delimiter = delimiter_of(head, is_all=is_all)
    rows = _rows(head, delimiter, is_all=is_all)
    names = [name.strip().casefold() for name in rows[0]] if rows else []
    if len(names) < 2 or len(rows) < 3 or len(set(names)) < len(names):
        return False
    return all(map(_NAME.fullmatch, names)) and all(len(row) == len(names) for row in rows)


def delimiter_of(head: str, *, is_all: bool) -> str:
    """The sign between a table's cells: the one with which most rows have as many cells as the header, which has several."""
    best, most = ",", (0.0, 0)
    for delimiter in DELIMITERS:
        counts = [len(row) for row in _rows(head, delimiter, is_all=is_all)]
        if counts and counts[0] > 1:
            fit = (Counter(counts)[counts[0]] / len(counts), counts[0])
            if fit > most:
                best, most = delimiter, fit
    return best


def _rows(head: str, delimiter: str, *, is_all: bool) -> list[list[str]]:
    """The rows of a beginning, but for one that is cut."""
    lines = _complete_lines(head.replace("\r\n", "\n").replace("\r", "\n"), is_all=is_all)
    rows = [row for row in csv.reader(lines, delimiter=delimiter) if any(row)]
    return rows if is_all or len(rows) < 2 else rows[:-1]
