"""A file of lines that only grows: journals, shards, ledgers, answers, what happened."""

import os
from pathlib import Path
from typing import Self

from counseling_sessions.store.lock import hold
from counseling_sessions.store.private import open_to_write


class Log:
    """A file of whole lines, open for appending. All of it raises `OSError`, the beginning also for what is no plain file.

    Its folder must be there: one that was moved away does not come into being again. A `private` file is for its owner
    alone, also one that was there. Without `create` the file must be there too.
    """

    def __init__(self, path: Path, *, private: bool = False, create: bool = True) -> None:
        self.path = path
        try:
            self._descriptor = open_to_write(path, os.O_APPEND | os.O_CREAT * create, private=private)
        except FileNotFoundError as error:
            why = "its folder is not there any more" if create else error.strerror
            raise FileNotFoundError(error.errno, why, str(path)) from None

    def lock(self) -> None:
        """Keep other processes from it until it is closed. Raises `BlockingIOError` where one has it already."""
        hold(self._descriptor, self.path)

    def append(self, lines: bytes, *, sync: bool = False) -> int:
        """Append whole lines, with `sync` forced to the disk; the file's size then.

        A line that a crash has cut is ended before them. Where they cannot be written, what was written of them is taken back.
        """
        size, done = os.fstat(self._descriptor).st_size, 0
        if size and os.pread(self._descriptor, 1, size - 1) != b"\n":
            lines = b"\n" + lines
        try:
            while done < len(lines):
                done += os.write(self._descriptor, lines[done:])
            if sync:
                os.fsync(self._descriptor)
        except OSError:
            if os.fstat(self._descriptor).st_size == size + done:  # no other process has written behind it
                os.ftruncate(self._descriptor, size)
            raise
        return size + len(lines)

    def clear(self) -> None:
        """Take everything out."""
        os.ftruncate(self._descriptor, 0)

    def make_private(self) -> None:
        """Let only its owner read it, whatever it was begun with."""
        os.fchmod(self._descriptor, 0o600)

    def close(self) -> None:
        """Close it, and give up its lock."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *unused: object) -> None:
        self.close()


def append(path: Path, lines: bytes, *, sync: bool = False, private: bool = False) -> int:
    """Append whole lines to a file that is opened for it, as `Log` does; the file's size then. Raises `OSError`."""
    with Log(path, private=private) as log:
        return log.append(lines, sync=sync)
