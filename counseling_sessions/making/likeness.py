"""How near a form comes to other forms: by its words, by its phrases, and by its meaning where an embedding is installed.

By words: cosine of TF-IDF vectors (sublinear term frequency; the documents behind the inverse frequency are the built-in clients, so
that a vector does not depend on the set). By phrases: the share of a form's word 3-grams that another text has. Of the 3,321 pairs of
82 written clients (`profiles/builtin`, `corpus/clients`) the nearest have 0.24, 0.09 and 0.69 (WordLlama); the limits lie above.
"""

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from importlib.util import find_spec
from typing import Any

from counseling_sessions.profiles.library import builtin_profiles
from counseling_sessions.profiles.schema import ClientProfile, texts_of
from counseling_sessions.texts.words import trigrams, words

MOST_WORDS_ALIKE = 0.40
"""Cosine by words from which on two clients count as alike."""
MOST_COPIED = 0.15
"""Share of a form's 3-grams in one other text from which on it counts as copied."""
MOST_MEANING_ALIKE = 0.80
"""Cosine by meaning from which on two clients count as alike."""
NOT_TOLD = frozenset(
    {"id", "source", "attitude", "cognitive_distortion", "opening.counselor", "manner.verbosity", "manner.insight"}
    | {f"demographics.{name}" for name in ("name", "gender", "occupation", "education", "relationship")}
)
"""Fields that no model writes, or that are alike by nature."""

Phrases = frozenset[tuple[str, ...]]


def written_text(profile: ClientProfile) -> str:
    """What was written of a client, without its attributes."""
    return "\n".join(text for path, text in texts_of(profile) if path not in NOT_TOLD)


@dataclass(frozen=True)
class Nearest:
    """The nearest other client, by name, and how near it is, 0 to 1."""

    name: str = ""
    cosine: float = 0.0


@dataclass
class Likeness:
    """The clients so far, beginning with the built-in ones, and how near another comes to them. With `meaning`, by embeddings too."""

    meaning: bool = False
    _names: list[str] = field(default_factory=list)
    _vectors: list[dict[str, float]] = field(default_factory=list)
    _phrases: list[Phrases] = field(default_factory=list)
    _meanings: list[Any] = field(default_factory=list)

    def __post_init__(self) -> None:
        for profile in builtin_profiles():
            self.add(profile)

    def add(self, profile: ClientProfile) -> None:
        """Count a client among those so far."""
        text = written_text(profile)
        self._names.append(profile.demographics.name)
        self._vectors.append(_vector(text))
        self._phrases.append(trigrams(text))
        if self.meaning:
            self._meanings.append(_meaning(text))

    def by_words(self, profile: ClientProfile) -> Nearest:
        """The nearest by words."""
        vector = _vector(written_text(profile))
        return self._nearest([_cosine(vector, other) for other in self._vectors])

    def by_meaning(self, profile: ClientProfile) -> Nearest:
        """The nearest by meaning; nobody without an embedding."""
        if not self.meaning:
            return Nearest()
        vector = _meaning(written_text(profile))
        return self._nearest([float(vector @ other) for other in self._meanings])

    def by_phrases(self, profile: ClientProfile) -> Nearest:
        """The one that has the largest share of its phrases."""
        mine = trigrams(written_text(profile))
        return self._nearest([len(mine & other) / max(1, len(mine)) for other in self._phrases])

    def _nearest(self, figures: Sequence[float]) -> Nearest:
        place = max(range(len(figures)), key=figures.__getitem__)
        return Nearest(self._names[place], figures[place])


def has_meaning() -> bool:
    """Whether the extra `semantic` is installed."""
    return find_spec("wordllama") is not None and find_spec("numpy") is not None


@cache
def _rarity() -> tuple[Mapping[str, float], float]:
    """The inverse document frequency of each word of the built-in clients, and that of every other word."""
    documents = [set(words(written_text(profile))) for profile in builtin_profiles()]
    counts = Counter(word for document in documents for word in document)
    most = len(documents) + 1
    return {word: math.log(most / (count + 1)) for word, count in counts.items()}, math.log(most)


def _vector(text: str) -> dict[str, float]:
    rarity, of_others = _rarity()
    counts = Counter(words(text))
    vector = {word: (1 + math.log(count)) * rarity.get(word, of_others) for word, count in counts.items()}
    length = math.sqrt(sum(value * value for value in vector.values())) or 1.0
    return {word: value / length for word, value in vector.items()}


def _cosine(one: Mapping[str, float], other: Mapping[str, float]) -> float:
    return sum(value * other.get(word, 0.0) for word, value in one.items())


@cache
def _embedder() -> Any:
    from counseling_sessions.evaluation.diversity.semantic import wordllama_embedder  # an extra

    return wordllama_embedder()


def _meaning(text: str) -> Any:
    import numpy as np  # an extra

    vector = np.asarray(_embedder().embed([text]), dtype=np.float64)[0]
    return vector / (np.linalg.norm(vector) or 1.0)
