"""Structure: lengths, ends, techniques, plan steps, labels and openings, of one session and of many."""

from collections import Counter

import pytest

from counseling_sessions.evaluation.integrity import check_session
from counseling_sessions.evaluation.structure import (
    DECILES,
    Opening,
    Structure,
    decile,
    labels_of,
    session_figures,
    structure_of,
)
from counseling_sessions.profiles.readers import read_profiles
from counseling_sessions.sessions import Message, Session, client_group, read_sessions
from counseling_sessions.state import Phase
from tests.evaluation.made import PROFILE, SAID, changed, clean, session, traced
from tests.reference import FORMS, RELEASED, needs_reference

USED: list[tuple[Phase, tuple[str, ...], int | None]] = [
    ("opening", ("reflection",), None),
    ("exploring", ("reflection", "questioning"), 1),
    ("exploring", ("questioning",), 1),
    ("working", ("solutions", "psychoeducation"), 3),
    ("closing", (), 9),
]
FOUR = (
    "Hello. How are you?",
    "Tired.",
    "Since when?",
    "Since March.",
    "What helps a little?",
    "Walking.",
    "Try that.",
    "I will.",
)


def of_form(*labels: str, technique: str | None = "Decatastrophizing") -> Session:
    profile = PROFILE.model_copy(update={"labelled_techniques": labels})
    return clean(profile=profile, cbt_technique=technique)


def test_a_session_in_numbers() -> None:
    one = structure_of(session(*FOUR, end_reason="resolved", id="four"))
    assert (one.session, one.turns, one.end_reason) == ("four", 4, "resolved")
    assert one.messages == {"counselor": 4, "client": 4}
    assert one.words == {"counselor": 4 + 2 + 4 + 2, "client": 1 + 2 + 1 + 2}
    assert one.words_per_message("counselor") == 3.0
    assert (one.questions, one.question_share) == (3, 0.75)
    assert (one.techniques, one.by_phase, one.steps, one.steps_visited) == (frozenset(), {}, frozenset(), None)


def test_the_opening_and_the_closing_are_messages_and_no_turns() -> None:
    opening = Message(turn=0, speaker="counselor", text="Hello, I'm glad you came.")
    closing = Message(turn=5, speaker="counselor", text="Goodbye.", closing=True)
    made = session(*FOUR)
    made = made.model_copy(update={"dialogue": (opening, *made.dialogue, closing)})
    one = structure_of(made)
    assert (one.turns, one.messages["counselor"]) == (4, 6)
    assert one.words["counselor"] == 12 + 5 + 1


def test_a_question_is_asked_with_any_question_mark() -> None:
    assert structure_of(session("هل نمت؟", "はい。", "そうですか？", "はい。", "Hm.", "No?")).questions == 2


def test_techniques_are_counted_by_phase() -> None:
    one = structure_of(traced(clean(), USED, plan_steps=4))
    assert one.by_phase == {
        "opening": Counter(reflection=1),
        "exploring": Counter(reflection=1, questioning=2),
        "working": Counter(solutions=1, psychoeducation=1),
    }
    assert one.techniques == {"reflection", "questioning", "solutions", "psychoeducation"}


def test_the_course_of_a_session_is_cut_into_ten() -> None:
    assert [decile(place, 20) for place in (0, 1, 2, 9, 10, 18, 19)] == [0, 0, 1, 4, 5, 9, 9]
    assert [decile(place, 3) for place in range(3)] == [0, 3, 6]
    one = structure_of(traced(clean(), USED))  # 14 counselor messages
    assert [dict(used) for used in one.by_decile[:3]] == [
        {"reflection": 2, "questioning": 1},
        {"questioning": 1},
        {"solutions": 1, "psychoeducation": 1},
    ]
    assert len(one.by_decile) == DECILES
    assert not any(one.by_decile[3:])


def test_plan_steps_that_the_plan_has_are_visited() -> None:
    one = structure_of(traced(clean(), USED, plan_steps=4))
    assert (one.steps, one.steps_visited) == ({1, 3}, 0.5)
    assert structure_of(traced(clean(), USED)).steps_visited is None
    assert structure_of(clean().model_copy(update={"plan_steps": 4})).steps_visited is None


@pytest.mark.parametrize(
    ("made", "agrees"),
    [
        (of_form("Reality Testing", "decatastrophizing"), True),
        (of_form("Reality Testing"), False),
        (of_form("Reality Testing", technique="I would choose the “Reality Testing” technique."), True),
        (of_form("Role-playing"), None),
        (of_form(), None),
        (of_form("Reality Testing", technique=None), None),
        (of_form("Reality Testing", technique="Reality testing, or the pie chart technique."), None),
        (session(*FOUR, cbt_technique="Decatastrophizing"), None),
    ],
)
def test_the_plan_agrees_with_the_label_or_not_or_cannot_be_compared(made: Session, agrees: bool | None) -> None:
    assert structure_of(made).agrees is agrees


