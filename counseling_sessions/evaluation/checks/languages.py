"""Which language a text is in, as far as that matters here: whether it is another one than expected."""

import re
from dataclasses import dataclass
from functools import lru_cache

from py3langid.langid import MODEL_FILE, LanguageIdentifier

PIECE = 40
"""Words that are judged at a time, so that a message that changes its language is seen."""
ENOUGH = 40
"""Bytes of letters (UTF-8) from which a piece can be judged: about eight English words, or thirteen Chinese characters."""
UNLIKELY, LIKELY = 0.02, 0.5
"""A piece is in another language where the expected one is less probable than the first and another more than the second."""
ENGLISH = 0.3
"""The share of English function words from which a piece is English; it is about a half in English, none elsewhere."""
FOREIGN_LETTERS = 12
"""Letters of another script in a row of words that no quoted name or greeting explains."""


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_CODES = dict(
    entry.split(":")
    for entry in _words("""
    afrikaans:af albanian:sq amharic:am arabic:ar aragonese:an armenian:hy assamese:as azerbaijani:az bashkir:ba basque:eu
    belarusian:be bengali:bn bangla:bn bosnian:bs breton:br bulgarian:bg burmese:my cantonese:yue catalan:ca chinese:zh
    mandarin:zh croatian:hr czech:cs danish:da dutch:nl flemish:nl dzongkha:dz english:en esperanto:eo estonian:et faroese:fo
    farsi:fa persian:fa dari:fa filipino:tl tagalog:tl finnish:fi french:fr frisian:fy fulfulde:fuv gaelic:gd galician:gl
    georgian:ka german:de greek:el guarani:gug gujarati:gu haitian:ht hausa:ha hebrew:he hindi:hi hungarian:hu icelandic:is
    igbo:ig indonesian:id irish:ga italian:it japanese:ja javanese:jv kannada:kn kazakh:kk khmer:km kikuyu:kik kinyarwanda:rw
    konkani:gom korean:ko kurdish:ku kyrgyz:ky lao:lo latin:la latvian:lv lingala:ln lithuanian:lt luganda:lg luxembourgish:lb
    macedonian:mk malagasy:mg malay:ms malayalam:ml maltese:mt marathi:mr mongolian:mn nepali:ne norwegian:no bokmål:no
    nynorsk:nn occitan:oc odia:or oriya:or oromo:om pashto:ps polish:pl portuguese:pt punjabi:pa quechua:qu romanian:ro
    russian:ru serbian:sr shona:sn sinhala:si sinhalese:si slovak:sk slovenian:sl slovene:sl somali:so sotho:st
    spanish:es castilian:es swahili:sw swedish:sv tajik:tg tamil:ta tatar:tt telugu:te thai:th
    turkish:tr turkmen:tk uighur:ug uyghur:ug ukrainian:uk urdu:ur uzbek:uz vietnamese:vi volapük:vo walloon:wa welsh:cy
    xhosa:xh yoruba:yo zulu:zu pidgin:pcm
    """)
)
_ALIKE = [
    *({"da", "no", "nn"}, {"nl", "af"}, {"hr", "bs", "sr"}, {"id", "ms"}, {"zh", "yue", "wuu"}, {"ar", "ary", "arz"}),
    *(
        {"es", "ext", "an"},
        {"pt", "gl"},
        {"it", "lij", "vec"},
        {"ku", "sdh"},
        {"el", "grc"},
        {"he", "hbo"},
        {"tr", "crh"},
    ),
    *({"ht", "gcf", "gcr"}, {"uz", "uzs"}, {"xh", "zu"}, {"bg", "mk"}, {"en", "pcm"}, {"lv", "ltg"}, {"de", "lb"}),
]
"""Languages that a few words do not tell apart: either counts as the other."""
_OTHER_SCRIPTS = _words(
    "am ar ary arz as ba be bg bn dz el fa gom gu he hi hy ja ka kk km kn ko ky lo mk ml mn mr my ne or pa ps ru sdh si "
    "sr ta te tg th tt ug uk ur uz uzs wuu yue zh ku az bs sq"
)
"""Languages that are written in other scripts than Latin, or in others too."""
_NOT_LATIN = re.compile(
    rf"(?:[\u0370-\u1cff\u1f00-\u1fff\u2c80-\u2dff\u3040-\u9fff\ua000-\ua6ff\ua840-\uabff\uac00-\ud7ff][\s、。，！？]?){{{FOREIGN_LETTERS},60}}"
)
# None that is frequent in another language too, as "was", "so", "me", "do" and "a" are.
_ENGLISH = _words(
    """
    the and you that is of to it i my your with for this have be are not what how but can feel about like im its or if when
    more think by just there from would could been were they them their his she because dont thats youre ive been into who
    which then than where some one being who will we our us these those really feeling sounds
    """
)


@dataclass(frozen=True)
class Expected:
    """A language that messages should be in: its codes, alike ones included, and whether its only script is Latin."""

    codes: frozenset[str]
    latin: bool


@lru_cache(maxsize=256)
def expected(name: str) -> Expected | None:
    """The language of an English name ("German", "Brazilian Portuguese", "Chinese (Simplified)"); None where it is unknown."""
    named = [_CODES[word] for word in re.findall(r"\w+", name.casefold()) if word in _CODES]
    if not named:
        return None
    code = named[-1]
    alike = frozenset({code}).union(*(group for group in _ALIKE if code in group))
    return Expected(alike, not alike & _OTHER_SCRIPTS)


def other_language(text: str, words: str, language: Expected) -> str | None:
    """The code of the other language that a text, or a piece of it long enough to judge, is in; None where it is as expected.

    `words` is the text as it is compared. "another script" is said of letters that the expected language does not have.
    """
    if language.latin and not text.isascii() and _NOT_LATIN.search(text):
        return "another script"
    said = words.split()
    for start in range(0, len(said), PIECE):
        piece = said[start : start + PIECE]
        # The model costs more than all the other checks together: not for what is plainly English.
        if not ("en" in language.codes and _is_english(piece)) and (code := _other(piece, language)):
            return code
    return None


def _is_english(piece: list[str]) -> bool:
    return sum(word in _ENGLISH for word in piece) >= ENGLISH * len(piece)


def _other(piece: list[str], language: Expected) -> str | None:
    if len("".join(word for word in piece if word.isalpha()).encode(errors="replace")) < ENOUGH:
        return None
    probable: list[tuple[str, float]] = _identifier().rank(" ".join(piece))
    likely, probability = probable[0]
    if probability < LIKELY or likely == "zxx":  # no language at all
        return None
    return likely if sum(share for code, share in probable if code in language.codes) < UNLIKELY else None


@lru_cache(maxsize=1)
def _identifier() -> LanguageIdentifier:
    return LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)
