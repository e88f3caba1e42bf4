"""Structured answers: the schema of a request, in the forms that servers understand, and the reader of an answer."""

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

from counseling_sessions.store.reading import refuse_constant, unique_keys
from counseling_sessions.texts.reasoning import without_reasoning

MODES = ("json_schema", "json_schema_without_bounds", "json_object", "text")
"""Ways to ask for JSON, from the strictest to the weakest; if a server refuses one, the next follows."""

_BOUNDS = frozenset({"minLength", "maxLength", "minItems", "maxItems", "uniqueItems", "minimum", "maximum"})
_FENCE = re.compile(r"```[ \t]{0,9}\w{0,20}[ \t]{0,9}\n?")
_SCHEMA_WORDS = re.compile(r"response_format|json_schema|schema|grammar|guided|structured|json mode", re.IGNORECASE)

_BRACE = re.compile(r"\{(?P<words>[^{}\"':\d]{0,80}[^\W\d][^{}\"':\d]{0,80}\})?")
"""A brace, with the words around which it stands in prose."""
_MOST_OBJECTS = 200
_WORDS_BEFORE = 120
"""Characters before an object in which words can call it final, or a draft."""
_FINAL = re.compile(
    r"\b(?:final|corrected|correction|revised|revision|definitive|actual answer)"
    r"(?: (?:answer|response|version|object|json|output|result|plan|choice|one|is)){0,3}[\s:*_`#-]{0,9}(?:json)?\s{0,9}\Z",
    re.IGNORECASE,
)
"""A heading that calls an object the final one, directly before it."""
_NOT_FINAL = re.compile(
    r"\b(?:not|no|isn['’]t|never|alternative|alternatively|another|comparison|earlier)\b", re.IGNORECASE
)
_DRAFT = re.compile(
    r"\b(?:draft|first try|first attempt|example|for instance|e\.g|such as|sketch|template)\b", re.IGNORECASE
)

Holds = Callable[[dict[str, Any]], int]
"""How much of what was asked for an object holds; 0 for nothing."""


@dataclass(frozen=True)
class _Found:
    """An object in a text, and where it begins and ends."""

    value: dict[str, Any]
    start: int
    end: int


@dataclass(frozen=True)
class ReadAnswer:
    """The object that is the answer, and how many others that hold as much, and say otherwise, were drafts of it."""

    value: dict[str, Any]
    drafts: int = 0


class MalformedAnswer(ValueError):
    """An answer without the requested JSON; the message says what is wrong."""


class TornAnswer(MalformedAnswer):
    """An answer with several objects that differ, none of which is called the final one."""


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


def read_object(text: str, holds: Holds | None = None) -> dict[str, Any]:
    """The JSON object in an answer, without reasoning, code fences and talk around it; see `read_final`."""
    return read_final(text, holds).value


def read_final(text: str, holds: Holds | None = None) -> ReadAnswer:
    """The JSON object in an answer, and how many drafts of it stand before it.

    Of several, those count that hold the most of what was asked for, as `holds` says (default: any that is not empty). Of these the
    last is the answer if they say the same, or if words before it call it the final one, or words before each other one a draft.
    Raises `TornAnswer` where the choice would be a guess, and `MalformedAnswer` where a broken one or one that says otherwise follows,
    and where there is none.
    """
    answer = _answer(text)
    objects, broken = _objects_in(answer)
    if broken or not objects:
        raise MalformedAnswer(broken or "no JSON object")
    worth = [holds(item.value) if holds else int(bool(item.value)) for item in objects]
    most = max(worth)
    best = [item for item, much in zip(objects, worth, strict=True) if much == most]
    last = best[-1]
    canonical = _canonical(last.value)
    others = [
        place
        for place, item in enumerate(best[:-1])
        if (holds or item.value.keys() == last.value.keys()) and _canonical(item.value) != canonical
    ]
    if others and not (
        _called_final(_words_before(answer, best, len(best) - 1))
        or all(_DRAFT.search(_words_before(answer, best, place)) for place in others)
    ):
        raise TornAnswer("several JSON objects that differ; answer with one")
    later = objects[objects.index(last) + 1 :]
    if any(last.value[name] != value for item in later for name, value in item.value.items() if name in last.value):
        raise MalformedAnswer("the last of several JSON objects is not what was asked for; answer with one")
    return ReadAnswer(last.value, len(others))


