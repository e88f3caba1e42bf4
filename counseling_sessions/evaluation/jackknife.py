"""Intervals of figures that are no means, by leaving out one client after the other.

A figure pooled over sessions (distinct n-grams, BLEU of a corpus) has no value a session whose mean could be resampled, and an
ordinary bootstrap, which draws sessions with replacement, changes what is measured: a session that is drawn twice adds
tokens and no new n-gram, so that every resample is less diverse than the data. Leaving out one client at a time repeats
nothing. For any figure that does not depend on the order of its clients, the variance so estimated is on average not too
small (Efron and Stein 1981, "The jackknife estimate of variance", Annals of Statistics 9(3)): the intervals err on the wide
side. Sessions with the same client are left out together, since they are not independent.
"""

from collections.abc import Mapping
from math import inf

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats

from counseling_sessions.evaluation.statistics.intervals import LEVEL, MINIMUM_CLIENTS, Figure

METHOD = "jackknife over {clients} clients"
PAIRED = "jackknife over clients, paired"


def jackknife_figure(
    value: float, left_out: ArrayLike, n: int, *, clients: int | None = None, bounds: tuple[float, float] = (-inf, inf)
) -> Figure:
    """The figure of `n` sessions with a 95 % interval: Student's t with one degree of freedom less than there are clients.

    `left_out` holds the figure without each of the clients in turn, NaN where there is none; it may be empty where there
    are too few `clients` for an interval. The interval is cut at `bounds`, the figure's possible values.
    """
    without = np.asarray(left_out, dtype=np.float64)
    clients = len(without) if clients is None else clients
    if clients < MINIMUM_CLIENTS:
        note = f"{clients} clients are too few for an interval, which needs {MINIMUM_CLIENTS}"
        return Figure(value, None, None, n, clients, note=note)
    if not np.all(np.isfinite(without)):
        return Figure(value, None, None, n, clients, note="without one of the clients there is no such figure")
    half = _half(float(np.sum(deviations(without) ** 2)), clients)
    low, high = max(value - half, bounds[0]), min(value + half, bounds[1])
    return Figure(value, low, high, n, clients, method=METHOD.format(clients=clients))


def difference_figure(
    first: tuple[float, Mapping[str, float]], second: tuple[float, Mapping[str, float]], n: int
) -> Figure:
    """The first figure less the second, of `n` sessions in all, with a 95 % interval, paired by client.

    Each comes with the figure without each client, by the client's name. A client in both sets is left out of both at
    once; one that is in a single set, of that one. The interval has as many degrees of freedom as the smaller set alone.
    """
    value = first[0] - second[0]
    sides = [side for _, side in (first, second)]
    fewest, clients = min(map(len, sides)), len({*sides[0], *sides[1]})
    if fewest < MINIMUM_CLIENTS:
        note = f"a set has under {MINIMUM_CLIENTS} clients, too few for an interval"
        return Figure(value, None, None, n, clients, note=note)
    one, other = (dict(zip(side, deviations([*side.values()]).tolist(), strict=True)) for side in sides)
    variance = sum((one.get(client, 0.0) - other.get(client, 0.0)) ** 2 for client in one.keys() | other.keys())
    if not np.isfinite(variance):
        return Figure(value, None, None, n, clients, note="without one of the clients there is no such figure")
    half = _half(variance, fewest)
    return Figure(value, value - half, value + half, n, clients, method=PAIRED)


def deviations(left_out: ArrayLike) -> NDArray[np.float64]:
    """What each client adds to the standard error, shape (clients,): the squares sum to the figure's variance."""
    without = np.asarray(left_out, dtype=np.float64)
    scale = float(np.sqrt((len(without) - 1) / len(without)))
    return np.asarray((without - without.mean()) * scale)


def _half(variance: float, clients: int) -> float:
    return float(stats.t.ppf(0.5 + LEVEL / 2, clients - 1)) * float(np.sqrt(variance))
