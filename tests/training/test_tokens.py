"""Examples as token ids: which of them are the answer, and what a prompt that is too long loses."""

from typing import Any

import pytest

pytest.importorskip("torch")
pytest.importorskip("peft")

from counseling_sessions.training.errors import TrainingError
from counseling_sessions.training.tokens import TemplateError, Tokens, tokenize
from tests.training.small import CHATML, END, LLAMA, SENTENCES, tokenizer

PROMPT = [
    {"role": "system", "content": "You are the counselor."},
    {"role": "user", "content": "The client sells plants.\n\nGood morning."},
    {"role": "assistant", "content": SENTENCES[1]},
    {"role": "user", "content": f"{SENTENCES[2]}\n\n(Answer in one sentence.)"},
]
LESS_ONCE_ANSWERED = (
    "{% for message in messages %}{% if message['role'] != 'system' or messages[-1]['role'] != 'assistant' %}"
    "{{ '<|im_start|>' + message['role'] + '\n' + message['content'] + '<|im_end|>' + '\n' }}{% endif %}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"
)
MORE_ONCE_ANSWERED = (
    "{% if messages[-1]['role'] == 'assistant' %}<|im_start|>system\nAnswer.<|im_end|>\n{% endif %}" + CHATML
)
NO_SYSTEM = (
    "{% if messages[0]['role'] == 'system' %}{{ raise_exception('System role not supported') }}{% endif %}" + CHATML
)
"""As Gemma's first ones."""
LOUDER_ANSWERS = CHATML.replace("message['content']", "(message['content'] | upper)")
ALWAYS_ASKS = LLAMA.replace("{% if add_generation_prompt %}", "{% if true %}")
"""The first template of Llama 3, which goes on with the next answer's beginning even where nothing is asked for."""
ENDS_TWICE = CHATML + "{% if not add_generation_prompt %}{{ eos_token }}{% endif %}"
"""As Phi-3's: after the last turn the text ends too."""


def answer(text: str) -> list[dict[str, str]]:
    return [{"role": "assistant", "content": text}]


def made(template: str, prompt: list[dict[str, str]], text: str, most: int = 1000) -> Tokens | None:
    return tokenize(tokenizer(template), "merge", prompt, answer(text), most)


def ids(template: str, text: str) -> tuple[int, ...]:
    return tuple(tokenizer(template)(text, add_special_tokens=False)["input_ids"])


def asked(template: str, prompt: list[dict[str, str]]) -> tuple[int, ...]:
    text = tokenizer(template).apply_chat_template(prompt, tokenize=False, add_generation_prompt=True)
    return ids(template, str(text))


@pytest.mark.parametrize("template", [CHATML, LLAMA], ids=["chatml", "llama"])
@pytest.mark.parametrize(
    "text",
    [
        SENTENCES[3],
        SENTENCES[1],  # said before, in the prompt
        "Two lines:\nthe nights,\n\nthe stall … “and” the clock 🙂",
        '{"reason": "She needs room.", "techniques": ["reflection"]}',
        "No.",
        "assistant",
    ],
)
def test_the_answer_is_its_tokens_and_the_one_that_ends_the_turn(template: str, text: str) -> None:
    tokens = made(template, PROMPT, text)
    assert tokens
    assert tokens.role == "merge"
    assert tokens.ids[tokens.answer :] == ids(template, text) + ids(template, END[template])
    assert tokens.ids[: tokens.answer] == asked(template, PROMPT)


@pytest.mark.parametrize("template", [CHATML, LLAMA], ids=["chatml", "llama"])
def test_an_example_reads_as_the_template_writes_it(template: str) -> None:
    tokens = made(template, PROMPT, SENTENCES[3])
    assert tokens
    expected = str(tokenizer(template).apply_chat_template([*PROMPT, *answer(SENTENCES[3])], tokenize=False))
    assert tokenizer(template).decode(list(tokens.ids)) == expected.rstrip("\n")


