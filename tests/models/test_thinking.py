"""What is read of a model's reasoning and refusals: sizes and words, never thoughts; and the room that reasoning gets."""

import json
from typing import Any

import pytest
from langchain_core.messages import HumanMessage, SystemMessage

from counseling_sessions.models.answers import read_completion
from counseling_sessions.models.chat import Models
from counseling_sessions.models.requests import Reply
from counseling_sessions.models.thinking import (
    ALL_REASONING,
    LEAST,
    MOST,
    advice,
    more_room,
    speechless,
    took_the_limit,
)
from counseling_sessions.settings import ModelSettings
from tests.loopback import LoopbackServer
from tests.loopback.hostile import completion, http_answer

pytestmark = pytest.mark.usefixtures("no_surroundings")
HELLO = [SystemMessage("You are brief."), HumanMessage("Say hello.")]
THOUGHT = "zzthought " * 10


def body(
    text: object = "I ran.", finish: str = "stop", usage: dict[str, Any] | None = None, **message: Any
) -> dict[str, Any]:
    """A completion with these further fields of its message."""
    made = completion(text)
    made["choices"][0]["message"] |= message
    made["choices"][0]["finish_reason"] = finish
    made["usage"] |= usage or {}
    return made


async def asked(models: Models, answer: dict[str, Any], **options: Any) -> Reply:
    with LoopbackServer(raw=lambda request: http_answer(answer)) as server:
        settings = ModelSettings(base_url=server.base_url, model="m", max_requests=1, timeout=5, **options)
        return await models.ask("client", settings, HELLO)


@pytest.mark.parametrize(
    "message",
    [
        {"reasoning_content": THOUGHT},
        {"reasoning": THOUGHT},
        {"thinking": THOUGHT},
        {"reasoning_content": THOUGHT, "reasoning": THOUGHT},
        {"reasoning": {"content": THOUGHT}},
        {"content": [{"type": "thinking", "thinking": THOUGHT}, {"type": "text", "text": "I ran."}]},
        {
            "content": [
                {"type": "thinking", "thinking": [{"type": "text", "text": THOUGHT}]},
                {"type": "text", "text": "I ran."},
            ]
        },
        {"content": [{"type": "reasoning", "text": THOUGHT}, "I ran."]},
        {"content": [{"type": "reasoning_text", "text": THOUGHT}, {"type": "output_text", "text": "I ran."}]},
        {"content": [{"type": "summary_text", "text": THOUGHT}, {"text": "I ran."}]},
        {"content": [{"type": "thinking_delta", "thinking": THOUGHT}, "I ran."]},
        {"content": [{"text": THOUGHT, "thought": True}, {"text": "I ran."}]},
        {"reasoning": THOUGHT, "content": {"type": "text", "text": "I ran."}},
        {"content": f"<think>{THOUGHT}</think>I ran."},
    ],
)
async def test_of_reasoning_the_size_is_read_and_nothing_else(models: Models, message: dict[str, Any]) -> None:
    reply = await asked(models, body(**message))
    assert reply.reasoning_characters == len(THOUGHT)
    assert reply.text.removeprefix(f"<think>{THOUGHT}</think>") == "I ran."
    assert reply.reasoning_tokens is None


async def test_the_servers_count_of_reasoning_tokens_is_kept(models: Models) -> None:
    reply = await asked(models, body(usage={"completion_tokens_details": {"reasoning_tokens": 7}}))
    assert (reply.reasoning_tokens, reply.reasoning_characters) == (7, 0)
    for wrong in ({"reasoning_tokens": "7"}, {"reasoning_tokens": -1}, None, []):
        reply = await asked(models, body(usage={"completion_tokens_details": wrong}))
        assert (reply.reasoning_tokens, reply.completion_tokens) == (None, 8)


async def test_a_refusal_is_read(models: Models) -> None:
    reply = await asked(models, body(None, refusal="I'd rather not."))
    assert (reply.text, reply.refusal) == ("", "I'd rather not.")
    assert (await asked(models, body(refusal=None))).refusal is None


