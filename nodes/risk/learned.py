"""The learned half of the risk check: a linear model on the words and letters of a message, beside the lists of phrases.

The lists see what somebody thought of; the model sees how much a message is like those that it learned from
(`training.risk_words`).
"""

from functools import cache
from pathlib import Path

from counseling_sessions.integrity.linear import LinearModel, read_weights

FILE = Path(__file__).parent / "weights.json"
HARMLESS = "harmless"
"""The class of messages without any risk; the others are categories of the lists."""
_WORDS = 3
"""Words that stand together in a feature, at most."""
_LETTERS = (3, 4, 5)
"""Letters of a word that stand together in a feature; a space marks where the word begins and ends."""


def features(words: str) -> frozenset[str]:
    """The features of lower-case words between single spaces: up to three words together, and parts of single words."""
    listed = words.split()
    together = {
        " ".join(listed[place : place + length])
        for length in range(1, _WORDS + 1)
        for place in range(len(listed) - length + 1)
    }
    padded = [f"^{word}$" for word in listed]
    parts = {
        f"~{word[place : place + length]}"
        for word in padded
        for length in _LETTERS
        for place in range(len(word) - length + 1)
    }
    return frozenset(together | parts)


@cache
def linear_model(path: Path = FILE) -> LinearModel:
    """The model of a file. Raises `SettingsError` for one that is missing or is no such model."""
    return read_weights(path, LinearModel)
