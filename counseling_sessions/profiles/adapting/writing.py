"""The other way: our profile as a record of another format, as far as that has places for it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from counseling_sessions.profiles.adapting.formats import ProfileFormat
from counseling_sessions.profiles.schema import ClientProfile, texts_of


@dataclass(frozen=True)
class Written:
    """A record, and the paths of our fields that it has no place for."""

    value: dict[str, Any]
    lost: tuple[str, ...]


def write_as(profile: ClientProfile, form: ProfileFormat) -> Written:
    """A profile as a record of a format. A text that adapting joins of several fields goes into the first that is free.

    Notes under labels that adapting gave go back to where they came from.
    """
    ours = dict(texts_of(profile))
    if profile.demographics.age is not None:
        ours["demographics.age"] = str(profile.demographics.age)
    value: dict[str, Any] = {}
    placed = {"source"}
    for name, paths in form.fields.items():
        places = (paths,) if isinstance(paths, str) else paths
        if name in ours and any(_set(value, path, ours[name]) for path in places):
            placed.add(name)
    placed |= _notes_back(value, ours, form)
    return Written(value, tuple(name for name in ours if name not in placed))


def _notes_back(value: dict[str, Any], ours: Mapping[str, str], form: ProfileFormat) -> set[str]:
    """Put the lines `Label: text` of the notes back; they are placed where every line was."""
    lines = ours.get("other", "").splitlines()
    back = [line for line in lines if (label := line.partition(": ")[0]) in form.other]
    for line in back:
        label, _, text = line.partition(": ")
        paths = form.other[label]
        _set(value, paths if isinstance(paths, str) else paths[0], text)
    return {"other"} if lines and len(back) == len(lines) else set()


def _set(value: dict[str, Any], path: str, text: str) -> bool:
    """Put a text at a path that leads through objects alone and has none yet."""
    *parts, last = path.split("/")
    if any(part.isdecimal() or part == "*" or part.endswith("+") for part in (*parts, last)):
        return False
    inner = value
    for part in parts:
        inner = inner.setdefault(part, {})
    if last in inner:
        return bool(inner[last] == text)
    inner[last] = text
    return True
