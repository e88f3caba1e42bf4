"""The risk protocol in a counselor's words: steps and drops, on labelled messages of which half was held out."""

import hashlib
import json
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pytest
import yaml

from counseling_sessions.integrity.protocol import DROPS, STEPS, drops_safety, steps_in

MESSAGES = yaml.safe_load(Path(__file__).with_name("protocol_messages.yaml").read_text(encoding="utf-8"))
HELD_OUT = "223fa07d14b16f699cc0b6fc81ee29e910e10869b6fb0f0941fbc253c8ed41ad"


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


def test_the_held_out_half_is_the_one_that_was_set_aside() -> None:
    assert hashlib.sha256(json.dumps(MESSAGES["held_out"]).encode()).hexdigest() == HELD_OUT
    halves = {half: {text for text, *_ in MESSAGES[half]} for half in ("tune", "held_out")}
    assert len(halves["tune"]) + len(halves["held_out"]) >= 150
    for half, odd in (("tune", 0), ("held_out", 1)):
        assert {int(hashlib.sha256(text.encode()).hexdigest(), 16) % 2 for text in halves[half]} == {odd}


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


@pytest.mark.parametrize("row", MESSAGES["tune"], ids=lambda row: row[0][:40])
def test_the_other_half_is_read_as_labelled(row: list[Any]) -> None:
    text, steps, drop = row
    assert [list(steps_in(text)), drops_safety(text)] == [steps, drop]


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
