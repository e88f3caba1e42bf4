"""The messages of a session, in whatever form its file has them, each with its speaker's name as the file has it.

A list of objects with a speaker and a text, of pairs in one object or in a list of two, of labelled lines; a text of labelled lines;
columns beside each other; a list and an exchange beside it. A list or a text may stand as JSON in a cell of a table.
"""

import json
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from counseling_sessions.profiles.documents.paths import at
from counseling_sessions.sessions.foreign.errors import FieldError
from counseling_sessions.sessions.foreign.keys import (
    ANSWERED,
    ASKED,
    MessageKeys,
    asked_and_answered,
    is_pair,
    keys_of,
    objects_of_columns,
    sides_in,
)
from counseling_sessions.sessions.foreign.metadata import Codes, codes_of
from counseling_sessions.sessions.foreign.shapes import Shape
from counseling_sessions.sessions.foreign.transcripts import labelled, lines_before
from counseling_sessions.sessions.foreign.usual import plain, usual

MOST_NAME = 100
"""Characters kept of a speaker's name."""


@dataclass(frozen=True, slots=True)
class Said:
    """A message: its speaker's name and its text as they stand in the file, and what was coded of it, a value an annotator."""

    speaker: str
    text: str
    codes: Codes = field(default_factory=dict)


@dataclass
class Talk:
    """What a session's messages are read as.

    `system` are the texts of system messages; `passed_over` counts what is no speech by its kind; `place` is the path of the
    messages, empty for the record itself.
    """

    place: str = ""
    said: list[Said] = field(default_factory=list)
    system: list[str] = field(default_factory=list)
    passed_over: Counter[str] = field(default_factory=Counter)


def talk_of(value: Any, shape: Shape, client_is: str | None = None) -> Talk:
    """The messages of one session; `client_is` names speakers. Raises `FieldError` where there is none, or one is wrong."""
    shape = shape.with_client(client_is)
    field_name, messages = _container(value, shape)
    talk = Talk(place=field_name)
    outside = _outside(value, shape)
    for pair in outside if shape.first else ():
        _add(talk, *pair, {})
    if messages is not None:
        _read(talk, messages, shape)
    for pair in () if shape.first else outside:
        _add(talk, *pair, {})
    if not talk.said:
        what = "no line begins with the label of a speaker" if isinstance(messages, str) else "holds no message"
        raise FieldError(field_name or "messages", what)
    return talk


def is_message(value: Any, shape: Shape | None = None) -> bool:
    """Whether a value is a message, or a pair of messages, and no session: a file that lists such values is one session."""
    if isinstance(value, str):
        return bool(labelled(value, shape.names if shape else ()))
    if not isinstance(value, Mapping) or (_messages_key(value) and not (shape and shape.text)):
        return False
    return keys_of([value], shape) is not None


def _container(value: Any, shape: Shape) -> tuple[str, Any]:
    """The path of a session's messages in its record, and what stands there."""
    if not isinstance(value, Mapping):
        return "", _unpacked(value)
    for path in shape.messages:
        if (messages := _unpacked(at(value, path))) is not None:
            return path, messages
    if shape.first or shape.last:
        return "", None
    if key := _messages_key(value):
        return key, _unpacked(value[key])
    if pair := asked_and_answered(value):
        return pair[0], [value]
    wanted = ", ".join(shape.messages) or "any usual name"
    there = ", ".join(map(str, list(value)[:8])) + (" …" if len(value) > 8 else "")
    raise FieldError(
        "dialogue",
        f"is missing: no messages under {wanted}; the fields are {there or 'none'}; describe them: --shape FILE",
    )


def _messages_key(value: Mapping[str, Any]) -> str | None:
    """The usual key under which a record has messages."""
    spelt = {plain(key): key for key in value if isinstance(key, str)}
    for name in usual().messages:
        if name in spelt and _holds_messages(_unpacked(value[spelt[name]])):
            return spelt[name]
    return None


def _holds_messages(value: Any) -> bool:
    if isinstance(value, str):
        return bool(labelled(value))
    if isinstance(value, Mapping):
        return objects_of_columns(value) is not None
    if not isinstance(value, Sequence):
        return False
    return not value or isinstance(value[0], (str, Mapping)) or is_pair(value[0])


def _unpacked(value: Any) -> Any:
    """A list or an object that stands as JSON in a text."""
    if isinstance(value, str) and value.lstrip()[:1] in {"[", "{"}:
        try:
            return json.loads(value)
        except (ValueError, RecursionError):
            return value
    return value


def _outside(value: Any, shape: Shape) -> list[tuple[str, Any]]:
    """The exchange that stands beside the list, as speaker and text."""
    keys = shape.first or shape.last
    if not keys or not isinstance(value, Mapping):
        return []
    return [(name, at(value, key)) for name, key in zip((ASKED, ANSWERED), keys, strict=True)]


