"""From the bytes of a file to its records. Suffix and content decide between JSON, JSON lines and YAML.

What does not parse becomes a `Problem`. This module does not look at what a record means.
"""

import codecs
import json
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from counseling_sessions.profiles.problems import Problem
from counseling_sessions.store.reading import open_plain, read_bytes, read_lines, unique_keys
from counseling_sessions.store.yaml_text import YamlError, parse_yaml

JSON_LINES = {".jsonl", ".ndjson"}
YAML = {".yaml", ".yml"}
SUFFIXES = {".json"} | JSON_LINES | YAML
"""Suffixes of the files that a directory is searched for."""

TOO_DEEP = "nested too deeply"


@dataclass(frozen=True)
class Record:
    """One value of a file, with its 1-based position, or its line number in a file of JSON lines."""

    file: str
    number: int
    value: Any


@dataclass
class Document:
    """The records of one file and its problems."""

    records: list[Record] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)


def read_document(path: Path) -> Document:
    """Read the records of one file."""
    try:
        return parse(read_bytes(path), str(path), path.suffix.lower())
    except OSError as error:
        return Document(problems=[_unreadable(path, error)])


def records_of(file: Path) -> Iterator[Record | Problem]:
    """Every record and every problem of a file, in order. Reads JSON lines one by one."""
    if file.suffix.lower() not in JSON_LINES:
        document = read_document(file)
        yield from document.problems
        yield from document.records
        return
    try:
        with open_plain(file) as lines:
            for number, line in enumerate(read_lines(lines), 1):
                document = parse(line, str(file), ".json") if line.strip() else Document()
                yield from (replace(problem, record=number) for problem in document.problems)
                yield from (replace(record, number=number) for record in document.records)
    except OSError as error:
        yield _unreadable(file, error)


def parse(content: bytes, file: str, suffix: str) -> Document:
    """Parse a file's content. The first character decides where the suffix is unknown."""
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        utf16 = content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
        detail = "it looks like UTF-16" if utf16 else f"byte {error.start + 1} does not fit"
        return Document(problems=[Problem(file, f"not UTF-8 text ({detail}); save the file as UTF-8")])
    if not text.strip():
        return Document(problems=[Problem(file, "the file is empty")])
    if suffix in JSON_LINES:
        return _json_lines(text, file)
    if suffix == ".json" or (suffix not in YAML and text.lstrip()[0] in "{["):
        return _json(text, file)
    return _yaml(text, file)


def _unreadable(file: Path, error: OSError) -> Problem:
    return Problem(str(file), f"cannot be read: {error.strerror or error}")


def _json(text: str, file: str) -> Document:
    try:
        return _spread(_load_json(text), file)
    except json.JSONDecodeError as error:
        if error.msg == "Extra data" and not (lines := _json_lines(text, file)).problems:
            return lines
        place = f"line {error.lineno}, column {error.colno}"
        return Document(problems=[Problem(file, f"broken JSON at {place}: {error.msg}")])
    except (ValueError, RecursionError) as error:
        return Document(problems=[Problem(file, f"broken JSON: {_reason(error)}")])


def _json_lines(text: str, file: str) -> Document:
    """One object a line. A file that turns out to be one JSON value, such as a list over many lines, is read as that."""
    document = Document()
    # Not splitlines(): a JSON string may hold an unescaped U+2028.
    for number, line in enumerate(text.split("\n"), 1):
        if not line.strip():
            continue
        try:
            document.records.append(Record(file, number, _load_json(line)))
        except json.JSONDecodeError as error:
            message = f"line {number} is broken JSON, column {error.colno}: {error.msg}"
            document.problems.append(Problem(file, message, number))
        except (ValueError, RecursionError) as error:
            document.problems.append(Problem(file, f"line {number} is broken JSON: {_reason(error)}", number))
    if document.problems or len(document.records) == 1:
        try:
            return _spread(_load_json(text), file)
        except (ValueError, RecursionError):
            pass  # Not one value: report the problems of its lines.
    return document


def _yaml(text: str, file: str) -> Document:
    try:
        values = [value for value in parse_yaml(text) if value is not None]
    except YamlError as error:
        place = f" at line {error.line}, column {error.column}" if error.line else ""
        problem = f"the key {error.key!r} stands twice in one mapping" if error.key else error.problem
        return Document(problems=[Problem(file, f"broken YAML{place}: {problem}")])
    if not values:
        return Document(problems=[Problem(file, "the file holds comments only")])
    if len(values) == 1:
        return _spread(values[0], file)
    return Document([Record(file, number, value) for number, value in enumerate(values, 1)])


def _spread(value: Any, file: str) -> Document:
    if isinstance(value, list):
        if not value:
            return Document(problems=[Problem(file, "the list is empty")])
        return Document([Record(file, number, item) for number, item in enumerate(value, 1)])
    if isinstance(value, dict):
        return Document([Record(file, 1, value)])
    kind = "null" if value is None else type(value).__name__
    return Document(problems=[Problem(file, f"holds {kind}, not an object or a list of objects")])


def _load_json(text: str) -> Any:
    return json.loads(text, object_pairs_hook=unique_keys)


def _reason(error: BaseException) -> str:
    return TOO_DEEP if isinstance(error, RecursionError) else str(error)
