"""What a specialist is asked for: its part of a message, in its size, at the step where there is one."""

import pytest

from counseling_sessions.nodes.specialist import ask_specialist
from counseling_sessions.state import Act, CBTTechnique, CounselorView, Phase, Pick, Plan, Utterance
from tests.scripted import config

PLAN = Plan(technique=CBTTechnique.PIE_CHART, goal="g", steps=("Look at the market.", "Look at the night."))
WHOLE = "Your draft is the whole message"
OTHERS = ("normalizing", "psychoeducation", "questioning")


def note(*techniques: str, phase: Phase = "working", act: Act | None = None, revise: str = "") -> str:
    """The last message that the specialist for reflection is sent."""
    picked = Pick(
        turn=3, phase=phase, techniques=techniques, source="llm", act=act, revise=revise, step=1, focus="to sleep"
    )
    said = tuple(Utterance(turn=2, speaker=speaker, text="Well.") for speaker in ("counselor", "client"))
    view = CounselorView(utterances=said, picks=(picked,), plan=PLAN)
    return str(ask_specialist(view, config(max_turns=20), "reflection").messages[-1].text)


def test_a_draft_beside_others_is_asked_for_its_share_of_the_words() -> None:
    assert "About 20 words." in note("reflection", "questioning")
    assert "About 15 words." in note("reflection", *OTHERS)
    assert "About 40 words." in note("reflection", phase="closing", act="summary")


def test_a_draft_that_is_the_whole_message_begins_with_the_clients_words() -> None:
    assert WHOLE in note("reflection")
    assert WHOLE not in note("reflection", "questioning")
    assert WHOLE not in note("reflection", phase="closing", act="summary")


@pytest.mark.parametrize(
    ("phase", "revise", "leads"),
    [
        ("opening", "", False),
        ("exploring", "", True),
        ("working", "", True),
        ("working", "It is not the market.", False),
        ("closing", "", False),
    ],
)
def test_a_step_leads_where_the_plan_is_in_work_and_still_fits(phase: Phase, revise: str, leads: bool) -> None:
    assert ("Look at the market." in note("reflection", phase=phase, revise=revise).split("Phase:")[-1]) is leads
