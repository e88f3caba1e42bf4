"""One request and its answer: it turns a call's settings into the request's body, and reads the reply."""

import warnings
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, BaseMessage
from langchain_core.outputs import ChatResult
from langchain_core.runnables import RunnableConfig
from langchain_openai import ChatOpenAI
from pydantic import JsonValue

from counseling_sessions.models.answers import most_characters, reasoning_size
from counseling_sessions.models.dialect import LIMIT, SEED, Dialect, folded, said_by
from counseling_sessions.models.embedded_server import SLOTS
from counseling_sessions.models.endpoints import OPENAI_EFFORT, OPENAI_MODEL, Endpoint
from counseling_sessions.models.errors import FailedCall, failure_of, unreadable
from counseling_sessions.models.finishing import AT_LIMIT, read_finish
from counseling_sessions.models.objections import FIELDS
from counseling_sessions.models.structured import MODES, AnswerSchema, response_format
from counseling_sessions.models.transport import ModelClient, without_surroundings
from counseling_sessions.settings import ModelSettings
from counseling_sessions.store.machine import Shortage
from counseling_sessions.texts.reasoning import take_apart

# Advice on a function that we do not call; `Models.ask` handles and records a refused schema.
warnings.filterwarnings("ignore", "This model does not support OpenAI's structured output", module="langchain_openai")


@dataclass(frozen=True)
class WireRequest:
    """A request as it goes out: its messages, the options of the chat model, and what a record says of them (`sent`).

    `structured` is the mode in which it asks for JSON, if it does.
    """

    messages: tuple[BaseMessage, ...]
    options: dict[str, Any]
    sent: dict[str, JsonValue]
    structured: str | None = None


@dataclass
class Reply:
    """One answer of a model. Token counts are None if the server reports none.

    An answer that was too long has its length in characters as `cut_at`, and `length` as its finish reason. `sent` is what the
    request held besides model and messages. Of reasoning there is its size alone, in tokens as the server reports them and in
    characters as far as they were sent. `refusal` is what a model says in the field of that name.
    """

    text: str
    finish_reason: str | None
    model: str
    endpoint: str
    requests: int
    structured: str | None = None
    prompt_tokens: int | None = None
    cached_tokens: int | None = None
    completion_tokens: int | None = None
    errors: tuple[str, ...] = ()
    cut_at: int | None = None
    sent: dict[str, JsonValue] = field(default_factory=dict)
    reasoning_tokens: int | None = None
    reasoning_characters: int = 0
    refusal: str | None = None

    @property
    def tokens(self) -> int | None:
        return None if self.prompt_tokens is None else self.prompt_tokens + (self.completion_tokens or 0)


_OPTIONS = ("temperature", "top_p", "seed")
"""Fields that the chat model knows as options, and traces show."""
_RECORDED = frozenset({*FIELDS, "reasoning_effort"})
_CLIENT_OPTIONS = frozenset({"model", "stream", "timeout", "extra_body", "extra_headers", "extra_query"})


class _Chat(ChatOpenAI):
    """Raises only `FailedCall` and `Shortage`. Traces record its errors, so these hold no key and nothing of the libraries."""

    def _get_request_payload(self, *args: Any, **kwargs: Any) -> dict[str, Any]:
        payload: dict[str, Any] = super()._get_request_payload(*args, **kwargs)
        # The client library converts every field and message by its types, which takes half of a call's CPU time. It sends the
        # extra body unchanged, and in place of its own.
        body = {name: value for name, value in payload.items() if name not in _CLIENT_OPTIONS}
        payload = {name: value for name, value in payload.items() if name in _CLIENT_OPTIONS}
        return payload | {"messages": [], "extra_body": body | (payload.get("extra_body") or {})}

    async def _agenerate(self, *args: Any, **kwargs: Any) -> ChatResult:
        failed: FailedCall | Shortage
        try:
            return await super()._agenerate(*args, **kwargs)
        except UnicodeEncodeError:
            # From the request: the answer never reaches the libraries as text.
            failed = FailedCall("configuration", "cannot be asked: the prompt holds characters that UTF-8 cannot carry")
        except Exception as error:
            failed = failure_of(error) or unreadable(type(error).__name__)
        # Outside of `except`, and without the frames, which hold the libraries' errors and requests.
        raise failed.with_traceback(None)


def openai_chat(endpoint: Endpoint, settings: ModelSettings, http: ModelClient) -> BaseChatModel:
    """The chat model of an endpoint, for asynchronous calls alone. It never retries; the caller does."""

    async def key() -> str:
        # Of a synchronous function, the library makes a second client, and calls it in a thread before every request.
        return endpoint.key

    chat = _Chat(
        model=endpoint.model,
        base_url=endpoint.base_url,
        api_key=key,
        # Named, as the library has a temperature of its own for some names of models.
        temperature=None,
        max_retries=0,
        timeout=settings.timeout,
        http_async_client=http,
        # Otherwise the library reads OPENAI_PROXY and refuses it beside our client, in a message with the password.
        openai_proxy=None,
        http_socket_options=(),
        use_responses_api=False,
        # `models.answers` reads an answer once and complete; otherwise Studio would ask for pieces.
        disable_streaming=True,
    )
    without_surroundings(chat.root_async_client, is_openai=endpoint.is_openai)
    return chat