def taken_by(read: Callable[[dict[str, Any]], object]) -> Holds:
    """Objects that `read` takes hold all that was asked for; those for which it raises `ValueError` hold nothing."""

    def holds(value: dict[str, Any]) -> int:
        try:
            read(value)
        except ValueError:
            return 0
        return 1

    return holds


def read_only_object(text: str, holds: Holds | None = None) -> dict[str, Any]:
    """The JSON object that is the complete answer, whatever it holds, without reasoning before it and a code fence around it.

    Raises `MalformedAnswer` for anything else.
    """
    answer = _answer(text).strip()
    if (fence := _FENCE.match(answer)) and answer.endswith("```"):
        answer = answer[fence.end() : -3].strip()
    if not answer.startswith("{"):
        raise MalformedAnswer("not one JSON object alone")
    read = _Reader().object_at(answer, 0)
    if not isinstance(read, _Found):
        raise MalformedAnswer(read[0])
    if read.end != len(answer):
        raise MalformedAnswer("something stands after the JSON object")
    _canonical(read.value)
    return read.value


def _answer(text: str) -> str:
    """The text without reasoning. A text that is one object stays, as its strings can hold the marks of reasoning."""
    answer = without_reasoning(text)
    if answer != text and (bare := text.strip()).startswith("{"):
        try:
            if json.JSONDecoder().raw_decode(bare)[1] == len(bare):
                return bare
        except (ValueError, RecursionError):
            return answer
    return answer


def _objects_in(text: str) -> tuple[list[_Found], str]:
    """The objects in a text, and what is wrong with one that began after the last of them; empty for nothing.

    Braces around words ("Options {a, b}") are none. The time is linear: the search goes on where an object was found broken, and
    there are at most `_MOST_OBJECTS`, broken ones included.
    """
    reader = _Reader()
    objects: list[_Found] = []
    wrong, seen, place = "", 0, 0
    while brace := _BRACE.search(text, place):
        start = brace.start()
        if brace["words"]:
            place = brace.end()
            continue
        seen += 1
        if seen > _MOST_OBJECTS:
            return objects, f"more than {_MOST_OBJECTS} JSON objects"
        read = reader.object_at(text, start)
        if isinstance(read, _Found):
            objects.append(read)
            wrong, place = "", read.end
            continue
        wrong, place = read
        if place < 0:
            break
    return objects, wrong


class _Reader:
    """A decoder that reads on past a key that stands twice or a number that is none, and keeps what is wrong."""

    def __init__(self) -> None:
        self.wrong = ""
        self.decoder = json.JSONDecoder(
            parse_constant=partial(self._tried, refuse_constant),
            object_pairs_hook=partial(self._tried, unique_keys),
            parse_int=partial(self._tried, int),
        )

    def object_at(self, text: str, start: int) -> _Found | tuple[str, int]:
        """The JSON object that begins at a brace; or what is wrong, and where the search goes on (-1: nowhere)."""
        self.wrong = ""
        try:
            value, end = self.decoder.raw_decode(text, start)
        except json.JSONDecodeError as error:
            # Nothing can follow a string that never ends.
            unended = error.msg.startswith("Unterminated string")
            return f"broken JSON: {error.msg} at character {error.pos}", -1 if unended else max(error.pos, start + 1)
        except RecursionError:
            return "JSON nested too deeply", -1
        if self.wrong:
            return f"broken JSON: {self.wrong}"[:160], end
        assert isinstance(value, dict)  # raw_decode at "{" gives nothing else.
        return _Found(value, start, end)

    def _tried(self, read: Callable[[Any], Any], value: Any) -> Any:
        try:
            return read(value)
        except ValueError as error:
            self.wrong = self.wrong or str(error)
            return {} if isinstance(value, list) else None


def _words_before(text: str, objects: list[_Found], place: int) -> str:
    """The words just before an object: between it and the one before."""
    return text[objects[place - 1].end if place else 0 : objects[place].start][-_WORDS_BEFORE:]


def _called_final(words: str) -> bool:
    """Whether the words before an object end in a heading that calls it final, and nothing in them takes that back."""
    return bool(_FINAL.search(words)) and not _NOT_FINAL.search(words)


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
