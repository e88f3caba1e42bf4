"""How files usually name things: keys, speakers, and the words in which people speak of themselves."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path
from typing import Any, Literal

from counseling_sessions.settings import read_yaml
from counseling_sessions.texts.normal import normal_form

_GENDERED = re.compile(r"[*/]-?(?:in|r|e|a)$")
"""The second form of German and Spanish names ("Therapeut*in")."""

Kind = Literal["counselor", "client", "assistant", "user", "aside"]
"""Whose words a message has, by its speaker's name alone; `aside` is no speech."""
KINDS: tuple[Kind, ...] = ("counselor", "client", "assistant", "user", "aside")
_AROUND = " \t\r\n*_[]()<>:：【】「」#-–—·.\ufeff"


@lru_cache(maxsize=4096)
def plain(name: str) -> str:
    """A key or a speaker's name as it is compared: folded, with underscores for spaces and dashes, without what surrounds it."""
    folded = "_".join(normal_form("NFKC", name).casefold().strip(_AROUND).replace("-", " ").split())
    return _GENDERED.sub("", folded)


@dataclass(frozen=True)
class Briefing:
    """A user's first message that is no speech, but says what is known of the client: how it begins and ends."""

    begins: str
    ends: str


@dataclass(frozen=True)
class Usual:
    """The usual names, each plain and in the order in which they are tried."""

    messages: tuple[str, ...]
    sessions: tuple[str, ...]
    speaker: tuple[str, ...]
    text: tuple[str, ...]
    row_group: tuple[str, ...]
    id: tuple[str, ...]
    client_id: tuple[str, ...]
    asked: tuple[str, ...]
    answered: tuple[str, ...]
    kinds: Mapping[str, Kind]
    labels: tuple[tuple[str, str], ...]
    briefings: tuple[Briefing, ...]
    oneself: re.Pattern[str]


@cache
def usual() -> Usual:
    """The names of `usual.yaml`."""
    data: dict[str, Any] = read_yaml(Path(__file__).with_name("usual.yaml"))
    keys = {
        name: tuple(dict.fromkeys(plain(word) for word in data[name].split()))
        for name in ("messages", "sessions", "speaker", "text", "row_group", "id", "client_id", "asked", "answered")
    }
    labels = (tuple(plain(label) for label in pair.split()) for pair in data["labels"])
    return Usual(
        **keys,
        kinds={plain(word): kind for kind in reversed(KINDS) for word in data[kind].split()},
        labels=tuple((counselor, client) for counselor, client in labels),
        briefings=tuple(Briefing(**briefing) for briefing in data["briefings"]),
        oneself=_any_word(data["oneself"].split(), data["oneself_signs"]),
    )


def key_in(value: Mapping[str, Any], names: Iterable[str]) -> str | None:
    """The first of these plain names that a mapping has as a key, as it is spelt there."""
    return next(iter(keys_in(value, names)), None)


def keys_in(value: Mapping[str, Any], names: Iterable[str]) -> list[str]:
    """Every key of a mapping that is one of these plain names, as it is spelt there, in the order of the names."""
    spelt = _spelt(tuple(value))
    return [spelt[name] for name in names if name in spelt]


@lru_cache(maxsize=256)  # the records of a file have the same keys
def _spelt(keys: tuple[Any, ...]) -> dict[str, str]:
    return {plain(key): key for key in reversed(keys) if isinstance(key, str)}


def _any_word(words: list[str], signs: str) -> re.Pattern[str]:
    """A pattern of these whole words, or of `signs`; their first letters decide fast where none begins."""
    letters = "".join(sorted({word[0] for word in words}))
    return re.compile(rf"\b(?=[{letters}])(?:{'|'.join(words)})\b|{signs}")
