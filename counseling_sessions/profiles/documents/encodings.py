"""Which encoding a file's text has, and its text as UTF-8, whichever it is."""

import codecs
import errno
import io
from collections.abc import Iterator
from errno import EILSEQ
from typing import IO, Any

UTF_8 = "utf-8"
HEAD = 2**16
"""Bytes from a file's beginning that decide about encoding and format."""

_MARKS = (
    (codecs.BOM_UTF8, UTF_8),
    (codecs.BOM_UTF32_LE, "utf-32-le"),  # before UTF-16, whose mark it begins with
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_WESTERN = "cp1252"
_CANDIDATES = ["utf_16_le", "utf_16_be", "cp932", "euc_jp", "gb18030", "big5", "cp949", _WESTERN]
"""What is recognised. Shift-JIS, EUC-KR and Latin-1 are parts of cp932, cp949 and (but for control characters) cp1252."""
_ALPHABETS = (*("äöüß", "àâæçéèêëîïôœùûü", "áéíñóúü", "áâãàçéêíóôõú", "àèéìíîòóùú", "åäöé", "æøåéòôü", "áéèëïíóöúü"),)
"""Letters of languages written in cp1252. Other languages' letters, read as cp1252, look like a mixture of these."""
_SIGNS = "“”„‘’‚–—…«»‹›¿¡€£§°·•©®\u00a0ªº"
_SURE_LETTERS = 3
"""Signs beyond ASCII that a text must have to be taken for cp1252."""
_SURE_ORDER = 0.1
"""The most disorder (`chaos`, 0 to 1) of text that is read rightly, and how much more a rival must have."""


def marked(head: bytes) -> str | None:
    """The encoding that a byte order mark names."""
    return next((name for mark, name in _MARKS if head.startswith(mark)), None)


def is_utf8(head: bytes, *, is_all: bool) -> bool:
    """Whether a file's beginning is UTF-8; its last character may be cut unless this is the whole file. NUL is no text."""
    try:
        codecs.getincrementaldecoder(UTF_8)().decode(head, final=is_all)
    except UnicodeDecodeError:
        return False
    return b"\0" not in head


def recognised(head: bytes) -> str | None:
    """The encoding that a file's beginning has by all signs; None where it might be several, or is no text."""
    from charset_normalizer import from_bytes  # takes a while to import, and most files are UTF-8

    if b"\0" in head and (wide := _wide(head)):
        return wide
    matches = list(from_bytes(head, cp_isolation=_CANDIDATES))
    if not matches or matches[0].chaos > _SURE_ORDER:
        return None
    best = matches[0]
    if best.encoding == _WESTERN and not _is_western(str(best)):
        return None
    rivals = [match for match in matches[1:] if str(match) != str(best)]
    if any(match.chaos < best.chaos + _SURE_ORDER and match.coherence >= best.coherence for match in rivals):
        return None
    return str(best.encoding)


def _is_western(text: str) -> bool:
    """Whether a text read as cp1252 has the letters of one language: in any bytes cp1252 finds some letters."""
    beyond = [sign for sign in text.lower() if not sign.isascii()]
    letters = set(beyond).difference(_SIGNS)
    return len(beyond) >= _SURE_LETTERS and any(letters <= set(alphabet) for alphabet in _ALPHABETS)


def _wide(head: bytes) -> str | None:
    """UTF-16 or UTF-32 by where the zeros of its ASCII characters are."""
    zeros = [head[place::4].count(0) for place in range(4)]
    quarter = len(head) // 4
    for name, empty, full in (("utf-32-le", (2, 3), (0,)), ("utf-32-be", (0, 1), (3,))):
        if quarter and all(zeros[place] >= quarter for place in empty) and not any(zeros[place] for place in full):
            return name
    low, high = zeros[0] + zeros[2], zeros[1] + zeros[3]
    if high and not low:
        return "utf-16-le"
    return "utf-16-be" if low and not high else None


def no_encoding(name: str) -> str:
    """Why a name is not that of an encoding of text; empty if it is."""
    try:
        b"x".decode(name, "replace")
    except (LookupError, UnicodeError, ValueError):
        return f"there is no text encoding {name[:40]!r}; try utf-8, utf-16, cp1252, shift_jis, euc_jp, gb18030, big5 or euc_kr"
    return ""


def beginning(head: bytes, encoding: str) -> str:
    """The text of a file's beginning, as far as it fits the encoding."""
    try:
        return codecs.getincrementaldecoder(encoding)("replace").decode(head).removeprefix("\ufeff")
    except UnicodeError:  # `chunks` says what does not fit
        return "\ufffd"


def chunks(source: IO[bytes], encoding: str) -> Iterator[str]:
    """The text of a stream, piece by piece, without a byte order mark. `OSError` after the last text that fits the encoding."""
    decoder, before, begun = codecs.getincrementaldecoder(encoding)(), 0, False
    while True:
        data = source.read(HEAD)
        before += len(data)
        failure = None
        try:
            text = decoder.decode(data, not data)
        except UnicodeDecodeError as error:
            text = error.object[: error.start].decode(encoding)
            failure = misfit(before - len(error.object) + error.start + 1, encoding)
        except UnicodeError as error:  # such as UTF-16 without a byte order mark
            text, failure = "", OSError(errno.EILSEQ, f"it does not fit {encoding}: {error}")
        if text:
            yield text if begun else text.removeprefix("\ufeff")
            begun = True
        if failure:
            raise failure
        if not data:
            return


def as_utf8(source: IO[bytes], encoding: str) -> IO[bytes]:
    """A stream of text in `encoding` as one of UTF-8 without a byte order mark. What does not fit raises `OSError`."""
    return io.BufferedReader(_Utf8(chunks(source, encoding)), HEAD)


class _Utf8(io.RawIOBase):
    def __init__(self, texts: Iterator[str]) -> None:
        self._texts = texts
        self._ready = memoryview(b"")

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        while not self._ready:
            text = next(self._texts, None)
            if text is None:
                return 0
            self._ready = memoryview(text.encode(errors="replace"))
        count = min(len(buffer), len(self._ready))
        buffer[:count] = self._ready[:count]
        self._ready = self._ready[count:]
        return count


def misfit(byte: int, encoding: str) -> OSError:
    """The error of a byte, counted from 1, that is no text."""
    return OSError(EILSEQ, f"byte {byte:,} is no {encoding} text; name the file's encoding with --encoding NAME")
