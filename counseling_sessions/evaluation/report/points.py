"""A point of a plot."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Point:
    """A value with the ends of its interval, where it has one."""

    value: float
    low: float | None = None
    high: float | None = None
