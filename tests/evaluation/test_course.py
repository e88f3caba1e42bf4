"""The course of a session: plan steps, revisions and closing turns, and what a client tells of its form by when."""

import pytest

from counseling_sessions.evaluation.course import course_figures, steps_reached
from counseling_sessions.evaluation.disclosure import Disclosure, disclosure_of
from counseling_sessions.evaluation.measure import measure
from counseling_sessions.evaluation.readings import Measuring
from counseling_sessions.evaluation.report.course import course_section
from counseling_sessions.evaluation.report.document import Table, cell
from counseling_sessions.evaluation.structure import session_figures
from counseling_sessions.profiles.schema import ClientProfile
from counseling_sessions.sessions import Session
from counseling_sessions.state import Phase
from tests.evaluation.made import clean, session, traced

IRIS = ClientProfile.model_validate(
    {
        "id": "iris-lighthouse",
        "demographics": {"name": "Iris"},
        "reason_for_counseling": "I do not go out.",
        "presenting_problem": {"what": "Gulls and lanterns frighten me."},
        "history": "Grandfather drowned beneath the lighthouse.",
        "support": "Nobody.",
    }
)
TALK = (
    *("Hello.", "Hello. It is dark.", "What is it?", "Gulls.", "Tell me.", "Well, lanterns too, they frighten me."),
    *("And before?", "My grandfather.", "What of him?", "He drowned at the lighthouse.", "I am sorry.", "Yes."),
)


def iris(*said: str, openness: tuple[int, ...] = (), **fields: object) -> Session:
    """A session with Iris, counselor first; `openness` of her answers."""
    made = session(*(said or TALK), profile=IRIS, **fields)
    levels = iter(openness)
    dialogue = tuple(
        message.model_copy(update={"openness": next(levels, None)}) if message.speaker == "client" else message
        for message in made.dialogue
    )
    return made.model_copy(update={"dialogue": dialogue})


def disclosed(made: Session) -> Disclosure:
    found = disclosure_of(made)
    assert found
    return found


def test_an_item_is_told_once_half_of_its_weight_was_said() -> None:
    found = disclosed(iris())
    assert (found.items, dict(found.turns)) == (3, {"presenting_problem.what": 3, "history": 5})
    assert found.by_tenth == (0, 0, 0, 0, 1 / 3, 1 / 3, 1 / 3, 1 / 3, 2 / 3, 2 / 3)
    assert found.figures() == {"told": 2 / 3, "premature": 0.0}


def test_what_the_counselor_says_is_not_told() -> None:
    assert disclosed(iris("Gulls and lanterns frighten you?", "Yes.")).turns == {}


def test_common_words_of_an_item_weigh_less() -> None:
    form = {**IRIS.model_dump(mode="json"), "history": "I work at home and help people with a theodolite."}
    made = session("Hello.", "I work at home and I help people.", profile=ClientProfile.model_validate(form))
    assert disclosed(made).turns == {}
    made = session("Hello.", "I work with a theodolite.", profile=ClientProfile.model_validate(form))
    assert list(disclosed(made).turns) == ["history"]


def test_a_painful_item_in_the_first_third_is_told_too_early() -> None:
    early = "My grandfather drowned at a lighthouse."
    assert disclosed(iris(TALK[0], early, *TALK[2:])).premature == ("history",)
    assert disclosed(iris(*TALK[:4], TALK[4], early, *TALK[6:])).premature == ()
    assert disclosed(iris(TALK[0], "Gulls and lanterns frighten me.", *TALK[2:])).premature == ()


def test_with_the_clients_states_too_early_is_before_its_level_was_open() -> None:
    assert disclosed(iris(openness=(1, 1, 1, 1, 2, 2))).premature == ("history",)
    assert disclosed(iris(openness=(1, 1, 1, 1, 3, 3))).premature == ()
    early = (TALK[0], "My grandfather drowned at a lighthouse.", *TALK[2:])
    assert disclosed(iris(*early, openness=(3, 3, 3, 3, 3, 3))).premature == ()


def test_the_form_may_say_its_own_levels() -> None:
    form = IRIS.model_copy(
        update={
            "disclosure": ClientProfile.model_validate(
                {**IRIS.model_dump(mode="json"), "disclosure": {"history": 1, "what": 3}}
            ).disclosure
        }
    )
    made = session(TALK[0], "My grandfather drowned at a lighthouse. Gulls and lanterns.", *TALK[2:], profile=form)
    assert disclosed(made).premature == ("presenting_problem.what",)


def test_without_a_form_or_a_word_of_the_client_nothing_is_said_of_it() -> None:
    assert disclosure_of(session(*TALK)) is None
    assert disclosure_of(session("Hello.", profile=IRIS)) is None


STEPS: list[tuple[Phase, tuple[str, ...], int | None]] = [
    ("opening", ("reflection",), None),
    ("exploring", ("questioning",), 1),
    ("working", ("questioning",), 2),
    ("working", ("solutions",), 2),
    ("closing", ("reflection",), 3),
    ("closing", (), None),
]


def test_a_plan_is_completed_when_every_step_was_reached() -> None:
    made = traced(iris(), STEPS, plan_steps=3)
    assert course_figures(made) == {"plan_completed": 1.0, "steps_left": 0.0, "plans_revised": 0.0, "closes": 1.0}
    made = traced(iris(), STEPS[:4], plan_steps=4)
    assert course_figures(made) == {"plan_completed": 0.0, "steps_left": 2.0, "plans_revised": 0.0, "closes": 0.0}


def test_steps_count_for_the_plan_that_is_in_force() -> None:
    made = traced(iris(), STEPS, plan_steps=4, revisions=((4, 3),))  # turns 2 and 3: steps 1 and 2; then steps 2 and 3
    assert course_figures(made)["plans_revised"] == 1.0
    assert course_figures(made)["steps_left"] == 1.0
    assert steps_reached(made) == session_figures(made, [])["plan_steps_visited"] == 4 / 7


def test_what_a_file_does_not_say_of_plan_and_phases_is_left_out() -> None:
    assert course_figures(iris()) == {}
    assert steps_reached(iris()) is None
    assert course_figures(iris().model_copy(update={"plan_steps": 4})) == {}


@pytest.mark.parametrize("attitude", ["negative", None])
def test_the_report_shows_what_is_told_by_attitude(attitude: str | None) -> None:
    made = traced(iris(attitude=attitude), STEPS, plan_steps=3)
    section = course_section(measure({"one": [made]}, Measuring(("course",))))
    assert section
    means, told = section.blocks
    assert isinstance(means, Table)
    assert isinstance(told, Table)
    assert [cell(row[0]).text for row in means.rows][-2:] == [
        "items of the form told",
        "items of the form told too early",
    ]
    [row] = told.rows
    assert [cell(item).text for item in row] == [
        f"one, {attitude or 'no attitude'} (n=1)", "0.0 %", "0.0 %", "33.3 %", "33.3 %", "66.7 %"
    ]  # fmt: skip
    assert [item.figure.value for item in map(cell, row[1:]) if item.figure] == pytest.approx(
        [0, 0, 1 / 3, 1 / 3, 2 / 3]
    )


def test_the_section_is_there_only_where_something_is_known_and_asked_for() -> None:
    assert course_section(measure({"one": [iris()]}, Measuring(("structure",)))) is None
    assert course_section(measure({"one": [session(*TALK)]}, Measuring(("course",)))) is None
    assert course_section(measure({"one": [clean()]}, Measuring(("course",)))) is not None
