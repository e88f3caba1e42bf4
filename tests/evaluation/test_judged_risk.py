"""Judges on the rubric on risk, as `evaluate --judge` asks them: how often, what is shown, and what survives."""

import json
import re
import time
from collections import Counter
from pathlib import Path

import krippendorff
import pytest

import run
from counseling_sessions.profiles.library import load_risk
from tests.evaluation.judged import keys_of
from tests.evaluation.risk_study import (
    ASKS,
    AT_RISK,
    MEETS,
    RUBRIC,
    answering,
    asked_about,
    by_what_is_said,
    call,
    judges,
)
from tests.forked import start
from tests.loopback import Latency, LoopbackServer, Request


def test_only_sessions_with_a_risk_are_asked_about_as_often_as_their_ways_are_long(
    risk_study: Path, tmp_path: Path, server: LoopbackServer, capsys: pytest.CaptureFixture[str]
) -> None:
    code, data = call("evaluate", risk_study, tmp_path, judges(tmp_path, server), "--quiet")
    assert code == 0
    asked = asked_about(server)
    assert asked == {f"{method}-{who}": 2 * n for who in AT_RISK for method, n in (("magnet", 15), ("single-plan", 5))}
    number = 2 * len(AT_RISK)
    assert f"grading {number} sessions with a risk, {2 * 5 * number} to {2 * 15 * number} questions" in " ".join(
        capsys.readouterr().err.split()
    )
    [card] = data["judged"]["cards"]["cards"]
    assert card["questions"] == sum(asked.values())
    assert (card["wanted"], card["unscored"]) == (2 * 5 * number, {})
    assert card["rubrics"] == {"risk-rubric": RUBRIC.hash}
    # Turn 77 does not exist; each step names it once.
    assert card["nowhere"] == sum(asked.values())
    assert card["used"]["prompt"] > 0


def test_grades_are_shown_by_group_level_and_kind(
    risk_study: Path, tmp_path: Path, server: LoopbackServer, capsys: pytest.CaptureFixture[str]
) -> None:
    _, data = call("evaluate", risk_study, tmp_path, judges(tmp_path, server))
    printed = capsys.readouterr().out
    found = data["judged"]["risk_rubric"]
    assert found["rubric"] == {"name": "risk-rubric", "hash": RUBRIC.hash}
    levels = Counter(load_risk(name).risk.level for name in AT_RISK if load_risk(name).risk)  # type: ignore[union-attr]
    kinds = Counter(load_risk(name).risk.kind for name in AT_RISK if load_risk(name).risk)  # type: ignore[union-attr]
    for group, met in (("magnet", 1), ("single-plan", 0)):
        part = found["groups"][group]
        assert part["sessions"] == len(AT_RISK)
        assert {name: some["sessions"] for name, some in part["by_level"].items()} == levels
        assert {name: some["sessions"] for name, some in part["by_kind"].items()} == kinds
        for dimension in part["dimensions"].values():
            assert dimension["met"]["value"] == met
            assert dimension["severity"]["none" if met else "high"] == len(AT_RISK)
            assert dimension["met"]["low"] is not None
    text = (tmp_path / "r.md").read_text(encoding="utf-8")
    for shown in (printed, text, (tmp_path / "r.html").read_text(encoding="utf-8")):
        plain = " ".join(shown.split())
        for part in (
            "Risk, judged",
            "By level of risk",
            "By kind of risk",
            "confirms",
            "nobody has validated",
        ):
            assert part in plain
    assert all(len(line) <= 80 for line in printed.splitlines())
    row = rf"magnet \(n={len(AT_RISK)}\)" + r" +100\.0 %" * 5
    assert re.search(row, printed)  # one line, without room for intervals
    for value, n in {**levels, **kinds}.items():
        assert text.partition("Risk, judged")[2].count(f"| magnet, {value.replace('_', ' ')} (n={n})") == 1
    assert f"{len(AT_RISK)}/0/0" in text
    assert f"0/0/{len(AT_RISK)}" in text
    assert "confirms high: Not at all, although the client has let something fall. (turn 1) Because of asks." in text


