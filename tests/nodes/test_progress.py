"""Progress: what ends a phase and a step, what does not, and that picks on record count as what they say."""

from typing import Any

import pytest

from counseling_sessions.nodes.progress import Progress, course, progress_of
from counseling_sessions.settings import SessionConfig
from counseling_sessions.state import CBTTechnique, CounselorView, FlowView, Pick, Plan, Utterance
from tests.scripted import config

Talk = list[tuple[str, str]]
"""What both say, turn by turn."""

MM = "It goes on as it does."
AGENDA = "What would you like to be different after this hour?"
WISH = "I'd like to sleep through the night again."
NOT_KNOWN = "I don't know."
BUS = "Last Tuesday on the bus he called me."
THOUGHT = "I thought they would laugh at me."
FEELING = "I felt so ashamed."
HOME = "So I stayed at home."
OPEN: Talk = [("How are the nights?", MM), (AGENDA, WISH)]
KNOWN: Talk = [*OPEN, ("And then?", f"{BUS} {THOUGHT}"), ("And then?", f"{FEELING} {HOME}")]
TRIED = ("What if you said it here, once?", "I tried it, and it was easier.")
PLAN = Plan(technique=CBTTechnique.PIE_CHART, goal="g", steps=("one", "two"))


def stands(talk: Talk, *picks: Pick, plan: Plan | None = None, **options: Any) -> list[Progress]:
    """Where every turn stands, the one after the last words included."""
    said = [
        Utterance(turn=turn, speaker=speaker, text=text)
        for turn, pair in enumerate(talk, 1)
        for speaker, text in zip(("counselor", "client"), pair, strict=True)  # type: ignore[arg-type]
    ]
    settings = config(**{"max_turns": 20, "min_turns": 8, **options})
    return list(course(said, picks, (plan,) if plan else (), settings, len(talk) + 1))


def phases(talk: Talk, *picks: Pick, plan: Plan | None = None, **options: Any) -> str:
    """The first letters of the phases."""
    return "".join(now.phase[0] for now in stands(talk, *picks, plan=plan, **options))


def pick(turn: int, phase: Any, **fields: Any) -> Pick:
    return Pick(turn=turn, phase=phase, techniques=("reflection",), source="llm", **fields)


@pytest.mark.parametrize(
    ("talk", "expected", "focus"),
    [
        (OPEN, "ooe", WISH[:-1]),
        ([("How are the nights?", WISH), ("Then sleep is what we look at?", "Yes.")], "ooe", WISH[:-1]),
        ([(AGENDA, "The nights, and nothing else.")], "oe", "The nights, and nothing else."),
        ([(AGENDA, NOT_KNOWN)], "oo", ""),
        ([(AGENDA, "Couldn't tell you, it's low down on the left, every single day.")], "oo", ""),
        ([("Would the nights be worth this hour?", "An hour, maybe. I promise you nothing.")], "oo", ""),
        ([("Does that fit for today?", "Maybe, yes, but what would that be good for?")], "oo", ""),
        ([("How are the nights?", WISH), ("Is that it for today?", "Yes, and what do we do now?")], "ooo", ""),
        ([(AGENDA, "What for? That's pointless.")], "oo", ""),
        ([("How are the nights?", WISH), ("And the days?", MM)], "ooo", ""),
        ([("How are the nights?", "Yes.")], "oo", ""),
    ],
)
def test_the_opening_ends_when_a_focus_is_agreed(talk: Talk, expected: str, focus: str) -> None:
    if talk[-1][1] == MM:
        talk = [talk[0], ("And the days?", NOT_KNOWN)]
    assert phases(talk) == expected
    last = stands(talk)[-1]
    assert last.focus == focus
    if focus:
        assert last.reason == f'focus agreed in turn {len(talk)}: "{focus}"'


def test_an_answer_to_the_agenda_that_rules_asked_for_counts_whatever_its_words() -> None:
    talk = [
        ("How are the nights?", NOT_KNOWN),
        ("So the nights, or the days, where do we go?", "Monte Cimone it would be."),
    ]
    assert stands(talk)[1].act == "agenda"
    assert stands(talk)[-1].focus == "Monte Cimone it would be."


