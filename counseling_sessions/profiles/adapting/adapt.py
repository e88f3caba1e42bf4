"""From a record of another format to one of our profiles.

A text goes where the format's description says, joined from several where it names several. What stands for nothing becomes
nothing. A client of whom the record says a risk is refused: such clients have a format and rules of their own.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from counseling_sessions.profiles.adapting.formats import Paths, ProfileFormat
from counseling_sessions.profiles.cactus import slug
from counseling_sessions.profiles.documents import Record
from counseling_sessions.profiles.documents.paths import at, leaves, says_nothing
from counseling_sessions.profiles.problems import ProfileError
from counseling_sessions.profiles.records import profile_of
from counseling_sessions.profiles.schema import ClientProfile

AGE = "demographics.age"
NAME, REASON, PROBLEM = "demographics.name", "reason_for_counseling", "presenting_problem.what"
REQUIRED = (NAME, REASON, PROBLEM)
_WHOLE_YEARS = re.compile(r"\D{0,3}(\d{1,3})(?:\.0)?\s*(?:years?(?: old)?|yrs?|岁|周岁|歳|Jahre|años|ans)?\D{0,3}")
_ENDS = ".!?…。！？"
FORM_OF_THEIR_OWN = "clients at risk have a form of their own, see docs/ethics.md"

CUT = "…"
"""What ends a part of a path that stands for the field that begins so."""
_RATED = ("attitude", "severity")
MOST_SAID = 80
"""Characters of a mark's words that a message repeats."""
_CONVERSATION = re.compile(r"(?:previous_)?(?:conversations?|dialogues?|dialogs?|messages|history|sessions)/\d")

SignsOfRisk = Callable[[str], str | None]
"""Names what a text says of a risk; None where it says nothing of one."""


@dataclass(frozen=True)
class Supplied:
    """What the records lack and a person supplies: a name, and whether the problem may stand for the reason for counseling."""

    name: str | None = None
    reason_from_problem: bool = False


@dataclass(frozen=True)
class Adapted:
    """What became of a record: the profile, or why there is none.

    `mapped` are the paths of theirs that each of our fields has, `kept` those under each label of the notes, `left_out` what has
    no place, `supplied` our fields that a person's rule filled.
    """

    record: Record
    profile: ClientProfile | None = None
    refused: str = ""
    mapped: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    kept: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    left_out: tuple[str, ...] = ()
    supplied: tuple[str, ...] = ()

    def with_id(self, name: str) -> "Adapted":
        """The same, its profile under another id."""
        return replace(self, profile=self.profile and self.profile.model_copy(update={"id": name}))


def adapt(
    record: Record,
    form: ProfileFormat,
    position: int,
    supplied: Supplied = Supplied(),
    signs_of_risk: SignsOfRisk | None = None,
) -> Adapted:
    """The profile of a record; `position` counts records from 1. Nothing is raised: `refused` says why there is none."""
    taken = _Taken(form, record.value)
    fields = {ours: text for ours, paths in form.fields.items() if (text := taken.text(ours, paths)) is not None}
    notes = [
        f"{label}: {text}" for label, paths in form.other.items() if (text := taken.text(label, paths)) is not None
    ]
    attitude, severity, risk = taken.attitude(), taken.severity(), taken.risk()
    adapted = Adapted(
        record,
        mapped={name: paths for name, paths in taken.used.items() if name in form.fields or name in _RATED},
        kept={name: paths for name, paths in taken.used.items() if name in form.other},
        left_out=tuple(taken.left_out()),
        supplied=_supply(fields, supplied),
    )
    if said := risk or _first_sign(taken.texts(), signs_of_risk):
        return replace(adapted, refused=f"says of a risk ({said}); {FORM_OF_THEIR_OWN}")
    if missing := [name for name in REQUIRED if name not in fields]:
        return replace(adapted, refused=f"has no {', '.join(missing)}")
    source = f"{form.title}, {Path(record.file).name}"
    more = {"other": "\n".join(notes) or None, "attitude": attitude, "severity": severity, "source": source}
    value = _nested(fields | {name: entry for name, entry in more.items() if entry})
    value.setdefault("id", f"{slug(str(fields[NAME]))}-{position:03d}")
    try:
        return replace(adapted, profile=profile_of(Record(record.file, record.number, value), position))
    except ProfileError as error:
        return replace(adapted, refused="; ".join(f"{item.field}: {item.message}" for item in error.problems))