async def test_a_part_that_is_a_refusal_is_read_and_one_of_another_type_is_not(models: Models) -> None:
    parts = [{"type": "text", "text": "I "}, {"type": "refusal", "refusal": "I'd rather not."}]
    reply = await asked(models, body(parts))
    assert (reply.text, reply.refusal) == ("I ", "I'd rather not.")
    reply = await asked(models, body([{"type": "image_url", "text": "zz"}, {"type": "text", "text": "I ran."}]))
    assert (reply.text, reply.refusal) == ("I ran.", None)


@pytest.mark.parametrize("finish", ["max_tokens", "MAX_TOKENS", "model_length", "token_limit", "length"])
async def test_a_limit_has_one_name_whatever_the_server_calls_it(models: Models, finish: str) -> None:
    assert (await asked(models, body(finish=finish))).finish_reason == "length"


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        ({"reasoning_content": THOUGHT}, ALL_REASONING),
        ({"reasoning_content": THOUGHT, "refusal": "No."}, ""),
        ({"reasoning_content": THOUGHT, "finish": "content_filter"}, ""),
        ({"reasoning_content": THOUGHT, "finish": "max_tokens"}, advice(64)),
        ({}, ""),
        ({"text": "I ran.", "reasoning_content": THOUGHT}, ""),
    ],
)
async def test_an_answer_that_came_as_reasoning_alone_is_known(
    models: Models, answer: dict[str, Any], why: str
) -> None:
    reply = await asked(models, body(**{"text": None, **answer}))
    assert speechless(reply, 64) == why


async def test_the_arguments_of_tool_calls_are_never_speech(models: Models) -> None:
    calls = [{"id": "1", "type": "function", "function": {"name": "plan", "arguments": '{"a": 1}'}}]
    assert (await asked(models, body(None, tool_calls=calls))).text == ""
    assert (await asked(models, body("I ran.", tool_calls=calls))).text == "I ran."


@pytest.mark.parametrize(
    "calls", ["x", [None], [{}], [{"function": "x"}], [{"function": {"arguments": None}}], {"function": 1}]
)
def test_odd_tool_calls_are_no_text(calls: object) -> None:
    read = read_completion(json.dumps(body(None, tool_calls=calls)).encode(), "")
    assert isinstance(read, dict)
    assert read["choices"][0]["message"]["content"] == ""


def reply(text: str, finish: str = "length", **fields: Any) -> Reply:
    return Reply(text, finish, "m", "e", 1, **fields)


@pytest.mark.parametrize(
    ("answer", "took"),
    [
        (reply(""), True),
        (reply(" \n"), True),
        (reply("<think>I should"), True),
        (reply("analysisWe need"), True),
        (reply("<think>a</think>\n"), True),
        (reply("I ran and", reasoning_characters=900), True),
        (reply("I ran and", reasoning_tokens=80, completion_tokens=90), True),
        (reply("I ran and", reasoning_tokens=8, completion_tokens=90), False),
        (reply("I ran and"), False),
        (reply("", "stop"), False),
        (reply("<think>I should", "stop"), False),
    ],
)
def test_reasoning_took_the_limit_or_not(answer: Reply, took: bool) -> None:
    assert took_the_limit(answer) is took


def test_the_limit_is_raised_within_bounds() -> None:
    def raised(limit: int | None, model: str = "m") -> int | None:
        more = more_room(
            ModelSettings(
                model=model, base_url=None if model == "embedded" else "http://127.0.0.1:1/v1", max_tokens=limit
            )
        )
        return more.max_tokens if more else None

    assert [raised(limit) for limit in (64, 256, 1000, 4096)] == [LEAST, LEAST, 4000, MOST]
    assert [raised(limit) for limit in (MOST, 32768, None)] == [None, None, None]
    assert raised(64, "embedded") is None


def test_the_advice_names_reasoning_and_what_to_set() -> None:
    assert "reasoning took all 2,048 tokens of max_tokens" in advice(2048)
    assert "reasoning_effort" in advice(None)
