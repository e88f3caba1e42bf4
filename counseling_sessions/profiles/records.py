"""From one record to one profile, with a readable message for each problem."""

import difflib
import math
from typing import Any, get_args

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from counseling_sessions.profiles.cactus import CactusError, is_cactus, profile_fields
from counseling_sessions.profiles.documents import Record
from counseling_sessions.profiles.problems import LISTED, Problem, ProfileError
from counseling_sessions.profiles.schema import FIELD_LIMIT, ClientProfile, texts_of

ID_RULE = "may hold up to 100 letters, digits, dots, dashes and underscores, and begins with a letter or digit"

_MOST = LISTED - 1
"""Problems of one record that a message lists; it counts the rest. The search for similar names takes time."""

_MESSAGES = {
    "missing": "is required",
    "string_too_short": "is empty",
    "string_pattern_mismatch": ID_RULE,
    "string_unicode": "holds half of a character (a lone surrogate)",
    "invalid_key": "the name of a field should be text",
}
_EXPECTED = {
    "string_type": "text",
    "int_type": "a whole number",
    "tuple_type": "a list",
    "model_type": "an object with fields",
}


def profile_of(record: Record, position: int) -> ClientProfile:
    """Validate a record of our own or of the CACTUS format.

    `position` counts the records of a read from 1; see `profiles.cactus`. Raises `ProfileError` with its problems.
    """
    value = record.value
    if not isinstance(value, dict):
        message = f"should be an object with a profile's fields, not {_kind(value)}"
        raise ProfileError.of([Problem(record.file, message, record.number)])
    try:
        return ClientProfile.model_validate(profile_fields(value, position) if is_cactus(value) else value)
    except CactusError as error:
        raise ProfileError.of([Problem(record.file, str(error), record.number, error.field)]) from None
    except ValidationError as error:
        details = error.errors(include_url=False)
        problems = [
            Problem(record.file, _message(detail), record.number, _path(detail["loc"])) for detail in details[:_MOST]
        ]
        if len(details) > _MOST:
            problems.append(Problem(record.file, f"and {len(details) - _MOST:,} more problems", record.number))
        raise ProfileError.of(problems) from None


def long_fields(profile: ClientProfile, record: Record) -> list[Problem]:
    """A warning for each text that is too long for a prompt to show in full."""
    return [
        Problem(record.file, f"{len(text)} characters; a prompt shows the first {FIELD_LIMIT}", record.number, path)
        for path, text in texts_of(profile)
        if len(text) > FIELD_LIMIT
    ]


def _message(error: ErrorDetails) -> str:
    kind, value = error["type"], error["input"]
    if kind in _MESSAGES:
        return _MESSAGES[kind]
    if kind in _EXPECTED:
        quotes = "; put it in quotes" if kind == "string_type" and isinstance(value, bool | int | float) else ""
        return f"should be {_EXPECTED[kind]}, not {_kind(value)}{quotes}"
    if kind in {"string_too_long", "too_long"}:
        unit, most = ("characters" if kind == "string_too_long" else "entries"), error["ctx"]["max_length"]
        # The library stops counting the entries of a list that is too long.
        count = f"{len(value):,}" if isinstance(value, str | list | tuple) else "too many"
        return f"{count} {unit}; at most {most:,}"
    if kind == "extra_forbidden":
        return f"there is no such field{_suggestion(_path(error['loc']))}"
    if kind in {"enum", "literal_error"}:
        return f"should be one of {error['ctx']['expected']}"
    return str(error["ctx"]["error"]) if kind == "value_error" else error["msg"][:1].lower() + error["msg"][1:]


def _path(location: tuple[int | str, ...]) -> str:
    return ".".join(str(part)[:80] for part in location if part != "[key]")


def _suggestion(path: str) -> str:
    """A field with a similar name: one of the same part of the form, else one of another."""
    part, _, name = path.rpartition(".")
    there_are = [one.rpartition(".") for one in field_paths(ClientProfile)]
    siblings = {last: f"{above}.{last}".lstrip(".") for above, _, last in there_are if above == part}
    others = {last: f"{above}.{last}".lstrip(".") for above, _, last in there_are}
    for paths in (siblings, others):
        if near := difflib.get_close_matches(name, paths, n=1):
            return f"; did you mean {paths[near[0]]!r}?"
    return ""


def field_paths(model: type[BaseModel], prefix: str = "") -> list[str]:
    """The paths of a model's fields and of the fields of its parts, in order; each begins with `prefix`."""
    paths = []
    for name, field in model.model_fields.items():
        paths.append(prefix + name)
        for kind in (field.annotation, *get_args(field.annotation)):  # a part may be left out: `Manner | None`
            if isinstance(kind, type) and issubclass(kind, BaseModel):
                paths += field_paths(kind, f"{prefix}{name}.")
    return paths


def _kind(value: Any) -> str:
    if value is None:
        return "nothing (null)"
    if isinstance(value, float) and math.isnan(value):
        return "NaN"
    names = {bool: "true or false", int: "a number", float: "a number", str: "text", list: "a list", dict: "an object"}
    return names.get(type(value), type(value).__name__)
