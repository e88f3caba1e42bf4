"""Files that are complete or absent, even after a power cut."""

import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

from counseling_sessions.store.private import for_its_owner
from counseling_sessions.store.system import open_file, replace, sync_folder


@contextmanager
def replacing(path: Path, *, private: bool = False) -> Iterator[IO[bytes]]:
    """A file to write into, which gets its name when the block ends well; an error in the block leaves nothing behind.

    Its folder must exist: a folder that was moved away is not made again. Only its owner can read a `private` file.
    Raises `OSError`.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        temporary.unlink(missing_ok=True)  # an earlier process with this number left it
        descriptor = open_file(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600 if private else 0o666)
        with open(descriptor, "wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        replace(temporary, path)
        sync_folder(path.parent)
    finally:
        with suppress(OSError):
            temporary.unlink()


def left_behind(path: Path) -> list[Path]:
    """The pieces of a file that killed processes left."""
    return list(path.parent.glob(f".{path.name}.*.tmp"))


def write_atomically(path: Path, data: bytes | Iterable[bytes], *, private: bool = False) -> None:
    """Write a file, as `replacing` does. Raises `OSError`."""
    with replacing(path, private=private) as file:
        file.writelines([data] if isinstance(data, bytes) else data)


def write_named(path: Path, text: str, *, private: bool = False) -> None:
    """Write a file that a person has named, as UTF-8, and make its folder. Raises `OSError`.

    A link, a terminal or a pipe stays what it is, and gets the text.
    """
    data = text.encode(errors="replace")
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.is_symlink() or (path.exists() and not path.is_file()):
        with open(path, "wb", opener=for_its_owner if private else None) as file:
            file.write(data)
    else:
        write_atomically(path, data, private=private)
