"""How different the sessions of a set are in meaning, by embeddings.

The mean cosine distance of all pairs, and the Vendi score (Friedman and Dieng 2023, "The Vendi Score", arXiv 2210.02410,
definition 3.1): how many texts without anything in common would be as varied as these. The default embeddings are those of
WordLlama, whose weights come with its package: a text is the mean of its tokens' vectors, English first, blind to word order.
That tells topics apart and not much more; all texts on one subject are close. Only figures of the same model can be compared.
"""

import logging
import random
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import compress, islice
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from counseling_sessions.evaluation.statistics.intervals import Figure
from counseling_sessions.evaluation.statistics.jackknife import jackknife_figure
from counseling_sessions.sessions import Session
from counseling_sessions.settings import SettingsError
from counseling_sessions.state import Speaker

Floats = NDArray[np.floating]

SAMPLE = 1000
"""Texts that the Vendi score is of at most, since it grows with their number."""
GROUPS = 50
"""Groups of clients at most that are left out in turn for the interval of the Vendi score."""
BATCH = 512
"""Texts that are embedded at a time."""


@dataclass(frozen=True)
class Embedder:
    """A model of embeddings: `embed` gives an array (texts, dimensions) of finite numbers, of any length of vectors."""

    name: str
    embed: Callable[[Sequence[str]], NDArray[np.floating]]


@dataclass(frozen=True)
class Semantics:
    """Semantic diversity of a set, with what it was computed on.

    `distance` is the mean of 1 - cosine over all pairs of texts, 0 to 2, in practice under 1. `vendi` is from 1 to the
    number of texts, of `vendi_texts` of them drawn by `seed`: compare it between sets of the same number only. The
    figures' `n` counts texts, `missing` those without a word that the model knows.
    """

    model: str
    unit: Literal["session"]
    speaker: Speaker | None
    distance: Figure
    vendi: Figure
    vendi_texts: int
    seed: int


def semantic_diversity(
    sessions: Iterable[Session],
    embedder: Embedder | None = None,
    *,
    speaker: Speaker | None = None,
    sample: int = SAMPLE,
    seed: int = 0,
) -> Semantics:
    """Semantic diversity of the sessions, each as one text of all messages or one speaker's.

    Time and memory are linear in the texts. Intervals are by leaving out clients. Raises `SettingsError` without an
    embedder where the extra `semantic` is not installed.
    """
    embedder = embedder or wordllama_embedder()
    owners, vectors, missing = _embedded(sessions, embedder, speaker)
    clients = np.unique(owners, return_inverse=True)[1]
    chosen = np.array(sorted(random.Random(seed).sample(range(len(owners)), min(sample, len(owners)))), dtype=np.int64)
    return Semantics(
        model=embedder.name,
        unit="session",
        speaker=speaker,
        distance=replace(_distance(vectors, clients), missing=missing),
        vendi=replace(_vendi(vectors[chosen], clients[chosen], seed), missing=missing),
        vendi_texts=len(chosen),
        seed=seed,
    )


def wordllama_embedder() -> Embedder:
    """WordLlama with the weights (256 dimensions) and tokenizer in its package; nothing is downloaded.

    Raises `SettingsError` where the package is not installed.
    """
    root = logging.getLogger()
    before = root.level, root.handlers[:]
    try:
        import wordllama
    except ImportError:
        raise SettingsError(
            "semantic diversity needs the optional extra 'semantic': pip install 'counseling-sessions[semantic]'"
        ) from None
    finally:
        # Its import configures logging for the whole program.
        root.setLevel(before[0])
        root.handlers[:] = before[1]
    # By itself it looks for its own tokenizer in a folder that does not exist, and would fetch it.
    model = wordllama.WordLlama.load(cache_dir=Path(wordllama.__file__).parent, disable_download=True)

    def embed(texts: Sequence[str]) -> NDArray[np.floating]:
        # It pads all texts of a batch to the longest: in small batches of like length that costs little.
        order = sorted(range(len(texts)), key=lambda place: len(texts[place]))
        vectors: NDArray[np.floating] = np.empty((len(texts), 256), np.float32)
        vectors[order] = model.embed([texts[place] for place in order], batch_size=8)
        return vectors

    return Embedder(f"wordllama {wordllama.__version__}, l2_supercat, 256 dimensions", embed)


def vendi_score(vectors: Floats) -> float | None:
    """The Vendi score of unit vectors (texts, dimensions) under cosine similarity; None for none.

    The eigenvalues of the texts' similarities are those of the dimensions' second moments, but for zeros.
    """
    if not len(vectors):
        return None
    exact = vectors.astype(np.float64)
    few = exact if len(exact) < exact.shape[1] else exact.T
    eigenvalues = np.linalg.eigvalsh(few @ few.T / len(vectors))
    positive = eigenvalues[eigenvalues > 1e-12]
    return float(np.exp(-np.sum(positive * np.log(positive))))


def _embedded(
    sessions: Iterable[Session], embedder: Embedder, speaker: Speaker | None
) -> tuple[list[str], Floats, int]:
    """The client of each text, its unit vector, and how many texts have none."""
    texts = (
        (session.client, "\n".join(message.text for message in session.dialogue if speaker in (None, message.speaker)))
        for session in sessions
    )
    owners: list[str] = []
    batches: list[Floats] = []
    count = 0
    while batch := list(islice(texts, BATCH)):
        count += len(batch)
        said = [(client, text) for client, text in batch if text.strip()]
        vectors = np.asarray(embedder.embed([text for _, text in said]), dtype=np.float64) if said else np.zeros((0, 1))
        lengths = np.linalg.norm(vectors, axis=1)
        usable = np.isfinite(lengths) & (lengths > 0)
        owners += compress((client for client, _ in said), usable)
        if usable.any():
            batches.append((vectors[usable] / lengths[usable, None]).astype(np.float32))  # half the memory, 7 digits
    return owners, np.concatenate(batches) if batches else np.zeros((0, 1)), count - len(owners)


def _mean_distance(total: Floats, texts: int) -> float | None:
    # The sum of all pairs' cosines is in the length of the vectors' sum.
    return None if texts < 2 else float(1 - (total @ total - texts) / (texts * (texts - 1)))


def _distance(vectors: Floats, clients: NDArray[np.int64]) -> Figure:
    n, count = len(vectors), len(np.unique(clients))
    total = vectors.sum(axis=0, dtype=np.float64)
    value = _mean_distance(total, n)
    if value is None:
        return Figure(None, None, None, n, count, note="a distance needs two texts")
    sums, sizes = np.zeros((count, vectors.shape[1])), np.bincount(clients, minlength=count)
    np.add.at(sums, clients, vectors)
    without = [_mean_distance(total - part, n - int(size)) for part, size in zip(sums, sizes, strict=True)]
    return jackknife_figure(value, np.array(without, dtype=np.float64), n, bounds=(0, 2))


def _vendi(vectors: Floats, clients: NDArray[np.int64], seed: int) -> Figure:
    value, n = vendi_score(vectors), len(vectors)
    if value is None:
        return Figure(None, None, None, n, 0, note="there is no text")
    names, place = np.unique(clients, return_inverse=True)
    groups = np.random.default_rng(seed).permutation(len(names)) % GROUPS
    count = min(len(names), GROUPS)
    without = [vendi_score(vectors[groups[place] != group]) for group in range(count)]
    figure = jackknife_figure(value, np.array(without, dtype=np.float64), n, bounds=(1, n))
    method = f"jackknife over {count} groups of {len(names)} clients" if figure.method else ""
    return replace(figure, clients=len(names), method=method)
