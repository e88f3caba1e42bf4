"""What a refusal is read as: the fields that servers name in their many ways, and nothing that stands in a quoted prompt."""

import json
from typing import Any

import pytest
from langchain_core.messages import AIMessage, HumanMessage, SystemMessage

from counseling_sessions.models.dialect import PLAIN, Dialect, folded
from counseling_sessions.models.errors import FailedCall
from counseling_sessions.models.learning import MOST_KNOWN, Dialects, learned
from counseling_sessions.models.objections import Objection, read_objection
from counseling_sessions.models.requests import WireRequest

MESSAGES = (SystemMessage("You are a counselor."), HumanMessage("I have a temperature."))
SENT: dict[str, Any] = {
    **{"temperature": 0.7, "top_p": 0.9, "seed": 5, "max_tokens": 256, "response_format": "json_schema"}
}


def body(message: str, **fields: Any) -> bytes:
    return json.dumps({"error": {"message": message, "type": "invalid_request_error", **fields}}).encode()


def after(refusal: bytes, status: int = 400, dialect: Dialect = PLAIN, **changes: Any) -> Dialect | None:
    """The dialect after a refusal of a usual request."""
    sent = {name: value for name, value in {**SENT, **changes}.items() if value is not None}
    failed = FailedCall("refused", "answers", status=status, objection=read_objection(refusal))
    return learned(dialect, failed, WireRequest(MESSAGES, {}, sent))


def without(*names: str) -> Dialect:
    return Dialect(refused=frozenset(names))


