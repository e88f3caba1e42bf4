"""The lines of a ledger, and the comparison of a file's records with them.

A ledger has one short line for every record: its session, where it ends, and the checksum of its text. The line ends with
a checksum of itself, which shows a changed ledger too. For ledgers made before checksums, session, status and time of the
end are compared.
"""

import re
import zlib
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, Generic, Literal, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from counseling_sessions.state import SessionId
from counseling_sessions.store.reading import open_plain, parse_json, read_lines
from counseling_sessions.texts.harmless import one_line

LISTED = 20
"""Damaged sessions that a message names; it counts the others."""
MOST_OFFSET = 2**62
_SEAL = re.compile(rb'\A(.*),"check":"([0-9a-f]{8})"\}\s*\Z', re.DOTALL)
_HEAD = re.compile(rb'\A\{(?:"format":\d+,)?"session_id":"([^"]{1,100})"')
_CUT = re.compile(rb'\A\{"format":\d+,"session_id":"([A-Za-z0-9._-]{0,100})\Z')
_BEGINNING = b'{"format":1,"session_id":"'


def _moment(text: str) -> str:
    try:
        datetime.fromisoformat(text).timestamp()
    except (ValueError, OverflowError, OSError):
        raise ValueError("no date and time that can be counted from") from None
    return text


Moment = Annotated[str, AfterValidator(_moment)]
"""A date and time in ISO 8601 that has a Unix time."""


class Listed(BaseModel):
    """A ledger's line: `end` is the offset after the record's line, `size` the bytes of its text, `crc` their CRC-32."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    session_id: SessionId
    status: Literal["finished", "failed"]
    finished_at: Moment
    end: int = Field(ge=1, le=MOST_OFFSET)
    size: int | None = Field(default=None, ge=1, le=MOST_OFFSET)
    crc: int | None = Field(default=None, ge=0, lt=2**32)

    @property
    def identity(self) -> tuple[str, str, str]:
        return self.session_id, self.status, self.finished_at

    @property
    def start(self) -> int | None:
        return None if self.size is None else self.end - self.size - 1


T = TypeVar("T", bound=Listed)


@dataclass(frozen=True)
class Damage:
    """A session whose record is lost or changed: its place, and what is wrong there.

    `session_id` is None if the damage left no id.
    """

    session_id: str | None
    where: str
    what: str

    def __str__(self) -> str:
        whose = f"session {self.session_id}" if self.session_id else "a session without a readable id"
        return f"{whose}: {self.where}: {self.what}"


def damage_message(place: Path, damages: Sequence[Damage]) -> str:
    """An error's message: the place, how many sessions are damaged, and the first of them."""
    return "\n  ".join([f"{place} has {counted_damage(damages)}:", *damage_lines(damages)])


def counted_damage(damages: Sequence[Damage]) -> str:
    """How many sessions are damaged, in words."""
    return f"{len(damages):,} damaged session{'s' if len(damages) != 1 else ''}"


def damage_lines(damages: Sequence[Damage]) -> list[str]:
    """The first damaged sessions, a line each, and how many more there are."""
    more = [f"… and {len(damages) - LISTED:,} more"] if len(damages) > LISTED else []
    return [*(one_line(str(damage)) for damage in damages[:LISTED]), *more]


def measured(text: bytes) -> dict[str, int]:
    """Size and checksum of a record's text, without the end of its line."""
    return {"size": len(text), "crc": zlib.crc32(text)}


def sealed(listed: Listed) -> bytes:
    """A ledger's line, with its own checksum at its end."""
    body = listed.model_dump_json(exclude_none=True, exclude_defaults=True).encode()[:-1]
    return b'%s,"check":"%08x"}\n' % (body, zlib.crc32(body))


def read_listed(path: Path, kind: type[T]) -> Iterator[T]:
    """The intact lines of a ledger; none if there is no file. Raises `OSError`.

    A line that was cut or changed is left out: its record then is an `Other` of the `Comparison`.
    """
    try:
        file = open_plain(path)
    except FileNotFoundError:
        return
    with file:
        for line in read_lines(file):
            if (item := _unsealed(line, kind)) is not None:
                yield item


def _unsealed(line: bytes, kind: type[T]) -> T | None:
    match = _SEAL.match(line)
    if match and zlib.crc32(match[1]) != int(match[2], 16):
        return None
    try:
        item = kind.model_validate_json(match[1] + b"}" if match else line)
    except ValidationError:
        return None
    # A line with a checksum was written with a seal.
    return item if match or item.crc is None else None


