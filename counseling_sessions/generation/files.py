"""Files of a run directory: written whole or not at all, and locked by one process at a time."""

import fcntl
import os
import socket
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path
from typing import Self

from counseling_sessions.sessions.store import RunError
from counseling_sessions.store.reading import refuse_special
from counseling_sessions.texts.harmless import one_line


def write_atomically(
    path: Path, data: bytes | Iterable[bytes], check: Callable[[], None] | None = None, *, private: bool = False
) -> None:
    """Write a file so that it is there whole or not at all, even after a power cut; a `private` one for its owner alone.

    Its folder must be there: one that was moved away does not come into being again. `check` is called once all is written
    and before the file gets its name; what it raises leaves nothing behind. Raises `RunError` where the file cannot be written.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        temporary.unlink(missing_ok=True)  # of a process that had this number before
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600 if private else 0o666)
        with open(descriptor, "wb") as file:
            for piece in [data] if isinstance(data, bytes) else data:
                file.write(piece)
            file.flush()
            os.fsync(file.fileno())
        if check:
            check()
        temporary.replace(path)
        _sync_folder(path.parent)
    except OSError as error:
        raise RunError(f"{path} cannot be written: {error.strerror}") from error
    finally:
        with suppress(OSError):
            temporary.unlink()


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


class RunLock:
    """One process at a time works on a run directory. The lock goes with the process that holds it, however it ends."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "lock"
        self._descriptor = -1

    def __enter__(self) -> Self:
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            # Without O_NONBLOCK a pipe in the lock's place could be waited for.
            self._descriptor = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_NONBLOCK, 0o644)
            refuse_special(self._descriptor, self.path)
        except OSError as error:
            self.__exit__()
            raise RunError(f"{self.path.parent} cannot be written: {error.strerror}") from error
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            holder = os.pread(self._descriptor, 200, 0).decode(errors="replace").strip()
            self.__exit__()
            raise RunError(
                f"{self.path.parent} is in use by another process ({one_line(holder) or 'unknown'})"
            ) from None
        try:
            os.ftruncate(self._descriptor, 0)
            os.pwrite(self._descriptor, f"process {os.getpid()} on {socket.gethostname()}\n".encode(), 0)
        except OSError as error:
            self.__exit__()
            raise RunError(f"{self.path} cannot be written: {error.strerror}") from error
        return self

    @property
    def gone(self) -> bool:
        """Whether the run directory is not at its place any more: it was moved, removed, or another lies there."""
        try:
            there, ours = self.path.stat(), os.fstat(self._descriptor)
        except FileNotFoundError:
            return True
        except OSError:
            return False  # the disk fails: what is written next tells
        return (there.st_dev, there.st_ino) != (ours.st_dev, ours.st_ino)

    def __exit__(self, *unused: object) -> None:
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1
