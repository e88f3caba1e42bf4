"""Leaks: what only the client's form holds and nobody has said is found in a counselor's words, and what can be known is not."""

import pytest

from counseling_sessions.evaluation.integrity import check_session
from counseling_sessions.profiles.schema import ClientProfile
from tests.evaluation.made import session

BRUNO = ClientProfile.model_validate(
    {
        "id": "bruno-night-kiln",
        "demographics": {"name": "Bruno", "age": 44, "occupation": "potter", "family": "lives with Ada in Faenza"},
        "reason_for_counseling": "I check my pulse at night since a colleague fell.",
        "presenting_problem": {
            "what": "My heart races and I hold my wrist until it is quiet.",
            "since": "For fourteen months. In February Carlo fell beside the kiln, and Mr. Rossi called for help.",
            "tried": "I walk for ten minutes. I took part in two courses, and I bought 3 barometers.",
        },
        "history": "After the earthquake I slept in the car. I smoked until I was 30. I have made pots for 44 years.",
        "support": "Teresa knows. We play cards on Tuesday at half past six.",
        "opening": {"counselor": "Welcome, Bruno.", "client": "It is about the treadmill. The treadmill was fine."},
    }
)


def leaks(*said: str, profile: ClientProfile | None = BRUNO) -> list[str]:
    """What leaks in a session of these messages, counselor first."""
    return [found.detail for found in check_session(session(*said, profile=profile)) if found.kind == "leak"]


@pytest.mark.parametrize(
    ("said", "leaked"),
    [
        ("What would Carlo say to you?", "Carlo"),
        ("What would Teresa say to you?", "Teresa"),  # begins a sentence in the form
        ("Did you ask Mr. Rossi about it?", "Rossi"),
        ("How was it in February?", "February"),
        ("That is a long time, fourteen months.", "14 month (presenting_problem.since)"),
        ("That is a long time, 14 months.", "14 month (presenting_problem.since)"),
        ("You own three barometers?", "3 barometer (presenting_problem.tried)"),
        ("You meet at half past six, then.", "0.5 past 6 (support)"),
        ("Then an earthquake came, and you slept in cars.", "earthquake … slept … cars (history)"),
        ("Let us go back to the kiln for a moment.", "kiln (presenting_problem.since)"),
    ],
)
def test_what_only_the_form_holds_leaks(said: str, leaked: str) -> None:
    assert leaks("What brings you here?", "It is hard to say.", said, "Hm.") == [leaked]


@pytest.mark.parametrize(
    "said",
    [
        "What would Ada say to you?",  # on the form's first page
        "What does a potter do at night in Faenza?",
        "When did you begin to check your pulse?",  # in the reason
        "What did they find on the treadmill?",  # in the opening
        "What does your heart do at night, and what is hard for you?",  # common words
        "Could you walk for ten minutes?",  # a number that anybody may say
        "Two courses would be good, one after the other.",
        "You have made pots for 44 years?",  # his age
        "Was there a kiln in the room?",  # a guess
        "Shall we meet on Tuesday?",
        "There was an earthquake once, people ran to a school and over a bridge, and some slept in cars.",  # the words stand far apart
    ],
)
def test_what_the_counselor_may_know_or_guess_is_no_leak(said: str) -> None:
    assert leaks("What brings you here?", "It is hard to say.", said, "Hm.") == []


@pytest.mark.parametrize(
    ("told", "after"),
    [
        ("Carlo fell in February, beside the kiln.", "What would Carlo say about February and the kiln?"),
        ("It began fourteen months ago, and I slept in the car.", "For fourteen months you slept in a car?"),
        ("It has been months, fourteen.", "For fourteen months, then?"),
        ("It was Carlo's kiln.", "What would Carlo say?"),
    ],
)
def test_what_somebody_has_said_is_known(told: str, after: str) -> None:
    assert leaks("What brings you here?", told, after, "Hm.") == []
    assert leaks("What brings you here?", "It is hard to say.", after, told)


def test_a_leak_counts_once() -> None:
    assert leaks("Tell me of Carlo.", "A colleague.", "And what does Carlo say?", "Nothing.") == ["Carlo"]


def test_only_the_counselor_leaks_and_only_where_there_is_a_form() -> None:
    assert leaks("What brings you here?", "Carlo fell beside the kiln fourteen months ago.") == []
    assert leaks("What would Carlo say to you?", "Nothing.", profile=None) == []