def test_without_a_focus_the_opening_tries_every_third_turn_and_the_session_ends_well() -> None:
    stood = stands([("How are you?", NOT_KNOWN)] * 9, max_turns=10)
    assert "".join(now.phase[0] for now in stood) == "oooooooocc"
    assert [now.turn for now in stood if now.act == "agenda"] == [2, 5, 8]
    assert [now.act for now in stood[-2:]] == ["summary", None]
    assert "time to close" in stood[-1].reason


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        ([f"{BUS} {THOUGHT}", f"{FEELING} {HOME}"], "eew"),
        ([f"{BUS} {THOUGHT} {FEELING}"], "ee"),
        ([f"{BUS} {FEELING} {HOME}", MM], "eee"),
        ([f"{BUS} {THOUGHT}", MM], "eee"),
    ],
)
def test_exploring_ends_after_two_turns_when_the_thought_and_two_more_are_told(told: list[str], expected: str) -> None:
    talk = [*OPEN, *(("And?", text) for text in told)]
    assert phases(talk)[2:] == expected
    if expected == "eew":
        assert stands(talk)[-1].reason == "told: situation, thought, feeling, consequence"
    if told[-1] == MM:
        assert stands(talk)[-1].reason.startswith("not told yet: ")


def test_an_answer_to_a_question_for_the_thought_tells_it() -> None:
    talk = [*OPEN, ("What goes through your mind?", "That all is over then."), ("And?", f"{BUS} {FEELING}")]
    assert phases(talk)[-1] == "w"


def test_a_step_advances_with_substance_and_stays_without() -> None:
    talk = [*KNOWN, ("And?", NOT_KNOWN), ("And?", NOT_KNOWN), ("And?", BUS), ("And?", BUS)]
    stood = stands(talk, plan=PLAN)
    assert [now.step for now in stood] == [1, 1, 1, 1, 2, 2, 2, 2, 2]
    assert (stood[4].step_since, stood[-1].step_since) == (5, 5)
    assert "step 1 done" in stood[4].reason
    assert all(now.step is None for now in stands(talk))


def test_a_step_is_left_after_two_refusals_where_the_plan_was_revised_often_enough() -> None:
    no = ("What if you called him?", "I won't do that.")
    revised = PLAN.model_copy(update={"turn": 7})
    stood = stands([*OPEN, *[no] * 6], plan=revised)
    assert (stood[6].step, stood[6].revisions) == (1, 2)
    assert (stood[-1].revise, stood[-1].step, stood[-1].reason) == ("", 2, "step 1 left")


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        ("That's not it at all.", 'the client said in turn 3: "That\'s not it at all"'),
        ("I won't do that.", ""),
    ],
)
def test_the_client_who_contradicts_has_the_plan_revised(answer: str, why: str) -> None:
    assert stands([*OPEN, ("What if you called him?", answer)], plan=PLAN)[-1].revise == why
    assert stands([*OPEN, ("What if you called him?", answer)])[-1].revise == ""


def test_a_step_refused_twice_has_the_plan_revised_and_the_new_one_begins_at_its_first_step() -> None:
    no = ("What if you called him?", "I won't do that.")
    assert stands([*OPEN, no, no], plan=PLAN)[-1].revise == "step 1 was refused 2 times"
    last = stands([*OPEN, no, no], plan=PLAN.model_copy(update={"turn": 5}))[-1]
    assert (last.revise, last.step, last.step_since, last.revisions) == ("", 1, 5, 1)


def test_a_pick_that_says_why_has_the_plan_revised_before_the_next_turn() -> None:
    picks = [pick(turn, "exploring", focus="sleep", step=1) for turn in (1, 2, 3)]
    assert stands(OPEN, *picks[:2], plan=PLAN)[-1].revise == ""
    picks[1] = picks[1].model_copy(update={"revise": "It is about her mother."})
    assert stands(OPEN, *picks[:2], plan=PLAN)[-1].revise == "It is about her mother."
    assert stands(OPEN, *picks, plan=PLAN)[-1].revise == ""


@pytest.mark.parametrize(("plan", "times"), [(PLAN, 1), (None, 2)])
def test_working_ends_when_something_came_of_it_and_no_step_is_left(plan: Plan | None, times: int) -> None:
    talk = [*KNOWN, *[("And?", NOT_KNOWN)] * 3, *[TRIED] * times]
    stood = stands(talk, plan=plan)
    assert stood[-1].phase == "closing"
    assert stood[-2].phase == "working"
    assert stood[-1].reason == ("the last step is done, turn 8" if plan else "something was tried in turn 9")
    assert stood[-1].act == "summary"
    assert phases([*talk[:-1], ("And?", NOT_KNOWN)], plan=plan)[-1] == "w"


