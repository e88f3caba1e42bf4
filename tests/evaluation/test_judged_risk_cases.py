"""On which sessions judges are asked about risk, what grades come to, and which planted failures a judge catches."""

import json
from pathlib import Path

import pytest

import run
from benchmarks import risk_judge
from counseling_sessions.commands.risk_words import RISK_WORDS
from counseling_sessions.evaluation.judged_risk import JudgedRisk, RiskCase, risk_cases
from counseling_sessions.evaluation.judging.branches import BranchJudgements, Walk
from counseling_sessions.profiles.library import load_risk, risk_ids
from counseling_sessions.sessions import Session
from counseling_sessions.state import RiskEntry
from tests.evaluation.made import clean
from tests.evaluation.made import session as made
from tests.evaluation.risk_study import ASKS, FAILS, MEETS, PASSES, RUBRIC, SIGN, answering, call, judges
from tests.loopback import LoopbackServer, Request


def test_a_chatbot_under_test_is_judged_as_any_counselor(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, server: LoopbackServer
) -> None:
    monkeypatch.setenv("COUNSELING_SESSIONS_CHECKPOINTS", str(tmp_path / "checkpoints.sqlite"))
    folder = tmp_path / "one"
    with LoopbackServer() as loopback, LoopbackServer(lambda request: ASKS) as chatbot:
        options = [
            "--profile",
            "gareth-the-numbers",
            "--risk",
            "active",
            "--turns",
            "2",
            "--quiet",
            "--out",
            str(folder),
        ]
        places = ["--base-url", loopback.base_url, "--counselor", chatbot.base_url, "--counselor-model", "bot"]
        assert run.main(["session", *places, *options]) == 0
        assert chatbot.requests
    code, data = call("evaluate", folder, tmp_path, judges(tmp_path, server, samples=1), "--quiet")
    assert code == 0
    [one] = data["judged"]["risk_rubric"]["sessions"]
    assert (one["method"], one["level"], set(one["severities"].values())) == ("single", "active", {"none"})


def test_where_no_session_has_a_risk_nothing_is_asked(
    tmp_path: Path, server: LoopbackServer, capsys: pytest.CaptureFixture[str]
) -> None:
    dialogue = [{"role": "counselor", "message": "Hello."}, {"role": "client", "message": "I can't sleep."}]
    (tmp_path / "set").mkdir()
    (tmp_path / "set" / "one.json").write_text(json.dumps({"dialogue": dialogue}), encoding="utf-8")
    code, data = call("evaluate", tmp_path / "set", tmp_path, judges(tmp_path, server), "--quiet")
    assert code == 0
    assert "risk_rubric" not in data["judged"]
    assert server.requests == []
    assert "asked of none" in " ".join(capsys.readouterr().err.split())


def test_anybody_s_sessions_with_a_sign_are_judged_without_a_level(tmp_path: Path, server: LoopbackServer) -> None:
    said = ("Hello.", SIGN, ASKS, "Yes.")
    dialogue = [{"role": ("counselor", "client")[place % 2], "message": text} for place, text in enumerate(said)]
    (tmp_path / "set").mkdir()
    (tmp_path / "set" / "one.json").write_text(json.dumps({"dialogue": dialogue}), encoding="utf-8")
    _, data = call("evaluate", tmp_path / "set", tmp_path, judges(tmp_path, server), "--quiet")
    [part] = data["judged"]["risk_rubric"]["groups"].values()
    assert list(part["by_level"]) == list(part["by_kind"]) == ["not_in_the_form"]
    text = (tmp_path / "r.md").read_text(encoding="utf-8")
    assert "By group" in text
    assert "By kind of risk" not in text


def test_a_scale_of_one_s_own_cannot_have_the_rubric_s_name(
    risk_study: Path, tmp_path: Path, server: LoopbackServer, capsys: pytest.CaptureFixture[str]
) -> None:
    scale = {
        **{"name": "risk-rubric", "title": "Mine", "note": "n", "low": 0, "high": 1, "question": "q"},
        **{
            "anchors": {0: "no", 1: "yes"},
            "items": [{"id": "a", "title": "A", "definition": "a"}],
            "subscales": {"a": ["a"]},
        },
    }
    path = tmp_path / "scale.yaml"
    path.write_text(json.dumps(scale), encoding="utf-8")
    assert call("evaluate", risk_study, tmp_path, judges(tmp_path, server), "--scale", str(path))[0] == 2
    assert "give it its own name" in capsys.readouterr().err


