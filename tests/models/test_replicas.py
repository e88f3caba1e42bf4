"""Several endpoints for one model: used together, a session staying on one; and an endpoint that asks to be left alone."""

import asyncio
import time
from collections import Counter

from langchain_core.messages import HumanMessage

from counseling_sessions.models.chat import Models
from counseling_sessions.settings import ModelSettings
from tests.loopback import Faults, LoopbackServer

HELLO = [HumanMessage("Say hello.")]


async def test_sessions_are_spread_over_the_replicas_and_each_stays_on_one() -> None:
    models = Models(backoff=0.001)
    with LoopbackServer() as one, LoopbackServer() as other:
        asked = ModelSettings(base_url=one.base_url, model="m", replicas=(other.base_url,))
        used: dict[str, set[str]] = {}
        for _ in range(3):
            for number in range(20):
                reply = await models.ask("client", asked, HELLO, session_id=f"s{number}")
                used.setdefault(f"s{number}", set()).add(reply.endpoint)
        assert all(len(endpoints) == 1 for endpoints in used.values())
        spread = Counter(next(iter(endpoints)) for endpoints in used.values())
        assert set(spread) == {one.base_url, other.base_url}
        assert min(spread.values()) >= 4
    await models.close()


async def test_sessions_move_when_their_replica_cannot_be_reached_and_the_others_stay() -> None:
    models = Models(backoff=0.001)
    with LoopbackServer() as one:
        with LoopbackServer() as other:
            gone = other.base_url
        asked = ModelSettings(base_url=one.base_url, model="m", replicas=(gone,), max_requests=2)
        replies = [await models.ask("client", asked, HELLO, session_id=f"s{number}") for number in range(12)]
        assert {reply.endpoint for reply in replies} == {one.base_url}
    moved = [reply for reply in replies if reply.requests == 2]
    assert len(moved) == 1  # then it is known to be down
    assert gone in moved[0].errors[0]
    await models.close()


async def test_retry_after_holds_the_other_calls_back_too() -> None:
    models = Models(backoff=0.001)
    with LoopbackServer(faults=Faults.script(["429"], retry_after=2.0)) as server:
        asked = ModelSettings(base_url=server.base_url, model="m")
        await asyncio.gather(models.ask("client", asked, HELLO), asyncio.sleep(0))
        first, second = server.requests
        assert second.received - first.received >= 2.0
        began = time.monotonic()
        await models.ask("client", asked, HELLO)
        assert time.monotonic() - began < 2.0
    await models.close()


async def test_a_rate_limit_spreads_the_requests() -> None:
    models = Models(backoff=0.001)
    with LoopbackServer() as server:
        asked = ModelSettings(
            base_url=server.base_url, model="m", requests_per_minute=600
        )  # fifty at once, then ten a second
        began = time.monotonic()
        await asyncio.gather(*(models.ask("client", asked, HELLO) for _ in range(55)))
        assert time.monotonic() - began >= 0.3
    await models.close()