def test_a_closing_does_not_begin_so_early_that_it_would_have_to_wait() -> None:
    talk = [*KNOWN, TRIED, TRIED]
    assert phases(talk, min_turns=9)[-1] == "w"
    assert phases(talk, min_turns=8)[-1] == "c"


@pytest.mark.parametrize(("max_turns", "turns"), [(20, 2), (8, 2), (7, 1)])
def test_a_closing_has_its_turns_and_then_the_session_is_over(max_turns: int, turns: int) -> None:
    talk = [("How are the nights?", MM), ("And?", "Let's stop here."), *[("What do you take along?", MM)] * turns]
    stood = stands(talk, max_turns=max_turns, min_turns=1)
    assert "".join(now.phase[0] for now in stood) == "oo" + "c" * (turns + 1)
    assert [now.over for now in stood] == [False] * (2 + turns) + [True]
    assert not stands(talk, max_turns=max_turns, min_turns=len(talk) + 1)[-1].over
    talk[-1] = ("What do you take along?", "My mother died in March.")
    assert not stands(talk, max_turns=max_turns, min_turns=1)[-1].over


@pytest.mark.parametrize(("max_turns", "closes"), [(1, 2), (2, 2), (3, 3), (7, 7), (8, 7), (20, 19)])
def test_the_clock_forces_the_closings_turns_alone(max_turns: int, closes: int) -> None:
    stood = stands([("And?", NOT_KNOWN)] * max_turns, max_turns=max_turns, min_turns=1)
    assert next(now.turn for now in stood if now.phase == "closing") == closes


def test_picks_on_record_count_as_what_they_say() -> None:
    picks = [pick(1, "opening"), pick(2, "working", step=2, focus="to sleep", progress="She named it.", act="summary")]
    stood = stands([("And?", NOT_KNOWN)] * 2, *picks, plan=PLAN)
    assert (stood[1].phase, stood[1].step, stood[1].focus, stood[1].act) == ("working", 2, "to sleep", "summary")
    assert stood[1].reason == "She named it."
    assert (stood[2].phase, stood[2].since, stood[2].step, stood[2].step_since) == ("working", 2, 2, 2)


def test_something_painful_comes_before_the_agenda_and_not_twice_in_a_row() -> None:
    pain = ("And?", "My mother died in March.")
    stood = stands([pain, pain, pain])
    assert [(now.listens, now.act) for now in stood] == [(False, None), (True, None), (False, "agenda"), (True, None)]


def test_in_a_language_without_signs_the_phase_follows_the_length() -> None:
    stood = stands([("¿Y?", "Quiero dormir.")] * 19, language="Spanish")
    assert [next(now.turn for now in stood if now.phase == phase) for phase in ("exploring", "working", "closing")] == [
        2,
        8,
        19,
    ]


def test_every_view_with_dialogue_plan_and_picks_stands_in_the_same_place() -> None:
    said = tuple(
        Utterance(turn=1, speaker=speaker, text=text) for speaker, text in (("counselor", AGENDA), ("client", WISH))
    )  # type: ignore[arg-type]
    one, other = (progress_of(view(utterances=said, plan=PLAN), SessionConfig()) for view in (CounselorView, FlowView))
    assert one == other
    assert (one.turn, one.phase) == (2, "exploring")


@pytest.mark.parametrize(("most", "revised"), [(12, True), (7, False)])
def test_a_plan_is_revised_only_where_turns_are_left_to_work_by_it(most: int, revised: bool) -> None:
    talk = [*KNOWN, ("And?", "I won't do that."), ("And?", "That's pointless.")]
    now = stands(talk, plan=PLAN, max_turns=most, min_turns=most)[-1]
    assert bool(now.revise) is revised


def test_a_step_that_a_pick_stays_at_began_when_it_began() -> None:
    picks = [pick(turn, "exploring" if turn > 1 else "opening", step=1) for turn in range(1, 6)]
    assert [(now.step, now.step_since) for now in stands(KNOWN, *picks, plan=PLAN)] == [(1, 1)] * 5
    left = [*picks[:4], pick(5, "working", step=2)]
    assert [(now.step, now.step_since) for now in stands(KNOWN, *left, plan=PLAN)] == [*[(1, 1)] * 4, (2, 5)]