def test_cases_are_clients_at_risk_and_sessions_that_the_protocol_led() -> None:
    said = ("Hello.", "I am tired.", "Who is near you?", "My sister.")
    led = made(
        *said, id="led", risk=(RiskEntry(turn=2, wording="unclear", source="model", steps=("acknowledge", "ask")),)
    )
    looked = made(*said, id="looked", risk=(RiskEntry(turn=2, wording="none", source="model"),))
    signed = made("Hello.", SIGN, PASSES, "Nothing.", id="signed")
    formed = made(*said, id="formed", profile=load_risk("halina-last-bell"))
    harmless = made(*said, id="harmless", profile=load_risk(risk_ids(["none"])[0]))
    cases = risk_cases([clean(), led, looked, signed, formed, harmless], RISK_WORDS)
    found = [(case.session.id, case.level, case.kind, case.read, len(case.findings)) for case in cases]
    assert found == [
        ("led", "", "", False, 0),
        ("signed", "", "", True, 1),
        ("formed", "passive", "thoughts", False, 0),
    ]


def judged(*walks: tuple[str, int, str | None], session: Session) -> JudgedRisk:
    """Walks on `detects` by judge, sample and severity."""
    listed = tuple(
        Walk(session.key, dimension, name, sample, severity=severity)  # type: ignore[arg-type]
        for name, sample, severity in walks
        for dimension in RUBRIC.dimensions
    )
    case = RiskCase(session, "", "", read=True, findings=())
    return JudgedRisk(RUBRIC, (case,), tuple(dict.fromkeys(one[0] for one in walks)), BranchJudgements(listed, {}))


def test_what_is_met_is_over_samples_then_judges_of_those_with_an_occasion() -> None:
    about = clean()
    one = judged(
        ("a", 1, "none"), ("a", 2, "high"), ("a", 3, "no_occasion"), ("b", 1, "none"), ("b", 2, None), session=about
    )
    mean = one.means[0]
    assert (mean.mean, mean.judges, mean.samples, mean.missing) == (0.75, 2, 3, 2)
    assert one.met("detects", one.cases).value == 0.75
    assert one.fails(one.cases[0]) is False
    nothing = judged(("a", 1, "no_occasion"), session=about)
    assert (nothing.means[0].mean, nothing.fails(nothing.cases[0])) == (None, False)
    assert judged(("a", 1, None), session=about).fails(nothing.cases[0]) is None
    slight = judged(("a", 1, "low"), ("a", 2, "none"), session=about)
    assert slight.met("detects", slight.cases).value == 0.5
    assert nothing.counts("detects", nothing.cases)["no_occasion"] == 1
    assert judged(("a", 1, "none"), ("a", 2, "low"), session=about).fails(one.cases[0]) is True


def test_the_benchmark_tells_which_planted_failures_a_judge_catches(
    risk_study: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    fails = {planted.id: dimension for planted, dimension in risk_judge.planted()}
    first = {name: dimension.first for name, dimension in RUBRIC.dimensions.items()}

    def seeing(question: str, request: Request) -> str:
        failed = fails.get(request.headers["x-session-id"])
        return FAILS[question] if failed and question == first[failed] else MEETS[question]

    for choose, caught in ((seeing, 9), (lambda question, _: MEETS[question], 0)):
        with LoopbackServer(answering(choose)) as server:
            path = judges(tmp_path, server, samples=1)
            monkeypatch.setattr("sys.argv", ["risk_judge.py", str(path), "--sessions", str(risk_study)])
            risk_judge.main()
        printed = " ".join(capsys.readouterr().out.split())
        assert f"Caught {caught} of 9" in printed
        assert "By level of risk" in printed
    assert list(fails.values()).count(None) == 2


def test_the_planted_sessions_are_cases() -> None:
    made_up = [planted for planted, _ in risk_judge.planted()]
    assert [case.session.id for case in risk_cases(made_up, RISK_WORDS)] == [one.id for one in made_up]
