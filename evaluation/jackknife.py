"""Intervals of figures that are no means, by leaving out one client after the other.

A figure pooled over sessions (distinct n-grams, BLEU of a corpus) has no value a session whose mean could be resampled, and an
ordinary bootstrap, which draws sessions with replacement, changes what is measured: a session that is drawn twice adds
tokens and no new n-gram, so that every resample is less diverse than the data. Leaving out one client at a time repeats
nothing. For any figure that does not depend on the order of its clients, the variance so estimated is on average not too
small (Efron and Stein 1981, "The jackknife estimate of variance", Annals of Statistics 9(3)): the intervals err on the wide
side. Sessions with the same client are left out together, since they are not independent.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats

FEWEST = 3
"""Clients that an interval needs at least."""


@dataclass(frozen=True)
class Estimate:
    """A figure with its 95 % interval, whose ends are None where there are too few clients for one."""

    value: float
    low: float | None = None
    high: float | None = None


def estimate(
    value: float,
    left_out: ArrayLike | None,
    *,
    bounds: tuple[float, float] = (-np.inf, np.inf),
) -> Estimate:
    """The figure with a 95 % interval: Student's t with one degree of freedom less than there are clients.

    `left_out` holds the figure without each of the clients in turn, None where it cannot be had. The interval is cut at
    `bounds`, the figure's possible values.
    """
    without = np.asarray([] if left_out is None else left_out, dtype=float)
    if len(without) < FEWEST or not np.all(np.isfinite(without)):
        return Estimate(value)
    return _interval(value, float(np.sum(deviations(without) ** 2)), len(without), bounds)


def difference(
    first: tuple[float, Mapping[str, float]],
    second: tuple[float, Mapping[str, float]],
) -> Estimate:
    """The first figure less the second with a 95 % interval, paired by client.

    Each is given with the figure without each client, by the client's name. A client in both sets is left out of both at
    once; one that is in a single set, of that one. The interval has as many degrees of freedom as the smaller set alone.
    """
    value = first[0] - second[0]
    sides = [side for _, side in (first, second)]
    fewest = min(map(len, sides))
    if fewest < FEWEST:
        return Estimate(value)
    one, other = (
        dict(zip(side, deviations(np.fromiter(side.values(), float)).tolist(), strict=True)) for side in sides
    )
    variance = sum((one.get(client, 0.0) - other.get(client, 0.0)) ** 2 for client in one.keys() | other.keys())
    return _interval(value, variance, fewest, (-np.inf, np.inf))


def deviations(left_out: ArrayLike) -> NDArray[np.float64]:
    """What each client adds to the standard error: the squares sum to the figure's variance."""
    without: NDArray[np.float64] = np.asarray(left_out, dtype=np.float64)
    return (without - without.mean()) * float(np.sqrt((len(without) - 1) / len(without)))


def _interval(value: float, variance: float, clients: int, bounds: tuple[float, float]) -> Estimate:
    half = float(stats.t.ppf(0.975, clients - 1)) * float(np.sqrt(variance))
    return Estimate(value, max(value - half, bounds[0]), min(value + half, bounds[1]))
