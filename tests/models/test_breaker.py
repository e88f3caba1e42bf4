"""An endpoint that stays at its limit: what is waited for and said, and when asking ends."""

import asyncio
import re
import time

import pytest
from langchain_core.messages import HumanMessage

from counseling_sessions.models import breaker
from counseling_sessions.models.breaker import Breaker
from counseling_sessions.models.chat import Models
from counseling_sessions.models.errors import FailedCall, ModelError
from counseling_sessions.settings import ModelSettings
from tests.loopback import Faults, LoopbackServer
from tests.loopback.raw import http_answer

HELLO = [HumanMessage("Say hello.")]
DAILY = http_answer({"error": {"message": "Daily limit of 50 reached"}}, 429, [("Retry-After", "3600")])
FULL = http_answer({"error": {"message": "Too many requests"}}, 429)

pytestmark = pytest.mark.usefixtures("no_surroundings")


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def limited(retry_after: float | None = None) -> FailedCall:
    return FailedCall("rate_limited", "answers 429: full", status=429, retry_after=retry_after)


def asked(server: LoopbackServer, **more: int) -> ModelSettings:
    return ModelSettings(base_url=server.base_url, model="m", **more)


def test_it_opens_when_nothing_but_the_limit_is_met_for_long_and_closes_after_a_rest() -> None:
    clock = Clock()
    one = Breaker(clock)
    one.refuses(limited(), "here")
    clock.now += breaker.PATIENCE - 1
    one.refuses(limited(), "here")
    assert not one.words
    clock.now += 1
    one.refuses(limited(), "here")
    assert one.words == "here answers 429: full; it has given no answer for 5 min 00 s"
    clock.now += breaker.REST
    assert not one.words


def test_an_answer_begins_the_time_anew_and_closes_it() -> None:
    clock = Clock()
    one = Breaker(clock)
    one.refuses(limited(), "here")
    clock.now += breaker.PATIENCE - 1
    one.answers()
    clock.now += 2
    one.refuses(limited(), "here")
    assert not one.words
    one.refuses(limited(3600), "here")
    assert one.words
    one.answers()
    assert not one.words


def test_a_short_pause_and_other_failures_do_not_open_it() -> None:
    clock = Clock()
    one = Breaker(clock)
    one.refuses(limited(breaker.RETRY_AFTER_CAP), "here")
    busy = FailedCall("server_error", "answers 503", status=503)
    one.refuses(busy, "here")
    clock.now += 2 * breaker.PATIENCE
    one.refuses(busy, "here")
    assert not one.words
    one.refuses(FailedCall("server_error", "answers 503", status=503, retry_after=600), "here")
    assert one.words == "here answers 503; it asks to wait 10 min 00 s"


async def test_a_daily_limit_ends_the_call_and_those_that_wait_at_once(models: Models) -> None:
    with LoopbackServer(raw=lambda request: DAILY) as server:
        began = time.monotonic()
        calls = [models.ask("client", asked(server, max_in_flight=2), HELLO) for _ in range(6)]
        errors = await asyncio.gather(*calls, return_exceptions=True)
        assert time.monotonic() - began < 10
        assert len(server.requests) == 2
        later = await asyncio.gather(models.ask("client", asked(server), HELLO), return_exceptions=True)
        assert len(server.requests) == 2
    for error in [*errors, *later]:
        assert isinstance(error, ModelError)
        assert (error.kind, error.permanent) == ("limit", True)
        assert str(error).endswith("answers 429: Daily limit of 50 reached; it asks to wait 1 h 00 min")


async def test_a_limit_is_met_as_often_as_it_takes_until_the_breaker_opens(
    models: Models, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(breaker, "PATIENCE", 0.5)
    models.requests, models.backoff_cap = 3, 0.05
    with LoopbackServer(raw=lambda request: FULL) as server:
        with pytest.raises(ModelError, match="Too many requests; it has given no answer for") as caught:
            await models.ask("client", asked(server), HELLO)
        assert len(server.requests) == caught.value.requests > 3
    assert caught.value.kind == "limit"
    assert caught.value.status == 429


async def test_a_limit_that_passes_costs_no_call_its_requests(models: Models) -> None:
    models.requests, models.backoff_cap = 3, 0.01
    with LoopbackServer(faults=Faults.script(["429"] * 9, retry_after=0)) as server:
        reply = await models.ask("client", asked(server), HELLO)
    assert (reply.requests, len(reply.errors)) == (10, 9)


async def test_where_the_settings_bound_the_requests_they_do_at_a_limit_too(models: Models) -> None:
    with LoopbackServer(raw=lambda request: FULL) as server:
        with pytest.raises(ModelError) as caught:
            await models.ask("client", asked(server, max_requests=3), HELLO)
        assert len(server.requests) == 3
    assert caught.value.kind == "rate_limited"


async def test_a_wait_is_said_when_it_begins_once_for_all_that_wait(
    models: Models, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("counseling_sessions.models.chat.WAIT_WORTH_A_WORD", 0.3)
    said: list[tuple[float, str]] = []
    models.on_wait = lambda words: said.append((time.monotonic(), words))
    with LoopbackServer(faults=Faults.script(["429"] * 3 + [None] * 3 + ["500"], retry_after=0.4)) as server:
        await asyncio.gather(*(models.ask("client", asked(server), HELLO) for _ in range(3)))
        answered = min(request.finished for request in server.requests[3:])
        await models.ask("client", asked(server), HELLO)
    ((at, words),) = said
    assert at < answered - 0.2
    assert re.fullmatch(r"http\S+ answers 429: Rate limit reached.*; waits 0 s, until \d\d:\d\d:\d\d", words)
