"""Opening plain files for writing, some of them for their owner alone."""

import os
import stat
from pathlib import Path
from typing import Self

from counseling_sessions.store.reading import refuse_special


class OpenFile:
    """A plain file, open to read and write until it is closed. Raises `OSError`, also for anything but a plain file."""

    def __init__(self, path: Path, flags: int, *, private: bool = False) -> None:
        self.path = path
        # Without O_NONBLOCK the opening of a pipe would wait for a reader.
        flags |= os.O_RDWR | os.O_NONBLOCK
        self._descriptor = for_its_owner(str(path), flags) if private else os.open(path, flags, 0o644)
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

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *unused: object) -> None:
        self.close()


def for_its_owner(path: str, flags: int) -> int:
    """An `opener` for `open`: only its owner can read and write the file (0600), also one that existed before."""
    descriptor = os.open(path, flags, 0o600)
    try:
        if stat.S_ISREG(os.fstat(descriptor).st_mode):  # not a terminal
            os.fchmod(descriptor, 0o600)
    except OSError:
        os.close(descriptor)
        raise
    return descriptor