def wire_request(
    role: str,
    settings: ModelSettings,
    endpoint: Endpoint,
    messages: Sequence[BaseMessage],
    seed: int | None,
    schema: AnswerSchema | None,
    dialect: Dialect,
    session_id: str,
) -> WireRequest:
    """A call as its model takes it: in the `dialect` that its server has taught, and as the settings say."""
    spoken = dialect | said_by(settings)
    fields = _sampling(settings, endpoint, spoken, seed)
    body = _body(role, settings, endpoint, spoken, schema)
    # What extra_body says wins over the program's own fields, but not over a refusal.
    extra = {name: value for name, value in (settings.extra_body or {}).items() if value is not None}
    taken = {name: value for name, value in {**fields, **body, **extra}.items() if name not in dialect.refused}
    options: dict[str, Any] = {name: taken.pop(name) for name in _OPTIONS if name in taken}
    sent = {name: _short(value) for name, value in (options | taken).items() if name in _RECORDED}
    if session_id:
        options["extra_headers"] = {"X-Session-ID": session_id}
    if spoken.folds and messages[0].type == "system":
        messages, sent = folded(messages), sent | {"system_role": "folded"}
    structured = MODES[spoken.mode] if schema else None
    return WireRequest(tuple(messages), options | {"extra_body": taken}, sent, structured)


def _sampling(settings: ModelSettings, endpoint: Endpoint, dialect: Dialect, seed: int | None) -> dict[str, Any]:
    """The fields that say how an answer is drawn, as far as the model takes them."""
    temperature, effort = settings.temperature, settings.reasoning_effort
    if effort is None and endpoint.is_openai and endpoint.model == OPENAI_MODEL:
        effort = OPENAI_EFFORT
    if temperature is not None and dialect.warmest is not None:
        temperature = min(temperature, dialect.warmest)
    named: dict[str | None, Any] = {"temperature": temperature, "top_p": settings.top_p, dialect.name_of(SEED): seed}
    named["reasoning_effort"] = effort
    return {name: value for name, value in named.items() if name and value is not None and name not in dialect.refused}


def _body(
    role: str, settings: ModelSettings, endpoint: Endpoint, dialect: Dialect, schema: AnswerSchema | None
) -> dict[str, Any]:
    """The fields besides sampling: the limit, the form of JSON, the stream, and what the embedded model needs."""
    body: dict[str, Any] = {}
    max_tokens = settings.max_tokens
    if endpoint.embedded:
        body |= endpoint.embedded.body | {"id_slot": SLOTS["client" if role == "client" else "counselor"]}
        body["lora"] = [{"id": 0, "scale": 1.0 if endpoint.tuned else 0.0}]
        longest = endpoint.embedded.max_tokens
        max_tokens = min(max_tokens or 4096, longest.get(role, longest["default"]))
        if schema:
            body |= {"stop": [], "dry_multiplier": 0.0}
    # Older local servers do not know max_completion_tokens.
    limit = dialect.name_of(LIMIT[::-1] if endpoint.is_openai else LIMIT)
    if max_tokens and limit:
        body[limit] = max_tokens
    if schema and (format_ := response_format(schema, dialect.mode)):
        # In the body, as with an option the client would parse the answer itself, and raise its own errors.
        body["response_format"] = format_
    if dialect.streams:
        body |= {"stream": True, "stream_options": {"include_usage": True}}
    return body


def _short(value: Any) -> Any:
    """A field's value for a record: a schema or other object by its type alone."""
    return value.get("type", True) if isinstance(value, dict) else value


def trace_options(role: str, turn: int | None) -> RunnableConfig:
    """What identifies a call in a trace, besides what it inherits from the session; nothing secret."""
    metadata = {"role": role} if turn is None else {"role": role, "turn": turn}
    return {"run_name": role, "tags": [role], "metadata": metadata}


def read_reply(
    message: BaseMessage,
    endpoint: Endpoint,
    settings: ModelSettings,
    request: WireRequest,
    errors: tuple[str, ...],
) -> Reply | FailedCall:
    """The reply in a message, cut to the readable length; `FailedCall` if the message is no model's answer."""
    if not isinstance(message, AIMessage):
        return unreadable(f"a {message.type} message")
    usage = message.usage_metadata
    text, most = str(message.text), most_characters(settings.max_tokens)
    if request.structured and not text.strip():
        text = message.additional_kwargs.get("function_call", {}).get("arguments", "")
    long = len(text) > most
    return Reply(
        text=text[:most],
        finish_reason=AT_LIMIT if long else read_finish(message.response_metadata.get("finish_reason")),
        # The embedded server has one name for its model, with or without the adapter.
        model=(not endpoint.embedded and message.response_metadata.get("model_name")) or endpoint.model,
        endpoint=endpoint.label,
        requests=len(errors) + 1,
        structured=request.structured,
        prompt_tokens=usage["input_tokens"] if usage else None,
        cached_tokens=usage.get("input_token_details", {}).get("cache_read") if usage else None,
        completion_tokens=usage["output_tokens"] if usage else None,
        errors=errors,
        cut_at=most if long else None,
        sent=request.sent,
        reasoning_tokens=usage.get("output_token_details", {}).get("reasoning") if usage else None,
        reasoning_characters=reasoning_size(message.response_metadata.get("logprobs")) + take_apart(text).reasoning,
        refusal=message.additional_kwargs.get("refusal"),
    )
