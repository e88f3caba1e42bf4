"""Plans of a study: power as libraries compute it, what a pilot says, and the command."""

import json
from pathlib import Path

import numpy as np
import pytest
from statsmodels.stats.power import TTestPower

import run
from counseling_sessions.evaluation.pilot import read_panel_pilot, read_pilot, spreads
from counseling_sessions.evaluation.planning import Goal, plan_difference, plan_preference
from counseling_sessions.evaluation.statistics.power import (
    AnswerSpread,
    DifferenceSpread,
    clients_needed,
    equivalence_power,
    least_clients,
    paired_power,
    panel_power,
)
from counseling_sessions.settings import SettingsError


@pytest.mark.parametrize(("effect", "clients", "alpha"), [(0.2, 50, 0.05), (0.5, 12, 5 / 2**11), (0.9, 10, 3 / 2**9)])
def test_power_is_that_of_students_t(effect: float, clients: int, alpha: float) -> None:
    assert paired_power(effect, 1.0, clients, alpha) == pytest.approx(
        TTestPower().power(effect, clients, alpha), abs=1e-9
    )


def test_the_fewest_clients_are_those_of_statsmodels() -> None:
    needed = clients_needed(lambda clients: paired_power(0.4, 1.0, clients), 0.8)
    assert needed == int(np.ceil(TTestPower().solve_power(0.4, power=0.8, alpha=0.05)))
    assert clients_needed(lambda clients: paired_power(0.001, 1.0, clients), 0.8) is None


@pytest.mark.parametrize("effect", [3.0, 9.0, 100.0])
def test_a_large_difference_is_surely_seen(effect: float) -> None:
    """There statsmodels says not-a-number: the tail on the wrong side cannot be computed."""
    assert np.isnan(TTestPower().power(3.0, 10, 0.05))
    assert paired_power(effect, 1.0, 10) == pytest.approx(1.0, abs=1e-6)
    assert equivalence_power(effect, 0.0, 1.0, 10) == pytest.approx(1.0, abs=1e-6)


def test_power_of_likeness_holds_in_a_simulation() -> None:
    """Two one-sided t tests on 40,000 studies of 12 clients."""
    rng = np.random.default_rng(1)
    drawn = rng.normal(0.1, 1, size=(40_000, 12))
    mean, error = drawn.mean(1), drawn.std(1, ddof=1) / np.sqrt(12)
    quantile = 1.795885  # of Student's t with 11 degrees of freedom, 95 %
    alike = np.mean((mean + quantile * error < 0.8) & (mean - quantile * error > -0.8))
    assert equivalence_power(0.8, 0.1, 1.0, 12, 0.05) == pytest.approx(alike, abs=0.01)


def test_raters_who_differ_set_a_ceiling_that_clients_do_not_lift() -> None:
    panel = AnswerSpread(rater=0.1, client=0.1, ties=0.2)
    assert panel_power(0.6, panel, 3, 10_000, 6) < 0.25
    three, ten = plan_preference(0.6, panel, Goal(), [3], [3, 10])
    assert three.clients is None
    assert three.ceiling is not None
    assert three.ceiling < 0.25
    assert ten.clients is not None
    assert ten.sessions == 3 * ten.clients


def test_so_few_clients_that_signs_cannot_tell_have_no_power() -> None:
    assert least_clients(0.05) == 6
    assert paired_power(100.0, 1.0, 5) == 0
    assert paired_power(100.0, 1.0, 6) > 0.99
    # Six clients reach p = 1/32 or 2/32, and 2/32 is above .05.
    assert paired_power(1.5, 1.0, 6, 0.05) == paired_power(1.5, 1.0, 6, 1 / 32)
    # Eight tests by Holm: 2^(1 - 8) x 8 is .0625.
    assert least_clients(0.05 / 8) == 9


def test_more_pairs_of_a_client_help_as_far_as_clients_are_alike() -> None:
    one, many = plan_difference(0.4, DifferenceSpread(0.5, 1.2), Goal(), [1, 50], with_clients=20)
    assert one.clients
    assert many.clients
    assert many.clients < one.clients
    floor = plan_difference(0.4, DifferenceSpread(0.5, 0.0), Goal(), [1])[0].clients
    assert floor
    assert many.clients >= floor
    assert one.finds
    assert many.finds
    assert many.finds < one.finds
    assert paired_power(one.finds, DifferenceSpread(0.5, 1.2).of_mean(1), 20) == pytest.approx(0.8, abs=1e-6)


