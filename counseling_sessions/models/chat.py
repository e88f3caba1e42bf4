"""Asking a model: one retry layer, one limit on calls in flight per endpoint, tokens and times counted.

Everything that the nodes know of models is `Models.ask`.
"""

import asyncio
import hashlib
import random
import time
from collections.abc import Callable, Sequence
from dataclasses import KW_ONLY, dataclass, field, replace
from datetime import datetime, timedelta
from weakref import WeakKeyDictionary

from langchain_core.language_models import BaseChatModel
from langchain_core.messages import BaseMessage
from langchain_core.runnables import RunnableConfig

from counseling_sessions.models.answers import read_completion
from counseling_sessions.models.breaker import RETRY_AFTER_CAP
from counseling_sessions.models.dialect import PLAIN, Dialect
from counseling_sessions.models.embedded import why_gone
from counseling_sessions.models.endpoints import Endpoint, find_endpoint
from counseling_sessions.models.errors import RETRIED, FailedCall, ModelError, failure_of
from counseling_sessions.models.growth import PromptGrowth
from counseling_sessions.models.learning import DOUBTFUL, Dialects, learned
from counseling_sessions.models.limits import AdaptiveLimit
from counseling_sessions.models.requests import (
    Reply,
    WireRequest,
    openai_chat,
    read_reply,
    trace_options,
    wire_request,
)
from counseling_sessions.models.structured import MODES, AnswerSchema
from counseling_sessions.models.transport import ModelClient
from counseling_sessions.settings import ModelSettings, means_embedded
from counseling_sessions.store.machine import Shortage
from counseling_sessions.texts.words import duration

CHARACTERS_A_TOKEN = 4
"""Characters of a prompt's token, as expected before the server counts them."""
DOWN = 30.0
"""Seconds without requests to an endpoint that could not be reached, if others serve the same model."""
WAIT_WORTH_A_WORD = 3.0
"""Seconds of the shortest wait that people hear of."""
MOST_OF_AN_ERROR = 400
"""Characters of the longest message about one request."""

MakeChat = Callable[[Endpoint, ModelSettings], BaseChatModel]


@dataclass
class _Loop:
    """What belongs to one event loop: the HTTP client and the limits."""

    http: ModelClient
    limits: dict[str, AdaptiveLimit] = field(default_factory=dict)
    down: dict[str, float] = field(default_factory=dict)
    endpoints: dict[str, asyncio.Task[Endpoint]] = field(default_factory=dict)
    chats: dict[str, BaseChatModel] = field(default_factory=dict)


