"""Structured answers: the schema that is asked for, in the forms that servers understand, and how an answer is read."""

import json
import re
from dataclasses import dataclass
from typing import Any

MODES = ("json_schema", "json_schema_without_bounds", "json_object", "text")
"""From the strictest to the weakest way to ask for JSON; a server that refuses one is asked in the next."""

_BOUNDS = frozenset({"minLength", "maxLength", "minItems", "maxItems", "uniqueItems", "minimum", "maximum"})
_SCHEMA_WORDS = re.compile(r"response_format|json_schema|schema|grammar|guided|structured|json mode", re.IGNORECASE)


class MalformedAnswer(ValueError):
    """An answer that is not the JSON asked for; the message says what is wrong with it."""


@dataclass(frozen=True)
class AnswerSchema:
    """A flat JSON Schema of an answer, all fields required, and its name for the server."""

    name: str
    properties: dict[str, Any]

    def document(self, *, bounds: bool = True) -> dict[str, Any]:
        """The JSON Schema; without bounds for servers that know only a subset of the keywords."""
        properties = self.properties
        if not bounds:
            # Field by field: a field may be named like a bound.
            properties = {name: _without_bounds(field) for name, field in properties.items()}
        return {
            "type": "object",
            "properties": properties,
            "required": list(self.properties),
            "additionalProperties": False,
        }


def response_format(schema: AnswerSchema, mode: int) -> dict[str, Any] | None:
    """The request's `response_format` in a mode (an index into `MODES`); None where none is sent."""
    if MODES[mode] == "json_object":
        return {"type": "json_object"}
    if MODES[mode] == "text":
        return None
    document = schema.document(bounds=MODES[mode] == "json_schema")
    return {"type": "json_schema", "json_schema": {"name": schema.name, "schema": document, "strict": True}}


def speaks_of_schema(refusal: str) -> bool:
    """Whether a refusal's words are about the way in which JSON was asked for."""
    return bool(_SCHEMA_WORDS.search(refusal))


def read_object(text: str) -> dict[str, Any]:
    """The first JSON object in an answer, code fences and talk around it aside. Raises `MalformedAnswer`."""
    start = text.find("{")
    if start < 0:
        raise MalformedAnswer("no JSON object")
    try:
        value, _ = json.JSONDecoder().raw_decode(text[start:])
    except json.JSONDecodeError as error:
        raise MalformedAnswer(f"broken JSON: {error.msg} at character {start + error.pos}") from None
    except RecursionError:
        raise MalformedAnswer("JSON nested too deeply") from None
    assert isinstance(value, dict)  # raw_decode at "{" gives nothing else
    return value


def _without_bounds(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _without_bounds(item) for name, item in value.items() if name not in _BOUNDS}
    return [_without_bounds(item) for item in value] if isinstance(value, list) else value
