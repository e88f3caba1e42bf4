"""Opening plain files for writing, some of them for their owner alone."""

import os
import stat
from pathlib import Path
from typing import Self

from counseling_sessions.store.reading import refuse_special
from counseling_sessions.store.system import NO_WAIT, make_private, open_file


class OpenFile:
    """A plain file, open to read and write until it is closed. Raises `OSError`, also for anything but a plain file."""

    def __init__(self, path: Path, flags: int, *, private: bool = False) -> None:
        self.path = path
        flags |= os.O_RDWR | NO_WAIT
        self._descriptor = for_its_owner(str(path), flags) if private else open_file(path, flags, 0o644)
        try:
            refuse_special(self._descriptor, path)
        except OSError:
            self.close()
            raise

    def close(self) -> None:
        """Close the file, and give up its lock."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1

    def _at(self, place: int) -> None:
        """Read and write from this byte on; a file that is open for appending is written at its end all the same."""
        os.lseek(self._descriptor, place, os.SEEK_SET)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *unused: object) -> None:
        self.close()


def for_its_owner(path: str, flags: int) -> int:
    """An `opener` for `open`: only its owner can read and write the file (0600), also one that existed before.

    On Windows the rights of its folder hold.
    """
    descriptor = open_file(path, flags, 0o600)
    try:
        if stat.S_ISREG(os.fstat(descriptor).st_mode):  # not a terminal
            make_private(descriptor)
    except OSError:
        os.close(descriptor)
        raise
    return descriptor
