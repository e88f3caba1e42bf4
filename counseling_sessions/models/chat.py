"""Asking a model: one retry layer, one limit on calls in flight per endpoint, tokens and times counted.

Everything that the nodes know of models is `Models.ask`.
"""

import asyncio
import hashlib
import random
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from weakref import WeakKeyDictionary

from langchain_core.language_models import BaseChatModel
from langchain_core.messages import BaseMessage

from counseling_sessions.models.answers import read_completion
from counseling_sessions.models.embedded import why_gone
from counseling_sessions.models.endpoints import Endpoint, find_endpoint
from counseling_sessions.models.errors import RETRIED, FailedCall, ModelError, failure_of
from counseling_sessions.models.limits import AdaptiveLimit
from counseling_sessions.models.requests import Reply, openai_chat, read_reply, request_options, trace_options
from counseling_sessions.models.structured import MODES, AnswerSchema
from counseling_sessions.models.transport import ModelClient
from counseling_sessions.settings import ModelSettings, means_embedded
from counseling_sessions.store.machine import Shortage

CHARACTERS_A_TOKEN = 4
"""What a prompt's tokens are expected to be, until the server tells."""
DOWN = 30.0
"""Seconds for which an endpoint that could not be reached is left out, where others serve the same model."""
RETRY_AFTER_CAP = 120.0
"""Seconds: a server that asks for a longer wait is asked again after this."""
MOST_OF_AN_ERROR = 400
"""Characters of the longest line that says what went wrong with a request."""

MakeChat = Callable[[Endpoint, ModelSettings], BaseChatModel]


@dataclass
class _Loop:
    """What belongs to one event loop: the HTTP client and the limits."""

    http: ModelClient
    limits: dict[str, AdaptiveLimit] = field(default_factory=dict)
    down: dict[str, float] = field(default_factory=dict)
    endpoints: dict[str, asyncio.Task[Endpoint]] = field(default_factory=dict)
    chats: dict[str, BaseChatModel] = field(default_factory=dict)


