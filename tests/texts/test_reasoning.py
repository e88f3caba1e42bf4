"""What counts as a model's reasoning, in every form in which models mark it."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from counseling_sessions.texts.reasoning import without_reasoning

HARMONY = "<|channel|>analysis<|message|>No? Yes?<|end|><|start|>assistant<|channel|>final<|message|>"


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("Fine.", "Fine."),
        ("a < b, [x] and <b>c</b>", "a < b, [x] and <b>c</b>"),
        ("<think>No? Yes?</think>Fine.", "Fine."),
        ("<THINK>No?</think >Fine.", "Fine."),
        ("<thinking>No?</thinking>Fine.", "Fine."),
        ("<thought>No?</thought>Fine.", "Fine."),
        ("<reasoning>No?</reasoning>Fine.", "Fine."),
        ("<seed:think>No?</seed:think>Fine.", "Fine."),
        ("[THINK]No?[/THINK]Fine.", "Fine."),
        ("◁think▷No?◁/think▷Fine.", "Fine."),
        ("<|begin_of_thought|>No?<|end_of_thought|>Fine.", "Fine."),
        ("<|START_THINKING|>No?<|END_THINKING|>Fine.", "Fine."),
        (f"{HARMONY}Fine.<|return|>", "Fine."),
        (f"{HARMONY}Fine.", "Fine."),
        ("<|channel|>analysis<|message|>No?<|channel|>final <|constrain|>json<|message|>Fine.", "Fine."),
        ("<|channel|>commentary to=x<|message|>No?<|end|>Fine.", "Fine."),
        ("<|channel|>analysis<|message|>No?", ""),
        ("No? Yes?</think>Fine.", "Fine."),
        ("No?[/THINK]Fine.", "Fine."),
        ("No?<|channel|>final<|message|>Fine.", "Fine."),
        ("Fine. <think>But", "Fine. "),
        ("Fine. [THINK]But", "Fine. "),
        ("So <think>a</think>and so.", "So and so."),
        ("<think>a<think>b</think>c</think>Fine.", "Fine."),
        ("<think>quotes </reasoning> and [THINK]</think>Fine.", "Fine."),
        ("<think>a</reasoning>Fine.", ""),
        ("<th<think>x</think>ink>Fine.", "think>Fine."),
    ],
)
def test_the_answer_alone_is_left(text: str, answer: str) -> None:
    assert without_reasoning(text) == answer


MARKS = st.sampled_from(
    ["<think>", "</think>", "[THINK]", "[/THINK]", "<|end|>", "<th", "ink>", HARMONY, "x", "{", " "]
)


@given(st.lists(MARKS, max_size=9).map("".join))
def test_doing_it_twice_changes_nothing(text: str) -> None:
    assert without_reasoning(without_reasoning(text)) == without_reasoning(text)


@pytest.mark.parametrize(
    "piece", ["<think>", "</think>", "<", "<|", "<|channel|>", "<|channel|>final", "<|start|> ", "<think ", "[THINK]"]
)
def test_a_hundred_thousand_characters_take_no_second(piece: str) -> None:
    started = time.process_time()
    without_reasoning(piece * (100_000 // len(piece)))
    assert time.process_time() - started < 1
