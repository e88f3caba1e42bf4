"""Answers in a stream: read as the completion that they would have been, or refused."""

import json
from typing import Any

import pytest
from langchain_core.messages import HumanMessage

from counseling_sessions.models.chat import Models
from counseling_sessions.models.errors import FailedCall, ModelError
from counseling_sessions.models.streamed import joined
from counseling_sessions.settings import ModelSettings
from tests.loopback import LoopbackServer, http_answer
from tests.loopback.servers import SERVERS

HELLO = [HumanMessage("Say hello.")]


def stream(*deltas: Any, finish: str | None = "stop", **last: Any) -> bytes:
    choices = [[{"index": 0, "delta": delta}] for delta in deltas]
    events: list[Any] = [{"id": "s", "model": "m", "choices": one} for one in choices]
    events += [{"choices": [{"index": 0, "delta": {}, "finish_reason": finish}]}] if finish else []
    events += [{"choices": [], **last}] if last else []
    return b"".join(b"data: " + json.dumps(event).encode() + b"\n\n" for event in events) + b"data: [DONE]\n\n"


def test_pieces_become_one_message_with_reason_usage_and_what_the_model_thought() -> None:
    usage = {"prompt_tokens": 5, "completion_tokens": 2}
    body = stream(
        {"role": "assistant"}, {"reasoning_content": "Hm."}, {"content": "It "}, {"content": "rains."}, usage=usage
    )
    whole = joined(b": a comment\n\n" + body)
    assert isinstance(whole, bytes)
    assert json.loads(whole) == {
        "id": "s",
        "model": "m",
        "usage": usage,
        "choices": [
            {
                "index": 0,
                "message": {"role": "assistant", "reasoning_content": "Hm.", "content": "It rains."},
                "finish_reason": "stop",
            }
        ],
    }


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"data: [DONE]\n\n",
        b"data: no\n\n",
        b"data: [1]\n\n",
        stream({"content": "It rai"}, finish=None).removesuffix(b"data: [DONE]\n\n"),
        stream(5, finish=None),
    ],
)
def test_a_stream_that_is_broken_or_cut_is_no_answer(body: bytes) -> None:
    assert isinstance(joined(body), FailedCall)


def test_the_last_event_ends_a_stream_without_a_finish_reason() -> None:
    whole = joined(b'data: {"error": {"code": 0, "message": ""}}\n\n' + stream({"content": "It rains."}, finish=None))
    assert isinstance(whole, bytes)
    choice = json.loads(whole)["choices"][0]
    assert (choice["message"]["content"], choice["finish_reason"]) == ("It rains.", None)


def test_other_choices_do_not_count() -> None:
    other = {"choices": [{"index": 1, "delta": {"content": "No."}, "finish_reason": "stop"}]}
    body = b"data: " + json.dumps(other).encode() + b"\n\n" + stream({"content": "Yes."})
    whole = joined(body)
    assert isinstance(whole, bytes)
    assert json.loads(whole)["choices"][0]["message"]["content"] == "Yes."


async def test_a_server_that_only_streams_is_asked_for_a_stream_from_then_on(models: Models) -> None:
    with SERVERS["stream-only"].server() as server:
        asked = ModelSettings(base_url=server.base_url, model="m")
        first = await models.ask("client", asked, HELLO)
        second = await models.ask("client", asked, HELLO)
        assert [bool(request.body.get("stream")) for request in server.requests] == [False, True, True]
        last = server.requests[-1]
    assert (first.requests, second.requests) == (2, 1)
    assert (second.prompt_tokens, second.completion_tokens) == (last.prompt_tokens, last.completion_tokens)
    assert (second.finish_reason, second.sent["stream"]) == ("stop", True)
    assert second.text


async def test_an_error_amid_a_stream_is_the_servers_error(models: Models) -> None:
    body = stream({"content": "It "}, finish=None).replace(
        b"data: [DONE]", b'data: {"error": {"message": "out of memory"}}'
    )
    raw = http_answer(body, content_type="text/event-stream")
    with LoopbackServer(raw=lambda request: raw) as server, pytest.raises(ModelError, match="out of memory"):
        await models.ask("client", ModelSettings(base_url=server.base_url, model="m", max_requests=1), HELLO)