SEEDS = ("seed", "random_seed")
REFUSALS: dict[str, tuple[bytes, Dialect]] = {
    "a value of OpenAI's": (
        body(
            "Unsupported value: 'temperature' does not support 0.2 with this model. Only the default (1) value is supported.",
            param="temperature",
            code="unsupported_value",
        ),
        without("temperature"),
    ),
    "a parameter of OpenAI's": (
        body(
            "Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead."
        ),
        without("max_tokens"),
    ),
    "a code alone": (body("Bad request", param="top_p", code="unsupported_parameter"), without("top_p")),
    "Mistral": (
        json.dumps({"detail": [{"type": "extra_forbidden", "loc": ["body", "seed"], "input": 5}]}).encode(),
        without("seed"),
    ),
    "Mistral, as text in a gateway's error": (
        body('{"detail":[{"type":"extra_forbidden","loc":["body","seed"],"msg":"Extra inputs are not permitted"}]}'),
        without("seed"),
    ),
    "vLLM, as Python writes it": (
        body(
            "[{'type': 'extra_forbidden', 'loc': ('body', 'seed'), 'msg': 'Extra inputs are not permitted', 'input': 5}]"
        ),
        without("seed"),
    ),
    "Gemini, two at once": (
        json.dumps(
            [
                {
                    "error": {
                        "code": 400,
                        "message": 'Invalid JSON payload received. Unknown name "seed": Cannot find field.\n'
                        'Invalid JSON payload received. Unknown name "top_p": Cannot find field.',
                    }
                }
            ]
        ).encode(),
        without(*SEEDS, "top_p"),
    ),
    "Claude, one of two": (
        body("`temperature` and `top_p` cannot both be specified for this model. Please use only one."),
        without("top_p"),
    ),
    "Claude, deprecated": (body("`temperature` is deprecated for this model."), without("temperature")),
    "Claude, with thinking": (
        body("`temperature` may only be set to 1 when thinking is enabled."),
        without("temperature"),
    ),
    "Claude in Bedrock in a gateway": (
        body('BedrockException - {"message":"The model returned: `temperature` is deprecated for this model."}. x'),
        without("temperature"),
    ),
    "Grok": (
        json.dumps({"code": "invalid", "error": "Model grok does not support parameter topP."}).encode(),
        without("top_p"),
    ),
    "a gateway's advice": (
        body("O-series models don't support temperature=0.7. Only temperature=1 is supported."),
        without("temperature"),
    ),
    "serde, with its own list": (
        body(
            "unknown field `seed`, expected one of `model`, `messages`, `temperature`, `top_p`, `max_tokens`, `stream`"
        ),
        without(*SEEDS),
    ),
    "an allowed list": (
        body("Unrecognized request argument supplied: seed (allowed: model, messages, temperature, top_p)"),
        without(*SEEDS),
    ),
    "a supported list": (
        body("Unknown parameter 'seed', supported parameters are temperature, max_tokens, top_p"),
        without(*SEEDS),
    ),
    "a valid list": (
        body("Unknown parameter 'seed'; valid request parameters are temperature, top_p"),
        without(*SEEDS),
    ),
    "what must be one": (body("unexpected 'seed': it must be one of temperature, top_p"), without(*SEEDS)),
    "a list of what is not": (
        body("Parameters not allowed: seed, top_p; invalid parameters are: temperature"),
        without(*SEEDS, "top_p", "temperature"),
    ),
    "words alone": (b"Unrecognized request argument supplied: seed", without(*SEEDS)),
    "Chinese": (body("该模型不支持temperature参数"), without("temperature")),
    "bounds of a schema": (
        body("Invalid schema for response_format 'pick': 'uniqueItems' is not permitted."),
        Dialect(mode=1),
    ),
    "bounds of Claude": (body("For 'integer' type, properties maximum, minimum are not supported"), Dialect(mode=1)),
    "a grammar": (body("Failed to initialize samplers: failed to parse grammar"), Dialect(mode=1)),
    "Gemma": (body("System role not supported"), Dialect(folds=True)),
    "Gemma at Google": (body("Developer instruction is not enabled for models/gemma-3-27b-it"), Dialect(folds=True)),
    "alternation": (
        body("Conversation roles must alternate user/assistant/user/assistant/..."),
        Dialect(folds=True),
    ),
    "o1-preview": (
        body(
            "Unsupported value: 'messages[0].role' does not support 'system' with this model.", param="messages[0].role"
        ),
        Dialect(folds=True),
    ),
    "streams alone": (
        body("This model only support stream mode, please enable the stream parameter to access the model."),
        Dialect(streams=True),
    ),
}
NOTHING: dict[str, bytes] = {
    "a model": body("The model `gpt-9` does not exist."),
    "a key": body("Incorrect API key provided."),
    "a context": body(
        "This model's maximum context length is 8192 tokens. However, you requested 9000 tokens "
        "(8744 in the messages, 256 in the completion). Please reduce max_tokens."
    ),
    "a limit that is too large": body("max_tokens is too large: 40000. This model supports at most 16384 tokens."),
    "a limit in range, by its param": body("Invalid: max_tokens must be at least 512", param="max_tokens"),
    "a quoted prompt": body('Not allowed: "my temperature is not normal, and a seed is not supported by me"'),
    "a quoted prompt of German": body("Unsupported: „my temperature is not normal and it is invalid here”"),
    "the request, as pydantic quotes it": json.dumps(
        {
            "detail": [
                {"type": "missing", "loc": ["body", "model"], "input": {"temperature": 0.7, "seed": "not supported"}}
            ]
        }
    ).encode(),
    "the request, as Python writes it": body(
        "[{'type': 'missing', 'loc': ('body', 'model'), 'msg': 'Field required', 'input': {'seed': 5, 'x': 'not supported'}}]"
    ),
    "a message's own field": json.dumps(
        {"detail": [{"type": "extra_forbidden", "loc": ["body", "messages", 3, "seed"]}]}
    ).encode(),
    "a longer name": body("Unknown parameter: temperature_last."),
    "a word without an objection": body("The service is busy; set seed and temperature as you like."),
    "nothing": b"",
    "deep": b'{"error":' * 50 + b"1" + b"}" * 50,
}


