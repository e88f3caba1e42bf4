"""The learned half of the risk check: what it takes a message for, its file, and that the file is learned from the phrases."""

import json
from pathlib import Path

import pytest
import yaml

from counseling_sessions.integrity.linear import LinearModel
from counseling_sessions.integrity.rules import means
from counseling_sessions.integrity.spoken import Spoken
from counseling_sessions.nodes.examples import CORPUS
from counseling_sessions.nodes.risk import Risk, find_risk
from counseling_sessions.nodes.risk.learned import FILE, HARMLESS, features, linear_model
from counseling_sessions.settings import SettingsError
from counseling_sessions.training.linear import as_text, digest, write
from counseling_sessions.training.risk_words import fitted, phrases

FEW = [
    ("the tide takes me out of all this", "suicide"),
    ("let the tide take everything of me", "suicide"),
    ("my landlord follows me with the dogs", "danger"),
    ("the landlord let the dogs at me", "danger"),
    ("my neighbour will feel my boots", "harm_to_others"),
    ("that neighbour gets my boots yet", "harm_to_others"),
    ("i planted beans along the fence", HARMLESS),
    ("the beans grew over the fence", HARMLESS),
]


def test_the_file_is_learned_from_the_phrases_as_they_are() -> None:
    """After a change of corpus/risk/ or of the corpus: python -m counseling_sessions.training.risk_words."""
    assert json.loads(FILE.read_bytes())["source"] == digest(phrases())


def test_a_model_learns_from_phrases_and_is_read_again_as_it_was(tmp_path: Path) -> None:
    pytest.importorskip("sklearn")
    model = fitted(FEW * 3)
    write(as_text(model), tmp_path / "weights.json")
    again = linear_model(tmp_path / "weights.json")
    assert again == model
    for words, kind in FEW:
        likely = again.probabilities(features(words))
        assert max(likely, key=lambda name: likely[name]) == kind
        assert sum(likely.values()) == pytest.approx(1)


def test_features_are_words_together_and_parts_of_words() -> None:
    assert {"no", "no way", "no way out", "~^wa", "~out$", "~^out$"} <= features("no way out")
    assert "~ut" not in features("no way out")
    assert features("") == frozenset()
    assert 0 < LinearModel(source="", classes=("a", "b"), bias=(0, 0), weights={}).probabilities(())["a"] < 1


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("{", "Invalid JSON"),
        ('{"source": "", "classes": ["a"], "bias": [1], "weights": {"x": [1, 2]}}', "one weight for each of a"),
        ('{"source": "", "classes": ["a"], "bias": ["1"], "weights": {}}', "bias"),
        (None, "No such file"),
    ],
)
def test_a_file_that_is_no_model_is_refused(tmp_path: Path, text: str | None, problem: str) -> None:
    path = tmp_path / "weights.json"
    if text is not None:
        path.write_text(text, encoding="utf-8")
    with pytest.raises(SettingsError, match=problem):
        linear_model(path)


def test_no_phrase_names_a_method_or_a_place() -> None:
    kinds = [yaml.safe_load(path.read_text(encoding="utf-8")) for path in sorted((CORPUS / "risk").glob("*.yaml"))]
    texts = [text for kind in kinds for listed in kind.values() for text in listed]
    assert len(texts) > 7_000
    assert not [text for text in texts if means(Spoken(text, "client"))]


@pytest.mark.parametrize(
    ("text", "category"),
    [
        ("I have started to sort my things so that nobody has the trouble later.", "suicide"),
        ("I ask him before I go anywhere, and I hide my phone when he comes in.", "danger"),
        ("One of these nights I will not walk away from him.", "harm_to_others"),
    ],
)
def test_what_no_list_has_is_asked_about(text: str, category: str) -> None:
    assert find_risk(text) == Risk("rules", category, "unclear")


def test_an_unreadable_model_counts_as_risk(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def refuse() -> LinearModel:
        raise SettingsError("gone")

    monkeypatch.setattr("counseling_sessions.nodes.risk.search.linear_model", refuse)
    assert find_risk("I planted beans.") == Risk("check_failed", "SettingsError")
