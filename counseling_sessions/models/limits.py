"""Limits the calls in flight at an endpoint to what it can bear, measured while it serves.

The limit ramps up from a few and shrinks when the endpoint is overloaded. After that it grows by one for each run of successes
(additive increase, multiplicative decrease). Bounds on requests and tokens a minute are optional.
"""

import asyncio
import math
import time
from collections import deque
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from statistics import median

from counseling_sessions.models.breaker import Breaker
from counseling_sessions.models.errors import FailedCall, ModelError

START = 8
"""Calls in flight at the start, if so many are allowed."""
SHRINK = 0.75
SLOW = 4.0
"""An endpoint counts as overloaded if its median latency exceeds its best one so many times."""
SLOW_FROM = 1.0
"""Seconds of median latency; an endpoint that is faster never counts as overloaded."""
BURST = 5.0
"""Seconds; their share of a minute's requests or tokens can be used at once."""


class AdaptiveLimit:
    """Calls in flight at one endpoint, at most `most`, in order of arrival. Belongs to one event loop.

    `rpm` and `tpm` bound requests and tokens a minute. `clock` gives seconds. While the `breaker` is open, no call gets a place.
    """

    def __init__(
        self,
        most: int,
        *,
        rpm: float | None = None,
        tpm: float | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.most = most
        self.limit = min(START, most)
        self.in_flight = 0
        self.breaker = Breaker(clock)
        self._clock = clock
        self._waiting: deque[asyncio.Future[None]] = deque()
        self._ramp = True
        self._successes = 0
        self._shrunk_at = -math.inf
        self._paused_until = -math.inf
        self._latencies: list[float] = []
        self._best = math.inf
        self._requests = Rate(rpm, clock) if rpm else None
        self.tokens = Rate(tpm, clock) if tpm else None

    @asynccontextmanager
    async def slot(self, tokens: int = 0) -> AsyncIterator["Slot"]:
        """Wait for a place among the calls in flight, and hold it; `tokens` is the expected use.

        Raises `ModelError` of kind "limit" if the breaker is open, or opens meanwhile.
        """
        for rate, amount in ((self._requests, 1), (self.tokens, tokens)):
            if rate:
                await rate.take(amount)
        await self._enter()
        slot = Slot(self, self._clock(), tokens)
        try:
            yield slot
        finally:
            self.in_flight -= 1
            self._wake()

    def grow(self, seconds: float) -> None:
        """Count a call that succeeded after `seconds`."""
        self.breaker.answers()
        binding = self.in_flight >= self.limit or bool(self._waiting)
        self._latencies.append(seconds)
        if len(self._latencies) >= max(16, self.limit):
            typical = median(self._latencies)
            self._latencies.clear()
            self._best = min(self._best, typical)
            if typical > max(SLOW * self._best, SLOW_FROM):
                self._shrink()
                return
        if not binding or self.limit >= self.most:
            return
        self._successes += 1
        if self._ramp or self._successes >= self.limit:
            self.limit += 1
            self._successes = 0
            self._wake()

    def overloaded(self, began: float, retry_after: float | None = None) -> None:
        """Count a call, begun at `began`, for which the endpoint had no room or no answer in time.

        With `retry_after`, no call starts for so many seconds.
        """
        if retry_after:
            self._paused_until = max(self._paused_until, self._clock() + retry_after)
            asyncio.get_running_loop().call_later(retry_after + 0.001, self._wake)
        if began > self._shrunk_at:  # An earlier call says nothing about the present limit.
            self._shrink()

    def send_away(self) -> None:
        """End the wait of every call, as the breaker is open."""
        while self._waiting:
            place = self._waiting.popleft()
            if not place.done():
                place.set_exception(ModelError("limit", self.breaker.words))

    def _shrink(self) -> None:
        self.limit = max(1, math.floor(self.limit * SHRINK))
        self._ramp = False
        self._successes = 0
        self._shrunk_at = self._clock()

    def _free(self) -> bool:
        return self.in_flight < self.limit and self._clock() >= self._paused_until

    async def _enter(self) -> None:
        if words := self.breaker.words:
            raise ModelError("limit", words)
        if self._free() and not self._waiting:
            self.in_flight += 1
            return
        place = asyncio.get_running_loop().create_future()
        self._waiting.append(place)
        try:
            await place
        except asyncio.CancelledError:
            if place.done() and not place.cancelled():
                self.in_flight -= 1  # It already had a place.
            self._wake()
            raise

    def _wake(self) -> None:
        while self._waiting and self._free():
            place = self._waiting.popleft()
            if not place.done():
                self.in_flight += 1
                place.set_result(None)


@dataclass
class Slot:
    """A call's place among those in flight; its holder reports how the call went."""

    limit: AdaptiveLimit
    began: float
    tokens: int

    def succeeded(self, seconds: float, used: int | None) -> None:
        """Report an answer after `seconds`; `used` is its tokens if the server reports them."""
        self.limit.grow(seconds)
        if used is not None and self.limit.tokens:
            self.limit.tokens.give_back(self.tokens - used)

    def overloaded(self, failed: FailedCall, endpoint: str) -> None:
        """Report that the endpoint had no room, or no answer in time."""
        self.limit.breaker.refuses(failed, endpoint)
        if self.limit.breaker.words:
            self.limit.send_away()
        else:
            self.limit.overloaded(self.began, failed.retry_after)


class Rate:
    """Spreads units evenly over a minute, except for short bursts."""

    def __init__(self, per_minute: float, clock: Callable[[], float]) -> None:
        self._seconds_a_unit = 60 / per_minute
        self._clock = clock
        self._next = -math.inf

    async def take(self, amount: float) -> None:
        """Wait until so many units are free."""
        now = self._clock()
        begin = max(self._next, now - BURST)
        self._next = begin + amount * self._seconds_a_unit
        if (wait := begin - now) > 0:
            await asyncio.sleep(wait)

    def give_back(self, amount: float) -> None:
        """Return units that were not used; a negative amount takes more."""
        self._next -= amount * self._seconds_a_unit
