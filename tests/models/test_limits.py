"""Calls in flight: the limit ramps up, shrinks when the endpoint is overloaded, and lets waiters in by turns."""

import asyncio
from contextlib import AsyncExitStack

import pytest

from counseling_sessions.models.limits import AdaptiveLimit, Rate


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


async def load(limit: AdaptiveLimit, calls: int, seconds: float = 0.1) -> None:
    """So many calls one after another, each with the limit full."""
    for _ in range(calls):
        async with AsyncExitStack() as stack:
            for _ in range(limit.limit):
                slot = await stack.enter_async_context(limit.slot())
            slot.succeeded(seconds, None)


async def test_the_limit_ramps_up_with_every_success_to_its_most() -> None:
    limit = AdaptiveLimit(20)
    assert limit.limit == 8
    await load(limit, 5)
    assert limit.limit == 13
    await load(limit, 50)
    assert limit.limit == 20


async def test_overload_takes_a_quarter_and_then_it_grows_by_one_after_a_run_of_successes() -> None:
    clock = Clock()
    limit = AdaptiveLimit(100, clock=clock)
    await load(limit, 12)
    assert limit.limit == 20
    clock.now += 1
    limit.overloaded(clock.now)
    assert limit.limit == 15
    await load(limit, 14)
    assert limit.limit == 15
    await load(limit, 1)
    assert limit.limit == 16


async def test_calls_that_began_before_the_last_shrink_do_not_shrink_it_again() -> None:
    clock = Clock()
    limit = AdaptiveLimit(100, clock=clock)
    began = clock.now
    clock.now += 1
    for _ in range(8):
        limit.overloaded(began)
    assert limit.limit == 6
    limit.overloaded(clock.now + 0.1)
    assert limit.limit == 4


async def test_it_never_falls_below_one() -> None:
    clock = Clock()
    limit = AdaptiveLimit(4, clock=clock)
    for _ in range(30):
        clock.now += 1
        limit.overloaded(clock.now)
        clock.now += 1
    assert limit.limit == 1


async def test_an_idle_limit_does_not_grow() -> None:
    limit = AdaptiveLimit(100)
    for _ in range(50):
        async with limit.slot() as slot:
            slot.succeeded(0.1, None)
    assert limit.limit == 8


async def test_rising_latency_shrinks_it_and_quick_answers_never_do() -> None:
    slow, quick = AdaptiveLimit(8), AdaptiveLimit(8)
    await load(slow, 32, seconds=0.5)
    await load(slow, 16, seconds=2.5)
    assert slow.limit == 6
    await load(quick, 32, seconds=0.001)
    await load(quick, 32, seconds=0.5)
    assert quick.limit == 8


async def test_no_more_calls_are_in_flight_than_the_limit_and_waiters_go_in_their_order() -> None:
    limit = AdaptiveLimit(2)
    order: list[int] = []
    most = 0

    async def call(number: int) -> None:
        nonlocal most
        async with limit.slot():
            order.append(number)
            most = max(most, limit.in_flight)
            await asyncio.sleep(0.001)

    await asyncio.gather(*(call(number) for number in range(10)))
    assert order == list(range(10))
    assert (most, limit.in_flight) == (2, 0)


async def test_a_cancelled_waiter_leaves_no_place_taken() -> None:
    limit = AdaptiveLimit(1)
    async with limit.slot():
        waiting = [asyncio.create_task(limit._enter()) for _ in range(3)]
        await asyncio.sleep(0)
        waiting[0].cancel()
        await asyncio.sleep(0)
    waiting[1].cancel()  # it has been let in, and does not know it yet
    await asyncio.wait(waiting, timeout=1)
    assert [task.cancelled() for task in waiting] == [True, True, False]
    assert limit.in_flight == 1


async def test_retry_after_holds_every_call_back() -> None:
    limit = AdaptiveLimit(4)
    limit.overloaded(0.0, retry_after=0.05)
    loop = asyncio.get_running_loop()
    began = loop.time()
    async with limit.slot():
        assert 0.05 <= loop.time() - began < 1


@pytest.mark.parametrize(("amount", "calls", "least"), [(1, 14, 0.3), (2, 7, 0.2)])
async def test_a_rate_lets_a_burst_pass_and_then_spreads_the_rest(amount: int, calls: int, least: float) -> None:
    rate = Rate(120, asyncio.get_running_loop().time)  # two a second, ten of them at once
    loop = asyncio.get_running_loop()
    began = loop.time()
    for _ in range(calls):
        await rate.take(amount)
    assert least < loop.time() - began < 3


async def test_tokens_that_were_not_used_are_given_back() -> None:
    loop = asyncio.get_running_loop()
    rate = Rate(60, loop.time)
    await rate.take(5)
    rate.give_back(5)
    began = loop.time()
    await rate.take(5)
    assert loop.time() - began < 0.1
