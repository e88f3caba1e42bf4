"""Which requests go wrong, and how: drawn at a rate from a seed, or a script for exact tests."""

import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, Self, get_args

FaultKind = Literal[
    "429",  # rate limit, with a Retry-After header
    "500",
    "503",
    "timeout",  # the answer is held for `hold` seconds, then sent as usual
    "cut",  # the headers and half of the body, then the connection closes
    "reset",  # the connection is reset without an answer
    "empty",  # 200 with an empty content
    "truncated",  # 200, the text cut in mid-sentence, finish_reason "length"
    "malformed",  # structured requests: 200, a content that is not JSON; no fault for other requests
    "garbage",  # 200 and "application/json", a body that is not JSON
    "html",  # 200 and an HTML page, as a proxy in the way sends it
]


@dataclass(frozen=True)
class Faults:
    """Each accepted chat request fails with probability `rate`, in one of `kinds`; request n always draws the same.

    With a `plan` (see `script`) request n gets `plan[n]` instead, and those after its end succeed. `retry_after` is the
    429's header in seconds; `hold` is how many seconds a "timeout" is held.
    """

    rate: float = 0.2
    kinds: tuple[FaultKind, ...] = get_args(FaultKind)
    seed: int = 0
    retry_after: float = 0.05
    hold: float = 30.0
    plan: tuple[FaultKind | None, ...] | None = None

    def __post_init__(self) -> None:
        known = get_args(FaultKind)
        unknown = [kind for kind in (*self.kinds, *(self.plan or ())) if kind is not None and kind not in known]
        if unknown:
            raise ValueError(f"unknown fault {unknown[0]!r}; known are {', '.join(known)}")
        if not 0 <= self.rate <= 1:
            raise ValueError(f"a fault rate lies between 0 and 1, not {self.rate}")
        if not self.kinds:
            raise ValueError("give at least one kind of fault")

    @classmethod
    def script(cls, plan: Sequence[FaultKind | None], *, retry_after: float = 0.05, hold: float = 30.0) -> Self:
        """Faults taken one after another in this order, None for a request that succeeds."""
        return cls(plan=tuple(plan), retry_after=retry_after, hold=hold)

    def kind_for(self, number: int) -> FaultKind | None:
        """The fault of the accepted chat request with this number (from 0), or None."""
        if self.plan is not None:
            return self.plan[number] if number < len(self.plan) else None
        draw = random.Random(f"{self.seed}:{number}")
        return draw.choice(self.kinds) if draw.random() < self.rate else None
