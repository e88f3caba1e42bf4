"""Opening files for writing: plain ones, and where it is asked for, for their owner alone, whatever their rights were before."""

import os
import stat
from pathlib import Path

from counseling_sessions.store.reading import refuse_special


def open_to_write(path: Path, flags: int, *, private: bool = False) -> int:
    """The descriptor of a plain file to read and write. Raises `OSError`, also for what is no plain file."""
    # Without O_NONBLOCK the opening of a pipe would wait for somebody to read.
    flags |= os.O_RDWR | os.O_NONBLOCK
    descriptor = for_its_owner(str(path), flags) if private else os.open(path, flags, 0o644)
    try:
        refuse_special(descriptor, path)
    except OSError:
        os.close(descriptor)
        raise
    return descriptor


def for_its_owner(path: str, flags: int) -> int:
    """An `opener` for `open`: the file is readable and writable for its owner alone (0600), also one that was there."""
    descriptor = os.open(path, flags, 0o600)
    try:
        if stat.S_ISREG(os.fstat(descriptor).st_mode):  # not a terminal that somebody names
            os.fchmod(descriptor, 0o600)
    except OSError:
        os.close(descriptor)
        raise
    return descriptor
