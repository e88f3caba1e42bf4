"""One request and its answer: what a call's settings become in the request's body, and what is read from the answer."""

import warnings
from dataclasses import dataclass
from typing import Any

from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, BaseMessage
from langchain_core.outputs import ChatResult
from langchain_core.runnables import RunnableConfig
from langchain_openai import ChatOpenAI

from counseling_sessions.models.answers import most_characters
from counseling_sessions.models.endpoints import Endpoint
from counseling_sessions.models.errors import FailedCall, failure_of, unreadable
from counseling_sessions.models.structured import AnswerSchema, response_format
from counseling_sessions.models.transport import ModelClient, without_surroundings
from counseling_sessions.settings import ModelSettings
from counseling_sessions.store.machine import Shortage

EMBEDDED_BODY: dict[str, Any] = {
    # A 135M model loops and runs on into the other speaker's lines; these are llama.cpp's own means against it. There is no
    # penalty on single words that come again: a counselor takes up the client's. Unlikely words are cut off early, since
    # such a model means little by them.
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

# Advice on a function that we do not call; a refused schema is handled, and recorded, in `Models.ask`.
warnings.filterwarnings("ignore", "This model does not support OpenAI's structured output", module="langchain_openai")


@dataclass
class Reply:
    """One answer of a model. Token counts are None where the server reported none.

    `cut_at` is the number of characters after which a longer answer was cut; its finish reason is then `length`.
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

    @property
    def tokens(self) -> int | None:
        return None if self.prompt_tokens is None else self.prompt_tokens + (self.completion_tokens or 0)


_OWN = frozenset({"model", "stream", "timeout", "extra_body", "extra_headers", "extra_query"})


class _Chat(ChatOpenAI):
    """Raises `FailedCall` and `Shortage` alone: what is raised here goes into traces as it is, and so must hold no key and nothing
    of the libraries."""

    def _get_request_payload(self, *args: Any, **kwargs: Any) -> dict[str, Any]:
        payload: dict[str, Any] = super()._get_request_payload(*args, **kwargs)
        # The client library walks along its types through every field and every message of the dialogue, half of the CPU time
        # of a call; what stands in the extra body it leaves alone and sends in place of its own.
        body = {name: value for name, value in payload.items() if name not in _OWN}
        payload = {name: value for name, value in payload.items() if name in _OWN}
        return payload | {"messages": [], "extra_body": body | (payload.get("extra_body") or {})}

    async def _agenerate(self, *args: Any, **kwargs: Any) -> ChatResult:
        failed: FailedCall | Shortage
        try:
            return await super()._agenerate(*args, **kwargs)
        except UnicodeEncodeError:
            # Of what we send: what comes back never reaches the libraries as text.
            failed = FailedCall("configuration", "cannot be asked: the prompt holds characters that UTF-8 cannot carry")
        except Exception as error:
            failed = failure_of(error) or unreadable(type(error).__name__)
        # Outside, and without the frames below: the libraries' errors and requests would hang on to it.
        raise failed.with_traceback(None)


def openai_chat(endpoint: Endpoint, settings: ModelSettings, http: ModelClient) -> BaseChatModel:
    """The chat model of an endpoint; retrying is left to whoever asks."""
    chat = _Chat(
        model=endpoint.model,
        base_url=endpoint.base_url,
        api_key=lambda: endpoint.key,
        max_retries=0,
        timeout=settings.timeout,
        http_async_client=http,
        # Else the library takes OPENAI_PROXY, refuses it beside a client of ours, and says so with the password in it.
        openai_proxy=None,
        http_socket_options=(),
        use_responses_api=False,
        # An answer is read as a whole, once, by `models.answers`; Studio would ask for pieces otherwise.
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
    """The parameters of one request, beyond model and messages."""
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
        body["max_tokens"] = max_tokens  # older local servers do not know max_completion_tokens
    if session_id:
        options["extra_headers"] = {"X-Session-ID": session_id}
    if schema and (wanted := response_format(schema, mode)):
        # In the body rather than as an option: the client would otherwise parse, and raise on, the answer itself.
        body["response_format"] = wanted
    options["extra_body"] = body | (settings.extra_body or {})
    return options


def trace_options(role: str, turn: int | None) -> RunnableConfig:
    """What tells a call in a trace, beside what it inherits from the session; nothing that is secret."""
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
    """What a message says, as much of it as is looked at; `FailedCall` for one that is no answer of a model."""
    if not isinstance(message, AIMessage):
        return unreadable(f"a {message.type} message")
    usage = message.usage_metadata
    text, most = str(message.text), most_characters(settings.max_tokens)
    long = len(text) > most
    return Reply(
        text=text[:most],
        finish_reason="length" if long else message.response_metadata.get("finish_reason"),
        # The embedded server has one name for its model, with the adapter and without.
        model=(not endpoint.embedded and message.response_metadata.get("model_name")) or endpoint.model,
        endpoint=endpoint.label,
        requests=requests,
        structured=structured,
        prompt_tokens=usage["input_tokens"] if usage else None,
        cached_tokens=usage.get("input_token_details", {}).get("cache_read") if usage else None,
        completion_tokens=usage["output_tokens"] if usage else None,
        errors=errors,
        cut_at=most if long else None,
    )