@dataclass(eq=False, repr=False)
class Models:
    """The models of a process, shared by all its sessions.

    `make_chat` builds the chat model of an endpoint. `offline` forbids fetching the embedded model. `backoff` is the first wait
    between two requests, in seconds; each wait is double the last, and randomised. `in_flight` (calls at once, per endpoint) and
    `requests` (for one answer) are bounds where the settings name none. `retries` counts repeated requests. `trouble` is the last
    failure, with its time (monotonic seconds). `on_wait` hears of each wait that is worth a word, when it begins. `growth` watches
    how servers count growing prompts. `dialects` are what servers have refused so far. `roomy`: the roles, by endpoint and model,
    whose token limit reasoning took; `tight`: those for which a server refused a larger one.
    """

    make_chat: MakeChat | None = None
    _: KW_ONLY
    offline: bool = False
    backoff: float = 0.5
    backoff_cap: float = 30.0
    in_flight: int = 32
    requests: int = 6
    retries: int = field(default=0, init=False)
    trouble: tuple[float, str] | None = field(default=None, init=False)
    growth: PromptGrowth = field(default_factory=PromptGrowth, init=False)
    on_wait: Callable[[str], None] | None = field(default=None, init=False)
    _waits_until: float = field(default=0.0, init=False)
    roomy: set[tuple[str, str, str]] = field(default_factory=set, init=False)
    tight: set[tuple[str, str, str]] = field(default_factory=set, init=False)
    _loops: WeakKeyDictionary[asyncio.AbstractEventLoop, _Loop] = field(default_factory=WeakKeyDictionary, init=False)
    dialects: Dialects = field(default_factory=Dialects, init=False)

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
        """Ask once; retries time-outs, 429, 5xx, cut connections and unreadable bodies. Role and turn go into a trace.

        What a server refuses by name is left out or put otherwise, and remembered: such requests do not count. Nor do those that meet
        only a limit (429), unless the settings bound them: the breaker does, and ends the call as `limit`. Raises `Shortage` where
        the machine ran out of something, else `ModelError`: at once for any other refusal (4xx) and for the end of the embedded
        server, which the next call starts again; else after `settings.max_requests`.
        """
        loop = self._loop()
        first = await self.endpoint(settings)
        traced = trace_options(role, turn)
        errors: list[str] = []
        tried = PLAIN  # What this call has learned; an answer confirms it.
        doubts, guess = 0, 0
        left = settings.max_requests or self.requests
        while True:
            endpoint = _replica(first, settings, session_id, loop.down)
            limit = self._limit(loop, endpoint, settings)
            place = endpoint.base_url, endpoint.model
            dialect = self.dialects.of(*place) | tried | Dialect(mode=guess)
            request = wire_request(role, settings, endpoint, messages, seed, schema, dialect, session_id)
            answer = await self._send(loop, endpoint, settings, request, traced, tuple(errors))
            if isinstance(answer, Reply):
                self.dialects.keep(*place, tried, guess=guess, structured=dialect.mode if schema else None)
                return answer
            cut_off = endpoint.embedded and answer.kind == "connection"
            if cut_off and (gone := await asyncio.to_thread(why_gone, endpoint.base_url)):
                answer, left = FailedCall("connection", f"has ended before it answered: {gone}"), 0
            errors.append(f"{endpoint.label} {answer}"[:MOST_OF_AN_ERROR])
            self.trouble = time.monotonic(), errors[-1]
            if better := learned(dialect, answer, request):
                tried |= better
                continue
            if schema and answer.status in DOUBTFUL:
                doubts += 1
                # The first one may be an accident.
                guess = min(dialect.mode + 1, len(MODES) - 1) if doubts > 1 else 0
            if answer.kind == "connection":
                loop.down[endpoint.base_url] = time.monotonic() + DOWN
            left -= not (limit.breaker.bounds(answer) and not settings.max_requests)
            shut = limit.breaker.words if answer.overloaded else ""
            again = left > 0 and answer.kind in RETRIED and not shut
            self.retries += again
            if not again:
                # Outside the handler, so that it holds no error of a library.
                kind, words = ("limit", shut) if shut else (answer.kind, errors[-1])
                raise ModelError(kind, words, requests=len(errors), errors=tuple(errors), status=answer.status)
            await self._pause(self._wait(len(errors), answer.retry_after), errors[-1])

    async def _send(
        self,
        loop: _Loop,
        endpoint: Endpoint,
        settings: ModelSettings,
        request: WireRequest,
        traced: RunnableConfig,
        errors: tuple[str, ...],
    ) -> Reply | FailedCall:
        """Send one request, once there is room for it. Raises `Shortage`."""
        limit = self._limit(loop, endpoint, settings)
        characters = sum(len(message.text) for message in request.messages)
        answer: Reply | FailedCall | Shortage
        async with limit.slot(characters // CHARACTERS_A_TOKEN + (settings.max_tokens or 0) // 2) as slot:
            began = time.monotonic()
            try:
                # Before the clock runs, as making the first one takes a while.
                chat = self._chat(loop, endpoint, settings)
                async with asyncio.timeout(settings.timeout):
                    message = await chat.ainvoke(list(request.messages), traced, **request.options)
                answer = read_reply(message, endpoint, settings, request, errors)
            except Exception as error:
                if (failed := failure_of(error, endpoint.key)) is None:
                    raise
                answer = failed
            if isinstance(answer, Shortage):
                raise answer
            if isinstance(answer, Reply):
                slot.succeeded(time.monotonic() - began, answer.tokens)
            elif answer.kind == "timeout" or answer.overloaded:
                slot.overloaded(answer, endpoint.label)
        return answer

    @property
    def limits(self) -> dict[str, AdaptiveLimit]:
        """The limits on calls in flight, by endpoint, of the running event loop."""
        return self._loop().limits

    async def close(self) -> None:
        """Close this event loop's connections. The embedded server stops with the process."""
        if state := self._loops.pop(asyncio.get_running_loop(), None):
            await state.http.aclose()

    def _loop(self) -> _Loop:
        loop = asyncio.get_running_loop()
        if loop not in self._loops:
            self._loops[loop] = _Loop(ModelClient(read_completion))
        return self._loops[loop]

    async def endpoint(self, settings: ModelSettings) -> Endpoint:
        """The endpoint behind some settings; raises `ModelError` where there is none."""
        if means_embedded(settings):  # Its server may have ended, and then starts again.
            return await find_endpoint(settings, offline=self.offline)
        endpoints = self._loop().endpoints
        name = f"{settings.base_url}|{settings.model}|{settings.api_key_env}"
        if name not in endpoints:
            endpoints[name] = asyncio.create_task(find_endpoint(settings, offline=self.offline))
        task = endpoints[name]
        try:
            # Shielded, as the cancellation of one session must not cancel the others' task.
            return await asyncio.shield(task)
        except Exception:
            if endpoints.get(name) is task:
                del endpoints[name]
            raise

    def _limit(self, loop: _Loop, endpoint: Endpoint, settings: ModelSettings) -> AdaptiveLimit:
        if endpoint.label not in loop.limits:
            loop.limits[endpoint.label] = AdaptiveLimit(
                1 if endpoint.embedded else settings.max_in_flight or self.in_flight,
                rpm=settings.requests_per_minute,
                tpm=settings.tokens_per_minute,
            )
        return loop.limits[endpoint.label]

    def _chat(self, loop: _Loop, endpoint: Endpoint, settings: ModelSettings) -> BaseChatModel:
        name = f"{endpoint.base_url}|{endpoint.model}|{settings.api_key_env}|{settings.timeout}"
        if name not in loop.chats:
            make = self.make_chat or (lambda endpoint, settings: openai_chat(endpoint, settings, loop.http))
            loop.chats[name] = make(endpoint, settings)
        return loop.chats[name]

    async def _pause(self, wait: float, why: str) -> None:
        """Wait so many seconds, and say so, unless another call has said it of as long a wait."""
        until = time.monotonic() + wait
        if wait >= WAIT_WORTH_A_WORD and until > self._waits_until + 1:
            self._waits_until = until
            words = f"{why}; waits {duration(wait)}, until {datetime.now() + timedelta(seconds=wait):%H:%M:%S}"
            self.trouble = time.monotonic(), words
            if self.on_wait:
                self.on_wait(words)
        await asyncio.sleep(wait)

    def _wait(self, request: int, asked: float | None) -> float:
        wait = min(self.backoff * 2.0 ** (request - 1), self.backoff_cap) * random.uniform(0.5, 1.0)
        return max(wait, min(asked, RETRY_AFTER_CAP)) if asked is not None else wait


def _replica(endpoint: Endpoint, settings: ModelSettings, session_id: str, down: dict[str, float]) -> Endpoint:
    """A session's endpoint among those of one model, always the same for its prefix cache; the next one if it is down."""
    if not settings.replicas or endpoint.embedded:
        return endpoint
    now = time.monotonic()
    urls = sorted(
        dict.fromkeys((endpoint.base_url, *settings.replicas)),
        # Rendezvous hashing: an endpoint that leaves moves only its sessions.
        key=lambda url: (down.get(url, 0.0) > now, hashlib.sha256(f"{session_id}|{url}".encode()).digest()),
    )
    return replace(endpoint, base_url=urls[0])
