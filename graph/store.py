"""Where finished sessions are kept: a shard, one record a line. A session on record has no journal any more."""

import json
import os
from collections.abc import Iterator
from pathlib import Path

from pydantic import ValidationError

from graph.journal import SUFFIX, JournalError, has_begun
from settings import validation_message
from state import SessionRecord

SHARD = "sessions.jsonl"


def keep(record: SessionRecord, folder: Path) -> Path:
    """Append a record to the folder's shard, force it to the disk, and only then remove the session's journal.

    A failed session keeps its journal, from which it can be taken up again; its record says how far it came. A reader
    takes the last record of a session. Raises `JournalError` when the record cannot be written.
    """
    shard = folder / SHARD
    data = record.model_dump_json().encode() + b"\n"
    try:
        descriptor = os.open(shard, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o644)
        try:
            size = os.fstat(descriptor).st_size
            if size and os.pread(descriptor, 1, size - 1) != b"\n":
                data = b"\n" + data  # ends a line that a crash left half written
            while data:
                data = data[os.write(descriptor, data) :]
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
    except OSError as error:
        raise JournalError(f"{shard} cannot be written: {error.strerror}; the session's journal is kept") from error
    if record.status == "finished":
        (folder / f"{record.session_id}{SUFFIX}").unlink(missing_ok=True)
    return shard


def read_records(folder: Path) -> dict[str, SessionRecord]:
    """The records of a folder by session id, the last one where a session has several.

    A line that a crash left half written is no record. Raises `JournalError` for JSON that is none.
    """
    return {record.session_id: record for record in _records(folder / SHARD)}


def unfinished(folder: Path) -> list[Path]:
    """The journals of a folder's sessions that are not on record as finished."""
    done = {name for name, record in read_records(folder).items() if record.status == "finished"}
    journals = [path for path in sorted(folder.glob(f"*{SUFFIX}")) if has_begun(path)]
    return [path for path in journals if path.name.removesuffix(SUFFIX) not in done]


def _records(shard: Path) -> Iterator[SessionRecord]:
    try:
        lines = shard.read_bytes().split(b"\n")
    except FileNotFoundError:
        return
    except OSError as error:
        raise JournalError(f"{shard} cannot be read: {error.strerror}") from error
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            yield SessionRecord.model_validate(json.loads(line))
        except ValidationError as error:
            raise JournalError(f"{shard}, line {number}: not a session record: {validation_message(error)}") from None
        except ValueError:
            continue  # half written: the session's journal is still there
