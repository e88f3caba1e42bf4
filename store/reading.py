"""Reading files that anybody may have made: plain files alone, within bounds, and JSON that cannot exhaust the reader.

What cannot be read raises `OSError` with a reason for a person in `strerror`, what cannot be parsed `ValueError`. A pipe, a device
and a folder are refused at once: opening them could wait for ever, reading them need never end.
"""

import errno
import json
import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

MOST_BYTES = 256 * 2**20
"""Bytes of the largest file that is read as a whole."""
MOST_LINE = 64 * 2**20
"""Bytes of the longest line: records of the longest sessions have some megabytes."""

_KINDS = (
    (stat.S_ISDIR, "a folder, not a file"),
    (stat.S_ISFIFO, "a pipe, not a file"),
    (stat.S_ISSOCK, "a socket, not a file"),
    (stat.S_ISCHR, "a device, not a file"),
    (stat.S_ISBLK, "a device, not a file"),
)


def open_plain(path: Path) -> IO[bytes]:
    """Open a plain file for reading. Raises `OSError`, also for what is no plain file."""
    # Without O_NONBLOCK the opening of a pipe would wait for somebody to write.
    descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
    try:
        refuse_other(descriptor, path)
        return open(descriptor, "rb")
    except BaseException:
        os.close(descriptor)
        raise


def refuse_other(descriptor: int, path: Path) -> None:
    """Raise `OSError` where an open file is no plain one."""
    mode = os.fstat(descriptor).st_mode
    for is_kind, name in _KINDS:
        if is_kind(mode):
            raise OSError(errno.EINVAL, f"it is {name}", str(path))


def read_bytes(path: Path, most: int = MOST_BYTES) -> bytes:
    """The content of a plain file of at most `most` bytes. Raises `OSError`."""
    with open_plain(path) as file:
        # One byte more than allowed: what a file system says of a file's size need not be true.
        content = file.read(most + 1)
    if len(content) > most:
        raise OSError(errno.EFBIG, f"it is larger than {most:,} bytes", str(path))
    return content


def read_text(path: Path, most: int = MOST_BYTES) -> str:
    """The content of a plain file as UTF-8 text, a byte order mark aside.

    Raises `OSError`, and `UnicodeDecodeError` (a `ValueError`) for other text.
    """
    return read_bytes(path, most).decode("utf-8-sig")


def read_lines(file: IO[bytes], most: int = MOST_LINE) -> Iterator[bytes]:
    """The lines of an open file, each with its end. Raises `OSError` for one of more than `most` bytes."""
    while line := file.readline(most + 1):
        if len(line) > most:
            raise OSError(errno.EFBIG, f"a line is longer than {most:,} bytes")
        yield line


def parse_json(data: str | bytes) -> Any:
    """The value of a JSON text. Raises `ValueError` for what is none, is nested too deeply, or holds a number that is none."""
    try:
        return json.loads(data, parse_constant=_refuse)
    except RecursionError:
        raise ValueError("nested too deeply") from None


def _refuse(constant: str) -> Any:
    raise ValueError(f"{constant} is no number of JSON")
