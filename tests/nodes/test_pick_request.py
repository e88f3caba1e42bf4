"""The pick asked of a model: what it is told, and how leniently its answer is read."""

from typing import Any

import pytest

from counseling_sessions.nodes.pick_request import ask_pick
from counseling_sessions.settings import SessionConfig
from counseling_sessions.state import CBTTechnique, CounselorView, Phase, Pick, Plan, Utterance
from tests.scripted import config

PLAN = Plan(technique=CBTTechnique.PIE_CHART, goal="g", steps=("one", "two", "three"))
SETTINGS = config(max_turns=20, min_turns=8)
TECHNIQUES: dict[str, Any] = {"reason": "She is tired.", "techniques": ["reflection"]}


def view(turn: int, phase: Phase, said: str = "It goes on as it does.", **fields: Any) -> CounselorView:
    """A view at a turn whose last pick said this phase."""
    picks = [
        Pick(
            turn=number,
            phase="opening" if phase == "opening" or number == 1 else phase,
            techniques=("reflection",),
            source="llm",
        )
        for number in range(1, turn)
    ]
    if phase != "opening":
        picks = [pick.model_copy(update={"focus": "to sleep"}) for pick in picks]
    utterances = [
        Utterance(turn=number, speaker=speaker, text=said if number == turn - 1 else f"Number {number}.")
        for number in range(1, turn)
        for speaker in ("counselor", "client")
    ]
    fields = {"plan": PLAN, **fields}
    return CounselorView(utterances=tuple(utterances), picks=tuple(picks), **fields)


def read(seen: CounselorView, settings: SessionConfig = SETTINGS, **answer: Any) -> Pick:
    return ask_pick(seen, settings).read(TECHNIQUES | answer)


def test_what_is_missing_the_rules_say() -> None:
    pick = read(view(2, "opening"))
    assert (pick.phase, pick.step, pick.act, pick.asks, pick.focus, pick.revise) == (
        "opening",
        1,
        "agenda",
        None,
        "",
        "",
    )
    assert pick.progress == "no focus agreed yet"


@pytest.mark.parametrize(
    ("turn", "phase", "says", "act"),
    [(3, "opening", "agenda", "agenda"), (3, "opening", "summary", "agenda"), (7, "working", "agenda", None)],
)
def test_a_special_job_belongs_to_its_phase(turn: int, phase: Phase, says: str, act: str | None) -> None:
    assert read(view(turn, phase), act=says).act == act


def test_what_the_answer_says_counts() -> None:
    answer = {
        "phase": "exploring",
        "focus": "to  sleep",
        "act": "none",
        "asks": True,
        "step": 2,
        "revise": "Not sleep.",
    }
    pick = read(view(3, "opening", "It is the sleep."), **answer)
    assert (pick.phase, pick.step, pick.act, pick.asks, pick.focus, pick.revise) == (
        *("exploring", 2, None, True, "to sleep"),
        "Not sleep.",
    )
    assert pick.progress == "the router; rules say opening, step 1 (no focus agreed yet)"


@pytest.mark.parametrize(
    ("turn", "before", "says", "phase"),
    [
        (3, "opening", "dreaming", "opening"),
        (3, "opening", 7, "opening"),
        (3, "opening", "exploring", "opening"),
        (5, "exploring", "opening", "exploring"),
        (5, "exploring", "working", "working"),
        (9, "exploring", "closing", "exploring"),
        (5, "working", "closing", "working"),
        (9, "working", "closing", "closing"),
        (9, "working", "exploring", "exploring"),
        (19, "working", "working", "closing"),
        (9, "closing", "working", "working"),
    ],
)
def test_an_impossible_phase_is_the_rules(turn: int, before: Phase, says: Any, phase: Phase) -> None:
    assert read(view(turn, before), phase=says).phase == phase


def test_a_client_who_leaves_may_be_let_go_before_anything_was_worked_on() -> None:
    assert read(view(5, "exploring", "Let's stop here."), phase="closing").phase == "closing"


@pytest.mark.parametrize("step", [0, 4, True, "2", None])
def test_a_step_out_of_range_is_the_rules(step: Any) -> None:
    assert read(view(3, "opening"), step=step).step == 1


@pytest.mark.parametrize("field", ["act", "asks", "focus", "revise", "phase", "step", "reason"])
@pytest.mark.parametrize("value", [None, 3, [], {}, "x"])
def test_no_value_of_another_field_is_an_error(field: str, value: Any) -> None:
    assert read(view(3, "opening"), **{field: value}).techniques == ("reflection",)


@pytest.mark.parametrize("techniques", [None, [], "hypnosis", ["reflection", "hypnosis"]])
def test_techniques_that_there_are_not_are_an_error(techniques: Any) -> None:
    with pytest.raises(ValueError, match="techniques"):
        read(view(3, "opening"), techniques=techniques)


def test_listening_alone_has_no_question() -> None:
    said = view(5, "exploring", "My mother died in March.")
    pick = read(said, techniques=["reflection", "questioning"])
    assert (pick.techniques, pick.asks) == (("reflection",), False)
    assert read(said, techniques=["questioning"]).asks is None
    assert read(said, techniques=["reflection", "questioning"], asks=True).techniques == ("reflection", "questioning")


