"""The words of a message that tell something: they compare it with a form and with earlier messages."""

import re
from collections import Counter
from functools import lru_cache

_WORD = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)*|\d+")
_ENDINGS = ("ing", "ed", "es", "s", "ly")
_PLAIN = """
a about after again all also always am an and any are as at back be because been before but by can could day did do does don't
didn't even ever every everything feel few first for from get go going got had has have he her here him his how i i'd i'll i'm
i've if in into is it it's its just know last like little make many maybe me more most much my never no not nothing now of off
often on once one only or other our out over own people really said same say see she should since so some something still take
than that that's the their them then there these they thing think this those though time to too two up us used very want was
way we week well went were what when where which while who why will with without would year yes yet you your
"""
"""Words that tell nothing of what a sentence is about."""
_EMPTY = frozenset(_PLAIN.split())


@lru_cache(maxsize=4096)
def telling_words(text: str) -> frozenset[str]:
    """The words of a text that tell something, without their endings."""
    return frozenset(telling_counts(text))


def telling_counts(text: str) -> Counter[str]:
    """The number of times that each of these words comes in a text."""
    words = (word.replace("’", "'") for word in _WORD.findall(text.casefold()))
    return Counter(_stem(word.removesuffix("'s")) for word in words if word not in _EMPTY)


def _stem(word: str) -> str:
    ending = next((end for end in _ENDINGS if word.endswith(end) and len(word) - len(end) >= 3), "")
    return word.removesuffix(ending)
