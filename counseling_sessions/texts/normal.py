"""Unicode normal forms of foreign texts, in time linear in the text.

`unicodedata.normalize` sorts the marks that follow one letter, in time quadratic in their number: forty thousand of them take
seconds. No language puts more than a few on a letter, and what has more is cut before it is normalized.
"""

import re
import unicodedata
from functools import cache
from typing import Literal

MOST_MARKS = 8
"""Combining marks that a letter keeps: Tibetan and Hebrew texts use up to five."""

# Cheap and without false negatives: nearly every text in Latin letters is done after it.
_SUSPECT = re.compile(rf"[\u0300-\U0010ffff]{{{MOST_MARKS + 1}}}")


def normal_form(form: Literal["NFC", "NFD", "NFKC", "NFKD"], text: str) -> str:
    """A text in a Unicode normal form; of more than `MOST_MARKS` combining marks on end the first ones stay."""
    return text if text.isascii() else unicodedata.normalize(form, capped(text))


def capped(text: str) -> str:
    """The text with at most `MOST_MARKS` combining marks on end."""
    return text if not _SUSPECT.search(text) else _marks().sub(r"\1", text)


@cache
def _marks() -> re.Pattern[str]:
    # A character counts as a mark where its decomposition begins with one: normalizing would join it to the marks before it.
    points = map(chr, range(0x300, 0x20000))
    marks = "".join(c for c in points if unicodedata.combining(unicodedata.normalize("NFKD", c)[0]))
    return re.compile(rf"([{marks}]{{{MOST_MARKS}}})[{marks}]+")