def _read(talk: Talk, messages: Any, shape: Shape) -> None:
    if isinstance(messages, str):
        if head := lines_before(messages, shape.names):
            talk.passed_over["line before the first speaker"] += head
        for speaker, text in labelled(messages, shape.names):
            _add(talk, speaker, text, {}, aside=shape.asides)
    elif isinstance(messages, Mapping) and (items := objects_of_columns(messages)) is not None:
        _read_list(talk, items, shape)
    elif isinstance(messages, list | tuple):
        _read_list(talk, messages, shape)
    else:
        raise FieldError(talk.place, "should be a list of messages or a text of labelled lines")


def _read_list(talk: Talk, items: Sequence[Any], shape: Shape) -> None:
    objects = [item for item in items if isinstance(item, Mapping)]
    if shape.order and len(objects) == len(items):
        items = sorted(objects, key=lambda item: _place(at(item, str(shape.order))))
    keys = keys_of(objects, shape)
    before: tuple[Any, str, str] | None = None
    for place, item in enumerate(items):
        where = f"{talk.place}.{place}".lstrip(".")
        if isinstance(item, str):
            for speaker, text in labelled(item, shape.names) or _unlabelled(where):
                _add(talk, speaker, text, {}, aside=shape.asides)
        elif is_pair(item):
            for speaker, text in zip((ASKED, ANSWERED), item, strict=True):
                _add(talk, speaker, text, {}, where)
        elif isinstance(item, Mapping) and keys and keys.pair:
            sides = [*sides_in(item, shape)]
            for speaker, text in sides:
                _add(talk, speaker, text, {}, where)
            if not sides:
                talk.passed_over["object without a side"] += 1
        elif isinstance(item, Mapping) and keys:
            before = _add_object(talk, item, keys, shape, where, before)
        else:
            raise FieldError(where, "should be an object with a speaker and a text")


def _add_object(
    talk: Talk,
    item: Mapping[str, Any],
    keys: MessageKeys,
    shape: Shape,
    where: str,
    before: tuple[Any, str, str] | None,
) -> tuple[Any, str, str] | None:
    """Add an object's message; one that an annotator coded again adds its codes to the message that was there."""
    speaker, text = item.get(keys.speaker), item.get(keys.text)
    if not isinstance(speaker, str | int) or isinstance(speaker, bool) or not str(speaker).strip():
        raise FieldError(f"{where}.{keys.speaker}", "should be the name of a speaker")
    if keys.text not in item and "tool_calls" not in item:
        raise FieldError(f"{where}.{keys.text}", "is missing")
    codes = codes_of(item, shape, {keys.speaker, keys.text})
    mark = (item.get(shape.order), str(speaker), str(text)) if shape.annotator and shape.order else None
    if mark and mark == before and talk.said:
        for name, values in codes.items():
            talk.said[-1].codes[name] = talk.said[-1].codes.get(name, ()) + values
        talk.passed_over["row of a further annotator"] += 1
        return mark
    _add(talk, str(speaker), text, codes, f"{where}.{keys.text}", shape.asides)
    return mark


def _place(value: Any) -> tuple[bool, float, str]:
    """A key that sorts numbers as such, and what is none after them."""
    try:
        return False, float(value), ""
    except (TypeError, ValueError):
        return True, 0.0, str(value)


def _add(talk: Talk, speaker: str, value: Any, codes: Codes, where: str = "", aside: Collection[str] = ()) -> None:
    name = plain(speaker)
    if usual().kinds.get(name) == "aside" or name in aside:
        talk.passed_over[f"{name} message"] += 1
        if isinstance(value, str):
            talk.system.append(value)
        return
    text = _text(talk, value, where)
    if text is None:
        talk.passed_over["message without text"] += 1
        return
    talk.said.append(Said(" ".join(speaker.split())[:MOST_NAME], text.strip(), codes))


def _text(talk: Talk, value: Any, where: str) -> str | None:
    """A message's text; parts of text are joined as they are, others passed over."""
    if value is None or isinstance(value, str):
        return value
    if not isinstance(value, list | tuple):
        raise FieldError(where, "should be text")
    texts = []
    for part in value:
        text = part if isinstance(part, str) else part.get("text") if isinstance(part, Mapping) else None
        if isinstance(text, str):
            texts.append(text)
        else:
            kind = part.get("type") if isinstance(part, Mapping) else type(part).__name__
            talk.passed_over[f"part: {' '.join(str(kind).split())[:MOST_NAME]}"] += 1
    return "".join(texts) if texts else None


def _unlabelled(where: str) -> list[tuple[str, str]]:
    raise FieldError(where, "is a line without the label of a speaker")
