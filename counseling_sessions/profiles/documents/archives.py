"""The members of zip archives, none of which unpacks to more than it may."""

import errno
import io
import lzma
import zipfile
import zlib
from collections import Counter
from functools import lru_cache
from pathlib import Path
from typing import IO, Any

from counseling_sessions.profiles.documents.packed import BUFFER, FREE, MOST_RATIO
from counseling_sessions.store.reading import open_plain

MOST_UNPACKED = 64 * 2**30
"""Bytes that the members of one archive may have together."""
MOST_MEMBERS = 200_000
_ENCRYPTED = 1


def member_names(archive: Path) -> list[str]:
    """The files in an archive, in its order. Raises `OSError` where it cannot be read, or unpacks to too much."""
    infos = [info for info in _archive(archive).infolist() if not info.is_dir()]
    if len(infos) > MOST_MEMBERS:
        raise OSError(errno.EFBIG, f"the archive holds more than {MOST_MEMBERS:,} files")
    if sum(info.file_size for info in infos) > MOST_UNPACKED:
        raise OSError(errno.EFBIG, f"the archive unpacks to more than {MOST_UNPACKED:,} bytes")
    return [info.filename for info in infos]


def open_member(archive: Path, name: str, copy: int = 1) -> IO[bytes]:
    """The bytes of a member, of several with its name the one with this number, from 1.

    Raises `OSError`, also for an encrypted one and a bomb.
    """
    try:
        members = _archive(archive)
        # The archive itself knows the last one of a name alone.
        copies = _repeated(members).get(name)
        info = copies[copy - 1] if copies else members.getinfo(name)
        if info.flag_bits & _ENCRYPTED:
            raise OSError(errno.EACCES, "it is encrypted; unpack it first")
        if info.file_size > FREE and info.file_size > MOST_RATIO * info.compress_size:
            raise OSError(errno.EFBIG, f"it unpacks to more than {MOST_RATIO} times its size")
        return io.BufferedReader(_Member(members.open(info)), BUFFER)
    except (zipfile.BadZipFile, NotImplementedError, KeyError, IndexError) as error:
        raise OSError(errno.EIO, f"it cannot be unpacked: {error}") from None


def _archive(path: Path) -> zipfile.ZipFile:
    stat = path.stat()
    return _opened(path, stat.st_mtime_ns, stat.st_size)


@lru_cache(maxsize=2)
def _opened(path: Path, changed: int, size: int) -> zipfile.ZipFile:
    """The open archive, kept: its directory is read once, not once for each of a hundred thousand members."""
    file = open_plain(path)
    try:
        return zipfile.ZipFile(file)
    except (zipfile.BadZipFile, ValueError, NotImplementedError) as error:
        file.close()
        raise OSError(errno.EIO, f"it is no zip archive that can be read: {error}") from None


@lru_cache(maxsize=2)
def _repeated(archive: zipfile.ZipFile) -> dict[str, list[zipfile.ZipInfo]]:
    """The members of each name that several have, in the archive's order."""
    times = Counter(info.filename for info in archive.infolist())
    repeated: dict[str, list[zipfile.ZipInfo]] = {}
    for info in archive.infolist():
        if times[info.filename] > 1:
            repeated.setdefault(info.filename, []).append(info)
    return repeated


class _Member(io.RawIOBase):
    """A member's bytes, which no damage makes anything but an `OSError`."""

    def __init__(self, member: IO[bytes]) -> None:
        self._member = member

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        try:
            data = self._member.read(len(buffer))
        except (zipfile.BadZipFile, zlib.error, lzma.LZMAError, EOFError) as error:
            raise OSError(errno.EIO, f"it is broken where it is packed: {error}") from None
        buffer[: len(data)] = data
        return len(data)

    def close(self) -> None:
        self._member.close()
        super().close()
