"""Errors in odd places and forms: what decides, which words a person sees, and which kind it is."""

from collections.abc import Callable
from typing import Any

import pytest
from langchain_core.messages import HumanMessage

from counseling_sessions.models.chat import Models
from counseling_sessions.models.errors import RETRIED, ModelError
from counseling_sessions.models.structured import AnswerSchema, read_object
from counseling_sessions.settings import ModelSettings
from tests.loopback import LoopbackServer
from tests.loopback.raw import Raw, http_answer
from tests.loopback.request import Request

HELLO = [HumanMessage("Say hello.")]
COLOR = AnswerSchema("color", {"color": {"type": "string", "enum": ["red", "green"]}})

pytestmark = pytest.mark.usefixtures("no_surroundings")


def always(body: Any, status: int = 200, *headers: tuple[str, str]) -> Callable[[Request], Raw]:
    return lambda request: http_answer(body, status, headers)


def completion(message: dict[str, Any], **more: Any) -> dict[str, Any]:
    choice = {"index": 0, "message": {"role": "assistant", **message}, "finish_reason": "stop"}
    return {"object": "chat.completion", "choices": [choice], **more}


async def failing(models: Models, raw: Callable[[Request], Raw | None], requests: int = 2) -> ModelError:
    with LoopbackServer(raw=raw) as server:
        asked = ModelSettings(base_url=server.base_url, model="m", max_requests=requests)
        with pytest.raises(ModelError) as caught:
            await models.ask("client", asked, HELLO)
        assert len(server.requests) == caught.value.requests
    return caught.value


def error(message: str, **more: Any) -> dict[str, Any]:
    return {"error": {"message": message, **more}}


