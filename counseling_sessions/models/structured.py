"""Structured answers: the schema that is asked for, in the forms that servers understand, and how an answer is read."""

import json
import re
from dataclasses import dataclass
from typing import Any

from counseling_sessions.store.reading import refuse_constant, unique_keys
from counseling_sessions.texts.reasoning import without_reasoning

MODES = ("json_schema", "json_schema_without_bounds", "json_object", "text")
"""From the strictest to the weakest way to ask for JSON; a server that refuses one is asked in the next."""

_BOUNDS = frozenset({"minLength", "maxLength", "minItems", "maxItems", "uniqueItems", "minimum", "maximum"})
_FENCE = re.compile(r"```[ \t]{0,9}\w{0,20}[ \t]{0,9}\n?")
_SCHEMA_WORDS = re.compile(r"response_format|json_schema|schema|grammar|guided|structured|json mode", re.IGNORECASE)

_DECODER = json.JSONDecoder(parse_constant=refuse_constant, object_pairs_hook=unique_keys)


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
    """The JSON object in an answer; what the model thought before, code fences and talk around it aside.

    Of several objects it is the last one. Where an earlier one has the same fields and says something else, or where what follows is
    broken or cut off, which one was meant is a guess, and the answer is refused. Raises `MalformedAnswer`.
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
    meant = _canonical(last)
    if any(value.keys() == last.keys() and _canonical(value) != meant for value in objects[:-1]):
        raise MalformedAnswer("several JSON objects that differ; answer with one")
    return last


def read_only_object(text: str) -> dict[str, Any]:
    """The JSON object that is the whole answer, a code fence around it and what the model thought before aside.

    For answers of which no part may be guessed. Raises `MalformedAnswer` for anything else.
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
    """The text without what the model thought; one that is an object from end to end may well speak of such marks."""
    answer = without_reasoning(text)
    if answer != text and (bare := text.strip()).startswith("{"):
        try:
            if _DECODER.raw_decode(bare)[1] == len(bare):
                return bare
        except (ValueError, RecursionError):
            return answer
    return answer


def _object_at(text: str, start: int) -> tuple[dict[str, Any], int]:
    """The JSON object that begins at a brace, and where it ends. A brace that begins none ends the reading, which stays linear."""
    try:
        value, end = _DECODER.raw_decode(text, start)
    except json.JSONDecodeError as error:
        raise MalformedAnswer(f"broken JSON: {error.msg} at character {error.pos}") from None
    except RecursionError:
        raise MalformedAnswer("JSON nested too deeply") from None
    except ValueError as error:  # a key that stands twice, a number that is none or too long
        raise MalformedAnswer(f"broken JSON: {error}"[:160]) from None
    assert isinstance(value, dict)  # raw_decode at "{" gives nothing else
    return value, end


def _canonical(value: dict[str, Any]) -> bytes:
    """An object in the one form in which objects are compared. Raises `MalformedAnswer` for what no file could hold."""
    try:
        return json.dumps(value, sort_keys=True, ensure_ascii=False, allow_nan=False).encode()
    except RecursionError:
        raise MalformedAnswer("JSON nested too deeply") from None
    except ValueError:  # half of a character, or a number beyond all bounds
        raise MalformedAnswer("JSON that holds half of a character, or no number") from None


def _without_bounds(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _without_bounds(item) for name, item in value.items() if name not in _BOUNDS}
    return [_without_bounds(item) for item in value] if isinstance(value, list) else value
