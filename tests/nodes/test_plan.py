"""The plan: which answers become one, and which are asked for again."""

from typing import Any

import pytest

from counseling_sessions.nodes.plan import STEPS, _read
from counseling_sessions.state import CBTTechnique
from tests.scripted import PLAN


def test_a_plan_is_typed_and_its_steps_lose_their_numbers() -> None:
    numbered = [f"{number}. {step}" for number, step in enumerate(PLAN["steps"], 1)]
    made = _read(PLAN | {"technique": " Behavior Experiment", "steps": ["Step 1: Look  back.", *numbered]})
    assert made.technique is CBTTechnique.BEHAVIOR_EXPERIMENT
    assert made.steps == ("Look back.", *PLAN["steps"])


def test_a_number_that_belongs_to_the_sentence_stays() -> None:
    steps = ["3 things went well; name them.", "10 minutes of breathing.", "2.5 hours of sleep: is it so?"]
    assert _read(PLAN | {"steps": steps}).steps == tuple(steps)


def test_too_many_steps_are_cut_after_the_last_that_fits() -> None:
    assert len(_read(PLAN | {"steps": [f"Do thing {letter}." for letter in "abcdefgh"]}).steps) == STEPS[1]


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"steps": "one, two"}, "list of sentences"),
        ({"steps": ["One.", "2.", " "]}, "at least 3"),
        ({"steps": ["One.", "1. one.", "Two.", "Three."]}, "twice"),
        ({"steps": ["One.", "Two.", "Leave the rest for session 2."]}, "no second session"),
        ({"technique": "hypnosis"}, "none of the twelve"),
        ({"goal": " "}, "goal is missing"),
        ({"goal": "x" * 2001}, "at most 2,000 characters"),
        ({"steps": ["One.", "Two.", "x" * 2001]}, "at most 2,000 characters"),
        ({"goal": "She sees that she has to have to have to have to have to go."}, "again and again"),
        ({"steps": ["One.", "Two.", "Write the list, the list, the list, the list."]}, "again and again"),
    ],
)
def test_what_is_no_plan_is_refused_with_the_reason(change: dict[str, Any], reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        _read(PLAN | change)


@pytest.mark.parametrize(
    ("said", "kept"),
    [
        (
            "  Staying away helps for a day,\nand keeps the exam frightening. ",
            "Staying away helps for a day, and keeps the exam frightening.",
        ),
        ("decatastrophizing", ""),
        (None, ""),
    ],
)
def test_a_formulation_is_a_sentence(said: str | None, kept: str) -> None:
    assert _read(PLAN | {"formulation": said}).formulation == kept
