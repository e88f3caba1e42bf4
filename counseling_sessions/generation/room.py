"""How many sessions a worker gets at once: as many as it can take, and fewer for a while after a shortage."""

import time
from collections.abc import Callable

HOPELESS = 6
"""How often in a row the machine may lack room for a single session, until the batch stops."""
LONGEST = 30.0
"""Seconds between two tries, at most."""


class Room:
    """The room at one worker. It halves with each shortage, down to one, and grows by one with each session that ends.

    `capacity` is what the worker can take now; for `pause` seconds nothing is handed out after a shortage, twice as long
    after each one in a row.
    """

    def __init__(self, capacity: Callable[[], int], pause: float) -> None:
        self._capacity = capacity
        self._pause = pause
        self._bound: int | None = None
        self._handed = 0
        self._shortages = 0
        self._in_row = 0
        self._alone = 0
        self._until = 0.0

    @property
    def most(self) -> int:
        """How many sessions the worker gets at once now."""
        return self._capacity() if self._bound is None else min(self._capacity(), self._bound)

    @property
    def pausing(self) -> bool:
        """Whether nothing is handed out for the moment."""
        return time.monotonic() < self._until

    @property
    def hopeless(self) -> bool:
        """Whether the machine had no room for one session alone, again and again."""
        return self._alone >= HOPELESS

    def free(self) -> int:
        """How many more sessions can be handed out now."""
        return 0 if self.pausing else self.most - self._handed

    def hand(self) -> int:
        """Count a session that is handed out; returns the number of shortages so far, for `shrink`."""
        self._handed += 1
        return self._shortages

    def take_back(self) -> None:
        """Count a session that ended, in whatever way."""
        self._handed -= 1

    def shrink(self, handed: int, *, pause: bool = True) -> bool:
        """Count a session that met a shortage, or (without `pause`) lost its worker; returns whether it was alone there.

        Many meet the same shortage: sessions handed out before it do not count again.
        """
        if handed != self._shortages:
            return False
        alone = self._handed == 1
        self._shortages += 1
        self._in_row += 1
        self._alone = self._alone + 1 if alone else 0
        self._bound = max(1, self._handed // 2)
        if pause:
            self._until = time.monotonic() + min(self._pause * 2 ** (self._in_row - 1), LONGEST)
        return alone

    def grow(self) -> None:
        """Count a session that ended as it should."""
        self._in_row = self._alone = 0
        if self._bound is not None:
            self._bound += 1
            if self._bound >= self._capacity():
                self._bound = None
