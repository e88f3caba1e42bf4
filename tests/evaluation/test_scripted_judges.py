"""Judges whose faults are known, through the real commands: each card says in words what its judge is."""

import json
from pathlib import Path
from typing import Any

import pytest

import run
from tests.evaluation.methods import methods_of, unexplained
from tests.evaluation.scripted_judges import GROUP, SAMPLES, SCALE, judges, write_groups


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("cards")
    (folder / "scale.yaml").write_text(SCALE, encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def outcome(folder: Path) -> tuple[dict[str, Any], str]:
    """The cards by judge, and the report as Markdown."""
    sessions = [str(path) for path in write_groups(folder)]
    files = {"--json": folder / "r.json", "--markdown": folder / "r.md", "--judgements": folder / "kept"}
    with judges(folder, *SAMPLES) as path:
        options = ["--judge", str(path), "--scale", str(folder / "scale.yaml"), "--metrics", "ctrs", "--quiet"]
        options += [str(part) for pair in files.items() for part in pair]
        assert run.main(["evaluate", *sessions, *options, "--planted", str(GROUP)]) == 0
    data = json.loads(files["--json"].read_text(encoding="utf-8"))
    cards = {card["judge"]: card for card in data["judged"]["cards"]["cards"]}
    return cards, files["--markdown"].read_text(encoding="utf-8").replace("\\", "")


AGAINST = {
    "constant": {
        "constant": "it gave 4 to 100 % of the items",
        "planted_chance": "no better than chance at planted defects. Scores of broken sessions stayed the same",
    },
    "random": {
        "chance": "asked again, it does not agree with itself",
        "planted_chance": "no better than chance at planted defects",
    },
    "longest": {
        "follows_length": "it follows length. Copies padded with empty words rose by",
        "planted_chance": "no better than chance at planted defects",
    },
    "honest": {},
    "refusing": {"refuses_group": "It left 100 % of dear.jsonl unscored, and 100 points more than of the other groups"},
    "drafting": {},
}
BESIDE = {
    "honest": {
        "planted_most": "it noticed 3 of 3 planted defects",
        "steady": "asked again, it agrees with itself",
        "free_of_length": "no reward for padding was found",
    },
    "refusing": {
        "planted_most": "it noticed 3 of 3 planted defects",
        "unscored": "(words instead of ratings 12)",
    },
    "drafting": {
        "planted_most": "it noticed 3 of 3 planted defects",
        "drafts": "100 % of its answers held a draft before the rating",
    },
}


@pytest.mark.parametrize("name", SAMPLES)
def test_a_card_says_in_words_what_its_judge_is(outcome: tuple[dict[str, Any], str], name: str) -> None:
    cards, page = outcome
    said = {verdict["kind"]: verdict for verdict in cards[name]["verdicts"]}
    assert {kind for kind, verdict in said.items() if verdict["weight"] == "against"} == set(AGAINST[name])
    for kind, words in (AGAINST[name] | BESIDE.get(name, {})).items():
        assert words in said[kind]["text"]
        assert said[kind]["text"] in page
    assert ("free_of_length" in said) == (name in ("honest", "refusing", "drafting"))


def test_the_methods_say_how_judges_were_tried(outcome: tuple[dict[str, Any], str]) -> None:
    assert unexplained(outcome[1]) == []
    for part in ("was tried on sessions of plain.jsonl", "Fisher's exact test of clients", "Spearman's correlation"):
        assert part in methods_of(outcome[1])


@pytest.mark.parametrize("name", SAMPLES)
def test_the_methods_say_what_came_of_the_trial(outcome: tuple[dict[str, Any], str], name: str) -> None:
    """That a judge was tried must not read as if it had passed."""
    said = methods_of(outcome[1])
    assert f"{name} noticed {3 if name in ('honest', 'refusing', 'drafting') else 0} of 3 planted defects" in said
    assert (f"Against the judge {name}: " in said) == bool(AGAINST[name])


@pytest.mark.parametrize("name", SAMPLES)
def test_what_speaks_against_a_judge_stands_before_its_scores(outcome: tuple[dict[str, Any], str], name: str) -> None:
    before, _, _ = outcome[1].partition("## Judge cards")
    for words in AGAINST[name].values():
        assert words in before


def test_a_judge_that_counts_words_finds_no_defect_but_the_changed_length(outcome: tuple[dict[str, Any], str]) -> None:
    [one] = outcome[0]["longest"]["noticing"]
    assert (one["defects"], one["noticed"]) == (3, 0)
    assert one["shortened"]["mean_fall"] > 0.5
    assert one["padded"]["mean_fall"] < -0.3


def test_the_card_names_the_group_that_was_broken_and_what_so_many_sessions_can_show(
    outcome: tuple[dict[str, Any], str],
) -> None:
    cards, page = outcome
    assert {card["planted_on"] for card in cards.values()} == {"plain.jsonl"}
    assert f"planted defects in {GROUP} sessions of {GROUP} clients, from plain.jsonl" in page
    assert {one["smallest_p"] for card in cards.values() for one in card["noticing"]} == {2.0 ** (1 - GROUP)}
    [noisy] = cards["random"]["noticing"]
    [honest] = cards["honest"]["noticing"]
    assert noisy["detectable"] > 1 > honest["detectable"] > 0


def test_a_refused_group_stays_in_the_tables(folder: Path, outcome: tuple[dict[str, Any], str], tmp_path: Path) -> None:
    counts = {count["group"]: count for count in outcome[0]["refusing"]["groups"]}
    assert (counts["dear.jsonl"]["asked"], counts["dear.jsonl"]["scored"], counts["dear.jsonl"]["lost"]) == (
        2 * GROUP,
        0,
        GROUP,
    )
    assert counts["dear.jsonl"]["p"] < 0.01
    assert (counts["plain.jsonl"]["scored"], counts["plain.jsonl"]["unscored"]) == (2 * GROUP, {})
    with judges(folder, "refusing") as path:
        options = [
            "--judge",
            str(path),
            "--scale",
            str(folder / "scale.yaml"),
            "--metrics",
            "ctrs",
            *("--planted", "1", "--planted-on", "dear.jsonl"),
        ]
        options += ["--judgements", str(tmp_path), "--quiet", "--markdown", str(tmp_path / "r.md")]
        options += ["--json", str(tmp_path / "r.json")]
        assert run.main(["evaluate", *map(str, write_groups(folder)), *options]) == 0
    page = (tmp_path / "r.md").read_text(encoding="utf-8").replace("\\", "")
    [row] = [line for line in page.splitlines() if line.startswith("| Two, general (0 to 6)")]
    assert row.split("|")[3].strip() == "–"
    assert "refusing: It left 100 % of dear.jsonl unscored" in page
    judged = json.loads((tmp_path / "r.json").read_text(encoding="utf-8"))["judged"]
    [card] = judged["cards"]["cards"]
    assert (card["planted_on"], {check["n"] for check in card["planted"]}) == ("dear.jsonl", {0})
    means = judged["group_means"]["dear.jsonl"]
    assert (means["ctrs-style/general"]["value"], means["ctrs-style/general"]["missing"]) == (None, GROUP)
