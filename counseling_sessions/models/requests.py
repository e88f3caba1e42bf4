"""One request and its answer: it turns a call's settings into the request's body, and reads the reply."""

import warnings
from dataclasses import dataclass
from typing import Any

from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, BaseMessage
from langchain_core.outputs import ChatResult
from langchain_core.runnables import RunnableConfig
from langchain_openai import ChatOpenAI

from counseling_sessions.models.answers import most_characters, reasoning_size
from counseling_sessions.models.endpoints import Endpoint
from counseling_sessions.models.errors import FailedCall, failure_of, unreadable
from counseling_sessions.models.structured import AnswerSchema, response_format
from counseling_sessions.models.transport import ModelClient, without_surroundings
from counseling_sessions.settings import ModelSettings
from counseling_sessions.store.machine import Shortage
from counseling_sessions.texts.reasoning import take_apart

EMBEDDED_BODY: dict[str, Any] = {
    # A 135M model loops, and goes on with the other speaker's lines; these are llama.cpp's means against that. It may repeat
    # single words, as a counselor takes up the client's. It loses unlikely words early, which mean little in such a model.
    "repeat_penalty": 1.0,
    "dry_multiplier": 0.8,
    "dry_penalty_last_n": 1024,
    "min_p": 0.15,
    "stop": ["\nClient:", "\nCounselor:", "\n\n"],
    "cache_prompt": True,
}
EMBEDDED_MAX_TOKENS = {
    **{"plan": 320, "router": 120, "client": 80, "merge": 96, "counselor": 96, "judge": 1600},
    "default": 72,
}

# Advice on a function that we do not call; `Models.ask` handles and records a refused schema.
warnings.filterwarnings("ignore", "This model does not support OpenAI's structured output", module="langchain_openai")


@dataclass
class Reply:
    """One answer of a model. Token counts are None if the server reports none.

    An answer that was too long has its length in characters as `cut_at`, and `length` as its finish reason. Of reasoning there is
    its size alone, in tokens as the server reports them and in characters as far as they were sent. `refusal` is what a model
    says in the field of that name.
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
    reasoning_tokens: int | None = None
    reasoning_characters: int = 0
    refusal: str | None = None

    @property
    def tokens(self) -> int | None:
        return None if self.prompt_tokens is None else self.prompt_tokens + (self.completion_tokens or 0)


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
    """The chat model of an endpoint. It never retries; the caller does."""
    chat = _Chat(
        model=endpoint.model,
        base_url=endpoint.base_url,
        api_key=lambda: endpoint.key,
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


def request_options(
    role: str,
    settings: ModelSettings,
    endpoint: Endpoint,
    seed: int | None,
    schema: AnswerSchema | None,
    mode: int,
    session_id: str,
) -> dict[str, Any]:
    """The parameters of one request, besides model and messages."""
    body: dict[str, Any] = {}
    options: dict[str, Any] = {"temperature": settings.temperature}
    max_tokens = settings.max_tokens
    if endpoint.embedded:
        body |= EMBEDDED_BODY | {"id_slot": 1 if role == "client" else 0}
        body["lora"] = [{"id": 0, "scale": 1.0 if endpoint.tuned else 0.0}]
        max_tokens = min(max_tokens or 4096, EMBEDDED_MAX_TOKENS.get(role, EMBEDDED_MAX_TOKENS["default"]))
        if schema:
            body |= {"stop": [], "dry_multiplier": 0.0}
    if settings.top_p is not None:
        options["top_p"] = settings.top_p
    if seed is not None:
        options["seed"] = seed
    if max_tokens and endpoint.is_openai:
        options["max_completion_tokens"] = max_tokens
    elif max_tokens:
        body["max_tokens"] = max_tokens  # Older local servers do not know max_completion_tokens.
    if session_id:
        options["extra_headers"] = {"X-Session-ID": session_id}
    if schema and (format_ := response_format(schema, mode)):
        # In the body, as with an option the client would parse the answer itself, and raise its own errors.
        body["response_format"] = format_
    options["extra_body"] = body | (settings.extra_body or {})
    return options


def trace_options(role: str, turn: int | None) -> RunnableConfig:
    """What identifies a call in a trace, besides what it inherits from the session; nothing secret."""
    metadata = {"role": role} if turn is None else {"role": role, "turn": turn}
    return {"run_name": role, "tags": [role], "metadata": metadata}


def read_reply(
    message: BaseMessage,
    endpoint: Endpoint,
    settings: ModelSettings,
    requests: int,
    structured: str | None,
    errors: tuple[str, ...],
) -> Reply | FailedCall:
    """The reply in a message, cut to the readable length; `FailedCall` if the message is no model's answer."""
    if not isinstance(message, AIMessage):
        return unreadable(f"a {message.type} message")
    usage = message.usage_metadata
    text, most = str(message.text), most_characters(settings.max_tokens)
    long = len(text) > most
    return Reply(
        text=text[:most],
        finish_reason="length" if long else message.response_metadata.get("finish_reason"),
        # The embedded server has one name for its model, with or without the adapter.
        model=(not endpoint.embedded and message.response_metadata.get("model_name")) or endpoint.model,
        endpoint=endpoint.label,
        requests=requests,
        structured=structured,
        prompt_tokens=usage["input_tokens"] if usage else None,
        cached_tokens=usage.get("input_token_details", {}).get("cache_read") if usage else None,
        completion_tokens=usage["output_tokens"] if usage else None,
        errors=errors,
        cut_at=most if long else None,
        reasoning_tokens=usage.get("output_token_details", {}).get("reasoning") if usage else None,
        reasoning_characters=reasoning_size(message.response_metadata.get("logprobs")) + take_apart(text).reasoning,
        refusal=message.additional_kwargs.get("refusal"),
    )
