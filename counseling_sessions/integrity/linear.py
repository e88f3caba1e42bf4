"""Linear models over the features of a text, as files of weights hold them: of the risk check, and of the coder of behaviour.

What is likely is a sum of weights. Only learning needs a library (`training.linear`).
"""

import math
from collections.abc import Collection
from pathlib import Path
from typing import Self, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError, model_validator

from counseling_sessions.settings import SettingsError, validation_message

LEAST = 40
"""Features that every text counts as having: a few words weigh little."""
Weights = TypeVar("Weights", bound=BaseModel)


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

    def probabilities(self, seen: Collection[str]) -> dict[str, float]:
        """How likely each class is for a text with these features, from 0 to 1, together 1."""
        sums = [0] * len(self.classes)
        for feature in seen:
            for place, weight in enumerate(self.weights.get(feature, ())):
                sums[place] += weight
        length = length_of(seen)
        scores = [(bias + total / length) / 100 for bias, total in zip(self.bias, sums, strict=True)]
        most = max(scores)
        odds = [math.exp(score - most) for score in scores]
        return {name: odd / sum(odds) for name, odd in zip(self.classes, odds, strict=True)}


def length_of(seen: Collection[str]) -> float:
    """The length of a text's features together, by which its weights are divided."""
    return math.sqrt(len(seen) + LEAST)


def read_weights(path: Path, kind: type[Weights]) -> Weights:
    """The model, or models, of a file. Raises `SettingsError` for one that is missing or is no such file."""
    try:
        return kind.model_validate_json(path.read_bytes())
    except OSError as error:
        raise SettingsError(f"{path}: {error.strerror}") from None
    except ValidationError as error:
        raise SettingsError(f"{path}: {validation_message(error)}") from None
