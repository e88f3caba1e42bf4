"""What grows while tabs look at it, and the stream of its states: a whole state whenever something is new."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any, TypeVar

from fastapi.sse import ServerSentEvent

LOOKS = 0.25
"""Seconds between two looks whether the server is to stop: an open stream would keep it."""
RETRY = 500
"""Milliseconds after which a page asks again for a stream that broke off."""


class Changing:
    """Something that changes. `number` grows whenever there is something new to see, also over a restart of the server."""

    def __init__(self) -> None:
        # Milliseconds since 1970: what comes after a restart is newer than what a tab has seen before it.
        self.number = time.time_ns() // 10**6
        self._news = asyncio.Event()

    def changed(self) -> None:
        """Let all who wait see it."""
        self.number += 1
        self._news.set()
        self._news = asyncio.Event()

    async def after(self, number: int, seconds: float) -> bool:
        """Wait until there is something newer than `number`, this long at most; whether there is."""
        if self.number <= number:
            waiting = asyncio.ensure_future(self._news.wait())
            await asyncio.wait([waiting], timeout=seconds)
            waiting.cancel()
        return self.number > number


T = TypeVar("T", bound=Changing)


async def states(
    now: Callable[[], Awaitable[T]], view: Callable[[T], dict[str, Any]], stopping: Callable[[], bool]
) -> AsyncIterator[ServerSentEvent]:
    """The stream of a thing's states: `now` gives the thing (another one once it is taken up again), `view` its state as JSON."""
    number = -1
    while not stopping():
        thing = await now()
        if await thing.after(number, LOOKS):
            number = thing.number
            yield ServerSentEvent(data=view(thing), event="state", retry=RETRY)
