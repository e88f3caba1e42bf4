"""Means of people's scores where few sessions have them and many have a judge's: prediction-powered inference, clustered by client.

Angelopoulos and others 2023, "Prediction-powered inference" (Science 382); the weight of the judge is tuned as in "PPI++" (2023,
arXiv 2311.01453). The estimate is the mean of people's scores, corrected by how the judge's mean over all sessions differs from that
over the sessions that people rated, times a weight. A judge who is biased, or knows nothing, makes the interval no narrower, and does
not shift the estimate. The sessions that people rate must be drawn at random from all. (The package ppi-python takes sessions as
independent.) Where one client has most of the rated sessions, its errors are pulled to 0, and few clients' worth of evidence are left.
So each client's part is scaled up, and the degrees of freedom come from how sessions are spread over clients (Bell and McCaffrey 2002,
"Bias Reduction in Standard Errors for Linear Regression with Multi-Stage Samples"). `benchmarks/prediction_powered.py` shows how often
intervals hold the true value.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import stdtrit

from counseling_sessions.evaluation.statistics.intervals import (
    LEVEL,
    MINIMUM_CLIENTS,
    Figure,
    Floats,
    Interval,
    figure,
    nothing,
)


class Predicted(NamedTuple):
    """A session's score by a judge, and by people (the mean over raters) where they rated it."""

    client: str
    judge: float
    people: float | None = None


@dataclass(frozen=True)
class PoweredMean:
    """The mean of people's scores over all sessions, as far as a judge helps to know it.

    `people` is their mean over the sessions that they rated, with an interval of the same kind; `judge` the judge's mean over all
    sessions, without one. `weight` is 0 for a judge that does not help, to 1. `influence` is what each client adds to the error: the
    squares sum to the variance. `degrees` of freedom are those of the rated clients, 0 without any.
    """

    powered: Figure
    people: Figure
    judge: float | None
    weight: float
    rated_clients: int
    influence: Mapping[str, float]
    degrees: float = 0.0


def powered_mean(rows: Iterable[Predicted]) -> PoweredMean:
    """The prediction-powered mean of people's scores; without people's scores there is none."""
    listed = sorted(rows, key=lambda row: (row.client, row.judge, row.people is not None, row.people or 0))
    rated = [row for row in listed if row.people is not None]
    judge = float(np.mean([row.judge for row in listed])) if listed else None
    if not rated:
        none = nothing(len(listed), "undefined: people rated none of these sessions")
        return PoweredMean(none, none, judge, 0.0, 0, {})
    names = sorted({row.client for row in listed})
    place = {name: at for at, name in enumerate(names)}
    everywhere = np.array([place[row.client] for row in listed])
    here = np.array([place[row.client] for row in rated])
    scores = np.array([row.people for row in rated], dtype=np.float64)
    predicted = np.array([row.judge for row in rated])
    everything = np.array([row.judge for row in listed])

    def errors(of: Floats, clients: NDArray[np.intp]) -> Floats:
        return np.bincount(clients, weights=of - of.mean(), minlength=len(names)) / len(of)

    alone, correction = errors(scores, here), errors(everything, everywhere) - errors(predicted, here)
    power = float((correction**2).sum())
    weight = float(np.clip(-(alone * correction).sum() / power, 0, 1)) if power > 1e-20 else 0.0
    value = float(scores.mean() + weight * (everything.mean() - predicted.mean()))
    count, missing = len(set(here.tolist())), len(listed) - len(rated)
    scale, degrees = _few_clients(np.bincount(here, minlength=len(names)) / len(here))
    # The weight makes these clients' errors smallest, as a fitted coefficient does: of k squares it takes the worth of one.
    fitted = np.sqrt(count / (count - 1)) if weight > 0 and count > 1 else 1.0
    influence = (alone + weight * correction) * scale * fitted
    method = f"prediction-powered, judge's weight {weight:.2f}, errors clustered by client"
    powered = figure(value, _interval(value, influence, count, degrees, method), len(listed), len(names))
    plain = _interval(float(scores.mean()), alone * scale, count, degrees, "Student's, errors clustered by client")
    people = figure(float(scores.mean()), plain, len(rated), count, missing)
    by_client = dict(zip(names, influence.tolist(), strict=True))
    return PoweredMean(powered, people, judge, weight, count, by_client, degrees)


def powered_difference(first: PoweredMean, second: PoweredMean) -> Figure:
    """The first mean less the second; errors of a client in both groups belong together."""
    if first.powered.value is None or second.powered.value is None:
        return nothing(note="undefined: people rated none of a group's sessions")
    value = first.powered.value - second.powered.value
    names = sorted({*first.influence, *second.influence})
    apart = np.array([first.influence.get(name, 0.0) - second.influence.get(name, 0.0) for name in names])
    count, degrees = min(first.rated_clients, second.rated_clients), min(first.degrees, second.degrees)
    method = "prediction-powered, errors clustered by client, paired where clients are the same"
    return figure(
        value, _interval(value, apart, count, degrees, method), first.powered.n + second.powered.n, len(names)
    )


def _few_clients(shares: Floats) -> tuple[Floats, float]:
    """The factor of each client's error, and the degrees of freedom, from each client's share of the rated sessions.

    With errors that are independent the sum of a client's residuals has the variance share (1 - share). The factor takes that back
    (CR2), and Satterthwaite's degrees of freedom are those of the squares so scaled: with k equal shares k - 1, with unequal ones
    fewer. Both are exact for independent errors, and an approximation for those that a client's sessions have in common.
    """
    scale = 1 / np.sqrt(np.maximum(1 - shares, 1e-12))
    between = (shares * scale) ** 2
    return scale, float(1 / ((shares**2).sum() + between.sum() ** 2 - (between**2).sum()))


def _interval(value: float, influence: Floats, clients: int, degrees: float, method: str) -> Interval:
    """Student's interval; `clients` are those whom people rated."""
    if clients < MINIMUM_CLIENTS:
        return Interval(note=f"no interval: people must have rated {MINIMUM_CLIENTS} clients, and rated {clients}")
    error = float(np.sqrt((influence**2).sum()))
    half = float(stdtrit(degrees, 0.5 + LEVEL / 2)) * error
    return Interval(value - half, value + half, method) if error > 0 else Interval(note="no interval: nothing varies")
