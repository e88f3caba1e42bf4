"""Scripted judges through the real command: each is described by what it goes by, in the words of its verdict."""

import json
from pathlib import Path
from typing import Any

import pytest

import run
from tests.evaluation import pair_judges
from tests.evaluation.pair_judges import ASPECTS, answering, honest, in_turn
from tests.loopback import LoopbackServer, Request

JUDGES = {
    "left": pair_judges.left,
    "right": pair_judges.right,
    "constant": pair_judges.tying,
    "longest": pair_judges.longest,
    "random": pair_judges.random,
    "in-turn": in_turn(),
    "honest": honest(0),
    "noisy": honest(0.32),
}
WORDS = {
    "left": [
        "prefers the session shown first in 100.0 %",
        "It answers by position.",
        "two identical sessions in 100.0 %",
    ],
    "right": ["prefers the session shown second in 100.0 %", "It answers by position.", "two identical sessions"],
    "constant": ['says tie or "cannot say" in 100.0 %', "does not tell the sessions apart"],
    "longest": ["the longer session in 100.0 %", "the padded copy of a session in 100.0 %", "This judge counts words."],
    "random": ["as by chance", "Its decisions are noise.", "two identical sessions"],
    "in-turn": ["its answer stays with the place in 100.0 %", "It answers by position", "two identical sessions"],
    "honest": ["consistent, with the same answer in both orders in 100.0 %", "No preference for a place or for length"],
    "noisy": ["more often than by chance", "Its decisions hold, with noise."],
}
GOOD = ("It is consistent", "hold, with noise")


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return pair_judges.write_study(tmp_path_factory.mktemp("study"))


@pytest.fixture(scope="module")
def preferred(study: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What `prefer` writes for all the judges at once: its JSON, and under `markdown` its report."""
    folder = tmp_path_factory.mktemp("preferred")
    assert prefer(study, folder, *JUDGES) == 0
    data: dict[str, Any] = json.loads((folder / "out.json").read_text(encoding="utf-8"))
    return data | {"markdown": (folder / "out.md").read_text(encoding="utf-8")}


def prefer(study: Path, folder: Path, *judges: str, options: tuple[str, ...] = ()) -> int:
    (folder / "aspects.yaml").write_text(ASPECTS, encoding="utf-8")
    answers = {name: answering(JUDGES[name]) for name in judges}

    def answer(request: Request) -> str:
        return answers[request.body["model"]](request)

    with LoopbackServer(answer, models=judges) as server:
        listed = "\n".join(f"  - {{name: {name}, model: {name}}}" for name in judges)
        told = f"base_url: {server.base_url}\nsamples: 1\njudges:\n{listed}\n"
        (folder / "judge.yaml").write_text(told, encoding="utf-8")
        arguments = [
            *("prefer", str(study), "--between", "magnet,single-plan", "--judge", str(folder / "judge.yaml")),
            *("--aspects", str(folder / "aspects.yaml"), "--judgements", str(folder / "kept"), "--quiet"),
            *("--json", str(folder / "out.json"), "--markdown", str(folder / "out.md"), *options),
        ]
        return run.main(arguments)


@pytest.mark.parametrize("judge", JUDGES)
def test_a_judge_is_called_what_it_is(preferred: dict[str, Any], judge: str) -> None:
    text = next(verdict["text"] for verdict in preferred["verdicts"] if verdict["judge"] == judge)
    assert f"{judge}: {text}" in preferred["markdown"]
    for part in WORDS[judge]:
        assert part in text
    assert any(words in text for words in GOOD) == (judge in ("honest", "noisy"))


def test_at_equal_length_a_judge_that_counts_words_prefers_nothing_and_an_honest_one_keeps_its_rate(
    preferred: dict[str, Any],
) -> None:
    [duel] = preferred["judged"]["lengths"]
    counting, honest = (duel["raters"][name] for name in ("longest", "honest"))
    assert counting["longer"]["value"] == 1
    assert abs(counting["controlled"]["value"] - 0.5) < 0.05
    assert honest["rate"]["value"] == 6 / 9
    assert abs(honest["controlled"]["value"] - 6 / 9) < 0.05
    assert "longer preferred" in preferred["markdown"].lower()


def test_control_pairs_count_in_no_win_rate(preferred: dict[str, Any]) -> None:
    ids = {row["pair"] for row in preferred["controls"]["answers"]}
    assert len(ids) == 2 * 5
    assert not ids & {row["pair"] for row in preferred["decisions"]}
    results = {(item["judge"], item["kind"]): item for item in preferred["judged"]["controls"]}
    assert results["left", "identical"]["one"]["value"] == results["right", "identical"]["other"]["value"] == 1
    assert results["left", "padded"]["tied"]["value"] == 1  # its two orders disagree
    assert results["longest", "padded"]["one"]["value"] == results["honest", "padded"]["tied"]["value"] == 1
    assert results["longest", "identical"]["tied"]["value"] == 1
    assert preferred["preferred"]["duels"][0]["rates"][""]["raters"] == len(JUDGES)


def test_repetitions_are_paired_and_said(preferred: dict[str, Any]) -> None:
    assert preferred["pairing"] == {
        "pairs": 9, "compared": 9, "alone": 0, "repetitions": 1, "surplus": 0, "copies": 0
    }  # fmt: skip
    assert "1 pair of further sessions" in preferred["markdown"]


def test_without_control_pairs_nobody_says_why_a_judge_prefers_the_longer(study: Path, tmp_path: Path) -> None:
    assert prefer(study, tmp_path, "longest", options=("--controls", "0")) == 0
    data = json.loads((tmp_path / "out.json").read_text(encoding="utf-8"))
    assert data["controls"]["answers"] == []
    assert "Without padded control pairs nobody can say" in data["verdicts"][0]["text"]
