"""The progress of a batch, and its budget."""

import time
from collections import Counter
from dataclasses import dataclass, field

from counseling_sessions.generation.worker import Pulse


@dataclass(frozen=True)
class Budget:
    """The limits that stop a batch early. `failures` is how many alike in a row stop it."""

    cost: float | None = None
    tokens: float | None = None
    hours: float | None = None
    failures: int = 10


@dataclass
class Progress:
    """The sessions that ended since this start of a batch; `stopped` says why it stopped early.

    `broken` units failed with an exception that nobody foresaw: they have no record, and are still to be run. `exhausted`
    counts what the machine ran out of.
    """

    todo: int
    began: float = field(default_factory=time.monotonic)
    finished: int = 0
    failed: int = 0
    broken: int = 0
    failures: Counter[str] = field(default_factory=Counter)
    exhausted: Counter[str] = field(default_factory=Counter)
    running: int = 0
    pulse: Pulse = field(default_factory=Pulse)
    stopped: str | None = None
    draining: bool = False

    @property
    def seconds(self) -> float:
        return time.monotonic() - self.began

    @property
    def left(self) -> int:
        return max(0, self.todo - self.finished - self.failed)