def test_a_plan_is_revised_at_most_twice_and_not_in_the_turn_of_a_new_one() -> None:
    assert "revise" in ask_pick(view(5, "exploring"), SETTINGS).schema.properties
    for plan in (PLAN.model_copy(update={"turn": 5}), None):
        seen = view(5, "exploring", plan=plan)
        assert "revise" not in ask_pick(seen, SETTINGS).schema.properties
        assert read(seen, revise="Not sleep.").revise == ""
    seen = view(9, "exploring")
    picks = [pick.model_copy(update={"revise": "No." if pick.turn in (3, 5) else ""}) for pick in seen.picks]
    seen = seen.model_copy(update={"picks": tuple(picks), "plan": PLAN.model_copy(update={"turn": 6})})
    assert read(seen, revise="Not sleep.").revise == ""


def test_the_prompt_has_a_clock_and_a_memory() -> None:
    request = ask_pick(view(7, "exploring"), SETTINGS)
    prompt = str(request.messages[-1].text)
    assert "Turn 7 of at most 20. So far: exploring since turn 2. Step 1 since turn 1." in prompt
    assert 'Focus: "to sleep".' in prompt
    assert "Techniques by turn: 4 reflection; 5 reflection; 6 reflection." in prompt
    fields = ("reason", "phase", "act", "techniques", "asks", "focus", "step", "revise")
    assert tuple(request.schema.properties) == fields
    assert all(f'- "{name}": ' in str(request.messages[0].text) for name in fields)


def test_a_clock_states_what_was_picked_and_offers_what_rules_would_change() -> None:
    said = "Last Tuesday on the bus I thought they would laugh at me, and I felt so ashamed. So I stayed at home."
    prompt = str(ask_pick(view(7, "exploring", said), SETTINGS).messages[-1].text)
    assert "So far: exploring since turn 2. Step 1 since turn 1." in prompt
    assert "Next may be working (told: situation, thought, feeling, consequence)." in prompt
    assert "Next may be" not in str(ask_pick(view(7, "exploring"), SETTINGS).messages[-1].text)
    assert "There is time for the closing alone" in str(ask_pick(view(19, "working"), SETTINGS).messages[-1].text)


def test_three_messages_that_asked_in_a_row_are_pointed_out() -> None:
    seen = view(5, "exploring")
    asking = [
        one.model_copy(update={"text": "And then, what?"}) if one.speaker == "counselor" else one
        for one in seen.utterances
    ]
    last_of = str(ask_pick(seen.model_copy(update={"utterances": tuple(asking)}), SETTINGS).messages[-1].text)
    assert "The last 4 messages all asked" in last_of
    greeting = [one.model_copy(update={"turn": one.turn - 1}) for one in asking]
    assert "The last 3 messages all asked" in str(
        ask_pick(seen.model_copy(update={"utterances": tuple(greeting)}), SETTINGS).messages[-1].text
    )
    stated = [one.model_copy(update={"text": "That is hard."}) if one.turn == 3 else one for one in asking]
    assert "all asked" not in str(
        ask_pick(seen.model_copy(update={"utterances": tuple(stated)}), SETTINGS).messages[-1].text
    )


@pytest.mark.parametrize(("focus", "kept"), [("the sleep", "the sleep"), ("a better life in Rome", ""), ("", "")])
def test_a_focus_is_in_words_that_were_said(focus: str, kept: str) -> None:
    pick = read(view(3, "opening", "It is the sleep."), focus=focus, phase="exploring")
    assert pick.focus == kept
    assert pick.phase == ("exploring" if focus else "opening")


def test_a_message_that_agrees_on_the_hour_has_its_question_from_the_merge() -> None:
    pick = read(view(3, "opening"), act="agenda", asks=True, techniques=["reflection", "questioning"])
    assert (pick.act, pick.asks, pick.techniques) == ("agenda", True, ("reflection",))
    assert read(view(3, "opening"), act="agenda", techniques=["questioning"]).techniques == ("questioning",)


@pytest.mark.parametrize(("turn", "may"), [(14, True), (15, True), (16, False), (19, False)])
def test_no_plan_is_revised_without_turns_to_work_by_it(turn: int, may: bool) -> None:
    assert ("revise" in ask_pick(view(turn, "working"), SETTINGS).schema.properties) is may


@pytest.mark.parametrize(("turn", "left"), [(15, ""), (16, "3 turns left"), (18, "1 turn left"), (19, "")])
def test_the_clock_warns_before_the_closing(turn: int, left: str) -> None:
    text = str(ask_pick(view(turn, "working"), SETTINGS).messages[-1].text)
    assert ("left before the closing" in text) is bool(left)
    assert left in text


def test_a_focus_that_rules_took_from_an_answer_is_a_proposal_until_a_pick_has_it() -> None:
    said = view(3, "opening", "I'd like to sleep through the night again.")
    asked = [pick.model_copy(update={"act": "agenda" if pick.turn == 2 else None}) for pick in said.picks]
    said = said.model_copy(update={"picks": tuple(asked)})
    text = str(ask_pick(said, SETTINGS).messages[-1].text)
    assert 'Next may be exploring (focus agreed in turn 2: "' in text
    assert 'Focus: "' not in text
