"""The lock on a file: one process at a time has it, and it goes with that process, however it ends."""

import errno
import os
import socket
import time
from pathlib import Path
from typing import Self

from filelock import lock_descriptor

from counseling_sessions.store.private import open_to_write

GLANCE = 0.1
"""Seconds for which a lock is tried again: who only looks whether one is held has it for an instant."""
IN_USE = "it is in use by another process"


def hold(descriptor: int, path: Path, wait: float = GLANCE) -> None:
    """Lock an open file until it is closed, waiting some seconds for it. Raises `BlockingIOError` where another has it."""
    until = time.monotonic() + wait
    while not lock_descriptor(descriptor, blocking=False):
        if time.monotonic() > until:
            raise BlockingIOError(errno.EWOULDBLOCK, IN_USE, str(path))
        time.sleep(0.02)


def is_held(path: Path) -> bool:
    """Whether a process has the lock on a file; False also where that cannot be seen."""
    try:
        descriptor = os.open(path, os.O_NONBLOCK | (os.O_RDWR if os.access(path, os.W_OK) else os.O_RDONLY))
    except OSError:
        return False
    try:
        hold(descriptor, path)
    except BlockingIOError:
        return True
    except OSError:
        return False
    finally:
        os.close(descriptor)
    return False


class Lock:
    """A file that is there for its lock alone, and says who has it. Locked from the beginning until it is closed.

    Raises `OSError` where the file cannot be made; where another has it, after `wait` seconds, `BlockingIOError` that says who.
    """

    def __init__(self, path: Path, *, private: bool = False, wait: float = GLANCE) -> None:
        self.path = path
        self._descriptor = open_to_write(path, os.O_CREAT, private=private)
        try:
            hold(self._descriptor, path, wait)
            os.ftruncate(self._descriptor, 0)
            os.pwrite(self._descriptor, f"process {os.getpid()} on {socket.gethostname()}\n".encode(), 0)
        except BlockingIOError as error:
            holder = _said(os.pread(self._descriptor, 200, 0))
            self.close()
            raise BlockingIOError(error.errno, f"{IN_USE} ({holder})", str(path)) from None
        except OSError:
            self.close()
            raise

    @property
    def gone(self) -> bool:
        """Whether the file is not at its place any more: its folder was moved, removed, or another lies there."""
        try:
            return not os.path.samestat(self.path.stat(), os.fstat(self._descriptor))
        except FileNotFoundError:
            return True
        except OSError:
            return False  # the disk fails: what is written next tells

    def close(self) -> None:
        """Give up the lock; the file stays, for the next one."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *unused: object) -> None:
        self.close()


def _said(content: bytes) -> str:
    words = " ".join(content.decode(errors="replace").split())
    return "".join(filter(str.isprintable, words)) or "unknown"
