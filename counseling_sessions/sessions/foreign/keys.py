"""Which keys of a message are its speaker and its text, and whether messages are pairs."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from counseling_sessions.sessions.foreign.shapes import Shape
from counseling_sessions.sessions.foreign.usual import key_in, keys_in, plain, usual

ASKED, ANSWERED = "user", "assistant"
"""The names of the two speakers where a pair has none, as chats have them."""
CLOSED = 2
"""Items of a pair."""


@dataclass(frozen=True)
class MessageKeys:
    """The keys of a list's objects: of speaker and text, or of the two sides of a pair."""

    speaker: str = ""
    text: str = ""
    pair: bool = False


def keys_of(items: Sequence[Mapping[str, Any]], shape: Shape | None = None) -> MessageKeys | None:
    """The keys of speaker and text in these objects, or that they are pairs; None where they are neither.

    Of several keys that may name the speaker that one counts whose values are speakers' names.
    """
    if not items:
        return None
    said = shape or Shape()
    speakers = [key for key in _keys_like(items, said.speaker, usual().speaker) if _names_speakers(items, key)]
    known = [key for key in speakers if any(plain(str(item.get(key))) in usual().kinds for item in items)]
    for speaker in (*known, *speakers):
        texts = [key for key in _keys_like(items, said.text, usual().text) if key != speaker]
        if texts:
            return MessageKeys(speaker, texts[0])
    return MessageKeys(pair=True) if any(_pairs(items, said)) else None


def _pairs(items: Sequence[Mapping[str, Any]], shape: Shape) -> Iterator[bool]:
    return (len([*sides_in(item, shape)]) == CLOSED for item in items)


def _keys_like(items: Sequence[Mapping[str, Any]], own: Sequence[str], usual_names: Sequence[str]) -> list[str]:
    """The keys that objects have of these: a shape's, else the usual ones."""
    names = [plain(name) for name in own] or [*usual_names]
    layouts = {tuple(item): item for item in items}.values()  # most have the same keys
    return list(dict.fromkeys(key for item in layouts for key in keys_in(item, names)))


def _names_speakers(items: Sequence[Mapping[str, Any]], key: str) -> bool:
    values = [item.get(key) for item in items]
    return all(isinstance(value, str | int) and not isinstance(value, bool) for value in values if value is not None)


def sides_in(item: Mapping[str, Any], shape: Shape) -> Iterator[tuple[str, Any]]:
    """The messages of an object that has both sides as keys, in their order there."""
    named = {plain(name) for name in (*shape.counselor, *shape.client)}
    sides = [key for key in item if isinstance(key, str) and (plain(key) in named or plain(key) in usual().kinds)]
    speech = [key for key in sides if plain(key) in named or usual().kinds[plain(key)] != "aside"]
    if speech:
        yield from ((key, item[key]) for key in speech)
    elif pair := asked_and_answered(item):
        yield from zip((ASKED, ANSWERED), (item[key] for key in pair), strict=True)


def asked_and_answered(item: Mapping[str, Any]) -> tuple[str, str] | None:
    """The keys of what was asked and answered in one object; None where it has none."""
    answered = key_in(item, usual().answered)
    # Of instruction and input, both usual, the one that says something is what was asked.
    asked = [key for key in keys_in(item, usual().asked) if item[key]]
    return (asked[0], answered) if asked and answered else None


def is_pair(item: Any) -> bool:
    """Whether a value is a list of two texts."""
    return isinstance(item, list | tuple) and len(item) == CLOSED and all(isinstance(text, str) for text in item)


def objects_of_columns(value: Mapping[str, Any]) -> list[dict[str, Any]] | None:
    """The objects of a list that is written as columns of one length; None where it is not."""
    columns = {key: column for key, column in value.items() if isinstance(column, list)}
    lengths = {len(column) for column in columns.values()}
    if len(lengths) != 1 or not key_in(columns, usual().speaker) or not key_in(columns, usual().text):
        return None
    return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]
