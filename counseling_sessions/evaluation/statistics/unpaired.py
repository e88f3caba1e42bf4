"""Two groups of sessions without partners, compared by their means: the sessions of one client belong together.

Errors are clustered by client (Liang and Zeger 1986); each group's variance is corrected for its number of clients, and the degrees of
freedom are Welch and Satterthwaite's, so that a group of few clients counts as one. With one session a client it is Welch's t test.
"""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from scipy import stats

from counseling_sessions.evaluation.statistics.intervals import (
    LEVEL,
    MINIMUM_CLIENTS,
    Figure,
    Floats,
    Interval,
    Value,
    figure,
    mean_figure,
    nothing,
    scored,
)
from counseling_sessions.evaluation.statistics.sign_flips import PValue

METHOD = "Welch's t with errors clustered by client"


@dataclass(frozen=True)
class UnpairedDifference:
    """A group's mean less another's, over sessions; `shared` counts clients that both groups have."""

    mean: Figure
    other_mean: Figure
    difference: Figure
    test: PValue
    shared: int


def unpaired_difference(values: Iterable[Value], others: Iterable[Value], *, seed: int = 0) -> UnpairedDifference:
    """Compare the means of two groups. A group of fewer than `MINIMUM_CLIENTS` clients gets neither interval nor test."""
    sides = [list(values), list(others)]
    means = mean_figure(sides[0], seed=seed), mean_figure(sides[1], seed=seed)
    kept = [scored(side) for side in sides]
    missing = sum(lost for _, _, lost in kept)
    if any(not len(scores) for _, scores, _ in kept):
        empty = nothing(missing, "a group has no value")
        return UnpairedDifference(*means, empty, PValue(None, 0, note=empty.note), 0)
    influence = [_influence(clients, scores) for clients, scores, _ in kept]
    counts = [len(by_client) for by_client in influence]
    shared = len(influence[0].keys() & influence[1].keys())
    clients = sum(counts) - shared
    value = float(kept[0][1].mean() - kept[1][1].mean())
    n = sum(len(scores) for _, scores, _ in kept)
    if min(counts) < MINIMUM_CLIENTS:
        note = f"no interval and no test: each group needs {MINIMUM_CLIENTS} clients, and one has {min(counts)}"
        return UnpairedDifference(
            *means, figure(value, Interval(note=note), n, clients, missing), PValue(None, clients, note=note), shared
        )
    error, degrees = _error(influence, counts)
    interval, test = _student(value, error, degrees, clients)
    return UnpairedDifference(*means, figure(value, interval, n, clients, missing), test, shared)


def _influence(clients: list[str], scores: Floats) -> dict[str, float]:
    """How far each client's sessions pull the mean of its group."""
    pulls: dict[str, float] = {}
    for client, score in zip(clients, scores - scores.mean(), strict=True):
        pulls[client] = pulls.get(client, 0.0) + float(score) / len(scores)
    return pulls


def _error(influence: list[dict[str, float]], counts: list[int]) -> tuple[float, float]:
    """The standard error of the difference of means, and its degrees of freedom."""
    variances = [
        count / (count - 1) * sum(pull**2 for pull in side.values())
        for side, count in zip(influence, counts, strict=True)
    ]
    both = influence[0].keys() & influence[1].keys()
    few = min(counts)
    covariance = few / (few - 1) * sum(influence[0][client] * influence[1][client] for client in sorted(both))
    variance = max(0.0, sum(variances) - 2 * covariance)
    if both:
        # Clients on both sides take part of the noise away; how certain that is, the smaller group decides.
        return float(np.sqrt(variance)), few - 1
    spread = sum(part**2 / (count - 1) for part, count in zip(variances, counts, strict=True))
    return float(np.sqrt(variance)), variance**2 / spread if spread else float(few - 1)


def _student(value: float, error: float, degrees: float, clients: int) -> tuple[Interval, PValue]:
    if error <= 1e-12 * max(1.0, abs(value)):
        note = "no test: the values of each group are all alike"
        return Interval(note=note), PValue(None, clients, note=note)
    reach = stats.t.ppf(0.5 + LEVEL / 2, degrees) * error
    method = f"{METHOD}, {degrees:.1f} degrees of freedom"
    return Interval(value - reach, value + reach, method), PValue(
        float(2 * stats.t.sf(abs(value) / error, degrees)), clients, method
    )
