"""The lock on a file: one process at a time has it, and loses it when it ends, however it ends."""

import errno
import os
import socket
import time
from pathlib import Path

from counseling_sessions.store.private import OpenFile
from counseling_sessions.store.system import NO_WAIT, open_file, try_lock

GLANCE = 0.1
"""Seconds to wait for a lock: `is_held` takes it for an instant."""
IN_USE = "it is in use by another process"


def hold(descriptor: int, path: Path, wait: float = GLANCE) -> None:
    """Lock an open file until it is closed; try for `wait` seconds. Raises `BlockingIOError` if another process has the lock."""
    until = time.monotonic() + wait
    while not try_lock(descriptor):
        if time.monotonic() > until:
            raise BlockingIOError(errno.EWOULDBLOCK, IN_USE, str(path))
        time.sleep(0.02)


def is_held(path: Path) -> bool:
    """Whether a process has the lock on a file; False also if the file cannot be opened."""
    try:
        descriptor = open_file(path, NO_WAIT | (os.O_RDWR if os.access(path, os.W_OK) else os.O_RDONLY))
        try:
            hold(descriptor, path)
        finally:
            os.close(descriptor)
    except OSError as error:
        return isinstance(error, BlockingIOError)
    return False


class Lock(OpenFile):
    """A file that exists for its lock alone, and names the process that has it. Locked until it is closed.

    Raises `OSError` if the file cannot be made, and `BlockingIOError` that names the holder if none gave it up in `wait` seconds.
    """

    def __init__(self, path: Path, *, private: bool = False, wait: float = GLANCE) -> None:
        super().__init__(path, os.O_CREAT, private=private)
        try:
            hold(self._descriptor, path, wait)
            os.ftruncate(self._descriptor, 0)
            self._at(0)
            os.write(self._descriptor, f"process {os.getpid()} on {socket.gethostname()}\n".encode())
        except BlockingIOError as error:
            self._at(0)
            holder = _printable(os.read(self._descriptor, 200))
            self.close()
            raise BlockingIOError(error.errno, f"{IN_USE} ({holder})", str(path)) from None
        except OSError:
            self.close()
            raise

    @property
    def gone(self) -> bool:
        """Whether the file has left its place: its folder was moved or removed, or another file is there."""
        try:
            return not os.path.samestat(self.path.stat(), os.fstat(self._descriptor))
        except FileNotFoundError:
            return True
        except OSError:
            return False  # the disk fails: the next write reports it


def _printable(content: bytes) -> str:
    words = " ".join(content.decode(errors="replace").split())
    return "".join(filter(str.isprintable, words)) or "unknown"
