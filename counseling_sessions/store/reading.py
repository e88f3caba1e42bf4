"""Reading files that anybody may have made: plain files alone, within bounds, and JSON that cannot exhaust the reader.

An unreadable file raises `OSError` with a reason for a person in `strerror`, wrong JSON raises `ValueError`. A pipe, a device
and a folder are refused at once: to open or read them could take for ever.
"""

import errno
import hashlib
import io
import json
import math
import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

from counseling_sessions.store.system import NO_WAIT, open_file

MOST_BYTES = 256 * 2**20
"""Bytes of the largest file that is read at once."""
MOST_LINE = 64 * 2**20
"""Bytes of the longest line: the longest sessions take some megabytes."""

_KINDS = (
    (stat.S_ISDIR, "a folder, not a file"),
    (stat.S_ISFIFO, "a pipe, not a file"),
    (stat.S_ISSOCK, "a socket, not a file"),
    (stat.S_ISCHR, "a device, not a file"),
    (stat.S_ISBLK, "a device, not a file"),
)


def open_plain(path: Path) -> io.BufferedReader:
    """Open a plain file for reading. Raises `OSError`, also for anything else."""
    descriptor = open_file(path, os.O_RDONLY | NO_WAIT)
    try:
        refuse_special(descriptor, path)
        return open(descriptor, "rb")
    except BaseException:
        os.close(descriptor)
        raise


def refuse_special(descriptor: int, path: Path) -> None:
    """Raise `OSError` unless a plain file was opened; it must have been opened with `NO_WAIT`."""
    mode = os.fstat(descriptor).st_mode
    for is_kind, name in _KINDS:
        if is_kind(mode):
            raise OSError(errno.EINVAL, f"it is {name}", str(path))


def read_bytes(path: Path, most: int = MOST_BYTES) -> bytes:
    """The content of a plain file of at most `most` bytes. Raises `OSError`."""
    with open_plain(path) as file:
        # One byte more than allowed: the size that a file system reports may be wrong.
        content = file.read(most + 1)
    if len(content) > most:
        raise OSError(errno.EFBIG, f"it is larger than {most:,} bytes", str(path))
    return content


def read_text(path: Path, most: int = MOST_BYTES) -> str:
    """The UTF-8 text of a plain file, without a byte order mark. Raises `OSError` and `UnicodeDecodeError` (a `ValueError`)."""
    return read_bytes(path, most).decode("utf-8-sig")


def sha256_of(path: Path) -> str:
    """The SHA-256 of a plain file of any size, in hexadecimal digits. Raises `OSError`."""
    with open_plain(path) as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def read_lines(file: IO[bytes], most: int = MOST_LINE) -> Iterator[bytes]:
    """The lines of an open file, each with its end. Raises `OSError` for one of more than `most` bytes."""
    while line := file.readline(most + 1):
        if len(line) > most:
            raise OSError(errno.EFBIG, f"a line is longer than {most:,} bytes")
        yield line


def parse_json(data: str | bytes, *, finite: bool = False) -> Any:
    """The value of a JSON text. Raises `ValueError` for other text, for NaN and Infinity, and for deep nesting.

    With `finite` it raises for a number too large for a float too, which else becomes infinity.
    """
    try:
        return json.loads(data, parse_constant=refuse_constant, parse_float=_finite if finite else None)
    except RecursionError:
        raise ValueError("nested too deeply") from None


def _finite(digits: str) -> float:
    number = float(digits)
    if math.isinf(number):
        raise ValueError(f"{digits[:20]} is too large for a number of JSON")
    return number


def refuse_constant(constant: str) -> Any:
    """For `parse_constant`: raise `ValueError`, as NaN and Infinity are no numbers of JSON."""
    raise ValueError(f"{constant} is no number of JSON")


def unique_keys(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """A JSON object of its pairs, for `object_pairs_hook`. Raises `ValueError` if a key stands twice."""
    fields: dict[str, Any] = {}
    for key, value in pairs:
        if key in fields:
            raise ValueError(f"the key {key[:80]!r} stands twice in one object")
        fields[key] = value
    return fields
