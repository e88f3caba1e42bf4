"""Every Python process that has this folder on PYTHONPATH meets what a program on Windows meets.

Modules of POSIX are absent. Its functions are so for our modules alone, as libraries would take another way there. A descriptor
writes line ends as `\\r\\n` unless it was opened with O_BINARY; text files do unless they name their line end, and their encoding is
cp1252 unless they name one. Files that are open keep their names, a file open to read alone cannot be synced, and some names
cannot be given.
"""

import builtins
import errno
import importlib.machinery
import io
import os
import re
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
import types
import warnings
from asyncio import unix_events
from fcntl import LOCK_EX, LOCK_NB, flock

from posix_names import ABSENT, HIDDEN

OURS = ("counseling_sessions", "__mp_main__")
KNOWING = ("portalocker", "psutil")
O_BINARY = 1 << 30
FORBIDDEN = re.compile(r'[<>:"|?*\x00-\x1f]|[ .]$|^(?:con|prn|aux|nul|com\d|lpt\d)(?:\.|$)', re.IGNORECASE)
REAL_OPEN, REAL_CLOSE, REAL_WRITE, REAL_FSYNC = os.open, os.close, os.write, os.fsync
REAL_FILE = io.open
text_descriptors: set[int] = set()


class Seen(types.ModuleType):
    """A module of the standard library as our modules see it: without some names."""

    def __getattribute__(self, name):
        if name in HIDDEN and sys._getframe(1).f_globals.get("__name__", "").partition(".")[0] in OURS:
            raise AttributeError(f"module {super().__getattribute__('__name__')!r} has no attribute {name!r}")
        return super().__getattribute__(name)


class Absent:
    """Finds no module of POSIX, but for libraries that import it only on POSIX, which they know by its name."""

    @staticmethod
    def find_spec(name, path=None, target=None):
        if name not in ABSENT:
            return
        importer = sys._getframe(1)
        while "importlib" in importer.f_code.co_filename:
            importer = importer.f_back
        if importer.f_globals.get("__name__", "").partition(".")[0] not in KNOWING:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)


def check_name(path: object) -> None:
    for part in os.fspath(path).split("/") if isinstance(path, (str, os.PathLike)) else ():
        if isinstance(part, str) and part not in (".", "..") and FORBIDDEN.search(part):
            raise OSError(errno.EINVAL, "The filename, directory name, or volume label syntax is incorrect", str(path))


def descriptor_open(path, flags, mode=0o777, *, dir_fd=None):
    if os.path.isdir(path) and flags & os.O_TMPFILE != os.O_TMPFILE:  # a file without a name, of tempfile
        raise PermissionError(errno.EACCES, "Permission denied", path)
    if flags & os.O_CREAT:
        check_name(path)
    descriptor = REAL_OPEN(path, flags & ~O_BINARY, mode, dir_fd=dir_fd)
    (text_descriptors.discard if flags & O_BINARY else text_descriptors.add)(descriptor)
    return descriptor


def descriptor_close(descriptor):
    text_descriptors.discard(descriptor)
    REAL_CLOSE(descriptor)


def descriptor_write(descriptor, data):
    if descriptor in text_descriptors and b"\n" in bytes(data):
        REAL_WRITE(descriptor, bytes(data).replace(b"\n", b"\r\n"))
        return len(data)
    return REAL_WRITE(descriptor, data)


def descriptor_sync(descriptor):
    with REAL_FILE(f"/proc/self/fdinfo/{descriptor}", encoding="ascii") as file:
        flags = int(re.search(r"flags:\s*(\d+)", file.read())[1], 8)
    if flags & os.O_ACCMODE == os.O_RDONLY:
        raise OSError(errno.EBADF, "Bad file descriptor")
    REAL_FSYNC(descriptor)


def file_open(file, mode="r", buffering=-1, encoding=None, errors=None, newline=None, closefd=True, opener=None):
    if "b" not in mode:
        encoding = encoding or "cp1252"
        if newline is None and not mode.startswith("r"):
            newline = "\r\n"
    if mode[0] in "wxa":
        check_name(file)
    return REAL_FILE(file, mode, buffering, encoding, errors, newline, closefd, opener)


def refuse_open(path):
    """As Windows does: what is open keeps its name, and so does a folder with something open in it."""
    wanted = os.path.realpath(path)
    for entry in os.listdir("/proc/self/fd"):
        try:
            place = os.readlink(f"/proc/self/fd/{entry}")
        except OSError:
            continue
        if place == wanted or (place.startswith(wanted + "/") and stat.S_ISREG(os.fstat(int(entry)).st_mode)):
            raise PermissionError(
                errno.EACCES, "The process cannot access the file because it is being used", str(path)
            )


def guarded(function, *, target=False, replaces=True):
    def call(path, *others, **options):
        if "dir_fd" not in options:
            refuse_open(path)
        if target:
            check_name(others[0])
            refuse_open(others[0])
            if not replaces and os.path.exists(others[0]):
                raise FileExistsError(
                    errno.EEXIST, "Cannot create a file when that file already exists", str(others[0])
                )
        return function(path, *others, **options)

    return call


def locking(descriptor, mode, count):
    """`msvcrt.locking`: bytes from the file's position on; another one's are refused to readers too, so none may ever hold content."""
    place = os.lseek(descriptor, 0, os.SEEK_CUR)
    if not 2**30 < place <= 2**31 - 1 - count:
        raise OSError(errno.EINVAL, "these bytes hold content, or are out of reach")
    try:
        flock(descriptor, LOCK_EX | LOCK_NB)
    except BlockingIOError:
        raise PermissionError(errno.EACCES, "Permission denied") from None


def not_here(*unused):
    raise NotImplementedError


class Popen(subprocess.Popen):
    def __init__(self, *arguments, creationflags=0, start_new_session=False, preexec_fn=None, **options):
        if start_new_session or preexec_fn:
            raise ValueError("this is not for Windows")
        super().__init__(*arguments, start_new_session=bool(creationflags), **options)

    def send_signal(self, number):
        if number == signal.CTRL_BREAK_EVENT:
            os.killpg(self.pid, signal.SIGINT)
        else:
            super().send_signal(number)


def pretend():
    warnings.filterwarnings("ignore", "only soft file lock is available")
    for name in ABSENT:
        sys.modules.pop(name, None)
    sys.meta_path.insert(0, Absent)
    msvcrt = types.ModuleType("msvcrt")
    msvcrt.__spec__ = importlib.machinery.ModuleSpec("msvcrt", None)
    msvcrt.LK_NBLCK, msvcrt.locking = 2, locking
    sys.modules["msvcrt"] = msvcrt
    shutil._use_fd_functions = False
    tempfile._bin_openflags |= O_BINARY
    os.__class__ = signal.__class__ = Seen
    os.O_BINARY = O_BINARY
    os.open, os.close, os.write, os.fsync = descriptor_open, descriptor_close, descriptor_write, descriptor_sync
    os.unlink = os.remove = guarded(os.unlink)
    os.rmdir = guarded(os.rmdir)
    os.rename, os.replace = guarded(os.rename, target=True, replaces=False), guarded(os.replace, target=True)
    os.chmod = lambda *unused, **options: None
    builtins.open = io.open = file_open
    signal.CTRL_BREAK_EVENT = 1
    subprocess.CREATE_NEW_PROCESS_GROUP = 0x200
    subprocess.Popen = Popen
    loop = unix_events.SelectorEventLoop
    loop.add_signal_handler = loop.remove_signal_handler = not_here


pretend()
