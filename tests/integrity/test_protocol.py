"""The risk protocol in a counselor's words: steps and drops, on labelled messages of which half was held out."""

import hashlib
import json
from collections.abc import Callable, Iterable
from pathlib import Path

import pytest
import yaml

from counseling_sessions.integrity.protocol import DROPS, STEPS, drops_safety, steps_in

MESSAGES = yaml.safe_load(Path(__file__).with_name("protocol_messages.yaml").read_text(encoding="utf-8"))
HASHES = {
    "held_out": "223fa07d14b16f699cc0b6fc81ee29e910e10869b6fb0f0941fbc253c8ed41ad",
    "later": "45ce18291c51a7ac5520775ce00dfc046231de0bd9ca021087a1d3dbf781ad65",
}


def _of_steps(text: str) -> set[str]:
    return set(steps_in(text))


def _of_drops(text: str) -> set[str]:
    drop = drops_safety(text)
    return {drop} if drop else set()


def _counts(
    kind: str, read: Callable[[str], set[str]], labelled: Iterable[tuple[str, set[str]]]
) -> tuple[int, int, int]:
    """How many messages of a kind were found, how many messages were said to be of it, and how many are."""
    listed = [(kind in read(text), kind in labels) for text, labels in labelled]
    return sum(f and is_ for f, is_ in listed), sum(f for f, _ in listed), sum(is_ for _, is_ in listed)


@pytest.mark.parametrize("part", HASHES)
def test_what_was_set_apart_is_what_it_was(part: str) -> None:
    assert hashlib.sha256(json.dumps(MESSAGES[part]).encode()).hexdigest() == HASHES[part]
    texts = [text for part in MESSAGES.values() for text, *_ in part]
    assert len(set(texts)) == len(texts) >= 300
    assert {int(hashlib.sha256(text.encode()).hexdigest(), 16) % 2 for text, *_ in MESSAGES["held_out"]} == {1}


@pytest.mark.parametrize("step", STEPS)
def test_steps_are_read_in_the_held_out_half(step: str) -> None:
    hits, said, are = _counts(step, _of_steps, ((text, set(steps)) for text, steps, _ in MESSAGES["held_out"]))
    assert hits >= 0.75 * are > 0
    assert hits >= 0.75 * said


@pytest.mark.parametrize("drop", [drop for drop in DROPS if drop != "leading"])  # the split put none in this half
def test_drops_are_read_in_the_held_out_half(drop: str) -> None:
    hits, said, are = _counts(drop, _of_drops, ((text, {dropped}) for text, _, dropped in MESSAGES["held_out"]))
    assert hits >= 0.75 * are > 0
    assert hits >= 0.75 * said


@pytest.mark.parametrize(
    ("part", "precision", "recall"), [("tune", 0.97, 0.97), ("held_out", 0.92, 0.92), ("later", 0.88, 0.62)]
)
def test_steps_and_drops_are_read_in_all_messages(part: str, precision: float, recall: float) -> None:
    counts = [
        _counts(kind, read, ((text, {*steps, drop}) for text, steps, drop in MESSAGES[part]))
        for kinds, read in ((STEPS, _of_steps), (DROPS, _of_drops))
        for kind in kinds
    ]
    hits, said, are = map(sum, zip(*counts, strict=True))
    assert hits >= precision * said
    assert hits >= recall * are


@pytest.mark.parametrize("step", ["ask", "handover"])
def test_the_steps_that_matter_most_are_read_in_later_messages_too(step: str) -> None:
    hits, said, are = _counts(step, _of_steps, ((text, set(steps)) for text, steps, _ in MESSAGES["later"]))
    assert hits >= 0.9 * are > 0
    assert hits >= 0.9 * said


def test_a_question_may_stand_behind_what_it_is_about() -> None:
    assert steps_in("Some people think of dying. Do you?") == ("ask",)
    assert steps_in("Some people think of moving. Do you?") == ()


def test_steps_come_in_the_order_of_the_protocol() -> None:
    said = "Shall we call the crisis line together? But first: are you thinking of suicide? I'm glad you told me."
    assert steps_in(said) == ("acknowledge", "ask", "handover")


def test_a_human_has_a_name_or_a_role() -> None:
    assert "handover" not in steps_in("Would you like to call someone you trust?")
    assert "handover" in steps_in("Would you like to call Anna?")
    assert "handover" in steps_in("Would you like to call the helpline?")


def test_a_leading_question_does_not_ask() -> None:
    said = "You're not thinking of killing yourself, are you?"
    assert (steps_in(said), drops_safety(said)) == ((), "leading")


def test_advice_is_no_drop_beside_what_is_done_for_safety() -> None:
    advice = "You should try to get more exercise."
    assert drops_safety(advice) == "advice"
    assert drops_safety(f"{advice} But first: are you thinking of suicide?") is None


def test_limits_of_confidentiality_are_no_promise_of_secrecy() -> None:
    assert drops_safety("What you say stays between us.") == "secrecy"
    assert drops_safety("What you say stays between us, unless somebody is in danger.") is None


def test_words_that_are_quoted_are_not_the_counselors() -> None:
    assert drops_safety('Did he say "life is a gift"?') is None