def test_systems_are_compared_in_pairs_on_the_rubric(risk_study: Path, tmp_path: Path, server: LoopbackServer) -> None:
    code, data = call("compare", risk_study, tmp_path, judges(tmp_path, server), "--quiet")
    assert code == 0
    compared = {one["measure"]["id"]: one for one in data["comparison"]["compared"]}
    for name in RUBRIC.dimensions:
        one = compared[f"risk-rubric/{name}"]
        assert (one["difference"]["pairs"], one["difference"]["difference"]["value"]) == (len(AT_RISK), 1)
        assert one["measure"]["share"]
        assert one["difference"]["test"]["value"] == 2 / 2 ** len(AT_RISK)
    families = {family["name"]: family["tested"] for family in data["comparison"]["families"]}
    assert families["risk-rubric"] == 5
    assert "100.0 pt" in (tmp_path / "r.md").read_text(encoding="utf-8")


def test_with_a_judge_the_rubric_is_one_of_the_metrics_and_nothing_is_asked_twice(
    risk_study: Path, tmp_path: Path
) -> None:
    with LoopbackServer() as server:
        path, kept = judges(tmp_path, server, samples=1), str(tmp_path / "kept")
        options = [
            "--judge",
            str(path),
            "--planted",
            "0",
            "--quiet",
            "--json",
            str(tmp_path / "all.json"),
            "--judgements",
            kept,
        ]
        assert run.main(["evaluate", str(risk_study), *options]) == 0
        asked = len(server.requests)
        first = json.loads((tmp_path / "all.json").read_text(encoding="utf-8"))["judged"]
        assert {row["scale"] for row in first["scores"]} == {*first["scales"], "risk-rubric"}
        assert [use["scale"] for use in first["cards"]["cards"][0]["scales"]][-1] == "risk-rubric"
        _, data = call("evaluate", risk_study, tmp_path, path, "--quiet")
        assert len(server.requests) == asked
    assert data["judged"]["risk_rubric"]["walks"] == first["risk_rubric"]["walks"]
    assert data["judged"]["risk_rubric"]["agreement"] == []


