"""A message in plain words, without disguises of its letters, for the search for phrases.

Every step takes time linear in the text. A disguise that stands for one letter becomes that letter. One that can stand for several
(`WILD`, and digits beside letters) stays, and the patterns allow it (`nodes.risk.patterns`).
"""

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from operator import attrgetter
from typing import NamedTuple

from counseling_sessions.texts.normal import normal_form

WILD = "\u01c2"
"""Stands for a sign that replaces any one letter, as in "k*ll". It is a letter itself, so that a word stays a word."""
NEIGHBOURHOOD = 40
"""Letters before and after letters apart that can belong to the same phrase."""
_APART = 4
"""Letters apart, at least, that are searched without spaces: fewer are an abbreviation."""

_CONFUSABLE = {
    **{"a": "аАΑαɑᴀ⍺Ꭺ", "b": "вВΒβʙьЬƀɓƄᏏ", "c": "сСϲᴄƈᏟ¢", "d": "ԁᴅđɖɗժðᎠ", "e": "еЕΕεɛєЄᴇҽəэЭ℮ɘǝᎬ"},
    **{"f": "ƒꜰғϝ", "g": "ɡɢԍԌցɠǥ", "h": "һҺнНΗʜħհɦᎻ", "i": "іІΙιıɪɨɩᎥ⍳", "j": "јЈϳʝȷɉ", "k": "кКΚκᴋқҝƙĸᏦ"},
    **{"l": "ӏӀʟłɭƚɫǀլᏞ", "m": "мМΜᴍɱ", "n": "пПиИΝɴηողŋɲƞ", "o": "оОΟοσᴏөɵօøᎤ", "p": "рРΡρᴘþƿԥᏢ", "q": "ԛɋզ"},
    **{"r": "гГяЯʀɾɹɍᏒ", "s": "ѕЅꜱʂƽᏚ", "t": "тТΤτᴛŧƭʈᎢ", "u": "υᴜսμʉʊцЦ", "v": "νᴠѵѴʋᏙ", "w": "ωѡԝᴡшШщЩɯաᏔ"},
    **{"x": "хХΧχҳ×", "y": "уУΥγʏүҮɣᎩ", "z": "ΖζᴢʐƶᏃ", "ae": "æÆ", "oe": "œŒ"},
}
"""Letters that look like a Latin one but have another normal form. Each case counts by its own look."""
_BOXED = {chr(start + place): chr(ord("a") + place) for start in (0x1F150, 0x1F170, 0x1F1E6) for place in range(26)}
_LATIN = str.maketrans({sign: letter for letter, signs in _CONFUSABLE.items() for sign in signs} | _BOXED)
_SIGNS = str.maketrans("02345678@$€£+|!¡", "ozeasbtbaselt111")
"""Digits and signs that stand for letters inside a word. 1 stays and replaces the strokes, as it can be an i or an l."""
_WILD_SIGNS = "*#?•·●█■✱∗⁎※"
_UNSEEN = frozenset({"Cc", "Cf", "Cs", "Co", "Cn"})
_FILLERS = "\u115f\u1160"
"""Invisible letters of the Hangul script."""
_PICTURED = "💀☠⚰🪦🔪🗡🔫"
_PICTURES = str.maketrans(dict.fromkeys("💀☠⚰🪦", " die ") | dict.fromkeys("🔪🗡🔫", " kill "))
"""What a picture says where a phrase has a word. Among other words it says nothing."""
_APOSTROPHES = re.compile("['’‘`´ʼ＇]")
_LINES = str.maketrans("\n\t", "  ")
_IN_A_ROW = 3
"""Words of one letter that stand apart at least."""
_LETTERS_APART = re.compile(r"\b(?:\w ){2,}\w\b")
_DRAWN = re.compile(rf"([^\W\d_{WILD}])\1{{2,}}")
_WORD = re.compile("[a-z]+")
_PLAINLY_WRITTEN = re.compile(r"(?:[\"(]?[a-z]++[.,;:!?)\"]*+(?:[ \n\t]++|\Z))++")
_IN_NEED_OF_MORE = re.compile(r"([a-z])\1\1|(?<![a-z])(?:[a-z][^a-z]+){2,}[a-z](?![a-z])")
"""Drawn-out letters, or letters apart: all other text of words and stops has one spelling."""
_MANY_LETTERS = re.compile(rf"[{WILD}\d]")
"""What stands in all that is ambiguous; it is looked for in a fraction of the time."""
_AMBIGUOUS = re.compile(rf"{WILD}|\d[^\W\d_]|[^\W\d_]\d")


@dataclass(frozen=True)
class Apart:
    """Letters apart (`text[start:end]`) and their neighbours, joined without spaces."""

    text: str
    start: int
    end: int


@dataclass(frozen=True)
class Spellings:
    """A message in all its spellings, each as lower-case words between single spaces.

    `exact` spellings are in letters, the plain one first. `loose` ones have signs that stand for several letters, or
    drawn-out letters (each twice).
    """

    exact: tuple[str, ...]
    loose: tuple[str, ...]
    apart: tuple[Apart, ...]


