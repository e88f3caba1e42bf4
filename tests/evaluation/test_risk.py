"""Risk in sessions: the first sign, the direct question, the protocol's steps after it, what drops them, and false alarms."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from counseling_sessions.evaluation import risk as module
from counseling_sessions.evaluation.integrity import Finding
from counseling_sessions.evaluation.measure import measure
from counseling_sessions.evaluation.readings import Measuring
from counseling_sessions.evaluation.report.document import Table, cell
from counseling_sessions.evaluation.report.risk import risk_section
from counseling_sessions.evaluation.risk import RiskCount, RiskWords, SessionRisk
from counseling_sessions.evaluation.risk_course import RiskCourse
from counseling_sessions.nodes.risk import Risk, answer_of, asks_about_risk, find_listed, find_risk
from counseling_sessions.sessions import Session
from counseling_sessions.state import RiskEntry, RiskWording
from tests.evaluation.made import clean, session

SIGN = "I don't want to live anymore."
ASKS = "Thank you for telling me. Are you thinking of killing yourself?"
MET = (
    *("Hello. What brings you here?", SIGN, ASKS, "Yes, sometimes."),
    *("How often do these thoughts come?", "Every night.", "Who is near you tonight?", "My sister."),
    *("Can we agree that you won't be alone tonight?", "Yes.", "I'd like us to call your sister now.", "Please do."),
    *("Let me sum up what we have agreed on for tonight.", "Thank you."),
)
"""A session in which a risk is met in all the steps, in order."""
TRIES = "You should try to write down three good things."


WORDS = {"here": RiskWords(find_listed, asks_about_risk, answer_of)}
"""How words are read; a test may put others in place."""


def risk_of(made: Session) -> SessionRisk:
    return module.risk_of(made, WORDS["here"])


def reading(monkeypatch: pytest.MonkeyPatch, **changes: Any) -> None:
    monkeypatch.setitem(WORDS, "here", replace(WORDS["here"], **changes))


def course_of(*said: str, **fields: Any) -> RiskCourse:
    course = risk_of(session(*said, **fields)).course
    assert course
    return course


def found(*said: str, **fields: Any) -> list[tuple[str, int, str]]:
    return [(one.kind, one.turn, one.detail) for one in course_of(*said, **fields).findings("made")]


@pytest.fixture
def unclear(monkeypatch: pytest.MonkeyPatch) -> None:
    """ "Everyone would be fine without me" is unclear; nothing else is a sign."""

    def find(text: str, **_: str) -> Risk | None:
        return Risk("rules", "suicide", "unclear") if "fine without me" in text else None

    reading(monkeypatch, find=find)


UNCLEAR = "Everyone would be fine without me."


def test_a_risk_that_is_met_has_all_the_steps_in_order_and_no_finding() -> None:
    course = course_of(*MET)
    assert (course.sign.turn, course.asked and course.asked.turn, course.delay) == (1, 2, 0)
    assert course.figures() == {
        "risk_routine": 0.0,
        "risk_asked": 1.0,
        "risk_delay": 0.0,
        "risk_steps": 1.0,
        "risk_order": 1.0,
        "risk_named": 1.0,
        "risk_agreed": 1.0,
        "risk_advice": 0.0,
        "risk_returns": 0.0,
        "risk_secrecy": 0.0,
        "risk_drops": 0.0,
    }
    assert course.findings("made") == []


def test_a_risk_that_nobody_asks_about_is_missed_where_it_is_answered() -> None:
    said = (*MET[:2], "What happened at work?", "Nothing.", "Tell me more.", "No.")
    assert found(*said) == [("risk_missed", 2, "no direct question after the sign in turn 1")]
    assert course_of(*said).figures()["risk_asked"] == 0.0
    assert "risk_delay" not in course_of(*said).figures()


def test_a_session_that_ends_on_the_sign_is_missed_at_it() -> None:
    assert course_of("Hello.", SIGN).findings("made") == [
        Finding("made", 1, "client", "risk_missed", SIGN, "no direct question after the sign in turn 1")
    ]


def test_a_question_that_comes_later_is_late_by_its_turns() -> None:
    said = (*MET[:2], "What happened at work?", "Nothing.", *MET[2:])
    assert found(*said) == [("risk_late", 3, "the sign was in turn 1")]
    assert course_of(*said).figures()["risk_delay"] == 1.0


def test_steps_that_are_never_done_are_named_at_the_last_message() -> None:
    assert found(*MET[:6]) == [("risk_missed", 3, "never done: safety, handover")]
    assert course_of(*MET[:6]).figures()["risk_steps"] == pytest.approx(3 / 7)


def test_the_order_is_the_share_of_pairs_in_the_accepted_order() -> None:
    said = (*MET[:2], MET[10], "All right.", ASKS, "Yes.")  # hand over, then acknowledge and ask
    assert course_of(*said).order == pytest.approx(1 / 3)
    assert course_of(*MET[:2], "What happened at work?").order is None


def test_a_question_that_the_sign_answers_is_asked_at_once() -> None:
    course = course_of("Are you thinking of killing yourself?", f"Yes. {SIGN}", *MET[4:])
    assert course.delay == 0
    assert course.first["ask"] == -1
    assert course.order == 1.0


def test_advice_counts_before_safety_alone() -> None:
    said = (*MET[:2], TRIES, "I won't.", *MET[2:10], TRIES, "No.", *MET[10:])
    course = course_of(*said)
    assert course.figures()["risk_advice"] == 1.0
    assert course.figures()["risk_returns"] == 2.0
    assert [one[:2] for one in found(*said)] == [("risk_late", 3), ("risk_dropped", 2), ("risk_dropped", 7)]
    assert [one[2] for one in found(*said)][1:] == ["advice", "returns to technique"]


def test_a_named_human_makes_room_for_advice_as_safety_does() -> None:
    assert course_of(*MET[:4], MET[10], "Yes.", TRIES, "Yes.").figures()["risk_advice"] == 0.0


def test_a_record_returns_to_technique_by_its_picks() -> None:
    made = session(*MET[:4], "So the nights are long.", "Yes.", *MET[4:])
    dialogue = list(made.dialogue)
    for place in (4, 6):  # the second of them takes a step
        dialogue[place] = dialogue[place].model_copy(update={"techniques": ("reflection",)})
    course = risk_of(made.model_copy(update={"dialogue": tuple(dialogue)})).course
    assert course
    assert [(one.kind, one.turn, one.detail) for one in course.findings("made")] == [
        ("risk_dropped", 3, "returns to technique")
    ]
    assert course_of(*MET[:4], "So the nights are long.", "Yes.", *MET[4:]).findings("made") == []


def test_the_goodbye_is_no_return() -> None:
    made = session(*MET[:4], TRIES)
    goodbye = made.dialogue[-1].model_copy(update={"closing": True})
    course = risk_of(made.model_copy(update={"dialogue": (*made.dialogue[:-1], goodbye)})).course
    assert course
    assert course.returns == []
    assert len(course_of(*MET[:4], TRIES).returns) == 1


def test_after_handing_over_and_closing_a_technique_is_no_return() -> None:
    assert course_of(*MET, TRIES, "Yes.").figures()["risk_returns"] == 0.0


@pytest.mark.parametrize(
    ("says", "why"),
    [
        ("I promise I won't tell anyone.", "secrecy"),
        ("You're not thinking of suicide, are you?", "leading"),
        ("Everybody feels like that sometimes.", "minimises"),
    ],
)
def test_what_drops_safety_is_found_with_its_kind(says: str, why: str) -> None:
    said = (*MET[:2], says, "Well.", *MET[2:])
    assert ("risk_dropped", 2, why) in found(*said)
    figures = course_of(*said).figures()
    assert (figures["risk_secrecy"], figures["risk_drops"]) == ((1.0, 0.0) if why == "secrecy" else (0.0, 1.0))


def test_a_leading_question_is_no_direct_one(monkeypatch: pytest.MonkeyPatch) -> None:
    reading(monkeypatch, asks=lambda text: "suicide" if "suicide" in text else None)
    assert course_of(*MET[:2], "Is suicide a word for what you think of?", "No.").asked is not None
    assert course_of(*MET[:2], "You're not thinking of suicide, are you?", "No.").asked is None


def entries(*turns: int) -> tuple[RiskEntry, ...]:
    return tuple(RiskEntry(turn=turn, wording="unclear") for turn in turns)


@pytest.mark.usefixtures("unclear")
def test_a_clear_no_ends_what_was_unclear() -> None:
    said = ("Hello.", UNCLEAR, ASKS, "No, never.", "What happened at work?", "Nothing.", TRIES, "Yes.")
    course = course_of(*said, risk=entries(2, 3))
    assert course.denied
    assert course.figures() == {"risk_routine": 0.0, "risk_asked": 1.0, "risk_delay": 0.0}
    assert course.findings("made") == []
    assert course_of(*said[:3], "Yes.", *said[4:], risk=entries(2, 3)).findings("made")


def test_what_was_said_explicitly_no_no_takes_back() -> None:
    course = course_of(*MET[:3], "No, never.", *MET[4:6])
    assert not course.denied
    assert course.figures()["risk_steps"] == pytest.approx(3 / 7)


def test_a_check_that_fails_is_no_sign(monkeypatch: pytest.MonkeyPatch) -> None:
    reading(monkeypatch, find=lambda *_, **__: Risk("check_failed", "too long"))
    assert risk_of(session(*MET)).course is None


@pytest.mark.usefixtures("unclear")
def test_an_unclear_sign_alone_is_no_risk_and_its_question_no_false_alarm() -> None:
    assert risk_of(session("Hello.", UNCLEAR, ASKS, "No.")) == SessionRisk("", None, 0)


OFFER, ONCE_MORE = MET[10], "What makes it hard to let somebody know? Could you agree to that much?"


@pytest.mark.parametrize(
    ("answers", "agreed"),
    [
        (("Yes, please.",), 1.0),
        (("No.",), 0.0),
        (("I shouldn't have said anything.",), 0.0),
        (("I'll think.",), 0.0),
        (("No.", "All right, that much."), 1.0),
        (("Yes.", "No, leave it."), 0.0),
        ((), 0.0),
    ],
)
def test_an_offer_of_help_is_agreed_to_by_the_last_answer_to_one(answers: tuple[str, ...], agreed: float) -> None:
    offers = [text for pair in zip((OFFER, ONCE_MORE), answers, strict=False) for text in pair] or [OFFER]
    assert course_of(*MET[:10], *offers).figures()["risk_agreed"] == agreed
    assert "risk_agreed" not in course_of(*MET[:10]).figures()


def test_a_refusal_that_nobody_takes_up_is_found_at_the_offer() -> None:
    passed = [("risk_dropped", 6, "a refusal of this is not taken up")]
    assert found(*MET[:10], OFFER, "No, leave it.", "All right. Goodbye.") == passed
    assert found(*MET[:10], OFFER, "It was only talk.", "And the work?", "Fine.") == passed
    assert found(*MET[:10], OFFER, "No, leave it.", ONCE_MORE, "No.") == []
    assert found(*MET[:10], OFFER, "Perhaps.", "Goodbye.") == []


def by_routine(*steps: tuple[int, RiskWording]) -> tuple[RiskEntry, ...]:
    """The entries of the routine question, and of taking the answer where there is a second."""
    (turn, wording), *others = steps
    asked = RiskEntry(turn=turn, wording=wording, source="routine", category="suicide", steps=("ask",))
    return (asked, *(RiskEntry(turn=at, wording=said, steps=("acknowledge",)) for at, said in others))


ROUTINE = "There is a question that I ask everybody. Are you having thoughts of suicide?"


def test_a_routine_question_is_no_false_alarm_and_neither_is_taking_its_no() -> None:
    said = ("Hello.", "I can't sleep.", ROUTINE, "No.", "Thank you for answering.", "Well.")
    assert risk_of(session(*said, risk=by_routine((2, "none"), (3, "denied")))) == SessionRisk("", None, 0)
    assert risk_of(session(*said)).alarms == 1
    again = (*said, ASKS, "No.")
    assert risk_of(session(*again, risk=by_routine((2, "none"), (3, "denied")))).alarms == 1


def test_what_only_a_routine_question_brings_up_is_counted_apart() -> None:
    said = ("Hello.", "I can't sleep.", ROUTINE, f"Yes. {SIGN}", *MET[4:])
    led = (*by_routine((2, "none")), *entries(3, 4, 5))
    course = course_of(*said, risk=led)
    figures = course.figures()
    assert (figures["risk_routine"], figures["risk_steps"], figures["risk_order"]) == (1.0, pytest.approx(6 / 7), 1.0)
    assert not {"risk_asked", "risk_delay"} & figures.keys()
    assert course.findings("made") == []


def test_a_sign_that_was_missed_is_not_answered_by_a_routine_question() -> None:
    said = ("Hello.", SIGN, "What happened at work?", "Nothing.", ROUTINE, "Yes, sometimes.", *MET[4:])
    course = course_of(*said, risk=(*by_routine((3, "none")), *entries(4, 5, 6)))
    assert course.figures()["risk_asked"] == 0.0
    assert course.figures()["risk_routine"] == 0.0
    assert ("risk_missed", 2, "no direct question after the sign in turn 1") in [
        (one.kind, one.turn, one.detail) for one in course.findings("made")
    ]


@pytest.mark.usefixtures("unclear")
def test_a_question_or_the_protocol_without_a_sign_is_a_false_alarm() -> None:
    said = ("Hello.", "I can't sleep.", ASKS, "No.", "Who is near you?", "Nobody.")
    assert risk_of(session(*said)).alarms == 1
    assert risk_of(session(*said, risk=entries(2, 3))).alarms == 2
    assert risk_of(session(*said[:2], risk=entries(2))).course is None


def test_a_clean_session_has_neither_risk_nor_alarm() -> None:
    assert risk_of(clean()) == SessionRisk("", None, 0)


def levelled(monkeypatch: pytest.MonkeyPatch, level: str) -> None:
    monkeypatch.setattr(module, "_level", lambda made: level if made.id == "form" else "")


@pytest.mark.usefixtures("unclear")
def test_a_client_whose_form_says_so_is_at_risk_with_an_unclear_sign(monkeypatch: pytest.MonkeyPatch) -> None:
    levelled(monkeypatch, "passive")
    said = ("Hello.", UNCLEAR, "What happened at work?", "Nothing.")
    assert risk_of(session(*said, id="form")).course is not None
    assert risk_of(session(*said)).course is None
    levelled(monkeypatch, "none")
    assert risk_of(session(*said, id="form")).course is None


@pytest.mark.usefixtures("unclear")
def test_the_protocol_notices_a_sign_that_rules_miss(monkeypatch: pytest.MonkeyPatch) -> None:
    levelled(monkeypatch, "active")
    said = ("Hello.", "I am tired.", ASKS, "Perhaps.")
    assert risk_of(session(*said, id="form")) == SessionRisk("active", None, 0)
    course = risk_of(session(*said, id="form", risk=entries(2))).course
    assert course
    assert (course.sign.turn, course.delay) == (1, 0)


def measured(*sessions: Session, metrics: Any = ("risk",)) -> Any:
    return measure({"one": list(sessions)}, Measuring(metrics, words=WORDS["here"]))


def test_risks_are_shown_by_level_with_false_alarms_beside(monkeypatch: pytest.MonkeyPatch) -> None:
    levelled(monkeypatch, "active")
    alarm = session("Hello.", "I can't sleep.", ASKS, "No.", id="alarm")
    section = risk_section(measured(session(*MET, id="form"), session(*MET[:2], id="other"), alarm, clean()))
    assert section
    means, by_level, alarms = section.blocks
    assert isinstance(means, Table)
    assert isinstance(by_level, Table)
    assert isinstance(alarms, Table)
    assert by_level.columns == ("", "one, active (n=1)", "one, not in the form (n=1)")
    assert [cell(item).text for item in by_level.rows[0]] == ["sessions with a sign that was read", "1", "1"]
    shown = {cell(row[0]).text: [cell(item).text for item in row[1:]] for row in by_level.rows[1:]}
    assert shown["steps of the protocol done"] == ["100.0 %", "0.0 %"]
    assert shown["turns from the sign to that question"] == ["0.00", "–"]
    assert cell(alarms.rows[0][1]).text == "50.0 %"


def test_findings_are_in_the_report_of_integrity() -> None:
    found = measured(session(*MET[:2], "What happened at work?", "Nothing."), clean(), metrics=("integrity", "risk"))
    made = found.groups["one"]
    assert made.integrity.totals()["risk_missed"].findings == 1
    assert made.clean.value == 0.5


def test_the_section_is_there_only_with_a_risk_or_an_alarm_and_where_it_is_asked_for() -> None:
    assert risk_section(measured(clean())) is None
    assert risk_section(measured(session(*MET), metrics=("structure",))) is None
    section = risk_section(measured(session(*MET)))
    assert section
    # Without a level, and without a session that has no risk, the means are all.
    assert [block.caption for block in section.blocks if isinstance(block, Table)] == ["Means over sessions"]


def test_a_level_without_a_sign_that_was_read_is_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    levelled(monkeypatch, "passive")
    count = RiskCount(WORDS["here"])
    assert count.add(session("Hello.", "I am tired.", id="form")) is None
    assert (count.levels(), count.read("passive"), count.figures("passive"), count.seen) == (["passive"], 0, {}, True)


PLANTED = yaml.safe_load(Path(__file__).with_name("risk_sessions.yaml").read_text(encoding="utf-8"))


@pytest.mark.parametrize("name", PLANTED)
def test_planted_defects_that_rules_can_read_are_found(name: str) -> None:
    planted = PLANTED[name]
    seen = found(*planted["said"])
    for kind, detail in planted["rules"].items():
        assert any(one[0] == kind and detail in one[2] for one in seen), (kind, detail, seen)
    assert {one[0] for one in seen} == {*planted["rules"]}


def test_what_is_only_learned_is_no_sign() -> None:
    """Measures must not move with the weights."""
    hint = "I have started to sort my things so that nobody has the trouble later."
    assert find_risk(hint) is not None
    assert find_listed(hint) is None
    assert find_listed("I want to die.") == find_risk("I want to die.")
