"""The learned half of the risk check: a linear model on the words and letters of a message, beside the lists of phrases.

The lists see what somebody thought of; the model sees how much a message is like those that it learned from. Only learning needs
a library (`training.risk_words`): what is likely is a sum of weights.
"""

import math
from collections.abc import Collection
from functools import cache
from pathlib import Path
from typing import Self

from pydantic import BaseModel, ConfigDict, ValidationError, model_validator

from counseling_sessions.settings import SettingsError, validation_message

FILE = Path(__file__).parent / "weights.json"
HARMLESS = "harmless"
"""The class of messages without any risk; the others are categories of the lists."""
_WORDS = 3
"""Words that stand together in a feature, at most."""
_LEAST = 40
"""Features that every text counts as having: a few words weigh little."""
_LETTERS = (3, 4, 5)
"""Letters of a word that stand together in a feature; a space marks where the word begins and ends."""


class LinearModel(BaseModel):
    """A linear model over the features of a text, as its file holds it: a digest of what it was learned from, its classes, where
    each begins, and for each feature a weight for every class, in hundredths."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    source: str
    classes: tuple[str, ...]
    bias: tuple[int, ...]
    weights: dict[str, tuple[int, ...]]

    @model_validator(mode="after")
    def _has_a_weight_for_each_class(self) -> Self:
        if {len(self.bias), *map(len, self.weights.values())} != {len(self.classes)}:
            raise ValueError(f"should have one weight for each of {', '.join(self.classes)}")
        return self

    def probabilities(self, words: str) -> dict[str, float]:
        """How likely each class is, from 0 to 1, together 1, for lower-case words between single spaces."""
        seen = features(words)
        sums = [0] * len(self.classes)
        for feature in seen:
            for place, weight in enumerate(self.weights.get(feature, ())):
                sums[place] += weight
        length = length_of(seen)
        scores = [(bias + total / length) / 100 for bias, total in zip(self.bias, sums, strict=True)]
        most = max(scores)
        odds = [math.exp(score - most) for score in scores]
        return {name: odd / sum(odds) for name, odd in zip(self.classes, odds, strict=True)}


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


def length_of(seen: Collection[str]) -> float:
    """The length of a text's features together, by which its weights are divided."""
    return math.sqrt(len(seen) + _LEAST)


def linear_model(path: Path = FILE) -> LinearModel:
    """The model of a file. Raises `SettingsError` for one that is missing or is no such model."""
    return _read(path)


@cache
def _read(path: Path) -> LinearModel:
    try:
        return LinearModel.model_validate_json(path.read_bytes())
    except OSError as error:
        raise SettingsError(f"{path}: {error.strerror}") from None
    except ValidationError as error:
        raise SettingsError(f"{path}: {validation_message(error)}") from None