@pytest.mark.parametrize(
    ("template", "like"), [(ALWAYS_ASKS, LLAMA), (ENDS_TWICE, CHATML)], ids=["next answer", "second token"]
)
@pytest.mark.parametrize("text", [SENTENCES[3], "assistant"])
def test_nothing_that_a_template_puts_behind_the_answer_is_part_of_it(template: str, like: str, text: str) -> None:
    tokens, plain = made(template, PROMPT, text), made(like, PROMPT, text)
    assert tokens
    assert plain
    assert tokens.ids[tokens.answer :] == plain.ids[plain.answer :] == ids(like, text) + ids(like, END[like])


@pytest.mark.parametrize(
    ("template", "message"),
    [
        (MORE_ONCE_ANSWERED, "writes a prompt differently once it is answered"),
        (LESS_ONCE_ANSWERED, "changes the words of a prompt or of its answer"),
        (LOUDER_ANSWERS, "changes the words of a prompt or of its answer"),
        (NO_SYSTEM, "refuses a prompt: System role not supported"),
    ],
    ids=["longer prompt", "shorter prompt", "other answer", "no system message"],
)
def test_a_template_that_the_answer_cannot_be_had_with_is_refused(template: str, message: str) -> None:
    with pytest.raises(TemplateError, match=f"this model's chat template {message}") as refused:
        made(template, PROMPT, SENTENCES[3])
    assert isinstance(refused.value, TrainingError)  # which is told without a traceback


def dialogue(exchanges: int) -> list[dict[str, str]]:
    """A prompt with so many exchanges between what the first message tells and the last message."""
    messages = [*PROMPT[:2]]
    for number in range(exchanges):
        said, replied = SENTENCES[number % len(SENTENCES)], SENTENCES[(number + 1) % len(SENTENCES)]
        messages += [
            {"role": "assistant", "content": f"{number}. {said}"},
            {"role": "user", "content": f"{number}. {replied}"},
        ]
    return [*messages, {"role": "assistant", "content": SENTENCES[7]}, PROMPT[-1]]


@pytest.mark.parametrize("template", [CHATML, LLAMA], ids=["chatml", "llama"])
def test_a_prompt_that_is_too_long_loses_its_oldest_exchanges_whole_and_no_more_than_it_must(template: str) -> None:
    exchanges = 4
    prompt = dialogue(exchanges)
    shorter = [[*prompt[:2], *prompt[2 + 2 * lost :]] for lost in range(exchanges + 1)]
    wanted = [made(template, one, SENTENCES[3]) for one in shorter]
    for lost, tokens in enumerate(wanted):
        assert tokens
        fits = len(tokens.ids)
        assert made(template, prompt, SENTENCES[3], fits) == tokens
        following = wanted[lost + 1] if lost < exchanges else None
        assert made(template, prompt, SENTENCES[3], fits - 1) == following


@pytest.mark.parametrize("template", [CHATML, LLAMA], ids=["chatml", "llama"])
def test_what_the_shortest_prompt_keeps(template: str) -> None:
    smallest = made(template, [*PROMPT[:2], {"role": "assistant", "content": SENTENCES[7]}, PROMPT[-1]], SENTENCES[3])
    assert smallest
    tokens = made(template, dialogue(6), SENTENCES[3], len(smallest.ids))
    assert tokens
    text = tokenizer(template).decode(list(tokens.ids))
    for kept in (PROMPT[0]["content"], PROMPT[1]["content"], PROMPT[-1]["content"], SENTENCES[3]):
        assert kept in text
    assert tokens.ids[tokens.answer :] == smallest.ids[smallest.answer :]


def test_without_an_exchange_that_can_go_a_long_prompt_gives_no_example() -> None:
    once: list[dict[str, Any]] = PROMPT[:2]
    complete = made(CHATML, once, SENTENCES[3])
    assert complete
    assert made(CHATML, once, SENTENCES[3], len(complete.ids)) == complete
    assert made(CHATML, once, SENTENCES[3], len(complete.ids) - 1) is None
