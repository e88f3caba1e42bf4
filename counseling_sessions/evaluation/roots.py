"""Words by their roots: the form in which a message is compared with another, and with a form."""

from functools import lru_cache
from pathlib import Path

from counseling_sessions.settings import read_yaml
from counseling_sessions.texts.cutting import cut_runs, has_han_or_kana, tells
from counseling_sessions.texts.telling import telling_counts
from counseling_sessions.texts.words import words

UNLISTED = 4.3
"""Weight of a word that is none of the common ones; theirs is less (`roots.yaml`)."""
GUESSED = 1.4
"""Weight of a word that anybody may come to who speaks of troubles."""

_STEM = 3
_DATA = read_yaml(Path(__file__).with_name("roots.yaml"))
_WEIGHTS = dict.fromkeys(_DATA["guessed"].split(), GUESSED) | {
    word: float(weight) for weight, listed in _DATA["common"].items() for word in str(listed).split()
}


@lru_cache(maxsize=16384)
def root(word: str) -> str:
    """A word without its ending, as `telling_words` has it, "y" for "i" at the end; "" for digits and a word that tells nothing."""
    if has_han_or_kana(word):
        return word if tells(word) else ""
    stem = "" if word.isdecimal() else next(iter(telling_counts(word)), "")
    return f"{stem[:-1]}y" if stem.endswith("i") and len(stem) > _STEM else stem


@lru_cache(maxsize=512)  # A session at a time: every measure looks at the same messages.
def words_of(text: str) -> tuple[str, ...]:
    """The words of a text (`texts.words.words`), runs of Chinese and Japanese cut into theirs."""
    return tuple(words(cut_runs(text) if has_han_or_kana(text) else text))


@lru_cache(maxsize=512)
def roots_of(text: str) -> frozenset[str]:
    """The roots of a text's telling words."""
    return frozenset(map(root, words_of(text))) - {""}


def weight(stem: str) -> float:
    """How much a root tells, 0.3 to `UNLISTED`: the rarer the word, the more."""
    return _WEIGHTS.get(stem, UNLISTED)


def is_rare(stem: str) -> bool:
    """Whether a root is none of the common ones."""
    return stem not in _WEIGHTS
