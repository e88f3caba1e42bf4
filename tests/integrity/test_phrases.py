"""Lists of phrases: they prove themselves, and name what is wrong with them."""

from pathlib import Path

import pytest

from counseling_sessions.integrity.phrases import FOLDER, phrase_in, read_phrases
from counseling_sessions.integrity.thinking import speech_after_thinking, thinks_aloud
from counseling_sessions.settings import SettingsError

STRICT = ("as_client", "as_counselor", "runs_down", "impossible")
GOOD = "English: {begins: ['we need to <SAY>'], words: {SAY: 'say|answer'}, examples: ['We need to say so.'], speech: [I ran.]}"


@pytest.mark.parametrize(
    ("name", "languages"),
    [("reasoning", 10), ("refusals", 10), ("further_session", 1), ("means", 1), *((name, 1) for name in STRICT)],
)
def test_the_lists_prove_themselves(name: str, languages: int) -> None:
    assert len(read_phrases(FOLDER / f"{name}.yaml")) >= languages


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("- a", "language"),
        (
            GOOD.replace("examples: ['We need to say so.']", "examples: [I fell.]"),
            "does not find its own example 'I fell.'",
        ),
        (GOOD.replace("I ran.", "We need to answer."), "takes speech for more"),
        (GOOD.replace("<SAY>", "<SPEAK>"), "English: not a regular expression"),
        (GOOD.replace("to <SAY>", "(to"), "English: not a regular expression"),
        (GOOD.replace("begins", "starts"), "English: starts"),
    ],
)
def test_what_is_wrong_with_a_list_is_named(text: str, problem: str, tmp_path: Path) -> None:
    path = tmp_path / "list.yaml"
    path.write_text(GOOD)
    assert len(read_phrases(path)) == 1
    broken = tmp_path / "broken.yaml"
    broken.write_text(text)
    with pytest.raises(SettingsError, match="broken.yaml") as caught:
        read_phrases(broken)
    assert problem in str(caught.value)


def test_one_hint_is_not_enough_and_one_twice_is_one() -> None:
    assert phrase_in("reasoning", "That was hard. Keep it short.") is None
    assert phrase_in("reasoning", "Keep it short. Make it short.") is None
    assert phrase_in("reasoning", "Keep it short. We should mention the sister.")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("We need to answer as the client. Final answer: I ran home.", "I ran home."),
        ('We need to answer as the client.\n\n**Final response:** "I ran home."', '"I ran home."'),
        ("Here is my thought process: he waits.\nHere is my response: I ran home.", "I ran home."),
        ("Okay, the user wants a reply. Draft response: I ran. Final: I ran home.", "I ran home."),
    ],
)
def test_what_a_heading_sets_apart_is_said(text: str, said: str) -> None:
    assert thinks_aloud(text)
    assert speech_after_thinking(text) == said


@pytest.mark.parametrize(
    "text",
    [
        "We need to answer as the client.\n\nI ran home.",
        "We need to answer as the client.\n\nKeep it short.\n\nI ran home.",
        'We need to answer as the client. Final answer: "I ran home." That is short.',
        "We need to answer as the client. Final answer: I ran home.\n\nThis is under the limit.",
        "We need to answer as the client. Final answer: We need to answer as the client.",
        "We need to answer as the client. Final answer:",
        "I thought about it. My answer: no.",
    ],
)
def test_what_may_be_thought_too_is_never_said(text: str) -> None:
    assert speech_after_thinking(text) is None


def test_a_client_that_speaks_of_itself_by_name_thinks_aloud() -> None:
    for text in (
        "Let me think about what Amira would say.",
        "How would Amira react to this?",
        "I should answer as Amira.",
    ):
        assert thinks_aloud(text, {"amira"})
        assert not thinks_aloud(text, {"may"})
        assert not thinks_aloud(text)
