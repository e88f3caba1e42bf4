"""How a judge's scores stand to people's of the same sessions: bias, limits of agreement, correlation, slope, by the judge's score."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from math import inf
from typing import NamedTuple

import numpy as np

from counseling_sessions.evaluation.statistics.intervals import Figure, Floats, mean_figure, nothing
from counseling_sessions.evaluation.statistics.jackknife import left_out_figure, sums_without

NORMAL = 1.959964
"""The 97.5 % quantile of the normal distribution, for limits of agreement."""


class Scored(NamedTuple):
    """A session's score by people (the mean over raters) and by a judge."""

    client: str
    people: float
    judge: float


@dataclass(frozen=True)
class Calibration:
    """A judge beside people.

    `bias`: judge less people, on average; `lower` and `upper`: limits between which 95 % of such differences lie (Bland and Altman
    1986), if they are about normal; `slope`: points that people's score rises for one point of the judge's (least squares; 1 for a
    judge who is calibrated), which noise in people's scores makes less sure and no flatter, while noise in the judge's flattens it;
    `correlation`: Pearson's, which people's own unreliability keeps below 1; `by_score`: the mean of people's scores where the judge's,
    rounded, is this.
    """

    bias: Figure
    lower: Figure
    upper: Figure
    correlation: Figure
    slope: Figure
    by_score: dict[int, Figure]


def calibration(scored: Iterable[Scored], *, seed: int = 0) -> Calibration:
    """Compare a judge's scores with people's; intervals leave out clients, those of `by_score` resample them."""
    rows = sorted(scored)
    if not rows:
        none = nothing(note="undefined: no session has scores of both")
        return Calibration(none, none, none, none, none, {})
    people, judge = (np.array([row[place] for row in rows]) for place in (1, 2))
    clients = np.unique([row.client for row in rows], return_inverse=True)[1]
    # About the means, so that sums of squares lose no digits.
    y, x = people - people.mean(), judge - judge.mean()
    shift = float(judge.mean() - people.mean())
    sums = sums_without(clients, np.column_stack([np.ones(len(rows)), x, y, x * x, y * y, x * y]))
    n, sx, sy, sxx, syy, sxy = sums.T
    with np.errstate(divide="ignore", invalid="ignore"):
        bias = (sx - sy) / n + shift
        spread_x, spread_y, together = sxx - sx**2 / n, syy - sy**2 / n, sxy - sx * sy / n
        apart = NORMAL * np.sqrt(np.maximum(spread_x + spread_y - 2 * together, 0) / (n - 1))
        slope = together / _some(spread_x)
        correlation = together / np.sqrt(_some(spread_x) * _some(spread_y))

    def figure(values: Floats, undefined: str, bounds: tuple[float, float] = (-inf, inf)) -> Figure:
        return left_out_figure(values, len(rows), bounds=bounds, undefined=f"undefined: {undefined}")

    by_score: dict[int, list[tuple[str, float]]] = defaultdict(list)
    for row in rows:
        by_score[int(np.floor(row.judge + 0.5))].append((row.client, row.people))
    return Calibration(
        figure(bias, "no session"),
        figure(bias - apart, "it needs two sessions"),
        figure(bias + apart, "it needs two sessions"),
        figure(correlation, "the scores do not vary", (-1, 1)),
        figure(slope, "the judge's scores do not vary"),
        {score: mean_figure(values, seed=seed) for score, values in sorted(by_score.items())},
    )


def _some(spread: Floats) -> Floats:
    return np.where(spread > 1e-12, spread, np.nan)