def test_judges_that_answer_rubbish_are_unscored_and_named(
    risk_study: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def reply(request: Request) -> str:
        return (
            "I would rather not." if keys_of(request.prompt) != ["asks"] else answering(lambda *_: "perhaps")(request)
        )

    with LoopbackServer(reply) as server:
        code, data = call("evaluate", risk_study, tmp_path, judges(tmp_path, server, samples=1))
        assert code == 1
        assert set(asked_about(server).values()) == {2 * 5}  # two attempts
    captured = capsys.readouterr()
    assert "judge j0 scored nothing: no_json" in " ".join(captured.err.split())
    sessions = 2 * len(AT_RISK)
    assert data["judged"]["cards"]["cards"][0]["unscored"] == {"no_json": 4 * sessions, "not_allowed": sessions}
    part = data["judged"]["risk_rubric"]["groups"]["magnet"]["dimensions"]["confirms"]
    assert (part["met"]["value"], part["met"]["missing"], part["severity"]["unscored"]) == (
        None,
        len(AT_RISK),
        len(AT_RISK),
    )


def test_a_judge_that_contradicts_the_rules_is_shown_beside_them(risk_study: Path, tmp_path: Path) -> None:
    with LoopbackServer(answering(lambda question, _: MEETS[question])) as server:
        _, data = call("evaluate", risk_study, tmp_path, judges(tmp_path, server, samples=1), "--quiet")
    by_id = {one["session"]: one for one in data["judged"]["risk_rubric"]["sessions"]}
    passed_over = by_id["single-plan-gareth-the-numbers"]
    assert passed_over["findings"][0]["kind"] == "risk_missed"
    assert set(passed_over["severities"].values()) == {"none"}
    assert (passed_over["level"], passed_over["kind"]) == ("active", "thoughts")
    text = (tmp_path / "r.md").read_text(encoding="utf-8").replace("\\", "")
    assert f"rules alone | {len(AT_RISK)} | {len(AT_RISK)}" in text  # magnet asks, and goes no further
    assert (
        "Rules: risk_missed (turn 2: no direct question after the sign in turn 1). Judges: detects none, confirms none"
        in text
    )


def test_two_judges_agree_as_far_as_their_commonest_grades(
    risk_study: Path, tmp_path: Path, server: LoopbackServer
) -> None:
    def stern(question: str, request: Request) -> str:
        if ASKS in request.prompt and question in ("asks", "hints_openly"):
            return {"asks": "around_it", "hints_openly": "either"}[question]
        return by_what_is_said(question, request)

    with LoopbackServer(answering(stern)) as other:
        _, data = call("evaluate", risk_study, tmp_path, judges(tmp_path, server, other, samples=1), "--quiet")
    found = {one["dimension"]: one for one in data["judged"]["risk_rubric"]["agreement"]}
    assert (found["detects"]["alike"]["value"], found["detects"]["alpha"]["value"]) == (1, 1)
    assert found["confirms"]["alike"]["value"] == 0.5
    n = len(AT_RISK)
    grades = [[2] * n + [0] * n, [1] * n + [0] * n]
    alpha = krippendorff.alpha(grades, level_of_measurement="ordinal")
    assert found["confirms"]["alpha"]["value"] == pytest.approx(alpha)
    assert alpha != pytest.approx(krippendorff.alpha(grades, level_of_measurement="nominal"))
    [between] = [one for one in data["judged"]["agreement"] if one["judge"] is None]
    assert between["alpha"]["value"] == pytest.approx((4 + alpha) / 5)
    means = data["judged"]["risk_rubric"]["groups"]["magnet"]["dimensions"]["confirms"]
    assert means["met"]["value"] == 0.5
    assert means["severity"]["low"] == n  # of two as common the graver
    assert "Between judges: j0, j1" in (tmp_path / "r.md").read_text(encoding="utf-8")


def test_a_judge_that_sees_no_occasion_has_answered(risk_study: Path, tmp_path: Path) -> None:
    with LoopbackServer(answering(lambda *_: "nothing_shown")) as server:
        code, data = call("evaluate", risk_study, tmp_path, judges(tmp_path, server, samples=1), "--quiet")
    assert code == 0
    part = data["judged"]["risk_rubric"]["groups"]["magnet"]["dimensions"]["detects"]
    assert (part["met"]["value"], part["severity"]["no_occasion"]) == (None, len(AT_RISK))
    [card] = data["judged"]["cards"]["cards"]
    assert (card["wanted"], card["unscored"], card["scales"][-1]["unscored"]) == (10 * len(AT_RISK), {}, 0)
    text = (tmp_path / "r.md").read_text(encoding="utf-8")
    assert f"Of {10 * len(AT_RISK)} grades {10 * len(AT_RISK)} found no occasion, 0 are unscored." in text
    # The rules read a sign in each of them.
    assert f"rules alone | {len(AT_RISK)} | {len(AT_RISK)}" in text
    assert "detects no occasion" in text


@pytest.mark.slow
def test_what_was_answered_before_a_kill_is_not_asked_again(risk_study: Path, tmp_path: Path) -> None:
    number = len(AT_RISK) * 20
    with LoopbackServer(answering(by_what_is_said), latency=Latency(0.02)) as server:
        path, kept = judges(tmp_path, server, samples=1), tmp_path / "kept"
        arguments = [
            "evaluate",
            str(risk_study),
            "--judge",
            str(path),
            "--metrics",
            "risk-rubric",
            "--judgements",
            str(kept),
        ]
        process = start(arguments, tmp_path / "shown.txt")
        while len(server.requests) < number // 3 and process.is_alive():
            time.sleep(0.01)
        process.kill()
        process.join()
        lines = (kept / "answers.jsonl").read_bytes().count(b"\n")
        before = len(server.requests)
        assert 0 < lines <= before < number
        code, data = call("evaluate", risk_study, tmp_path, path, "--quiet")
        assert (code, len(server.requests) - before) == (0, number - lines)
    [card] = data["judged"]["cards"]["cards"]
    assert (card["questions"], card["hits"]) == (number, lines)
