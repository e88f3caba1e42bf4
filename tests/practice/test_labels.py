"""Labels of a counselor's message: on invented messages with labels, on utterances set apart, and with what they say of doubt."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from counseling_sessions.evaluation.codes.codebook import codebook
from counseling_sessions.nodes.techniques import techniques
from counseling_sessions.practice.labels import FILE, labels_of, techniques_of
from counseling_sessions.settings import DEFAULT_TECHNIQUES

MESSAGES: list[dict[str, Any]] = yaml.safe_load(
    (Path(__file__).parent / "counselor_messages.yaml").read_text(encoding="utf-8")
)


def names(said: str, before: str = "") -> set[str]:
    return {label.name for label in labels_of(said, before)}


def test_most_labels_are_right_and_most_are_there() -> None:
    read = [(names(item["said"], item["before"]), set(item["labels"])) for item in MESSAGES]
    both = sum(len(seen & there) for seen, there in read)
    assert len(MESSAGES) >= 40
    assert both / sum(len(seen) for seen, _ in read) >= 0.85  # 17 of 20 by the cues before
    assert both / sum(len(there) for _, there in read) >= 0.7  # 17 of 43 by the cues before


@pytest.mark.parametrize(
    ("said", "before"),
    [
        ("You were terrified, and only Rim knew.", "I was terrified. Nobody but Rim knows."),
        ("You lay there and the list went round again.", "I go through the list again and again."),
    ],
)
def test_a_reflection_is_one_without_a_set_phrase(said: str, before: str) -> None:
    assert names(said, before) == {"reflection"}


def test_bad_advice_is_one_thing() -> None:
    said = "You should just go to bed earlier and stop looking at your phone."
    (label,) = labels_of(said, "I can't sleep.")
    assert (label.name, label.title, label.sentence) == ("advice", "advice without permission", said)
    assert techniques_of(said, "I can't sleep.") == ("solutions",)


@pytest.mark.parametrize(
    "said",
    ["I really think you should move that chair.", "Well, you must be on time.", "If I were you I would leave.", "You need to talk to him."],
)  # fmt: skip
def test_a_plain_instruction_is_advice_and_no_reflection(said: str) -> None:
    assert names(said, "I'll move the chair and call Samuel on Sunday. I must be on time to talk to him.") == {"advice"}


def test_what_only_sounds_like_an_instruction_is_none() -> None:
    assert "advice" not in names("It sounds like you have to be strong for everyone.", "I have to be strong for them.")
    assert "advice" not in names("What do you think you should do?", "I don't know what I should do.")


def test_nothing_is_said_below_the_threshold_and_doubt_is_said_above_it() -> None:
    assert labels_of("I would quit that job.", "My boss shouts at me.") == ()
    (doubt,) = labels_of("You kept quiet so that your parents wouldn't worry.", "I tell my parents everything is fine.")
    assert (doubt.name, doubt.sure) == ("reflection", False)
    (sure,) = labels_of("What goes through your mind when you hear the door?", "I hear the door and freeze.")
    assert (sure.title, sure.sure) == ("open question", True)


def test_the_labels_are_of_codes_and_of_techniques_that_there_are() -> None:
    rules = yaml.safe_load(FILE.read_text(encoding="utf-8"))["labels"].values()
    codes = [code for rule in rules for code in rule["codes"]]
    assert {*codes, "facilitate"} == {*codebook().counselor}
    assert len(codes) == len(set(codes))
    assert {*DEFAULT_TECHNIQUES} <= {rule.get("technique") for rule in rules} - {None} <= {*techniques()}
