"""The methods of reports through the real commands: each way of testing is explained, and each report says how it was made."""

import json
from pathlib import Path
from typing import Any

import pytest

import run
from tests import long
from tests.evaluation import pair_judges
from tests.evaluation.methods import methods_of, unexplained
from tests.evaluation.test_commands import answer
from tests.evaluation.test_pair_judges import prefer

pytestmark = pytest.mark.skipif(not long.ASKED_FOR, reason=f"takes half a minute: set {long.VARIABLE}=1 to run it")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A study of six clients, what judges preferred in it, and what two people did."""
    folder = tmp_path_factory.mktemp("methods")
    study = folder / "study"
    study.mkdir()
    pair_judges.write_study(study, clients=6, sessions=7)
    assert prefer(study, folder, "longest", "honest") == 0
    rating = folder / "rating"
    options = ["--between", "magnet,single-plan", "--raters", "2", "--pairs", "7", "--out", str(rating)]
    assert run.main(["rate", str(study), *options]) == 0
    answer(rating, "rater-1", "a")
    answer(rating, "rater-2", "b")
    sheets = [str(path) for path in sorted(rating.glob("answers-*.json"))]
    called("agreement", folder, *sheets, "--judged", str(folder / "out.json"))
    return folder


def called(command: str, folder: Path, *arguments: str) -> tuple[str, dict[str, Any]]:
    """The report of a command as Markdown, and its data."""
    page, data = folder / f"{command}.md", folder / f"{command}.json"
    assert run.main([command, *arguments, "--quiet", "--markdown", str(page), "--json", str(data)]) == 0
    return page.read_text(encoding="utf-8"), json.loads(data.read_text(encoding="utf-8"))


def test_judges_of_pairs_are_described(folder: Path) -> None:
    page = (folder / "out.md").read_text(encoding="utf-8")
    assert unexplained(page) == []
    for part in ("Judges saw every pair in both orders", "control pairs: 5 pairs", "AlpacaEval 2", "raters like these"):
        assert part in methods_of(page)


def test_people_who_compare_are_described(folder: Path) -> None:
    page = (folder / "agreement.md").read_text(encoding="utf-8")
    assert unexplained(page) == []
    for part in ("Gwet's AC1", "leaves out one client", "set beside people", "The analysis used counseling-sessions"):
        assert part in methods_of(page)
    assert "## How this was made" in page


def test_a_comparison_is_described_with_its_margins_and_repetitions(folder: Path) -> None:
    margins = ("--margin", "turns=1", "--primary", "turns", "--html", str(folder / "r.html"))
    page, data = called("compare", folder, str(folder / "study"), "--metrics", "structure", *margins)
    assert unexplained(page) == []
    for part in (
        "two one-sided tests (Schuirmann, 1987)",
        "± 1.00 for turns",
        "averaged at most 2 further sessions",
        "Primary measures, named beforehand and corrected by themselves, were turns; all others were secondary",
        "Holm, primary, 1 test; Holm, structure, secondary",
    ):
        assert part in methods_of(page)
    assert "turns (primary)" in page
    assert {item["difference"]["repeated"] for item in data["comparison"]["compared"]} == {2}
    assert "2 further sessions of the same client, attitude and seed: averaged with the first" in page


@pytest.mark.parametrize("pilot", ["out.json", "agreement.json"])
def test_a_plan_reads_what_judges_and_people_preferred_and_is_described(folder: Path, pilot: str) -> None:
    rows = json.loads((folder / pilot).read_text(encoding="utf-8"))["preferences"]
    asked = ["--win-rate", "0.7", "--raters", "3", "--per-client", "1", "--pilot", str(folder / pilot)]
    page, data = called("plan-study", folder, *asked)
    assert unexplained(page) == []
    assert data["pilot"]["answers"] == sum(row["winner"] != "cannot_say" for row in rows)
    assert "From the pilot" in methods_of(page)
    assert data["made"]["command"].startswith("python run.py plan-study --win-rate 0.7")


def test_scores_against_references_say_their_version(tmp_path: Path) -> None:
    turns = [{"generated": f"Try {n}.", "reference": f"Try it, {n}.", "client": f"c{n}"} for n in range(6)]
    (tmp_path / "turns.jsonl").write_text("\n".join(map(json.dumps, turns)), encoding="utf-8")
    page, data = called("reference", tmp_path, str(tmp_path / "turns.jsonl"))
    assert unexplained(page) == []
    assert "The analysis used counseling-sessions" in methods_of(page)
    assert data["made"]["packages"]["counseling-sessions"]