def spellings(text: str) -> Spellings:
    """All the spellings of a message, in time and size linear in it."""
    letters = _letters(text)
    if _PLAINLY_WRITTEN.fullmatch(letters) and not _IN_NEED_OF_MORE.search(letters):
        return Spellings((" ".join(_WORD.findall(letters)),), (), ())
    exact: list[str] = []
    loose: list[str] = []
    apart: list[Apart] = []
    for visible in _visible(letters):
        chunks = [_known(chunk) if len(chunk) <= _LONGEST_KNOWN else _read(chunk) for chunk in visible.split()]
        unmasked = " ".join([chunk.unmasked for chunk in chunks if chunk.unmasked])
        drawn = " ".join([chunk.drawn for chunk in chunks if chunk.drawn]) if any(map(_IS_DRAWN, chunks)) else unmasked
        together = drawn
        if sum(map(_SINGLES, chunks)) >= _IN_A_ROW:
            together = _LETTERS_APART.sub(lambda run: run[0].replace(" ", ""), drawn)
            apart += _runs(drawn)
        plain = " ".join([chunk.plain for chunk in chunks if chunk.plain])
        exact += [plain, unmasked, together, " ".join([chunk.closed for chunk in chunks])]
        if drawn != unmasked or (_MANY_LETTERS.search(together) and _AMBIGUOUS.search(together)):
            loose += [drawn, together]
    if any(picture in text for picture in _PICTURED):
        exact.append(_words(_letters(text.translate(_PICTURES))))
    return Spellings(*(tuple(dict.fromkeys(kind)) for kind in (exact, loose, apart)))  # type: ignore[arg-type]


class _Chunk(NamedTuple):
    """What stands between two spaces, in its readings; `singles` counts the words of one letter, `is_drawn`: a letter is drawn out."""

    plain: str
    unmasked: str
    drawn: str
    closed: str
    singles: int
    is_drawn: bool


_SINGLES, _IS_DRAWN = attrgetter("singles"), attrgetter("is_drawn")


def _read(chunk: str) -> _Chunk:
    unmasked = _words(_unmask(chunk))
    drawn = _DRAWN.sub(r"\1\1", unmasked)
    singles = sum(len(word) == 1 for word in drawn.split())
    return _Chunk(_words(chunk), unmasked, drawn, re.sub(r"[\W_]+", "", chunk), singles, drawn != unmasked)


_LONGEST_KNOWN = 40
_known = lru_cache(maxsize=20_000)(_read)
"""People use the same words again and again."""


def in_other_letters(text: str) -> bool:
    """Whether words without a Latin letter have at least two letters together, or make up the message.

    Such a word is in a language that has no list, or every letter of it is disguised.
    """
    if text.isascii() or _LATIN_TEXT.issuperset(text):
        return False
    words = ["".join(filter(str.isalpha, word)) for word in normal_form("NFKD", text).split()]
    other = sum(len(word) for word in words if not any(map(_is_latin, word)))
    return other >= 2 or 0 < other == sum(map(len, words))


_LATIN_TEXT = frozenset(map(chr, range(128))) | frozenset("’‘“”–—…\u00a0")
"""Letters and signs without which a text has no other letters than Latin ones."""


def _is_latin(letter: str) -> bool:
    return letter.isascii() or unicodedata.name(letter, "").startswith("LATIN ")


def _letters(text: str) -> str:
    """The text in lower case, with Latin letters for those that look like them, without accents and apostrophes."""
    text = _APOSTROPHES.sub("", text)
    if not text.isascii():
        text = text.translate(_PLAIN)
    return text.lower()


class _Plain(dict[int, str]):
    """What each character becomes: its letters without accents, Latin ones for those that look like them, in one case."""

    def __missing__(self, point: int) -> str:
        letters = "".join(c for c in normal_form("NFKD", chr(point)) if unicodedata.category(c)[0] != "M")
        # Upper and lower case can look like different letters.
        letters = letters.translate(_LATIN).casefold().translate(_LATIN)
        if len(self) < _MOST_POINTS:
            self[point] = letters
        return letters


_PLAIN = _Plain()
_MOST_POINTS = 20_000


def _visible(letters: str) -> list[str]:
    """The text without invisible characters. They can stand inside a word or between words: a reading for each."""
    if letters.translate(_LINES).isprintable() and not any(filler in letters for filler in _FILLERS):
        return [letters]
    return [
        "".join(
            gap if c in _FILLERS or (unicodedata.category(c) in _UNSEEN and c not in "\n\t") else c for c in letters
        )
        for gap in ("", " ")
    ]


def _unmask(chunk: str) -> str:
    """A chunk between spaces, with letters in place of the signs inside it."""
    if len(chunk) == 1:
        return WILD if chunk in _WILD_SIGNS else chunk
    if chunk.isalpha():
        return chunk
    inner = chunk.lstrip(_WILD_SIGNS).rstrip("!?.,;:)\"'")
    # One sign at the end is emphasis or a footnote; several stand for letters.
    if len(inner) > 1 and inner[-1] in _WILD_SIGNS and inner[-2] not in _WILD_SIGNS:
        inner = inner[:-1]
    if not any(c.isalpha() for c in inner):
        return chunk
    return inner.translate(_SIGNS).translate(_WILDS)


_WILDS = str.maketrans(dict.fromkeys(_WILD_SIGNS, WILD))


def _words(text: str) -> str:
    return " ".join(re.sub(r"[\W_]+", " ", text).split())


def _runs(words: str) -> Iterator[Apart]:
    for run in _LETTERS_APART.finditer(words):
        letters = run[0].replace(" ", "")
        if len(letters) < _APART:
            continue
        before = words[max(0, run.start() - 2 * NEIGHBOURHOOD) : run.start()].replace(" ", "")[-NEIGHBOURHOOD:]
        after = words[run.end() : run.end() + 2 * NEIGHBOURHOOD].replace(" ", "")[:NEIGHBOURHOOD]
        yield Apart(f"{before}{letters}{after}", len(before), len(before) + len(letters))
