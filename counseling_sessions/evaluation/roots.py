"""Words by their roots: the form in which a message is compared with another, and with a form."""

from functools import lru_cache

from counseling_sessions.texts.telling import telling_counts

_STEM = 3


@lru_cache(maxsize=16384)
def root(word: str) -> str:
    """A word without its ending, as `telling_words` has it, "y" for "i" at the end; "" for digits and a word that tells nothing."""
    found = "" if word.isdecimal() else next(iter(telling_counts(word)), "")
    return f"{found[:-1]}y" if found.endswith("i") and len(found) > _STEM else found
