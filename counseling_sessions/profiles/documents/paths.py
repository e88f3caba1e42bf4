"""What stands at a path of a value, with `/` between the parts: `client_info/name`, `conversation/0/doctor`."""

from collections.abc import Iterator, Mapping, Sequence
from math import isnan
from pathlib import Path
from typing import Any

from counseling_sessions.store.reading import read_bytes
from counseling_sessions.store.yaml_text import parse_yaml

_WORDS = Path(__file__).with_name("nothing.yaml")
NOTHING = frozenset(str(word).casefold() for word in parse_yaml(read_bytes(_WORDS).decode())[0])
"""What a cell or a field says where it says nothing, folded."""


def at(value: Any, path: str) -> Any:
    """What stands at a path; None where there is nothing. A field whose name has a `/` itself is named in full."""
    if isinstance(value, Mapping) and path in value:
        return value[path]
    first, _, further = path.partition("/")
    if isinstance(value, Mapping):
        inner = value.get(first)
    elif (
        isinstance(value, Sequence)
        and not isinstance(value, str)
        and first.isdecimal()
        and len(first) < 10
        and int(first) < len(value)
    ):
        inner = value[int(first)]
    else:
        return None
    return at(inner, further) if further else inner


def leaves(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Every scalar of a value that says something, with its path; the places of lists count from 0."""
    if isinstance(value, Mapping):
        for key, inner in value.items():
            yield from leaves(inner, f"{path}/{key}" if path else str(key))
    elif isinstance(value, list | tuple):
        for place, inner in enumerate(value):
            yield from leaves(inner, f"{path}/{place}" if path else str(place))
    elif not says_nothing(value):
        yield path, value


def says_nothing(value: Any) -> bool:
    """Whether a value stands for no value: none, an empty text, "n/a" and the like."""
    if isinstance(value, str):
        text = value.strip()
        return not text or text.casefold() in NOTHING
    return value is None or (isinstance(value, float) and isnan(value))
