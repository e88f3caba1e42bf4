"""Structured answers: the schema of a request, in the forms that servers understand, and the reader of an answer."""

import json
import re
from dataclasses import dataclass
from typing import Any

from counseling_sessions.store.reading import refuse_constant, unique_keys
from counseling_sessions.texts.reasoning import without_reasoning

MODES = ("json_schema", "json_schema_without_bounds", "json_object", "text")
"""Ways to ask for JSON, from the strictest to the weakest; if a server refuses one, the next follows."""

_BOUNDS = frozenset({"minLength", "maxLength", "minItems", "maxItems", "uniqueItems", "minimum", "maximum"})
_FENCE = re.compile(r"```[ \t]{0,9}\w{0,20}[ \t]{0,9}\n?")
_SCHEMA_WORDS = re.compile(r"response_format|json_schema|schema|grammar|guided|structured|json mode", re.IGNORECASE)

_DECODER = json.JSONDecoder(parse_constant=refuse_constant, object_pairs_hook=unique_keys)


class MalformedAnswer(ValueError):
    """An answer without the requested JSON; the message says what is wrong."""


@dataclass(frozen=True)
class AnswerSchema:
    """A flat JSON Schema of an answer, with all fields required, and its name for the server."""

    name: str
    properties: dict[str, Any]

    def document(self, *, bounds: bool = True) -> dict[str, Any]:
        """The JSON Schema; without bounds for servers that know only a subset of the keywords."""
        properties = self.properties
        if not bounds:
            # Field by field, as a field can have the name of a bound.
            properties = {name: _without_bounds(field) for name, field in properties.items()}
        return {
            "type": "object",
            "properties": properties,
            "required": list(self.properties),
            "additionalProperties": False,
        }


def response_format(schema: AnswerSchema, mode: int) -> dict[str, Any] | None:
    """The request's `response_format` in a mode (an index into `MODES`); None for a mode without one."""
    if MODES[mode] == "json_object":
        return {"type": "json_object"}
    if MODES[mode] == "text":
        return None
    document = schema.document(bounds=MODES[mode] == "json_schema")
    return {"type": "json_schema", "json_schema": {"name": schema.name, "schema": document, "strict": True}}


def speaks_of_schema(refusal: str) -> bool:
    """Whether a refusal's words are about the requested form of JSON."""
    return bool(_SCHEMA_WORDS.search(refusal))


def read_object(text: str) -> dict[str, Any]:
    """The last JSON object in an answer, without reasoning, code fences and talk around it.

    Raises `MalformedAnswer` if the choice would be a guess: an earlier object has the same fields but other values, or a later one
    is broken or cut off.
    """
    answer = _answer(text)
    objects: list[dict[str, Any]] = []
    start = answer.find("{")
    while start >= 0:
        value, end = _object_at(answer, start)
        objects.append(value)
        start = answer.find("{", end)
    if not objects:
        raise MalformedAnswer("no JSON object")
    last = objects[-1]
    canonical = _canonical(last)
    if any(value.keys() == last.keys() and _canonical(value) != canonical for value in objects[:-1]):
        raise MalformedAnswer("several JSON objects that differ; answer with one")
    return last


def read_only_object(text: str) -> dict[str, Any]:
    """The JSON object that is the complete answer, without reasoning before it and a code fence around it.

    Raises `MalformedAnswer` for anything else.
    """
    answer = _answer(text).strip()
    if (fence := _FENCE.match(answer)) and answer.endswith("```"):
        answer = answer[fence.end() : -3].strip()
    if not answer.startswith("{"):
        raise MalformedAnswer("not one JSON object alone")
    value, end = _object_at(answer, 0)
    if end != len(answer):
        raise MalformedAnswer("something stands after the JSON object")
    _canonical(value)
    return value


def _answer(text: str) -> str:
    """The text without reasoning. A text that is one object stays, as its strings can hold the marks of reasoning."""
    answer = without_reasoning(text)
    if answer != text and (bare := text.strip()).startswith("{"):
        try:
            if _DECODER.raw_decode(bare)[1] == len(bare):
                return bare
        except (ValueError, RecursionError):
            return answer
    return answer


def _object_at(text: str, start: int) -> tuple[dict[str, Any], int]:
    """The JSON object that begins at a brace, and its end. A brace without an object ends the search, which stays linear."""
    try:
        value, end = _DECODER.raw_decode(text, start)
    except json.JSONDecodeError as error:
        raise MalformedAnswer(f"broken JSON: {error.msg} at character {error.pos}") from None
    except RecursionError:
        raise MalformedAnswer("JSON nested too deeply") from None
    except ValueError as error:  # A key that stands twice, or a number that is invalid or too long.
        raise MalformedAnswer(f"broken JSON: {error}"[:160]) from None
    assert isinstance(value, dict)  # raw_decode at "{" gives nothing else.
    return value, end


def _canonical(value: dict[str, Any]) -> bytes:
    """The form in which objects are compared. Raises `MalformedAnswer` for an object that no file can hold."""
    try:
        return json.dumps(value, sort_keys=True, ensure_ascii=False, allow_nan=False).encode()
    except RecursionError:
        raise MalformedAnswer("JSON nested too deeply") from None
    except ValueError:  # Half of a character, or a number beyond all bounds.
        raise MalformedAnswer("JSON that holds half of a character, or no number") from None


def _without_bounds(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _without_bounds(item) for name, item in value.items() if name not in _BOUNDS}
    return [_without_bounds(item) for item in value] if isinstance(value, list) else value
