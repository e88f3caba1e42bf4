"""What differs between Linux, macOS and Windows, as far as the program meets it. Nothing else asks which system it runs on."""

import errno
import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from importlib import import_module
from pathlib import Path
from typing import Any


def _module(name: str) -> Any:
    """A module of the standard library that some systems lack; None there."""
    with suppress(ImportError):
        return import_module(name)
    return None


_MSVCRT = _module("msvcrt")
WINDOWS = _MSVCRT is not None
NO_WAIT: int = getattr(os, "O_NONBLOCK", 0)
"""For `open_file`: a pipe is opened at once, without another process at its other end."""
PATIENCE = 2.0
"""Seconds for which a file on Windows may be open in another process, such as a reader or a virus scanner."""
STOPPING = tuple(getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP", "SIGBREAK") if hasattr(signal, name))
"""Signals that ask a process to stop: Ctrl-C, an end, a closed terminal."""

_BINARY: int = getattr(os, "O_BINARY", 0)
_FAR = 2**31 - 2
"""The byte that is locked on Windows, behind the content. Nobody can read a byte there that another one has locked, and filelock
locks the first one, which a reader of a journal needs."""


def open_file(path: Path | str, flags: int, mode: int = 0o666) -> int:
    """A descriptor for bytes, as `os.open`. Raises `OSError`, on every system with a reason that says so for a folder."""
    try:
        return os.open(path, flags | _BINARY, mode)
    except PermissionError:
        if WINDOWS and os.path.isdir(path):
            raise IsADirectoryError(errno.EISDIR, "it is a folder, not a file", str(path)) from None
        raise


def try_lock(descriptor: int) -> bool:
    """Lock an open file until it is closed; False if another one has the lock. Raises `OSError` where there are no locks."""
    if not WINDOWS:
        from filelock import lock_descriptor  # takes a while, and few commands lock

        return lock_descriptor(descriptor, blocking=False)
    os.lseek(descriptor, _FAR, os.SEEK_SET)
    with suppress(PermissionError):
        _MSVCRT.locking(descriptor, _MSVCRT.LK_NBLCK, 1)
        return True
    return False


def make_private(descriptor: int) -> None:
    """Let only its owner read and write an open file (0600). Windows has no such rights: there the folder's hold."""
    if hasattr(os, "fchmod"):
        os.fchmod(descriptor, 0o600)


def is_ours(path: Path) -> bool:
    """Whether a file belongs to who runs this; True also where files say nothing of it."""
    return not hasattr(os, "geteuid") or path.stat().st_uid == os.geteuid()


def replace(source: Path, target: Path) -> None:
    """Give a file another's name. On Windows it waits up to `PATIENCE` seconds for who has that open. Raises `OSError`."""
    until = time.monotonic() + PATIENCE * WINDOWS
    while True:
        try:
            source.replace(target)
            return
        except PermissionError:
            if time.monotonic() >= until:
                raise
        time.sleep(0.02)


def sync_folder(folder: Path) -> None:
    """Force a folder's names to the disk, where a folder can be opened for that. Raises `OSError`."""
    if not hasattr(os, "O_DIRECTORY"):
        return
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def sync_all() -> None:
    """Force all that was written to the disks, where a program can."""
    if hasattr(os, "sync"):
        os.sync()


@contextmanager
def on_stopping(call: Callable[[], object]) -> Iterator[None]:
    """Call a function for every signal of `STOPPING`, between two steps of the main thread; for that thread alone."""
    before = {number: signal.getsignal(number) for number in STOPPING}
    for number in STOPPING:
        signal.signal(number, lambda *unused: call())
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler or signal.SIG_DFL)


def own_group() -> dict[str, Any]:
    """Options of `Popen` for a process of a group of its own, which the terminal's Ctrl-C does not reach."""
    if WINDOWS:
        return {"creationflags": subprocess.CREATE_NEW_PROCESS_GROUP}  # type: ignore[attr-defined]
    return {"start_new_session": True}


def interrupt_group(process: "subprocess.Popen[bytes]") -> None:
    """Send what Ctrl-C would to a process of `own_group` and to those that it has started; nothing if they have ended."""
    with suppress(OSError):
        if WINDOWS:
            process.send_signal(signal.CTRL_BREAK_EVENT)  # type: ignore[attr-defined]
        else:
            os.killpg(process.pid, signal.SIGINT)


def kill_group(process: "subprocess.Popen[bytes]") -> None:
    """End a process of `own_group` at once, and those that it has started (not on Windows, which does not know them)."""
    with suppress(OSError):
        if WINDOWS:
            process.kill()
        else:
            os.killpg(process.pid, signal.SIGKILL)
