"""Texts as words and sentences: the forms in which messages are compared, by whomever."""

import re

from counseling_sessions.texts.normal import normal_form

_STOP = ".?!…؟۔।॥։።፧။។"
WIDE_STOP = "。？！｡．"
_CLOSER = r"""['"”’»)\]*_」』）]"""
_SYMBOL = r"\u2600-\u27bf\u2b50\ufe0f\u200d\U0001f000-\U0001faff"
# An emoji ends a sentence as people write it; Thai and Lao have no sign that does.
FINISHED = re.compile(rf"(?:[{_STOP}{WIDE_STOP}]{_CLOSER}{{0,9}}|[{_SYMBOL}\u0e00-\u0eff])\s*$")
# After a wide stop no space follows.
SENTENCE = re.compile(
    rf".+?(?:[{_STOP}]{{1,9}}{_CLOSER}{{0,9}}(?=\s|$)|[{WIDE_STOP}]{{1,9}}{_CLOSER}{{0,9}}|$)", re.DOTALL
)


def sentences(text: str) -> list[str]:
    """The text's sentences, each with its punctuation."""
    return [found.strip() for found in SENTENCE.findall(text) if found.strip()]


def normalized(text: str) -> str:
    """Letters and digits in lower case with single spaces, "can't" as one word: the form in which messages are compared."""
    return " ".join(re.findall(r"\w+", re.sub("['’]", "", normal_form("NFKC", text).casefold())))


def trigrams(text: str) -> frozenset[tuple[str, ...]]:
    """The word 3-grams of a text; of a text under three words, the words themselves as one."""
    words = normalized(text).split()
    if len(words) < 3:
        return frozenset([tuple(words)]) if words else frozenset()
    return frozenset(zip(words, words[1:], words[2:], strict=False))


def overlap(one: frozenset[tuple[str, ...]], other: frozenset[tuple[str, ...]]) -> float:
    """Jaccard similarity of two sets of 3-grams, 0 to 1."""
    return len(one & other) / len(one | other) if one and other else 0.0