class Models:
    """The models of a process, shared by all its sessions.

    `make_chat` builds the chat model of an endpoint (tests give a scripted one); `offline` forbids fetching the embedded
    model; `backoff` is the first wait between two requests, in seconds, doubled with each and randomised. `in_flight` (calls at
    once, per endpoint) and `requests` (for one answer) are bounds where the settings name none. `retries` counts requests that were
    repeated, `trouble` is what went wrong last, and when (monotonic seconds).
    """

    def __init__(
        self,
        make_chat: MakeChat | None = None,
        *,
        offline: bool = False,
        backoff: float = 0.5,
        backoff_cap: float = 30.0,
        in_flight: int = 32,
        requests: int = 6,
    ) -> None:
        self._make_chat = make_chat
        self._offline = offline
        self._backoff = backoff
        self._backoff_cap = backoff_cap
        self._in_flight = in_flight
        self._requests = requests
        self._loops: WeakKeyDictionary[asyncio.AbstractEventLoop, _Loop] = WeakKeyDictionary()
        self._modes: dict[tuple[str, str], int] = {}
        self.retries = 0
        self.trouble: tuple[float, str] | None = None

    async def ask(
        self,
        role: str,
        settings: ModelSettings,
        messages: Sequence[BaseMessage],
        *,
        seed: int | None = None,
        schema: AnswerSchema | None = None,
        session_id: str = "",
        turn: int | None = None,
    ) -> Reply:
        """Ask once, retrying what is worth it: time-outs, 429, 5xx, cut connections, unreadable bodies.

        Raises `Shortage` where the machine ran out of something, else `ModelError`: at once for a refusal (other 4xx) and for the
        end of the embedded server, which the next call starts again; else when `settings.max_requests` are used up. Finding out
        how a server wants to be asked for JSON, once a server, does not use them up. Role and turn stand in a trace, if there is
        one.
        """
        loop = self._loop()
        first = await self._endpoint(loop, settings)
        expected = (
            sum(len(message.text) for message in messages) // CHARACTERS_A_TOKEN + (settings.max_tokens or 0) // 2
        )
        traced = trace_options(role, turn)
        errors: list[str] = []
        answer: Reply | FailedCall | Shortage
        left = settings.max_requests or self._requests
        while True:
            endpoint = _replica(first, settings, session_id, loop.down)
            limit = self._limit(loop, endpoint, settings)
            mode = self._mode(endpoint)
            options = request_options(role, settings, endpoint, seed, schema, mode, session_id)
            async with limit.slot(expected) as slot:
                began = time.monotonic()
                try:
                    # Before the clock runs: making the first one takes a while, which is not the server's.
                    chat = self._chat(loop, endpoint, settings)
                    async with asyncio.timeout(settings.timeout):
                        message = await chat.ainvoke(list(messages), traced, **options)
                    structured = MODES[mode] if schema else None
                    answer = read_reply(message, endpoint, settings, len(errors) + 1, structured, tuple(errors))
                except Exception as error:
                    if (failed := failure_of(error, endpoint.key)) is None:
                        raise
                    answer = failed
                if isinstance(answer, Shortage):
                    raise answer
                if isinstance(answer, Reply):
                    slot.succeeded(time.monotonic() - began, answer.tokens)
                    return answer
                if answer.kind == "timeout" or answer.overloaded:
                    slot.overloaded(min(answer.retry_after, RETRY_AFTER_CAP) if answer.retry_after else None)
            cut_off = endpoint.embedded and answer.kind == "connection"
            if cut_off and (gone := await asyncio.to_thread(why_gone, endpoint.base_url)):
                answer, left = FailedCall("connection", f"has ended before it answered: {gone}"), 0
            errors.append(f"{endpoint.label} {answer}"[:MOST_OF_AN_ERROR])
            self.trouble = time.monotonic(), errors[-1]
            if answer.kind == "refused" and schema and mode + 1 < len(MODES) and answer.about_schema:
                # Another session may have gone further down meanwhile.
                self._modes[endpoint.base_url, endpoint.model] = max(mode + 1, self._mode(endpoint))
                continue
            if answer.kind == "connection":
                loop.down[endpoint.base_url] = time.monotonic() + DOWN
            left -= 1
            again = left > 0 and answer.kind in RETRIED
            self.retries += again
            if not again:
                # Outside the handler: no error of a library hangs on to it.
                raise ModelError(
                    answer.kind, errors[-1], requests=len(errors), errors=tuple(errors), status=answer.status
                )
            await asyncio.sleep(self._wait(len(errors), answer.retry_after))

    @property
    def limits(self) -> dict[str, AdaptiveLimit]:
        """The limits on calls in flight, by endpoint, of the running event loop."""
        return self._loop().limits

    async def endpoint(self, settings: ModelSettings) -> Endpoint:
        """The endpoint behind some settings; raises `ModelError` where there is none."""
        return await self._endpoint(self._loop(), settings)

    async def close(self) -> None:
        """Close this event loop's connections. The embedded server stops with the process."""
        if state := self._loops.pop(asyncio.get_running_loop(), None):
            await state.http.aclose()

    def _loop(self) -> _Loop:
        loop = asyncio.get_running_loop()
        if loop not in self._loops:
            self._loops[loop] = _Loop(ModelClient(read_completion))
        return self._loops[loop]

    async def _endpoint(self, loop: _Loop, settings: ModelSettings) -> Endpoint:
        if means_embedded(settings):  # its server may have ended since, and is then started again
            return await find_endpoint(settings, offline=self._offline)
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

    def _limit(self, loop: _Loop, endpoint: Endpoint, settings: ModelSettings) -> AdaptiveLimit:
        if endpoint.label not in loop.limits:
            loop.limits[endpoint.label] = AdaptiveLimit(
                1 if endpoint.embedded else settings.max_in_flight or self._in_flight,
                rpm=settings.requests_per_minute,
                tpm=settings.tokens_per_minute,
            )
        return loop.limits[endpoint.label]

    def _mode(self, endpoint: Endpoint) -> int:
        return self._modes.get((endpoint.base_url, endpoint.model), 0)

    def _chat(self, loop: _Loop, endpoint: Endpoint, settings: ModelSettings) -> BaseChatModel:
        name = f"{endpoint.base_url}|{endpoint.model}|{settings.api_key_env}|{settings.timeout}"
        if name not in loop.chats:
            make = self._make_chat or (lambda endpoint, settings: openai_chat(endpoint, settings, loop.http))
            loop.chats[name] = make(endpoint, settings)
        return loop.chats[name]

    def _wait(self, request: int, asked: float | None) -> float:
        own = min(self._backoff * 2.0 ** (request - 1), self._backoff_cap) * random.uniform(0.5, 1.0)
        return max(own, min(asked, RETRY_AFTER_CAP)) if asked is not None else own


def _replica(endpoint: Endpoint, settings: ModelSettings, session_id: str, down: dict[str, float]) -> Endpoint:
    """The endpoint among those of one model that a session stays on, so that its prefix cache pays; the next, if it is down."""
    if not settings.replicas or endpoint.embedded:
        return endpoint
    now = time.monotonic()
    urls = sorted(
        dict.fromkeys((endpoint.base_url, *settings.replicas)),
        # Each session has its own order of preference (rendezvous hashing): who leaves moves only its own sessions.
        key=lambda url: (down.get(url, 0.0) > now, hashlib.sha256(f"{session_id}|{url}".encode()).digest()),
    )
    return replace(endpoint, base_url=urls[0])
