"""A disk that fills up while something is written."""

import errno
import os

import pytest


def fill_up(patch: pytest.MonkeyPatch, after: int) -> None:
    """A disk with room for so many more bytes: a write first comes up short, the next one fails."""
    room, write = [after], os.write

    def limited(descriptor: int, data: bytes) -> int:
        if not room[0]:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        done = write(descriptor, data[: room[0]])
        room[0] -= done
        return done

    patch.setattr(os, "write", limited)
