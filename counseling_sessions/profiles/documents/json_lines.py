"""JSON Lines: a value a line, read line by line, so that a broken line costs itself alone."""

import codecs
import json
from typing import IO

from counseling_sessions.profiles.documents.json_values import reason
from counseling_sessions.profiles.documents.values import Items, Record
from counseling_sessions.profiles.problems import Problem
from counseling_sessions.store.reading import read_lines, unique_keys


def line_records(stream: IO[bytes], file: str) -> Items:
    """The value of every line of UTF-8 text, but for empty ones. `OSError` ends it at a line that is too long."""
    for number, line in enumerate(read_lines(stream), 1):
        content = line.removeprefix(codecs.BOM_UTF8) if number == 1 else line
        if content.strip():
            yield _record(content, file, number)


def _record(line: bytes, file: str, number: int) -> Record | Problem:
    try:
        text = line.decode().rstrip("\r\n")
        return Record(file, number, json.loads(text, object_pairs_hook=unique_keys))
    except UnicodeDecodeError as error:
        why = f"line {number} is no UTF-8 text (byte {error.start + 1:,} of it); name the file's encoding with --encoding NAME"
    except json.JSONDecodeError as error:
        why = f"line {number} is broken JSON, column {error.colno}: {error.msg}"
    except (ValueError, RecursionError) as error:
        why = f"line {number} is broken JSON: {reason(error)}"
    return Problem(file, why, number)
