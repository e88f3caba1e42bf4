"""Files that are for their owner alone, whatever the folder's and the file's rights were before."""

import os
import stat


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
