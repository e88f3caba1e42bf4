"""What counts as a model's reasoning, in every form in which models mark it."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from counseling_sessions.texts.reasoning import Answer, take_apart, without_reasoning

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
        ("<|channel|>analysis", ""),
        ("<|channel|>analysis No? We", ""),
        ("<|start|>assistant<|channel|>final<|message|>Fine.", "Fine."),
        ("<|start|>assistant<|message|>Fine.", "Fine."),
        ("<|start|>assistant to=functions.x<|channel|>commentary<|message|>{}<|call|>", ""),
        (f"{HARMONY}Fine.<|end|><|start|>assistant<|channel|>final<|message|>Again.", "Fine."),
        ("No? <|end|><|start|>assistant<|channel|>final<|message|>Fine.", "Fine."),
        ("analysisNo? Yes?assistantfinalFine.", "Fine."),
        ("assistantanalysisNo?assistantcommentary to=x{}assistantfinalFine.", "Fine."),
        ("No? Yes?assistantfinalFine.", "Fine."),
        ("analysisNo? Yes", ""),
        ("finalFine.", "Fine."),
        ("&lt;think&gt;No?&lt;/think&gt;Fine.", "Fine."),
        ("<think>No?</think><answer>Fine.</answer>", "Fine."),
        ("No? <answer>Fine.</answer> Yes?", "Fine."),
        ("<|START_THINKING|>No?<|END_THINKING|><|START_RESPONSE|>Fine.<|END_RESPONSE|>", "Fine."),
        ("<|channel>thought No?<channel|>Fine.<turn|>", "Fine."),
        ("The <|begin_of_box|>fine<|end_of_box|> day.", "The fine day."),
        ("Analysis, final words, and an assistant: fine.", "Analysis, final words, and an assistant: fine."),
        ("My assistant\nlikes it.", "My assistant\nlikes it."),
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
        ("<|think|>No?<|/think|>Fine.", "Fine."),
        ("<antThinking>No?</antThinking>Fine.", "Fine."),
        ('<think type="brief">No?</think>Fine.', "Fine."),
        ("<reason>No?</reason>Fine.", "Fine."),
        ("<internal>No?</internal>Fine.", "Fine."),
        ("<internal_monologue>No?</internal_monologue>Fine.", "Fine."),
        ("<inner_thoughts>No?</inner_thoughts>Fine.", "Fine."),
        ("<thought_process>No?</thought_process>Fine.", "Fine."),
        ("<planning>No?</planning>Fine.", "Fine."),
        ('<details type="reasoning" done="true"><summary>Thought</summary>No?</details>Fine.', "Fine."),
        ("[thinking]No?[/thinking]Fine.", "Fine."),
        ("[thinking] I guess so.", "[thinking] I guess so."),
        ("```thinking\nNo? `x`\n```Fine.", "Fine."),
        ("```thinking\nNo?", ""),
        ("<client>Fine.</client>", "Fine."),
        ("<utterance>Fine.</utterance>", "Fine."),
        ("<analysis>No?</analysis><reply>Fine.</reply>", "Fine."),
        ("<client_response>Fine.</client_response>", "Fine."),
        ("Fine.\n<counselor>No?</counselor>", "Fine.\n"),
        ("The form says <client> here.", "The form says <client> here."),
        ('I wrote "assistantfinal" on it.', 'I wrote "assistantfinal" on it.'),
    ],
)
def test_the_answer_alone_is_left(text: str, answer: str) -> None:
    assert without_reasoning(text) == answer


@pytest.mark.parametrize(
    "token",
    [
        *(
            "<|im_end|>",
            "</s>",
            "<|eot_id|>",
            "<|endoftext|>",
            "<end_of_turn>",
            "<|end|>",
            "<|return|>",
            "<|end_of_text|>",
            "<eos>",
            "</assistant>",
            "</utterance>",
            "<end_of_text>",
            "<end_of_utterance>",
            "[DONE]",
        ),
        *(
            "[/INST]",
            "<|assistant|>",
            "<|user|>",
            "<turn|>",
            "<|END_OF_TURN_TOKEN|>",
            "<｜end▁of▁sentence｜>",
            "<|im_start|>user",
        ),
        *("\nuser\n", "<|start_header_id|>assistant<|end_header_id|>\n\n"),
    ],
)
def test_a_token_that_ends_a_turn_is_taken_off_with_what_follows(token: str) -> None:
    for text in (
        f"I ran.{token}",
        f"I ran. I fell.{token}\nNo, I slept.",
        f"<think>No?</think>I ran.{token}\n<think>x</think>So.",
    ):
        answer = take_apart(text)
        assert answer.speech.strip() in ("I ran.", "I ran. I fell.")
        assert (answer.ended, bool(answer.token)) == (True, True)
    assert take_apart("I ran.assistant\n\nI fell.").speech == "I ran."
    for unfinished in ("<|im_end|", "<|im_end", "<|endoftext|\n"):
        assert (take_apart(f"I ran.{unfinished}").speech, take_apart(f"I ran.{unfinished}").ended) == ("I ran.", True)
    assert take_apart("I ran.assistant").ended


@pytest.mark.parametrize(
    "header",
    ["<|im_start|>assistant\n", "<|start_header_id|>assistant<|end_header_id|>\n\n", "<|assistant|>\n", "<start_of_turn>model\n",
     "<s>", "[/INST] ", "<bos>", "<｜Assistant｜>", "assistant\n\n", "<|turn>model\n", "<|im_assistant|>assistant<|im_middle|>"],
)  # fmt: skip
def test_a_header_before_the_speech_is_taken_off(header: str) -> None:
    answer = take_apart(f"{header}I ran.")
    assert (answer.speech.strip(), answer.ended) == ("I ran.", False)


def test_what_follows_anothers_header_is_not_said() -> None:
    for header in ("<|im_start|>user\n", "<|user|>", "[INST]"):
        assert take_apart(f"{header}I ran.").speech == ""


def test_reasoning_is_measured() -> None:
    assert take_apart("<think>12345</think>I ran.") == Answer("I ran.", reasoning=5)
    assert take_apart("12345</think>I ran.").reasoning == 5
    assert take_apart("analysisWell").reasoning == len("analysisWell")
    cut = take_apart("<think>12345")
    assert (cut.speech, cut.reasoning, cut.unfinished) == ("", 5, True)
    assert take_apart("I ran.") == Answer("I ran.")


MARKS = st.sampled_from(
    [
        "<think>",
        "</think>",
        "[THINK]",
        "[/THINK]",
        "<|end|>",
        "<th",
        "ink>",
        HARMONY,
        "x",
        "{",
        " ",
        "</s>",
        "&lt;",
        "<answer>",
        "A",
    ]
    + [
        "assistant",
        "final",
        "analysis",
        "user",
        "\n",
        ".",
        "<|im_start|>assistant",
        "<|begin_of_box|>",
        "[INST]",
        "<|im_",
        "end|>",
        "[thinking]",
        "[/thinking]",
        "```thinking\n",
        "```",
        "<|think|>",
        "<client>",
        "</client>",
    ]
)


@given(st.lists(MARKS, max_size=9).map("".join))
def test_doing_it_twice_changes_nothing(text: str) -> None:
    assert without_reasoning(without_reasoning(text)) == without_reasoning(text)


@pytest.mark.parametrize(
    "piece",
    ["<think>", "</think>", "<", "<|", "<|channel|>", "<|channel|>final", "<|start|> ", "<think ", "[THINK]"]
    + [
        "</s>",
        "<answer>",
        "<|im_start|>",
        "assistant",
        "assistantfinal",
        "analysis",
        ".user\n",
        "<|" + "a" * 39,
        "&lt;think",
        "a</s>",
        "[thinking]",
        "```thinking\n",
        "<details ",
        "<think a=",
        "<|im_end",
        "\n<client>",
    ],
)
def test_a_hundred_thousand_characters_take_no_second(piece: str) -> None:
    started = time.process_time()
    without_reasoning(piece * (100_000 // len(piece)))
    assert time.process_time() - started < 1