class _Taken:
    """A record while it is taken apart: which of its leaves went where."""

    def __init__(self, form: ProfileFormat, value: Any) -> None:
        self._form = form
        self._value = value
        self._nothing = {word.casefold() for word in form.nothing}
        self._leaves = {path: leaf for path, leaf in leaves(value) if not self._is_nothing(leaf)}
        self.used: dict[str, tuple[str, ...]] = {}

    def text(self, ours: str, paths: Paths) -> Any:
        """The text of one of our fields; an age as a number of years, or nothing."""
        taken_from = [item for path in ([paths] if isinstance(paths, str) else paths) for item in self._at(path)]
        if ours == AGE:
            taken_from = [(path, age) for path, leaf in taken_from if (age := _age(leaf)) is not None][:1]
        if not taken_from:
            return None
        self.used[ours] = tuple(path for path, _ in taken_from)
        texts = [str(leaf).strip() for _, leaf in taken_from]
        return taken_from[0][1] if ours == AGE else _joined(dict.fromkeys(texts))

    def attitude(self) -> str | None:
        """The attitude that the first word of a text says."""
        words = self._form.attitude
        for path, leaf in self._at(words.path) if words else ():
            first = re.match(r"\w+", str(leaf).strip())
            if words and first and (said := words.words.get(first[0].casefold())):
                self.used["attitude"] = (path,)
                return said
        return None

    def severity(self) -> dict[str, int] | None:
        """The troubles of the last two weeks, where the record rates them."""
        words = self._form.severity
        rated: dict[str, int] = {}
        paths: list[str] = []
        for trouble, place in words.troubles.items() if words else ():
            for path, leaf in self._at(place):
                if words and (level := words.levels.get(str(leaf).strip().casefold())) is not None:
                    rated[trouble] = level
                    paths.append(path)
        if rated:
            self.used["severity"] = tuple(paths)
        return rated or None

    def risk(self) -> str | None:
        """What a mark of the format says of a risk: any value but a safe one, also an empty or unknown one."""
        for mark in self._form.risk:
            said = at(self._value, self._in_full(mark.path))
            if said is not None and str(said).strip().casefold() not in mark.safe:
                return f"{mark.what}: {str(said).strip()[:MOST_SAID] or 'left empty'}"
            if (path := self._in_full(mark.path)) in self._leaves:
                self.used[path] = (path,)
        return None

    def _in_full(self, path: str) -> str:
        """The path with the name of a last field that is cut (`…`) in full."""
        above, _, last = path.rpartition("/")
        fields = at(self._value, above) if above else self._value
        if not last.endswith(CUT) or not isinstance(fields, Mapping):
            return path
        return next((f"{above}/{name}" for name in fields if str(name).startswith(last[:-1])), path)

    def texts(self) -> Iterator[str]:
        """Every text of the record, whether it has a place or not, but for conversations that stand beside the form."""
        marks = {self._in_full(mark.path) for mark in self._form.risk}
        for path, leaf in self._leaves.items():
            if isinstance(leaf, str) and path not in marks and not _CONVERSATION.match(path):
                yield leaf

    def left_out(self) -> Iterator[str]:
        """The paths of what went nowhere; those of a list's objects once, with how many there are."""
        used = {path for paths in self.used.values() for path in paths}
        counts: dict[str, int] = {}
        for path in self._leaves:
            if path not in used:
                general = re.sub(r"/\d+(?=/|$)", "/*", path)
                counts[general] = counts.get(general, 0) + 1
        yield from (f"{path} ({count})" if count > 1 else path for path, count in counts.items())

    def _at(self, path: str) -> list[tuple[str, Any]]:
        pattern = re.compile("/".join(_place(part) for part in path.split("/")) + r"(?:/\d+)?")
        literal = [(path, self._leaves[path])] if path in self._leaves else []
        return literal or [(name, leaf) for name, leaf in self._leaves.items() if pattern.fullmatch(name)]

    def _is_nothing(self, leaf: Any) -> bool:
        return says_nothing(str(leaf)) or str(leaf).strip().casefold() in self._nothing


def _place(part: str) -> str:
    """A part of a path as a pattern: `*` is every place of a list, `2+` the places from 2 on."""
    if part == "*":
        return r"\d+"
    if part.endswith("+") and part[:-1].isdecimal() and len(part) <= len("99+"):
        return f"(?!{'|'.join(f'{number}(?:/|$)' for number in range(int(part[:-1])))})\\d+"
    return rf"{re.escape(part[:-1])}[^/]*" if part.endswith(CUT) else re.escape(part)


def _supply(fields: dict[str, Any], supplied: Supplied) -> tuple[str, ...]:
    """Fill what a person supplies where the record lacks it."""
    filled = []
    if NAME not in fields and supplied.name:
        fields[NAME] = supplied.name
        filled.append(NAME)
    if REASON not in fields and supplied.reason_from_problem and PROBLEM in fields:
        fields[REASON] = fields[PROBLEM]
        filled.append(REASON)
    return tuple(filled)


def _first_sign(texts: Iterator[str], signs_of_risk: SignsOfRisk | None) -> str | None:
    return next((sign for text in texts if (sign := signs_of_risk(text))), None) if signs_of_risk else None


def _nested(fields: Mapping[str, Any]) -> dict[str, Any]:
    value: dict[str, Any] = {}
    for path, entry in fields.items():
        *parts, last = path.split(".")
        inner = value
        for part in parts:
            inner = inner.setdefault(part, {})
        inner[last] = str(entry) if path == "id" else entry
    return value


def _joined(texts: Mapping[str, None]) -> str:
    """Texts as one: sentences beside each other, phrases with a semicolon between them."""
    joined = ""
    for text in texts:
        if joined:
            joined += " " if joined.endswith(tuple(_ENDS)) else "; "
        joined += text
    return joined


def _age(leaf: Any) -> int | None:
    """A whole number of years; nothing for a group of ages, a range or a negative number."""
    text = str(leaf).strip()
    match = _WHOLE_YEARS.fullmatch(text)
    return int(match[1]) if match and not text.startswith("-") and int(match[1]) <= 120 else None
