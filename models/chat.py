"""Asking a model: one retry layer, one limit on calls in flight per endpoint, tokens and times counted.

Everything that the nodes know of models is `Models.ask`.
"""

import asyncio
import random
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any
from weakref import WeakKeyDictionary

import openai
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, BaseMessage
from langchain_core.outputs import ChatResult
from langchain_openai import ChatOpenAI

from models.endpoints import Endpoint, find_endpoint
from models.errors import ModelError, UnreadableBody, classify, describe, retry_after
from models.structured import MODES, AnswerSchema, response_format, speaks_of_schema
from settings import ModelSettings

RETRY_AFTER_CAP = 120.0
"""Seconds: a server that asks for a longer wait is asked again after this."""

EMBEDDED_BODY: dict[str, Any] = {
    # A 135M model loops and runs on into the other speaker's lines; these are llama.cpp's own means against it.
    "repeat_penalty": 1.05,
    "dry_multiplier": 0.8,
    "dry_penalty_last_n": 1024,
    "min_p": 0.05,
    "stop": ["\nClient:", "\nCounselor:", "\n\n"],
    "cache_prompt": True,
}
EMBEDDED_MAX_TOKENS = {"plan": 320, "router": 120, "client": 80, "merge": 96, "counselor": 96, "default": 72}

# Advice on a function that we do not call; a refused schema is handled, and recorded, in `Models.ask`.
warnings.filterwarnings("ignore", "This model does not support OpenAI's structured output", module="langchain_openai")

MakeChat = Callable[[Endpoint, ModelSettings], BaseChatModel]


@dataclass
class Reply:
    """One answer of a model. Token counts are None where the server reported none; times are in seconds."""

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


@dataclass
class _Loop:
    """What belongs to one event loop: the HTTP client and the limits."""

    http: Any
    limits: dict[str, asyncio.Semaphore] = field(default_factory=dict)
    endpoints: dict[str, asyncio.Task[Endpoint]] = field(default_factory=dict)
    chats: dict[str, BaseChatModel] = field(default_factory=dict)


class Models:
    """The models of a process, shared by all its sessions.

    `make_chat` builds the chat model of an endpoint (tests give a scripted one); `offline` forbids fetching the embedded
    model; `backoff` is the first wait between two requests, in seconds, doubled with each and randomised.
    """

    def __init__(
        self,
        make_chat: MakeChat | None = None,
        *,
        offline: bool = False,
        backoff: float = 0.5,
        backoff_cap: float = 30.0,
    ) -> None:
        self._make_chat = make_chat
        self._offline = offline
        self._backoff = backoff
        self._backoff_cap = backoff_cap
        self._loops: WeakKeyDictionary[asyncio.AbstractEventLoop, _Loop] = WeakKeyDictionary()
        self._modes: dict[tuple[str, str], int] = {}

    async def ask(
        self,
        role: str,
        settings: ModelSettings,
        messages: Sequence[BaseMessage],
        *,
        seed: int | None = None,
        schema: AnswerSchema | None = None,
        session_id: str = "",
    ) -> Reply:
        """Ask once, retrying what is worth it: time-outs, 429, 5xx, cut connections, unreadable bodies.

        Raises `ModelError`: at once for a refusal (other 4xx), else when `settings.max_requests` are used up. Finding out
        how a server wants to be asked for JSON, once a server, does not use them up.
        """
        loop = self._loop()
        endpoint = await self._endpoint(loop, settings)
        chat = self._chat(loop, endpoint, settings)
        limit = loop.limits.setdefault(
            endpoint.label, asyncio.Semaphore(1 if endpoint.embedded else settings.max_in_flight or 32)
        )
        errors: list[str] = []
        left = settings.max_requests or 1
        while True:
            mode = self._mode(endpoint)
            options = _options(role, settings, endpoint, seed, schema, mode, session_id)
            try:
                async with limit, asyncio.timeout(settings.timeout):
                    message = await chat.ainvoke(list(messages), **options)
                return _reply(message, endpoint, len(errors) + 1, MODES[mode] if schema else None, tuple(errors))
            except Exception as error:
                kind = classify(error)
                if kind is None:
                    raise
                errors.append(describe(error, endpoint.label, endpoint.key))
                if kind == "refused" and schema and mode + 1 < len(MODES) and speaks_of_schema(error):
                    # Another session may have gone further down meanwhile.
                    self._modes[endpoint.base_url, endpoint.model] = max(mode + 1, self._mode(endpoint))
                    continue
                left -= 1
                if kind == "refused" or not left:
                    raise ModelError(kind, errors[-1], requests=len(errors), errors=tuple(errors)) from error
                await asyncio.sleep(self._wait(len(errors), retry_after(error)))

    async def endpoint(self, settings: ModelSettings) -> Endpoint:
        """The endpoint behind some settings; raises `ModelError` where there is none."""
        return await self._endpoint(self._loop(), settings)

    async def close(self) -> None:
        """Close this event loop's connections. The embedded server stops with the process."""
        if state := self._loops.pop(asyncio.get_running_loop(), None):
            await state.http.close() if hasattr(state.http, "close") else await state.http.aclose()

    def _loop(self) -> _Loop:
        loop = asyncio.get_running_loop()
        if loop not in self._loops:
            self._loops[loop] = _Loop(openai.DefaultAsyncHttpxClient())
        return self._loops[loop]

    async def _endpoint(self, loop: _Loop, settings: ModelSettings) -> Endpoint:
        name = f"{settings.base_url}|{settings.model}|{settings.api_key_env}"
        if name not in loop.endpoints:
            loop.endpoints[name] = asyncio.create_task(find_endpoint(settings, offline=self._offline))
        task = loop.endpoints[name]
        try:
            # Shielded: a session that is cancelled while it waits must not take the others' endpoint with it.
            return await asyncio.shield(task)
        except Exception:
            if loop.endpoints.get(name) is task:
                del loop.endpoints[name]
            raise

    def _mode(self, endpoint: Endpoint) -> int:
        return self._modes.get((endpoint.base_url, endpoint.model), 0)

    def _chat(self, loop: _Loop, endpoint: Endpoint, settings: ModelSettings) -> BaseChatModel:
        name = f"{endpoint.label}|{endpoint.model}|{settings.api_key_env}|{settings.timeout}"
        if name not in loop.chats:
            make = self._make_chat or (lambda endpoint, settings: _openai_chat(endpoint, settings, loop.http))
            loop.chats[name] = make(endpoint, settings)
        return loop.chats[name]

    def _wait(self, request: int, asked: float | None) -> float:
        own = min(self._backoff * 2.0 ** (request - 1), self._backoff_cap) * random.uniform(0.5, 1.0)
        return max(own, min(asked, RETRY_AFTER_CAP)) if asked is not None else own


