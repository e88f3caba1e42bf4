"""A message in plain words, with the disguises of its letters taken off: what the lists of phrases are looked for in.

The text is normalized once, and every step is linear in it. Disguises that stand for one letter become that letter; those that may
stand for several (`WILD`, and digits beside letters) stay, and are matched by patterns that allow them (`nodes.risk.patterns`).
"""

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass

from counseling_sessions.texts.normal import normal_form

WILD = "\u01c2"
"""Stands for any one letter: a sign in place of it, as in "k*ll". A letter itself, so that a word stays a word."""
NEIGHBOURHOOD = 40
"""Letters around letters that stand apart which may belong to the same phrase."""
_APART = 4
"""Letters that stand apart before their words are looked for across spaces: fewer are abbreviations."""

_CONFUSABLE = {
    **{"a": "аАΑαɑᴀ⍺Ꭺ", "b": "вВΒβʙьЬƀɓƄᏏ", "c": "сСϲᴄƈᏟ¢", "d": "ԁᴅđɖɗժðᎠ", "e": "еЕΕεɛєЄᴇҽəэЭ℮ɘǝᎬ"},
    **{"f": "ƒꜰғϝ", "g": "ɡɢԍԌցɠǥ", "h": "һҺнНΗʜħհɦᎻ", "i": "іІΙιıɪɨɩᎥ⍳", "j": "јЈϳʝȷɉ", "k": "кКΚκᴋқҝƙĸᏦ"},
    **{"l": "ӏӀʟłɭƚɫǀլᏞ", "m": "мМΜᴍɱ", "n": "пПиИΝɴηողŋɲƞ", "o": "оОΟοσᴏөɵօøᎤ", "p": "рРΡρᴘþƿԥᏢ", "q": "ԛɋզ"},
    **{"r": "гГяЯʀɾɹɍᏒ", "s": "ѕЅꜱʂƽᏚ", "t": "тТΤτᴛŧƭʈᎢ", "u": "υᴜսμʉʊцЦ", "v": "νᴠѵѴʋᏙ", "w": "ωѡԝᴡшШщЩɯաᏔ"},
    **{"x": "хХΧχҳ×", "y": "уУΥγʏүҮɣᎩ", "z": "ΖζᴢʐƶᏃ", "ae": "æÆ", "oe": "œŒ"},
}
"""Letters that look like a Latin one and do not become it by their normal form, upper case by its own look."""
_BOXED = {chr(start + place): chr(ord("a") + place) for start in (0x1F150, 0x1F170, 0x1F1E6) for place in range(26)}
_LATIN = str.maketrans({sign: letter for letter, signs in _CONFUSABLE.items() for sign in signs} | _BOXED)
_SIGNS = str.maketrans("02345678@$€£+|!¡", "ozeasbtbaselt111")
"""Digits and signs that stand for letters inside a word. 1 is an i or an l, and so are the strokes: it stays."""
_WILD_SIGNS = "*#?•·●█■✱∗⁎※"
_UNSEEN = frozenset({"Cc", "Cf", "Cs", "Co", "Cn"})
_FILLERS = "\u115f\u1160"
"""Letters of the Hangul script that nobody sees."""
_APOSTROPHES = re.compile("['’‘`´ʼ＇]")
_LETTERS_APART = re.compile(r"\b(?:\w ){2,}\w\b")
_DRAWN = re.compile(rf"([^\W\d_{WILD}])\1{{2,}}")
_AMBIGUOUS = re.compile(rf"{WILD}|\d[^\W\d_]|[^\W\d_]\d")


@dataclass(frozen=True)
class Apart:
    """Letters that stood apart, joined without spaces with what stands around them; they are `text[start:end]`."""

    text: str
    start: int
    end: int


@dataclass(frozen=True)
class Spellings:
    """A message in all its spellings, each single-spaced lower-case words; the first `exact` one is the plain one.

    `exact` ones are in letters, `loose` ones have letters that may stand for several, or are drawn out (twice each).
    """

    exact: tuple[str, ...]
    loose: tuple[str, ...]
    apart: tuple[Apart, ...]


def spellings(text: str) -> Spellings:
    """All the spellings of a message. Time and size are linear in it."""
    letters = _letters(text)
    exact: list[str] = []
    loose: list[str] = []
    apart: list[Apart] = []
    for seen in _seen(letters):
        unmasked = _words(re.sub(r"\S+", lambda chunk: _unmask(chunk[0]), seen))
        drawn = _DRAWN.sub(r"\1\1", unmasked)
        together = _LETTERS_APART.sub(lambda run: run[0].replace(" ", ""), drawn)
        closed = " ".join(re.sub(r"[\W_]+", "", chunk) for chunk in seen.split())
        exact += [_words(seen), unmasked, together, closed]
        if drawn != unmasked or _AMBIGUOUS.search(together):
            loose += [drawn, together]
        apart += _runs(drawn)
    return Spellings(*(tuple(dict.fromkeys(found)) for found in (exact, loose, apart)))  # type: ignore[arg-type]


def in_other_letters(text: str) -> bool:
    """Whether a message has words without a Latin letter, two letters of them or more, or nothing but such letters.

    Such a word is in a language that has no list, or disguised from its first letter to its last.
    """
    if text.isascii():
        return False
    words = ["".join(filter(str.isalpha, word)) for word in normal_form("NFKD", text).split()]
    other = sum(len(word) for word in words if not any(map(_is_latin, word)))
    return other >= 2 or 0 < other == sum(map(len, words))


def _is_latin(letter: str) -> bool:
    return letter.isascii() or unicodedata.name(letter, "").startswith("LATIN ")


def _letters(text: str) -> str:
    """Lower-case Latin letters as far as a text has letters that are, or look like, such; without accents and apostrophes."""
    text = _APOSTROPHES.sub("", text)
    if not text.isascii():
        text = "".join(c for c in normal_form("NFKD", text) if unicodedata.category(c)[0] != "M")
        # Upper and lower case may look like different letters.
        text = text.translate(_LATIN).casefold().translate(_LATIN)
    return text.lower()


def _seen(letters: str) -> list[str]:
    """The text without what nobody sees, which may stand inside a word or between two: one reading of each kind."""
    if letters.isprintable() and not any(filler in letters for filler in _FILLERS):
        return [letters]
    return [
        "".join(
            gap if c in _FILLERS or (unicodedata.category(c) in _UNSEEN and c not in "\n\t") else c for c in letters
        )
        for gap in ("", " ")
    ]


def _unmask(chunk: str) -> str:
    """What stands between two spaces, with signs inside it taken for the letters that they stand for."""
    if len(chunk) == 1:
        return WILD if chunk in _WILD_SIGNS else chunk
    if chunk.isalpha():
        return chunk
    inner = chunk.lstrip(_WILD_SIGNS).rstrip("!?.,;:)\"'")
    # One sign at the end is emphasis or a footnote, several stand for letters.
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