@dataclass(frozen=True, slots=True)
class Other:
    """A line without a line in the ledger: its number (from 1), its place, how it begins, and its record, if it is one."""

    number: int
    start: int
    end: int
    head: bytes
    listed: Listed | None

    @property
    def session_id(self) -> str | None:
        """The session of the record, as far as it was written."""
        if self.listed:
            return self.listed.session_id
        match = _HEAD.match(self.head)
        return match[1].decode(errors="replace") if match else None

    @property
    def id_begins(self) -> str | None:
        """How the session's id begins; None for a line that is no beginning of a record."""
        if self.session_id is not None:
            return self.session_id
        match = _CUT.match(self.head)
        return match[1].decode() if match else "" if _BEGINNING.startswith(self.head) else None


class Comparison(Generic[T]):
    """The lines of one file, compared with its ledger in one pass.

    A record matches a line of the ledger by its checksum, wherever it lies in the file: a line taken out or put in moves those
    after it, and does not harm them. Copies are passed over. After the pass, `missing` has the ledger's lines without a
    record, and `others` the records without a line, except changed ones of `missing`.
    """

    def __init__(self, listed: Sequence[T]) -> None:
        self._listed = listed
        self._at = {item.end: item for item in listed}
        self._matched: set[int] = set()
        self._by_crc: defaultdict[int, list[T]] = defaultdict(list)
        self._by_identity: defaultdict[tuple[str, str, str], list[T]] = defaultdict(list)
        for item in listed:
            (self._by_identity[item.identity] if item.crc is None else self._by_crc[item.crc]).append(item)
        self._others: list[Other] = []
        self.last_end = max(self._at, default=0)
        self.read_to = 0

    def good(self, lines: Iterable[tuple[bytes, int]]) -> Iterator[tuple[T, bytes]]:
        """The ledger's lines that have a record, each once, with it. `lines` come with the offset after each."""
        for number, (line, end) in enumerate(lines, 1):
            self.read_to = end
            text = line[:-1] if line.endswith(b"\n") else line
            if not text.strip():
                continue
            crc = zlib.crc32(text)
            item = self._at.get(end)
            if item is None or not _is_this(item, text, crc):
                item = self._elsewhere(text, crc)
            if item is None:
                start = end - len(line)
                self._others.append(Other(number, start, end, text[:200], _identified(text, end)))
            elif id(item) not in self._matched:
                self._matched.add(id(item))
                yield item, line

    @property
    def missing(self) -> list[T]:
        return [item for item in self._listed if id(item) not in self._matched]

    @property
    def others(self) -> list[Other]:
        missing = self.missing
        ends, starts = {item.end for item in missing}, {item.start for item in missing}
        identities, ids = {item.identity for item in missing}, {item.session_id for item in missing}
        elsewhere = (other for other in self._others if other.end not in ends and other.start not in starts)
        return [
            other
            for other in elsewhere
            if (other.listed.identity not in identities if other.listed else other.session_id not in ids)
        ]

    @property
    def disputed(self) -> list[tuple[T, Other]]:
        """Places where ledger and file have different sessions, and no checksum says which of the two was changed."""
        missing = {item.end: item for item in self.missing if item.crc is None}
        at_one_place = ((missing[other.end], other) for other in self._others if other.end in missing)
        return [(item, other) for item, other in at_one_place if other.listed and other.session_id != item.session_id]

    def why(self, item: T) -> str:
        """What is wrong with a missing one."""
        return "cut short" if item.end > self.read_to else "changed, or not there any more"

    def _elsewhere(self, text: bytes, crc: int) -> T | None:
        fitting = [item for item in self._by_crc.get(crc, ()) if item.size == len(text)]
        if not fitting and self._by_identity and (identified := _identified(text, 1)):
            fitting = self._by_identity.get(identified.identity, [])
        free = (item for item in fitting if id(item) not in self._matched)
        return next(free, fitting[0] if fitting else None)


def _is_this(item: Listed, text: bytes, crc: int) -> bool:
    if item.crc is not None:
        return item.crc == crc and item.size == len(text)
    identified = _identified(text, item.end)
    return identified is not None and identified.identity == item.identity


def _identified(text: bytes, end: int) -> Listed | None:
    """The record on a line, from its JSON alone; None for other lines."""
    try:
        value: Any = parse_json(text)
        fields = ("session_id", "status", "finished_at")
        return Listed(**{name: value[name] for name in fields}, end=end, **measured(text))
    except (ValueError, TypeError, KeyError):
        return None
