"""JSON, value by value: a list of any length, an object, or values one after the other.

The standard library's parser reads each item where the file's text is read so far, and again with more text where an item is
cut. So a streamed file is read as a short one is: NaN is taken, a key that stands twice is not, and errors have their place.
"""

import json
import re
from collections.abc import Iterator
from itertools import count
from typing import Any

from counseling_sessions.profiles.documents.values import Items, OneRecord, Record, never, whole_value
from counseling_sessions.profiles.problems import Problem
from counseling_sessions.store.reading import MOST_BYTES, MOST_LINE, unique_keys
from counseling_sessions.store.yaml_text import TOO_DEEP

CHUNK = 2**20
_DECODER = json.JSONDecoder(object_pairs_hook=unique_keys)
_CUT = 2
"""Signs behind what looks like a whole number of which the rest may be missing: `e+`."""
_SPACE = re.compile(r"[ \t\n\r]*")


class _BrokenJson(ValueError):
    pass


def json_records(texts: Iterator[str], file: str, one_record: OneRecord) -> Items:
    """Every item of the lists and every other value at the top of a text, until something is broken."""
    window, numbers = _Window(texts), count(1)
    number, is_item = 0, False
    try:
        while sign := window.sign():
            if sign != "[" or window.is_one_record(one_record):
                number, is_item = next(numbers), False
                yield whole_value(window.value(MOST_BYTES), file, number)
                continue
            window.step()
            if window.sign() == "]":
                yield Problem(file, "the list is empty")
            is_item = True
            while window.sign() != "]":
                number = next(numbers)
                yield Record(file, number, window.value(MOST_LINE))
                window.comma_or_end()
            window.step()
    except _BrokenJson as error:
        yield Problem(file, str(error), number if is_item or number > 1 else None)


def reason(error: BaseException) -> str:
    """Why a text is no JSON, without its place."""
    if isinstance(error, json.JSONDecodeError):
        return error.msg
    return TOO_DEEP if isinstance(error, RecursionError) else str(error)


class _Window:
    """The part of a text that is looked at: it moves on, and grows where a value needs it."""

    def __init__(self, texts: Iterator[str]) -> None:
        self._texts = texts
        self._failure: OSError | None = None
        self._text, self._at, self._ended = "", 0, False
        self._held: int | None = None
        self._line, self._column = 1, 1

    def sign(self) -> str:
        """The next sign but for white space; empty at the end."""
        while True:
            if space := _SPACE.match(self._text, self._at):
                self._at = space.end()
            if self._at < len(self._text) or self._ended:
                return self._text[self._at : self._at + 1]
            self._grow()

    def step(self) -> None:
        """Go on over one sign."""
        self._at += 1

    def value(self, most: int) -> Any:
        """The next value, of at most about `most` characters. Raises `_BrokenJson`."""
        while True:
            try:
                value, end = _DECODER.raw_decode(self._text, self._at)
            except json.JSONDecodeError as error:
                if self._ended:
                    raise self._broken(error.pos, error.msg) from None
            except (ValueError, RecursionError) as error:
                raise _BrokenJson(f"broken JSON: {reason(error)}") from None
            else:
                if end + _CUT < len(self._text) or self._ended:
                    self._at = end
                    return value
            if len(self._text) - self._at > most:
                raise self._broken(self._at, f"no value that ends within {most:,} characters begins here")
            self._grow()

    def is_one_record(self, one_record: OneRecord) -> bool:
        """Whether the list that begins here is one record, by its first item. Goes on over nothing. Raises `_BrokenJson`."""
        if one_record is never:
            return False
        self._held = self._at
        self.step()
        is_one = self.sign() not in ("]", "") and one_record(self.value(MOST_LINE))
        self._at, self._held = self._held, None
        return is_one

    def comma_or_end(self) -> None:
        """Go on over a comma to the next item, or to the end of the list. Raises `_BrokenJson`."""
        sign = self.sign()
        if sign == ",":
            self.step()
            if self.sign() == "]":
                raise self._broken(self._at, "Expecting value")
        elif sign != "]":
            raise self._broken(self._at, "Expecting ',' delimiter")

    def _grow(self) -> None:
        """Read as much as is looked at already, so that a long value is not tried too often, and drop what is done with."""
        done = self._at if self._held is None else self._held
        rest = len(self._text) - done
        more = self._read(max(CHUNK, rest))
        self._line, self._column = self._place(done)
        self._text = self._text[done:] + more
        self._at -= done
        self._held = None if self._held is None else 0
        self._ended = not more

    def _read(self, least: int) -> str:
        """The next text. A failure comes after all that was read before it."""
        if self._failure:
            raise self._failure
        parts, size = list[str](), 0
        try:
            while size < least and (text := next(self._texts, "")):
                parts.append(text)
                size += len(text)
        except OSError as error:
            if not parts:
                raise
            self._failure = error
        return "".join(parts)

    def _broken(self, at: int, why: str) -> _BrokenJson:
        line, column = self._place(at)
        return _BrokenJson(f"broken JSON at line {line:,}, column {column:,}: {why}")

    def _place(self, at: int) -> tuple[int, int]:
        """Line and column of a position, from 1."""
        breaks = self._text.count("\n", 0, at)
        column = at - self._text.rfind("\n", 0, at) if breaks else self._column + at
        return self._line + breaks, column