class _Chat(ChatOpenAI):
    """Raises `UnreadableBody` for what the client library meets with attribute, key, type, index and value errors."""

    async def _agenerate(self, *args: Any, **kwargs: Any) -> ChatResult:
        try:
            result = await super()._agenerate(*args, **kwargs)
        except UnicodeEncodeError:
            raise  # of what we send, not of what came back
        except (AttributeError, LookupError, TypeError, ValueError) as error:
            raise UnreadableBody(f"{type(error).__name__}: {error}") from error
        if not result.generations:
            raise UnreadableBody("an answer without choices")
        return result


def _openai_chat(endpoint: Endpoint, settings: ModelSettings, http: Any) -> BaseChatModel:
    return _Chat(
        model=endpoint.model,
        base_url=endpoint.base_url,
        api_key=lambda: endpoint.key,
        max_retries=0,
        timeout=settings.timeout,
        http_async_client=http,
        use_responses_api=False,
    )


def _options(
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
        max_tokens = min(max_tokens or 4096, EMBEDDED_MAX_TOKENS.get(role, EMBEDDED_MAX_TOKENS["default"]))
        if schema:
            body |= {"stop": [], "dry_multiplier": 0.0, "repeat_penalty": 1.0}
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


def _reply(
    message: BaseMessage, endpoint: Endpoint, requests: int, structured: str | None, errors: tuple[str, ...]
) -> Reply:
    if not isinstance(message, AIMessage):
        raise ModelError("garbled", f"{endpoint.label} answered with a {message.type} message", requests=requests)
    usage = message.usage_metadata
    return Reply(
        text=str(message.text),
        finish_reason=message.response_metadata.get("finish_reason"),
        model=message.response_metadata.get("model_name") or endpoint.model,
        endpoint=endpoint.label,
        requests=requests,
        structured=structured,
        prompt_tokens=usage["input_tokens"] if usage else None,
        cached_tokens=usage.get("input_token_details", {}).get("cache_read") if usage else None,
        completion_tokens=usage["output_tokens"] if usage else None,
        errors=errors,
    )