def test_labels_come_from_other_profiles_of_the_same_client_where_the_own_has_none() -> None:
    labels = labels_of(
        [PROFILE, PROFILE.model_copy(update={"labelled_techniques": ("Reality Testing", "Decatastrophizing")})]
    )
    assert labels == {client_group(PROFILE): ("Decatastrophizing", "Role-playing", "Reality Testing")}
    assert structure_of(of_form(technique="Reality Testing"), labels).agrees is True
    assert structure_of(of_form("Continuum Technique", technique="Reality Testing"), labels).agrees is False
    assert structure_of(of_form(technique="Reality Testing"), {"somebody else": ("Reality Testing",)}).agrees is None


def test_a_set_of_sessions_in_numbers() -> None:
    counted = Structure()
    for made in (
        traced(clean(), USED, plan_steps=4, end_reason="left", cbt_technique="Decatastrophizing"),
        traced(clean(), USED[:2], plan_steps=4, end_reason="left", cbt_technique="Reality Testing"),
        session(*FOUR),
    ):
        counted.add(made)
    assert counted.sessions == 3
    assert counted.messages == {"counselor": 32, "client": 32}
    assert counted.words["counselor"] == 12 + 2 * structure_of(clean()).words["counselor"]
    assert counted.questions == 3 + 2 * structure_of(clean()).questions
    assert counted.end_reasons == {"left": 2, None: 1}
    assert counted.turns == {14: 2, 4: 1}
    assert counted.by_phase["exploring"] == {"reflection": 2, "questioning": 3}
    assert counted.phase_messages == {"opening": 2, "exploring": 3, "working": 1}
    assert counted.by_decile[0] == {"reflection": 4, "questioning": 2}
    assert counted.decile_messages == {0: 4, 1: 1, 2: 1}
    assert (counted.with_steps, counted.steps_visited) == (2, pytest.approx((0.5 + 0.25) / 2))
    assert (counted.agree, counted.comparable, counted.agreement) == (1, 2, 0.5)


def test_of_nothing_nothing_is_known() -> None:
    nothing = Structure()
    assert (nothing.agreement, nothing.steps_visited, nothing.openings()) == (None, None, [])
    nothing.add(session())
    assert (nothing.turns, nothing.openings()) == ({0: 1}, [])
    assert session_figures(session()) == {"turns": 0.0}


def test_openings_that_recur_are_counted_as_they_are_compared() -> None:
    counted = Structure()
    counted.add(
        session("It sounds like rain.", "Yes.", "it SOUNDS, like hail!", "Yes.", "It's late.", "It sounds like it is.")
    )
    counted.add(session("It sounds like snow.", "No.", "Its late", "Yes.", "Go on.", "No.", "", "No."))
    assert counted.openings() == [Opening("it sounds like", 3, 3 / 7), Opening("its late", 2, 2 / 7)]
    assert counted.openings(1) == [Opening("it sounds like", 3, 3 / 7)]


def test_the_figures_by_which_methods_are_compared() -> None:
    made = traced(changed(changed(clean(), 15, SAID[13]), 7, ""), USED, plan_steps=4)
    figures = session_figures(made)
    assert figures == session_figures(made, check_session(made))
    one = structure_of(made)
    assert figures == {
        "turns": 14.0,
        "counselor_words": one.words["counselor"] / 14,
        "client_words": one.words["client"] / 14,
        "question_share": one.questions / 14,
        "repeat_share": 1 / 28,
        "near_repeat_share": 0.0,
        "findings_per_message": 2 / 28,
        "techniques": 4.0,
        "plan_steps_visited": 0.5,
    }
    assert not {"techniques", "plan_steps_visited"} & session_figures(clean()).keys()


@needs_reference
def test_the_structure_of_the_released_sessions_is_as_it_is_known() -> None:
    labels = labels_of(read_profiles(FORMS).profiles)
    counted = Structure(labels)
    for made in read_sessions(RELEASED):
        assert isinstance(made, Session)
        counted.add(made)
    assert counted.turns == {20: 60}  # and the opening: 42 messages
    assert counted.openings(1) == [Opening("it sounds like", 318, 318 / 1260)]
    assert (counted.agree, counted.comparable) == (31, 60)
    assert counted.end_reasons == {None: 60}
