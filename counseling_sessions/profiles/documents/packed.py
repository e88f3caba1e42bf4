"""Packed bytes (gzip, Zstandard) as the bytes in them, in a stream that a bomb cannot exhaust."""

import errno
import gzip
import io
import zlib
from typing import IO, Any

import zstandard

PACKED = (".gz", ".zst")
MOST_RATIO = 200
"""Bytes that one packed byte may stand for, once `FREE` bytes came of it: text packs to a tenth or a fiftieth."""
FREE = 64 * 2**20
BUFFER = 2**16

_GZIP, _ZSTD = b"\x1f\x8b", b"\x28\xb5\x2f\xfd"


def unpacked(source: IO[bytes]) -> IO[bytes]:
    """The bytes of a stream, unpacked if they are packed. It closes the stream. Raises `OSError` here and at every read."""
    if not isinstance(source, io.BufferedReader):
        source = io.BufferedReader(source)  # type: ignore[type-var]
    first = source.peek(len(_ZSTD))
    if not first.startswith((_GZIP, _ZSTD)):
        return source
    counted = _Counted(source)
    packed = io.BufferedReader(counted, BUFFER)
    if first.startswith(_GZIP):
        return io.BufferedReader(_Unpacked(gzip.GzipFile(fileobj=packed), counted), BUFFER)
    plain = zstandard.ZstdDecompressor().stream_reader(packed, read_across_frames=True)
    return io.BufferedReader(_Unpacked(plain, counted), BUFFER)


class _Counted(io.RawIOBase):
    """The packed stream, and how many bytes were read of it."""

    def __init__(self, source: IO[bytes]) -> None:
        self._source = source
        self.count = 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        data = self._source.read(len(buffer))
        buffer[: len(data)] = data
        self.count += len(data)
        return len(data)

    def close(self) -> None:
        self._source.close()
        super().close()


class _Unpacked(io.RawIOBase):
    """What is in a packed stream; whatever is wrong with it is an `OSError`."""

    def __init__(self, plain: Any, packed: _Counted) -> None:
        self._plain, self._packed = plain, packed
        self._count = 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        try:
            data = self._plain.read(len(buffer))
        except (EOFError, zlib.error, zstandard.ZstdError) as error:
            raise OSError(errno.EIO, f"it is broken where it is packed: {error}") from None
        self._count += len(data)
        if self._count > FREE and self._count > MOST_RATIO * self._packed.count:
            raise OSError(errno.EFBIG, f"it unpacks to more than {MOST_RATIO} times its size")
        buffer[: len(data)] = data
        return len(data)

    def close(self) -> None:
        self._plain.close()
        self._packed.close()
        super().close()
