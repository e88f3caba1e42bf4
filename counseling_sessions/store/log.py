"""A file of lines that only grows: a journal, a shard, a ledger, a log."""

import os
from pathlib import Path

from counseling_sessions.store.lock import hold
from counseling_sessions.store.private import OpenFile
from counseling_sessions.store.system import make_private


class Log(OpenFile):
    """A file of complete lines, open for appending. Every method raises `OSError`; opening does so for anything but a plain file.

    Its folder must exist: a folder that was moved away is not made again. Only its owner can read a `private` file,
    also one that existed before. Without `create` the file must exist too.
    """

    def __init__(self, path: Path, *, private: bool = False, create: bool = True) -> None:
        try:
            super().__init__(path, os.O_APPEND | os.O_CREAT * create, private=private)
        except FileNotFoundError as error:
            why = "its folder is not there any more" if create else error.strerror
            raise FileNotFoundError(error.errno, why, str(path)) from None

    def lock(self) -> None:
        """Keep other processes out until it is closed. Raises `BlockingIOError` if one has the lock."""
        hold(self._descriptor, self.path)

    def append(self, lines: bytes, *, sync: bool = False) -> int:
        """Append complete lines, with `sync` forced to the disk, and return the file's new size.

        First end a line that a crash has cut. A failed write is taken back.
        """
        size, done = os.fstat(self._descriptor).st_size, 0
        if size:
            self._at(size - 1)
            if os.read(self._descriptor, 1) != b"\n":
                lines = b"\n" + lines
        try:
            while done < len(lines):
                done += os.write(self._descriptor, lines[done:])
            if sync:
                os.fsync(self._descriptor)
        except OSError:
            if os.fstat(self._descriptor).st_size == size + done:  # no other process has written since
                os.ftruncate(self._descriptor, size)
            raise
        return size + len(lines)

    def clear(self) -> None:
        """Empty the file."""
        os.ftruncate(self._descriptor, 0)

    def make_private(self) -> None:
        """Let only its owner read it from now on."""
        make_private(self._descriptor)


def append(path: Path, lines: bytes, *, sync: bool = False, private: bool = False) -> int:
    """Append complete lines to a file, as `Log` does, and return its new size. Raises `OSError`."""
    with Log(path, private=private) as log:
        return log.append(lines, sync=sync)
