"""Two groups of sessions without partners, compared by the means of their clients.

Each client counts once, whatever the number of its sessions: errors clustered by client are too small where few clients have most of
the sessions (with one client of twelve sessions beside four of one, 30 % of such tests were false positives). The test is Welch's,
whose degrees of freedom let a group of few clients count as one. Clients in both groups take part of the noise away.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
from scipy.special import stdtr, stdtrit

from counseling_sessions.evaluation.statistics.intervals import (
    LEVEL,
    MINIMUM_CLIENTS,
    Figure,
    Interval,
    Value,
    figure,
    mean_figure,
    nothing,
    scored,
)
from counseling_sessions.evaluation.statistics.sign_flips import PValue

METHOD = "Welch's t on the clients' means"


@dataclass(frozen=True)
class UnpairedDifference:
    """A group's mean less another's, over clients; `shared` counts clients that both groups have.

    `n` of these figures counts clients; `missing` counts sessions without a value.
    """

    mean: Figure
    other_mean: Figure
    difference: Figure
    test: PValue
    shared: int


def unpaired_difference(values: Iterable[Value], others: Iterable[Value], *, seed: int = 0) -> UnpairedDifference:
    """Compare the means of two groups. A group of fewer than `MINIMUM_CLIENTS` clients gets neither interval nor test."""
    (first, missing), (second, more_missing) = _client_means(values), _client_means(others)
    missing += more_missing
    means = mean_figure(first.items(), seed=seed), mean_figure(second.items(), seed=seed)
    if not first or not second:
        empty = nothing(missing, "a group has no value")
        return UnpairedDifference(*means, empty, PValue(None, 0, note=empty.note), 0)
    shared, clients = len(first.keys() & second.keys()), len(first.keys() | second.keys())
    value = float(np.mean([*first.values()]) - np.mean([*second.values()]))
    fewest = min(len(first), len(second))
    if fewest < MINIMUM_CLIENTS:
        note = f"no interval and no test: each group needs {MINIMUM_CLIENTS} clients, and one has {fewest}"
        interval, test = Interval(note=note), PValue(None, clients, note=note)
    else:
        interval, test = _student(value, *_error(first, second), clients)
    return UnpairedDifference(*means, figure(value, interval, clients, clients, missing), test, shared)


def _client_means(values: Iterable[Value]) -> tuple[dict[str, float], int]:
    """The mean of each client's values, and how many sessions have none."""
    clients, scores, missing = scored(values)
    by_client: dict[str, list[float]] = {}
    for client, score in zip(clients, scores.tolist(), strict=True):
        by_client.setdefault(client, []).append(score)
    return {client: float(np.mean(of_client)) for client, of_client in by_client.items()}, missing


def _error(first: Mapping[str, float], second: Mapping[str, float]) -> tuple[float, float]:
    """The standard error of the difference of means, and its degrees of freedom."""
    variances = [float(np.var([*side.values()], ddof=1)) / len(side) for side in (first, second)]
    both = sorted(first.keys() & second.keys())
    if not both:
        spread = sum(part**2 / (len(side) - 1) for part, side in zip(variances, (first, second), strict=True))
        return float(np.sqrt(sum(variances))), sum(variances) ** 2 / spread if spread else 1.0
    centres = np.mean([*first.values()]), np.mean([*second.values()])
    products = sum((first[client] - centres[0]) * (second[client] - centres[1]) for client in both)
    few = min(len(first), len(second))
    covariance = few / (few - 1) * float(products) / (len(first) * len(second))
    # How certain it is what shared clients take away, the smaller group decides.
    return float(np.sqrt(max(0.0, sum(variances) - 2 * covariance))), few - 1


def _student(value: float, error: float, degrees: float, clients: int) -> tuple[Interval, PValue]:
    if error <= 1e-12 * max(1.0, abs(value)):
        note = "the values of each group are all alike"
        if abs(value) <= 1e-12:
            return Interval(note=f"no interval: {note}"), PValue(1.0, clients, METHOD, note)
        return Interval(note=f"no interval: {note}"), PValue(None, clients, note=f"no test: {note}")
    reach = stdtrit(degrees, 0.5 + LEVEL / 2) * error
    method = f"{METHOD}, {degrees:.1f} degrees of freedom"
    p = float(2 * stdtr(degrees, -abs(value) / error))
    return Interval(value - reach, value + reach, method), PValue(p, clients, method)
