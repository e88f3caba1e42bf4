"""A point of a plot, and the part of an axis on which points can be told apart."""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

FAR = 9.0
"""A point is far from the others beyond so many median deviations; about six standard deviations where values are normal."""
STRETCH = 2.0
"""An axis is cut if points that are far would make it more than so many times as long."""


@dataclass(frozen=True)
class Point:
    """A value with the ends of its interval, where it has one."""

    value: float
    low: float | None = None
    high: float | None = None

    @property
    def ends(self) -> tuple[float, float]:
        """The interval, or the value twice."""
        return (self.value, self.value) if self.low is None or self.high is None else (self.low, self.high)

    def __str__(self) -> str:
        interval = f" [{self.low:.3g}, {self.high:.3g}]" if self.low is not None and self.high is not None else ""
        return f"{self.value:.3g}{interval}".replace("-", "−")


def window(points: Sequence[Point], reference: float | None = None) -> tuple[float, float] | None:
    """The part of an axis that holds all but the points that are far from most; None where nothing need be cut.

    Far is measured from the median of values and ends of intervals, in median deviations from it. A point without an interval says
    little of the scale (all differences 0), and counts only where none has one.
    """
    certain = [point for point in points if point.low is not None] or list(points)
    marks = [mark for point in certain for mark in (point.value, *point.ends)]
    if not marks:
        return None
    middle = median(marks)
    reach = FAR * median(abs(mark - middle) for mark in marks)
    every = [*marks, *(point.value for point in points), *([] if reference is None else [reference])]
    near = [mark for mark in every if abs(mark - middle) <= reach or mark == reference]
    low, high = min(near, default=middle), max(near, default=middle)
    return (low, high) if low < high and max(every) - min(every) > STRETCH * (high - low) else None
