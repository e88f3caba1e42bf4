"""Semantic diversity: by hand with made-up embeddings, and with the packaged model where it is installed."""

import builtins
import logging
import socket
import sys
from collections.abc import Sequence
from itertools import combinations
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from counseling_sessions.evaluation.diversity.semantic import (
    Embedder,
    semantic_diversity,
    vendi_score,
    wordllama_embedder,
)
from counseling_sessions.sessions import Message, Session
from counseling_sessions.settings import SettingsError

AXES = {"east": (2.0, 0.0), "north": (0.0, 5.0), "west": (-1.0, 0.0), "unknown": (0.0, 0.0)}


def by_first_word(texts: Sequence[str]) -> NDArray[np.float64]:
    return np.array([AXES[text.split()[0]] for text in texts])


COMPASS = Embedder("compass", by_first_word)


def session(name: str, *texts: str) -> Session:
    dialogue = (
        Message(turn=place // 2 + 1, speaker="client" if place % 2 else "counselor", text=text)
        for place, text in enumerate(texts)
    )
    return Session(id=name, source="test", dialogue=tuple(dialogue))


def test_by_hand() -> None:
    # Three sessions: east, east, north. Distances 0, 1, 1; similarities' eigenvalues 2/3 and 1/3.
    found = semantic_diversity([session("a", "east wind"), session("b", "east"), session("c", "north")], COMPASS)
    assert found.distance.value == pytest.approx(2 / 3)
    assert found.vendi.value == pytest.approx(np.exp(2 / 3 * np.log(3 / 2) + 1 / 3 * np.log(3)))
    assert (found.model, found.unit, found.distance.n, found.vendi_texts) == ("compass", "session", 3, 3)


def test_one_speakers_messages_and_texts_that_the_model_does_not_know() -> None:
    sessions = [session("a", "east", "west"), session("b", "north", "west"), session("c", "unknown", ""), session("d")]
    both = semantic_diversity(sessions, COMPASS).distance
    assert (both.value, both.n, both.missing, both.clients) == (pytest.approx(1), 2, 2, 2)
    client = semantic_diversity(sessions, COMPASS, speaker="client").distance
    assert (client.value, client.missing) == (pytest.approx(0, abs=1e-6), 2)


def unit_vectors(seed: int, texts: int, dimensions: int) -> NDArray[np.float64]:
    vectors = np.random.default_rng(seed).normal(size=(texts, dimensions)) + 0.5
    return np.asarray(vectors / np.linalg.norm(vectors, axis=1, keepdims=True))


def mean_distance(vectors: NDArray[np.float32]) -> float:
    return float(np.mean([1 - one @ other for one, other in combinations(vectors, 2)]))


@pytest.mark.parametrize(("texts", "dimensions"), [(5, 40), (40, 5), (12, 12)])
def test_the_linear_forms_are_the_definitions(texts: int, dimensions: int) -> None:
    vectors = unit_vectors(1, texts, dimensions)
    eigenvalues = np.linalg.eigvalsh(vectors @ vectors.T / texts)
    eigenvalues = eigenvalues[eigenvalues > 1e-12]
    assert vendi_score(vectors) == pytest.approx(np.exp(-(eigenvalues * np.log(eigenvalues)).sum()))


def test_vendi_counts_what_has_nothing_in_common() -> None:
    assert vendi_score(np.eye(7)) == pytest.approx(7)
    assert vendi_score(np.eye(1).repeat(7, axis=0)) == pytest.approx(1)


def as_embedder(vectors: NDArray[np.float64]) -> Embedder:
    return Embedder("fixed", lambda texts: vectors[[int(text) for text in texts]])


def test_sessions_with_one_client_are_left_out_together() -> None:
    vectors = unit_vectors(2, 12, 6)
    sessions = [session(f"client-{number // 2}", str(number)) for number in range(12)]
    found = semantic_diversity(sessions, as_embedder(vectors)).distance
    without = [mean_distance(np.delete(vectors, [at, at + 1], axis=0)) for at in range(0, 12, 2)]
    half = 2.5705818366147395 * np.sqrt(5 / 6 * np.sum((np.array(without) - np.mean(without)) ** 2))
    assert found.value == pytest.approx(mean_distance(vectors))
    assert found.low == pytest.approx(found.value - half, rel=1e-4)
    assert (found.clients, found.n) == (6, 12)


def test_vendi_has_an_interval_and_is_of_the_sample_asked_for() -> None:
    vectors = unit_vectors(3, 90, 16)
    sessions = [session(str(number), str(number)) for number in range(90)]
    found = semantic_diversity(sessions, as_embedder(vectors), sample=70)
    assert (found.vendi_texts, found.vendi.n, found.distance.n) == (70, 70, 90)
    assert found.vendi.low is not None
    assert found.vendi.high is not None
    assert found.vendi.low < (found.vendi.value or 0) < found.vendi.high
    assert "50 groups of 70 clients" in found.vendi.method
    assert found.vendi == semantic_diversity(sessions, as_embedder(vectors), sample=70).vendi
    assert found.vendi != semantic_diversity(sessions, as_embedder(vectors), sample=70, seed=1).vendi


def test_nothing_to_compare_gives_the_reason() -> None:
    found = semantic_diversity([session("a", "east")], COMPASS)
    assert (found.distance.value, found.distance.note) == (None, "a distance needs two texts")
    assert semantic_diversity([], COMPASS).vendi.value is None


def test_without_the_package_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    real = builtins.__import__

    def without(name: str, *rest: Any) -> Any:
        if name == "wordllama":
            raise ImportError(name)
        return real(name, *rest)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(SettingsError, match=r"pip install 'counseling-sessions\[semantic\]'"):
        semantic_diversity([session("a", "east")])


def test_the_packaged_model_tells_topics_apart_without_a_network(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("wordllama")

    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("a connection was tried")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    embedder = wordllama_embedder()
    sleep = ["I lay awake until four again.", "Most nights I cannot fall asleep."]
    alike = semantic_diversity([session(text, text) for text in sleep], embedder).distance.value
    other = [sleep[0], "My brother borrowed money and never paid it back."]
    apart = semantic_diversity([session(text, text) for text in other], embedder).distance.value
    assert alike is not None
    assert apart is not None
    assert apart > alike + 0.1
    assert "wordllama" in embedder.name
    long_beside_short = embedder.embed([" ".join(sleep) * 50, sleep[1], sleep[0]])
    assert np.allclose(long_beside_short[2], embedder.embed([sleep[0]])[0], atol=1e-6)


def test_the_packaged_model_leaves_logging_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("wordllama")
    for module in [name for name in sys.modules if name in ("wordllama", "wordllama.inference")]:
        monkeypatch.delitem(sys.modules, module)
    root = logging.getLogger()
    monkeypatch.setattr(root, "handlers", [])
    monkeypatch.setattr(root, "level", logging.ERROR)
    wordllama_embedder()
    assert (root.handlers, root.level) == ([], logging.ERROR)