@pytest.mark.parametrize("name", REFUSALS)
def test_what_a_server_names_is_left_out_or_put_otherwise(name: str) -> None:
    refusal, dialect = REFUSALS[name]
    assert after(refusal) == dialect


@pytest.mark.parametrize("name", NOTHING)
def test_other_refusals_teach_nothing(name: str) -> None:
    assert after(NOTHING[name]) is None


@pytest.mark.parametrize("name", [name for name, (_, dialect) in REFUSALS.items() if dialect.refused])
def test_a_field_that_was_not_sent_cannot_be_left_out(name: str) -> None:
    refusal, dialect = REFUSALS[name]
    assert after(refusal, **dict.fromkeys(dialect.refused)) is None


@pytest.mark.parametrize("status", [401, 402, 403, 429, 502, 503])
def test_a_status_that_is_about_something_else_teaches_nothing(status: int) -> None:
    assert after(REFUSALS["a value of OpenAI's"][0], status) is None


def test_a_filtered_prompt_and_one_that_is_too_long_teach_nothing() -> None:
    objection = read_objection(REFUSALS["a value of OpenAI's"][0])
    for kind in ("filtered", "context", "rate_limited"):
        failed = FailedCall(kind, "answers", status=400, objection=objection)
        assert learned(PLAIN, failed, WireRequest(MESSAGES, {}, SENT)) is None


def test_a_temperature_above_a_servers_range_is_lowered_before_it_is_left_out() -> None:
    refusal = body("temperature: range: 0..1")
    assert after(refusal, temperature=1.15) == Dialect(warmest=1.0)
    assert after(refusal, temperature=1.0) == without("temperature")


def test_the_second_name_is_tried_where_there_is_one() -> None:
    first = after(REFUSALS["a parameter of OpenAI's"][0])
    assert first
    assert first.name_of(("max_tokens", "max_completion_tokens")) == "max_completion_tokens"
    second = after(
        body("Unknown parameter: max_completion_tokens"), dialect=first, max_tokens=None, max_completion_tokens=256
    )
    assert second
    assert second.name_of(("max_tokens", "max_completion_tokens")) is None


def test_an_objection_keeps_nothing_of_the_servers_words() -> None:
    assert "sk-planted" not in repr(read_objection(body("sk-planted: 'seed' is not supported", param="sk-planted")))
    assert read_objection(b"\xff\xfe") == Objection()


def test_reading_takes_little_time_whatever_the_body() -> None:
    for unit in (b"'", b'"a ', b"{", b"temperature ", b"not supported. ", b"[", b"\\n", b"stream "):
        read_objection(unit * (2**16 // len(unit)))


def test_the_system_message_stands_before_the_first_words_of_the_user() -> None:
    system, user, other = SystemMessage("Be kind."), HumanMessage("Hello."), AIMessage("Welcome.")
    assert [message.text for message in folded([system, user, other])] == ["Be kind.\n\nHello.", "Welcome."]
    assert [message.type for message in folded([system, other, user])] == ["human", "ai", "human"]
    assert folded([user, other]) == [user, other]


def test_what_is_known_has_a_bound_and_only_grows_by_answers() -> None:
    dialects = Dialects()
    dialects.keep("u", "m", PLAIN, structured=0)
    assert dialects.of("u", "m") == PLAIN
    # Errors without words never lower a mode that has worked; they do where none has.
    dialects.keep("u", "m", PLAIN, guess=2, structured=2)
    assert dialects.of("u", "m") == PLAIN
    dialects.keep("u", "n", PLAIN, guess=2, structured=2)
    assert dialects.of("u", "n") == Dialect(mode=2)
    dialects.keep("u", "n", without("seed"))
    assert dialects.of("u", "n") == Dialect(refused=frozenset({"seed"}), mode=2)
    for number in range(MOST_KNOWN + 5):
        dialects.keep("u", str(number), without("seed"))
    assert len(dialects._known) == MOST_KNOWN
