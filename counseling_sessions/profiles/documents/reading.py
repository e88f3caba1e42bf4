"""The records of one file: what it is, in which encoding, and then its reader."""

import io
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from counseling_sessions.profiles.documents import encodings
from counseling_sessions.profiles.documents.columns import column_records
from counseling_sessions.profiles.documents.encodings import HEAD, UTF_8
from counseling_sessions.profiles.documents.hub import hub_name, hub_records
from counseling_sessions.profiles.documents.json_lines import line_records
from counseling_sessions.profiles.documents.json_values import json_records
from counseling_sessions.profiles.documents.kinds import Kind, binary_kind, delimiter_of, is_expected, text_kind
from counseling_sessions.profiles.documents.places import Place, members_of
from counseling_sessions.profiles.documents.tables import table_records
from counseling_sessions.profiles.documents.texts import open_records, text_records, yaml_records
from counseling_sessions.profiles.documents.values import Document, Items, OneRecord, Record, never
from counseling_sessions.profiles.problems import Note, Problem


def read_document(file: Path | Place) -> Document:
    """All records and all problems of one file."""
    document = Document()
    for item in records_of(file):
        if isinstance(item, Record):
            document.records.append(item)
        else:
            document.problems.append(item)
    return document


def records_of(
    file: Path | Place,
    one_record: OneRecord | None = None,
    *,
    encoding: str | None = None,
    notes: list[Note] | None = None,
) -> Items:
    """Every record and every problem of a file, or of an archive's members, in order, read as they are asked for.

    `one_record` is asked with the first item of a list at the file's top: True makes the list itself one record. A byte order
    mark decides about the encoding, then `encoding`, then UTF-8 if it fits, then clear signs. `notes` gets what was assumed.
    Raises `ProfileError` for a data set of the Hub that cannot be opened.
    """
    place = file if isinstance(file, Place) else Place(file)
    if name := hub_name(place.name):
        yield from hub_records(name)
        return
    try:
        yield from _records(_Asked(place, one_record or never, encoding, [] if notes is None else notes))
    except OSError as error:
        yield Problem(place.name, f"cannot be read: {error.strerror or error}")


@dataclass(frozen=True)
class _Asked:
    """A file, and how to read it."""

    place: Place
    one_record: OneRecord
    encoding: str | None
    notes: list[Note]

    def note(self, message: str) -> None:
        self.notes.append(Note(self.place.name, message))


def _records(asked: _Asked) -> Items:
    place = asked.place
    with place.open() as stream:
        head = stream.read(HEAD)
    is_all = len(head) < HEAD
    if kind := binary_kind(head, place.suffix):
        yield from _of_binary(asked, kind)
        return
    encoding, why = _encoding(asked, head, is_all=is_all)
    beginning = encodings.beginning(head, encoding) if encoding else ""
    if encoding is None or "\0" in beginning:
        yield Problem(place.name, why or "is no text that can be read")
    elif is_all and not beginning.strip():
        yield Problem(place.name, "the file is empty")
    else:
        yield from _of_text(asked, encoding, beginning, is_all=is_all)


def _encoding(asked: _Asked, head: bytes, *, is_all: bool) -> tuple[str | None, str]:
    """The encoding of a text, or None and why it has none."""
    if marked := encodings.marked(head):
        return marked, ""
    if asked.encoding:
        why = encodings.no_encoding(asked.encoding)
        return (None, why) if why else (asked.encoding, "")
    if encodings.is_utf8(head, is_all=is_all):
        return UTF_8, ""
    if encoding := encodings.recognised(head):
        asked.note(f"is no UTF-8; read as {encoding}, which its text looks like (--encoding NAME sets another)")
        return encoding, ""
    return (
        None,
        "is no UTF-8 text, and its encoding is not clear; name it with --encoding NAME, such as cp1252 or shift_jis",
    )


def _of_binary(asked: _Asked, kind: Kind) -> Items:
    place = asked.place
    _note_kind(asked, kind)
    if kind is Kind.ZIP and place.member:
        yield Problem(place.name, "is an archive inside an archive; unpack it first")
    elif kind is Kind.ZIP:
        members = members_of(place.path)
        if not members:
            yield Problem(place.name, "the archive holds nothing to read")
        for member in members:
            yield from records_of(member, asked.one_record, encoding=asked.encoding, notes=asked.notes)
    else:
        with place.open() as stream:
            yield from column_records(stream, place.name, parquet=kind is Kind.PARQUET)


def _of_text(asked: _Asked, encoding: str, beginning: str, *, is_all: bool) -> Items:
    place, kind = asked.place, text_kind(beginning, asked.place.suffix, is_all=is_all)
    _note_kind(asked, kind)
    with place.open() as source:
        if kind is Kind.JSON:
            yield from json_records(encodings.chunks(source, encoding), place.name, asked.one_record)
        elif kind is Kind.JSON_LINES:
            yield from line_records(source if encoding == UTF_8 else encodings.as_utf8(source, encoding), place.name)
        else:
            text = io.TextIOWrapper(encodings.as_utf8(source, encoding), UTF_8, newline="")
            if kind is Kind.TABLE:
                yield from _of_table(asked, text, beginning, is_all=is_all)
            elif kind is Kind.TEXT:
                yield from text_records(text, place.name)
            else:
                read = yaml_records if kind is Kind.YAML else open_records
                yield from read(text, place.name, asked.one_record)


def _of_table(asked: _Asked, text: IO[str], beginning: str, *, is_all: bool) -> Items:
    delimiter = "\t" if asked.place.suffix in (".tsv", ".tab") else delimiter_of(beginning, is_all=is_all)
    if delimiter != ("," if asked.place.suffix == ".csv" else "\t"):
        asked.note(f"its cells are parted by {'a tab' if delimiter == chr(9) else repr(delimiter)}, by all signs")
    yield from table_records(text, asked.place.name, delimiter)


def _note_kind(asked: _Asked, kind: Kind) -> None:
    if not is_expected(kind, asked.place.suffix):
        asked.note(f"is {kind}, whatever its name says, and read as that")
