"""YAML, and plain text, which is one record: both are read at once."""

from typing import IO, Any

from counseling_sessions.profiles.documents.values import Items, OneRecord, Record, spread
from counseling_sessions.profiles.problems import Problem
from counseling_sessions.store.reading import MOST_LINE
from counseling_sessions.store.yaml_text import MOST_CHARACTERS, YamlError, parse_yaml


def yaml_records(stream: IO[str], file: str, one_record: OneRecord) -> Items:
    """The values of a YAML text."""
    try:
        values = _values(stream.read(MOST_CHARACTERS + 1))
    except YamlError as error:
        place = f" at line {error.line}, column {error.column}" if error.line else ""
        problem = f"the key {error.key!r} stands twice in one mapping" if error.key else error.problem
        yield Problem(file, f"broken YAML{place}: {problem}")
        return
    yield from _of_values(values, file, one_record)


def text_records(stream: IO[str], file: str) -> Items:
    """A text as one record, with line breaks as `\\n`."""
    text = _text(stream)
    yield Record(file, 1, text) if text.strip() else Problem(file, "the file is empty")


def open_records(stream: IO[str], file: str, one_record: OneRecord) -> Items:
    """A text that its file's name says nothing about: YAML if it is mappings or lists, else plain text."""
    text = _text(stream)
    try:
        values = _values(text)
    except YamlError:
        values = []
    if values and all(isinstance(value, dict | list) for value in values):
        return _of_values(values, file, one_record)
    return iter([Record(file, 1, text)])


def _values(text: str) -> list[Any]:
    return [value for value in parse_yaml(text) if value is not None]


def _of_values(values: list[Any], file: str, one_record: OneRecord) -> Items:
    if not values:
        yield Problem(file, "the file holds comments only")
    elif len(values) == 1:
        yield from spread(values[0], file, one_record)
    else:
        for number, value in enumerate(values, 1):
            yield Record(file, number, value)


def _text(stream: IO[str]) -> str:
    text = stream.read(MOST_LINE + 1)
    if len(text) > MOST_LINE:
        raise OSError(0, f"it is plain text of more than {MOST_LINE:,} characters")
    return text.replace("\r\n", "\n").replace("\r", "\n")