def test_spreads_are_those_of_the_analysis_of_variance() -> None:
    rng = np.random.default_rng(2)
    rows = [
        (f"c{n}", float(v)) for n, effect in enumerate(rng.normal(0, 0.5, 4000)) for v in effect + rng.normal(0, 1.2, 3)
    ]
    spread, cautious = spreads(rows)
    assert (spread.client, spread.pair) == (pytest.approx(0.5, abs=0.05), pytest.approx(1.2, abs=0.03))
    few, wide = spreads(rows[:30])
    assert wide.of_mean(3) > few.of_mean(3)
    assert cautious.pair == pytest.approx(spread.pair, rel=0.02)
    alone, _ = spreads([(client, value) for client, value in rows[::3]])
    assert (alone.client, alone.pair) == (pytest.approx(1.3, abs=0.05), 0.0)


def test_a_plan_from_a_pilot_is_shown_and_written(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rng = np.random.default_rng(3)
    groups = {
        name: {
            "by_session": [
                {"client": f"c{n}", "attitude": attitude, "seed": 1, "values": {"turns": float(rng.normal(shift, 1))}}
                for n in range(6)
                for attitude in ("negative", "positive")
            ]
        }
        for name, shift in (("magnet", 1), ("single", 0))
    }
    pilot, plan = tmp_path / "pilot.json", tmp_path / "plan.json"
    pilot.write_text(json.dumps({"groups": groups}), encoding="utf-8")
    typed = ["plan-study", "--difference", "0.5", "--pilot", str(pilot), "--measure", "turns", "--json", str(plan)]
    assert run.main(typed) == 0
    shown = " ".join(capsys.readouterr().out.split())
    assert "12 pairs of magnet and single with 6 clients on turns" in shown
    written = json.loads(plan.read_text(encoding="utf-8"))
    assert [design["pairs"] for design in written["designs"]] == [1, 3, 6]
    assert all(design["cautious"] >= design["clients"] for design in written["designs"])
    groups["magnet"]["by_session"][0]["values"]["counselor_words"] = 30.0
    with pytest.raises(SettingsError, match=r"counselor_words \(words a counselor message\)"):
        read_pilot({"groups": groups}, "warmth", None)
    with pytest.raises(SettingsError, match="pairs of magnet and single with counselor_words"):
        read_pilot({"groups": groups}, "words a counselor message", None)


@pytest.mark.parametrize(
    ("typed", "complaint"),
    [
        ([], "name one aim"),
        (["--difference", "1", "--win-rate", "0.6"], "name one aim"),
        (["--difference", "1"], "say how differences vary"),
        (["--win-rate", "0.5"], "nothing to find"),
        (["--difference", "1", "--pilot", "README.md"], "name the --measure"),
        (["--difference", "1", "--pilot", "nowhere.json", "--measure", "turns"], "there is no file"),
        (["--difference", "1", "--pilot", "README.md", "--measure", "turns"], "is not what"),
    ],
)
def test_what_cannot_be_planned_is_said(typed: list[str], complaint: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run.main(["plan-study", *typed]) == 2
    assert complaint in capsys.readouterr().err


def test_a_pilot_of_preferences_says_how_raters_and_clients_vary(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rng = np.random.default_rng(4)
    by_rater, by_client = rng.normal(0, 0.1, 30), rng.normal(0, 0.15, 40)
    rows = [
        {
            "aspect": "empathy",
            "winner": "first" if rng.random() < 0.6 + by_rater[rater] + by_client[client] else "second",
            "first": "magnet",
            "second": "single",
            "client": f"c{client}",
            "rater": f"r{rater}",
        }
        for rater in range(30)
        for client in range(40)
        for _ in range(3)
    ]
    pilot = tmp_path / "prefer.json"
    pilot.write_text(json.dumps({"preferences": rows}), encoding="utf-8")
    read = read_panel_pilot({"preferences": rows}, "empathy", None)
    assert read.rate == pytest.approx(0.6, abs=0.05)
    assert read.panel.rater == pytest.approx(float(by_rater.std(ddof=1)), abs=0.03)
    assert read.panel.client == pytest.approx(float(by_client.std(ddof=1)), abs=0.03)
    assert read.cautious.rater > read.panel.rater
    typed = ["plan-study", "--win-rate", "0.6", "--pilot", str(pilot), "--raters", "5", "--per-client", "3"]
    assert run.main(typed) == 0
    assert "3,600 answers of 30 raters" in " ".join(capsys.readouterr().out.split())
    assert run.main([*typed, "--measure", "warmth"]) == 2
    alone = [row for row in rows if row["rater"] == "r0"]
    with pytest.raises(SettingsError, match="two of each"):
        read_panel_pilot({"preferences": alone}, None, None)