INSIDE = [
    (error("Insufficient credits", code=402), "refused", 402),
    (error("No auth credentials found", code="401"), "refused", 401),
    (error("bad key", type="authentication_error"), "refused", 401),
    (error("slow down", code=429), "rate_limited", 429),
    (error("slow down", type="rate_limit_error"), "rate_limited", 429),
    (error("gone", code="insufficient_quota"), "refused", 429),
    (error("upstream", code=502), "server_error", 502),
    ({"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}}, "server_error", 529),
    ([error("Resource exhausted", code=429, status="RESOURCE_EXHAUSTED")], "rate_limited", 429),
    (error("filtered", code="content_filter"), "filtered", 400),
    (error("too much", code="context_length_exceeded"), "context", 400),
    ({"error": "This model's maximum context length is 8 tokens"}, "context", 400),
    ({"object": "error", "message": "no such model", "code": 404}, "refused", 404),
    (
        {"choices": [{"error": {"code": 502, "message": "Provider broke"}, "message": {"content": ""}}]},
        "server_error",
        502,
    ),
    (error("out of memory"), "garbled", None),
]


@pytest.mark.parametrize(("body", "kind", "status"), INSIDE)
async def test_an_error_within_a_200_is_decided_by_what_it_says(
    models: Models, body: Any, kind: str, status: int | None
) -> None:
    failed = await failing(models, always(body))
    assert (failed.kind, failed.status) == (kind, status)
    assert failed.requests == (2 if kind in RETRIED else 1)
    if status:
        assert f"answers 200 with an error {status}: " in str(failed)


async def test_a_limit_within_a_200_is_waited_for_and_shrinks_the_calls_in_flight(models: Models) -> None:
    bodies = [http_answer(error("slow down", code=429), 200, [("Retry-After", "0.3")])]
    with LoopbackServer(raw=lambda request: bodies.pop() if bodies else None) as server:
        asked = ModelSettings(base_url=server.base_url, model="m")
        reply = await models.ask("client", asked, HELLO)
        first, second = server.requests
        assert second.received - first.received >= 0.3
        assert models.limits[server.base_url].limit < 8
    assert reply.requests == 2


WORDS = [
    (
        [{"error": {"code": 400, "message": "Invalid JSON payload", "status": "INVALID_ARGUMENT"}}],
        "Invalid JSON payload",
    ),
    ({"error": "model 'm' not found"}, "model 'm' not found"),
    ({"detail": "Not Found"}, "Not Found"),
    (
        {"detail": [{"type": "extra_forbidden", "loc": ["body", "seed"], "msg": "Extra inputs"}]},
        "body.seed: Extra inputs",
    ),
    (
        {"object": "error", "message": {"detail": [{"loc": ["body", "seed"], "msg": "Extra"}]}, "type": "x"},
        "body.seed: Extra",
    ),
    ({"errors": [{"code": 7003, "message": "no route"}, "and more"]}, "no route; and more"),
    ({"error": True, "message": "the words"}, "the words"),
    ({"timestamp": 1, "status": 400, "error": "Bad Request", "message": "the words"}, "the words"),
    (
        error(
            "Provider returned error", metadata={"raw": '{"error": {"message": "no seed here"}}', "provider_name": "X"}
        ),
        "Provider returned error: no seed here",
    ),
    (error("Provider returned error", metadata={"raw": "plain words"}), "Provider returned error: plain words"),
    (error('{"error": {"message": "wrapped"}}'), "wrapped"),
    ({"error": {"code": 77}}, '{"code": 77}'),
    (b"plain words", "plain words"),
    (b"[" * 5000, "[[["),
]


@pytest.mark.parametrize(("body", "words"), WORDS)
async def test_a_refusal_s_words_are_found_in_every_form(models: Models, body: Any, words: str) -> None:
    failed = await failing(models, always(body, 400))
    assert (failed.kind, failed.requests) == ("refused", 1)
    assert f"answers 400: {words}" in str(failed)


FILTERED = [
    error(
        "The response was filtered due to the prompt triggering Azure OpenAI's content management policy.",
        code="content_filter",
        innererror={"code": "ResponsibleAIPolicyViolation"},
    ),
    error("no", code=None, innererror={"code": "ResponsibleAIPolicyViolation"}),
    error("Output blocked by content filtering policy", type="invalid_request_error"),
    error("Content Exists Risk", type="invalid_request_error"),
    error("Input data may contain inappropriate content.", code="data_inspection_failed"),
    error("m requires moderation on X. Your input was flagged.", code=403, metadata={"reasons": ["violence"]}),
    error("no", type="invalid_request_error", code="invalid_prompt"),
    error("Invalid prompt: your prompt was flagged as potentially violating our usage policy. Please try again."),
    error("Your request was rejected as a result of our safety system."),
    error("The prompt was rejected by the safety filter."),
    error("It may contain sensitive information.", code="InputTextSensitiveContentDetected"),
    error("Violated guardrail policy"),
    error("Guardrail was enabled and input is in violation of the policy"),
    {"success": False, "errors": [{"code": 2016, "message": "Prompt blocked due to security configurations"}]},
    error("prompt blocked due to PROHIBITED_CONTENT"),
    error("Input blocked", code="input_moderation"),
]


@pytest.mark.parametrize("body", FILTERED)
async def test_a_content_filter_has_a_kind_of_its_own(models: Models, body: Any) -> None:
    failed = await failing(models, always(body, 400))
    assert (failed.kind, failed.permanent, failed.requests) == ("filtered", True, 1)


@pytest.mark.parametrize(
    ("status", "body"), [(451, error("no")), (500, error("no", code="content_filter")), (500, error("content_filter"))]
)
async def test_a_content_filter_can_answer_with_another_status(models: Models, status: int, body: Any) -> None:
    failed = await failing(models, always(body, status))
    assert (failed.kind, failed.status, failed.requests) == ("filtered", status, 1)


FILTER_ALONE = [
    {"choices": [{"index": 0, "finish_reason": "content_filter", "content_filter_results": {}}]},
    {"choices": [{"index": 0, "finish_reason": "contentFilter", "message": None}]},
    {
        "choices": [],
        "prompt_filter_results": [{"content_filter_results": {"hate": {"filtered": False}, "x": {"filtered": True}}}],
    },
    {"choices": None, "promptFeedback": {"blockReason": "OTHER"}},
    {"choices": None, "base_resp": {"status_code": 1026, "status_msg": "input new_sensitive"}},
    completion({"content": ""}, base_resp={"status_code": 1027, "status_msg": "output new_sensitive"}),
]


@pytest.mark.parametrize("body", FILTER_ALONE)
async def test_an_answer_of_a_filter_without_a_message_is_no_reason_for_another_request(
    models: Models, body: Any
) -> None:
    failed = await failing(models, always(body))
    assert (failed.kind, failed.status, failed.requests) == ("filtered", 400, 1)


@pytest.mark.parametrize(
    "body",
    [
        {"choices": [], "prompt_filter_results": [{"content_filter_results": {"hate": {"filtered": False}}}, 5, {}]},
        {"choices": [], "prompt_filter_results": 5, "promptFeedback": {"blockReason": ""}},
        {"choices": [{"finish_reason": "stop", "message": None}]},
    ],
)
async def test_an_answer_without_a_message_and_a_filter_is_unreadable(models: Models, body: Any) -> None:
    assert (await failing(models, always(body))).kind == "garbled"


@pytest.mark.parametrize("empty", [{"code": 0, "message": ""}, {"code": "0", "message": None}, {}, None, ""])
async def test_an_error_that_says_nothing_beside_an_answer_is_none(models: Models, empty: Any) -> None:
    body = completion({"content": "Hello."}, error=empty, base_resp={"status_code": 0, "status_msg": "success"})
    with LoopbackServer(raw=always(body)) as server:
        reply = await models.ask("client", ModelSettings(base_url=server.base_url, model="m"), HELLO)
    assert (reply.text, reply.requests) == ("Hello.", 1)


@pytest.mark.parametrize("role", ["", "model", None])
async def test_the_assistant_has_several_names(models: Models, role: str | None) -> None:
    with LoopbackServer(raw=always(completion({"content": "Hello.", "role": role}))) as server:
        reply = await models.ask("client", ModelSettings(base_url=server.base_url, model="m"), HELLO)
    assert (reply.text, reply.requests) == ("Hello.", 1)


async def test_json_that_a_server_found_invalid_is_an_answer_that_cannot_be_read(models: Models) -> None:
    body = error(
        "Failed to generate JSON. Please adjust your prompt.", code="json_validate_failed", failed_generation="{"
    )
    failed = await failing(models, always(body, 400))
    assert (failed.kind, failed.permanent, failed.requests) == ("garbled", False, 2)


TOO_LONG = [
    (400, error("This model's maximum context length is 8192 tokens.", code="context_length_exceeded")),
    (
        400,
        {
            "object": "error",
            "message": "This model's maximum context length is 4096 tokens. However, you requested 5000",
        },
    ),
    (400, error("The decoder prompt (length 9000) is longer than the maximum model length of 8192.")),
    (400, error("The input (9000 tokens) is longer than the model's context length (8192 tokens).")),
    (400, error("the request exceeds the available context size", type="exceed_context_size_error")),
    (500, error("the request exceeds the available context size. try increasing the context size")),
    (400, {"type": "error", "error": {"message": "prompt is too long: 213462 tokens > 200000 maximum"}}),
    (400, error("input length and `max_tokens` exceed context limit: 1 + 2 > 2")),
    (400, [error("The input token count (40000) exceeds the maximum number of tokens allowed (32768).")]),
    (
        422,
        {
            "error": "Input validation error: `inputs` tokens + `max_new_tokens` must be <= 4096",
            "error_type": "validation",
        },
    ),
    (400, {"message": "Prompt contains 40000 tokens, too large for model with 32768 maximum context length"}),
    (400, error("input length exceeds maximum context length")),
    (400, error("prompt too long; exceeded max context length by 5 tokens")),
    (400, error("This model's maximum prompt length is 131072 but the request contains 537812 tokens.")),
    (400, {"error": "The number of tokens to keep from the initial prompt is greater than the context length"}),
    (400, {"message": "too many tokens: total number of tokens in the prompt exceeds the limit"}),
    (400, error("Your request exceeded model token limit: 8192")),
    (400, error("Input is too long for requested model.")),
    (413, b"<html>Request Entity Too Large</html>"),
    (429, error("Request too large for gpt on tokens per min (TPM): Limit 30000, Requested 40000")),
]


@pytest.mark.parametrize(("status", "body"), TOO_LONG)
async def test_a_prompt_that_is_too_long_is_known_in_every_dialect_and_says_what_to_do(
    models: Models, status: int, body: Any
) -> None:
    failed = await failing(models, always(body, status))
    assert (failed.kind, failed.permanent, failed.status, failed.requests) == ("context", True, status, 1)
    for advice in ("--turns", "max_tokens", "model"):
        assert advice in str(failed)


@pytest.mark.parametrize(
    "words",
    [
        "max_tokens is too large: 50000. This model supports at most 16384 completion tokens",
        "Unsupported value: 'temperature' does not support 0.7 with this model",
        "Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead.",
        "response_format: the schema is too long",
        "System role not supported",
        "policy violation of your organisation",
    ],
)
async def test_other_refusals_are_neither_filters_nor_about_the_context(models: Models, words: str) -> None:
    assert (await failing(models, always(error(words), 400))).kind == "refused"


async def test_gemini_says_in_the_body_how_long_to_wait(models: Models) -> None:
    details = [{"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "0.4s"}]
    bodies = [http_answer([{"error": {"code": 429, "message": "slow", "details": details}}], 429)]
    with LoopbackServer(raw=lambda request: bodies.pop() if bodies else None) as server:
        await models.ask("client", ModelSettings(base_url=server.base_url, model="m"), HELLO)
        first, second = server.requests
    assert second.received - first.received >= 0.4


@pytest.mark.parametrize("arguments", ['{"color": "red"}', {"color": "red"}])
async def test_a_structured_answer_in_a_tool_call_is_read_and_never_spoken(models: Models, arguments: Any) -> None:
    call = {"id": "1", "type": "function", "function": {"name": "color", "arguments": arguments}}
    body = completion({"content": None, "tool_calls": [call]})
    with LoopbackServer(raw=always(body)) as server:
        asked = ModelSettings(base_url=server.base_url, model="m")
        answer = await models.ask("router", asked, HELLO, schema=COLOR)
        spoken = await models.ask("client", asked, HELLO)
    assert read_object(answer.text) == {"color": "red"}
    assert spoken.text == ""


@pytest.mark.parametrize(
    "usage",
    [
        None,
        {"prompt_tokens": None, "completion_tokens": None, "total_tokens": None},
        {"prompt_tokens": 12, "completion_tokens": None},
        {"prompt_tokens": None, "completion_tokens": 3},
        {"prompt_tokens": "12", "completion_tokens": 3},
        {"total_tokens": 15},
    ],
)
async def test_a_usage_without_all_its_counts_is_unreported(models: Models, usage: Any) -> None:
    with LoopbackServer(raw=always(completion({"content": "Hello."}, usage=usage))) as server:
        reply = await models.ask("client", ModelSettings(base_url=server.base_url, model="m"), HELLO)
    assert (reply.text, reply.prompt_tokens, reply.completion_tokens) == ("Hello.", None, None)
