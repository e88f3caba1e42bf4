"""Generated turns against reference turns: by hand, against the libraries' own corpus scores, and files that are wrong."""

import json
import math
import random
from pathlib import Path

import pytest
from rouge_score.rouge_scorer import RougeScorer
from sacrebleu.metrics.bleu import BLEU
from sacrebleu.metrics.chrf import CHRF

from counseling_sessions.evaluation.reference import Turn, read_turns, reference_scores
from counseling_sessions.settings import SettingsError

WORDS = ["how", "did", "you", "feel", "when", "that", "happened", "last", "week", "tell", "me", "more"]


def turns(clients: int = 6, each: int = 4) -> list[Turn]:
    rng = random.Random(5)
    made = []
    for number in range(clients * each):
        reference = rng.choices(WORDS, k=9)
        generated = [word if rng.random() < 0.8 else rng.choice(WORDS) for word in reference]
        made.append(Turn(" ".join(generated), " ".join(reference), f"client-{number % clients}"))
    return made


def test_rouge_and_bleu_by_hand() -> None:
    # a b c d e / a b c d x: 4 of 5 words, 3 of 4 pairs, 2 of 3 triples, 1 of 2 quadruples; the longest common run of 4.
    scores = reference_scores([Turn("a b c d e", "a b c d x", "one")])
    found = {measure: figure.value for measure, figure in scores.figures.items()}
    assert found["rouge1"] == pytest.approx(80)
    assert found["rouge2"] == pytest.approx(75)
    assert found["rougeL"] == pytest.approx(80)
    assert found["bleu"] == pytest.approx(100 * (4 / 5 * 3 / 4 * 2 / 3 * 1 / 2) ** 0.25)


def test_rouge_compares_stems() -> None:
    figures = reference_scores([Turn("feeling worried", "feel worry", "one")]).figures
    assert figures["rouge1"].value == pytest.approx(100)
    assert (figures["bleu"].value or 0) < 50


def test_bleu_counts_its_brevity_by_hand() -> None:
    found = reference_scores([Turn("a b c d", "a b c d e", "one")]).figures["bleu"].value
    assert found == pytest.approx(100 * math.exp(1 - 5 / 4))


def test_corpus_figures_are_the_libraries_own() -> None:
    made = turns()
    hypotheses, references = [turn.generated for turn in made], [[turn.reference for turn in made]]
    scores = reference_scores(made)
    assert scores.figures["bleu"].value == pytest.approx(BLEU().corpus_score(hypotheses, references).score)
    assert scores.figures["chrf"].value == pytest.approx(CHRF().corpus_score(hypotheses, references).score)
    scorer = RougeScorer(["rougeL"], use_stemmer=True)
    rouge = [scorer.score(turn.reference, turn.generated)["rougeL"].fmeasure for turn in made]
    assert scores.figures["rougeL"].value == pytest.approx(100 * sum(rouge) / len(rouge))


def test_each_clients_figures_are_those_of_its_turns_alone() -> None:
    made = turns()
    alone = reference_scores([turn for turn in made if turn.client == "client-2"])
    found = reference_scores(made).clients
    assert list(found) == [f"client-{number}" for number in range(6)]
    assert found["client-2"] == pytest.approx({name: figure.value for name, figure in alone.figures.items()})


@pytest.mark.parametrize("measure", ["bleu", "chrf", "rouge1"])
def test_intervals_leave_out_whole_clients(measure: str) -> None:
    made = turns()
    figure = reference_scores(made).figures[measure]
    without = []
    for number in range(6):
        rest = [turn for turn in made if turn.client != f"client-{number}"]
        without.append(reference_scores(rest).figures[measure].value or 0)
    mean = sum(without) / 6
    half = 2.5705818366147395 * math.sqrt(5 / 6 * sum((value - mean) ** 2 for value in without))
    assert figure.value is not None
    assert figure.low == pytest.approx(figure.value - half)
    assert (figure.n, figure.clients) == (24, 6)


def test_signatures_name_versions_and_settings() -> None:
    signatures = reference_scores(turns()).signatures
    assert "tok:13a" in signatures["bleu"]
    assert "nc:6" in signatures["chrf"]
    assert "stemmer:yes" in signatures["rouge2"]
    assert all("version:" in signatures[name] for name in ("bleu", "chrf"))


def test_an_empty_generated_turn_scores_nothing_and_counts() -> None:
    good = Turn("tell me more about that", "tell me more about that", "a")
    figures = reference_scores([good, Turn("", "how did that feel", "b")]).figures
    assert figures["rouge1"].value == pytest.approx(50)
    assert figures["rouge1"].n == 2
    assert (figures["bleu"].value or 0) < 60


def test_no_turns_are_refused() -> None:
    with pytest.raises(ValueError, match="no turns"):
        reference_scores([])


def test_a_file_is_read_as_it_was_meant(tmp_path: Path) -> None:
    path = tmp_path / "turns.jsonl"
    made = turns(2, 2)
    lines = [json.dumps({**vars(turn), "turn": 3}) for turn in made]
    path.write_text("\ufeff" + lines[0] + "\n\n" + "\n".join(lines[1:]), encoding="utf-8")
    assert read_turns(path) == made


@pytest.mark.parametrize(
    ("line", "message"),
    [
        (b'{"generated": }', "line 2: broken JSON, column"),
        (b"[]", "line 2: should be an object with generated, reference, client"),
        (b'{"generated": "a", "client": "c"}', "line 2: 'reference' is missing"),
        (b'{"generated": null, "reference": "a", "client": "c"}', "line 2: 'generated' should be text"),
        (b'{"generated": "a", "reference": " ", "client": "c"}', "line 2: 'reference' is empty"),
        (b'{"generated": "a", "reference": "b", "client": 7}', "line 2: 'client' should be text"),
        (b'{"generated": "\xff"}', "line 2: not UTF-8 text"),
        (b"[" * 100_000, "line 2: broken JSON"),
    ],
)
def test_a_wrong_line_is_named(line: bytes, message: str, tmp_path: Path) -> None:
    path = tmp_path / "turns.jsonl"
    good = json.dumps(vars(turns()[0])).encode()
    path.write_bytes(b"\n".join([good, line, good]))
    with pytest.raises(SettingsError) as caught:
        read_turns(path)
    assert message in str(caught.value)
    assert str(path) in str(caught.value)


def test_many_wrong_lines_are_counted(tmp_path: Path) -> None:
    path = tmp_path / "turns.jsonl"
    path.write_text("{}\n" * 50, encoding="utf-8")
    with pytest.raises(SettingsError, match="line 20: 'generated' is missing\n  … and 30 more$"):
        read_turns(path)


def test_a_missing_or_empty_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"no\.jsonl cannot be read"):
        read_turns(tmp_path / "no.jsonl")
    (tmp_path / "no.jsonl").touch()
    with pytest.raises(SettingsError, match="holds no turn"):
        read_turns(tmp_path / "no.jsonl")
