"""Structure: lengths, ends, techniques, plan steps, labels and openings, of one session and of many."""

from collections import Counter

import pytest

from counseling_sessions.evaluation.integrity import check_session
from counseling_sessions.evaluation.structure import (
    DECILES,
    Labels,
    Opening,
    Structure,
    labels_of,
    session_figures,
)
from counseling_sessions.profiles.readers import read_profiles
from counseling_sessions.sessions import Message, Session, client_group, read_sessions
from counseling_sessions.state import Phase
from counseling_sessions.texts.words import words
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


def structure_of(*sessions: Session, labels: Labels | None = None) -> Structure:
    counted = Structure(labels)
    for made in sessions:
        counted.add(made)
    return counted


def agrees(made: Session, labels: Labels | None = None) -> bool | None:
    counted = structure_of(made, labels=labels)
    return bool(counted.agree) if counted.comparable else None


def test_a_session_in_numbers() -> None:
    figures = session_figures(session(*FOUR), [])
    assert figures == {
        "turns": 4.0,
        "counselor_words": (4 + 2 + 4 + 2) / 4,
        "client_words": (1 + 2 + 1 + 2) / 4,
        "question_share": 0.75,
        "repeat_share": 0.0,
        "near_repeat_share": 0.0,
        "findings_per_message": 0.0,
    }


def test_the_opening_and_the_closing_are_messages_and_no_turns() -> None:
    opening = Message(turn=0, speaker="counselor", text="Hello, I'm glad you came.")
    closing = Message(turn=5, speaker="counselor", text="Goodbye.", closing=True)
    made = session(*FOUR)
    figures = session_figures(made.model_copy(update={"dialogue": (opening, *made.dialogue, closing)}), [])
    assert (figures["turns"], figures["counselor_words"]) == (4, (12 + 5 + 1) / 6)


def test_a_question_is_asked_with_any_question_mark() -> None:
    made = session("هل نمت؟", "はい。", "そうですか？", "はい。", "Hm.", "No?")
    assert session_figures(made, [])["question_share"] == 2 / 3


def test_techniques_are_counted_by_phase() -> None:
    made = traced(clean(), USED, plan_steps=4)
    assert structure_of(made).by_phase == {
        "opening": Counter(reflection=1),
        "exploring": Counter(reflection=1, questioning=2),
        "working": Counter(solutions=1, psychoeducation=1),
    }
    assert session_figures(made, [])["techniques"] == 4


def test_the_course_of_a_session_is_cut_into_ten() -> None:
    one = structure_of(traced(clean(), USED))  # 14 counselor messages
    assert [dict(used) for used in one.by_decile[:3]] == [
        {"reflection": 2, "questioning": 1},
        {"questioning": 1},
        {"solutions": 1, "psychoeducation": 1},
    ]
    assert len(one.by_decile) == DECILES
    assert not any(one.by_decile[3:])
    assert structure_of(traced(session(*FOUR[:6]), USED[:3])).decile_messages == {0: 1, 3: 1, 6: 1}
    assert structure_of(traced(session(*FOUR * 5), USED[:1] * 20)).decile_messages == dict.fromkeys(range(10), 2)


def test_plan_steps_that_the_plan_has_are_visited() -> None:
    assert session_figures(traced(clean(), USED, plan_steps=4), [])["plan_steps_visited"] == 0.5
    for unknown in (traced(clean(), USED), clean().model_copy(update={"plan_steps": 4})):
        assert "plan_steps_visited" not in session_figures(unknown, [])


@pytest.mark.parametrize(
    ("made", "expected"),
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
def test_the_plan_agrees_with_the_label_or_not_or_cannot_be_compared(made: Session, expected: bool | None) -> None:
    assert agrees(made) is expected


def test_labels_come_from_other_profiles_of_the_same_client_where_the_own_has_none() -> None:
    labels = labels_of(
        [PROFILE, PROFILE.model_copy(update={"labelled_techniques": ("Reality Testing", "Decatastrophizing")})]
    )
    assert labels == {client_group(PROFILE): ("Decatastrophizing", "Role-playing", "Reality Testing")}
    assert agrees(of_form(technique="Reality Testing"), labels) is True
    assert agrees(of_form("Continuum Technique", technique="Reality Testing"), labels) is False
    assert agrees(of_form(technique="Reality Testing"), {"somebody else": ("Reality Testing",)}) is None


def test_a_set_of_sessions_in_numbers() -> None:
    counted = structure_of(
        traced(clean(), USED, plan_steps=4, end_reason="left", cbt_technique="Decatastrophizing"),
        traced(clean(), USED[:2], plan_steps=4, end_reason="left", cbt_technique="Reality Testing"),
        session(*FOUR),
    )
    assert counted.counselor_messages == 32
    assert counted.end_reasons == {"left": 2, "not recorded": 1}
    assert counted.turns == {14: 2, 4: 1}
    assert counted.by_phase["exploring"] == {"reflection": 2, "questioning": 3}
    assert counted.phase_messages == {"opening": 2, "exploring": 3, "working": 1}
    assert counted.by_decile[0] == {"reflection": 4, "questioning": 2}
    assert counted.decile_messages == {0: 4, 1: 1, 2: 1}
    assert (counted.agree, counted.comparable) == (1, 2)


def test_of_nothing_nothing_is_known() -> None:
    assert Structure().openings() == []
    nothing = structure_of(session())
    assert (nothing.turns, nothing.openings()) == ({0: 1}, [])
    assert session_figures(session(), []) == {"turns": 0.0}


def test_openings_that_recur_are_counted_as_they_are_compared() -> None:
    counted = structure_of(
        session("It sounds like rain.", "Yes.", "it SOUNDS, like hail!", "Yes.", "It's late.", "It sounds like it is."),
        session("It sounds like snow.", "No.", "Its late", "Yes.", "Go on.", "No.", "", "No."),
    )
    assert counted.openings() == [Opening("it sounds like", 3, 3 / 7), Opening("its late", 2, 2 / 7)]
    assert counted.openings(1) == [Opening("it sounds like", 3, 3 / 7)]


def test_the_figures_by_which_methods_are_compared() -> None:
    made = traced(changed(changed(clean(), 15, SAID[13]), 7, ""), USED, plan_steps=4)
    said = [words(message.text) for message in made.dialogue]
    assert session_figures(made, check_session(made)) == {
        "turns": 14.0,
        "counselor_words": sum(map(len, said[::2])) / 14,
        "client_words": sum(map(len, said[1::2])) / 14,
        "question_share": sum("?" in message.text for message in made.dialogue[::2]) / 14,
        "repeat_share": 1 / 28,
        "near_repeat_share": 0.0,
        "findings_per_message": 2 / 28,
        "techniques": 4.0,
        "plan_steps_visited": 0.5,
    }
    assert not {"techniques", "plan_steps_visited"} & session_figures(clean(), []).keys()


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
    assert counted.end_reasons == {"not recorded": 60}
