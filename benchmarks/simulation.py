"""Simulated studies for `benchmarks/statistics.py`, and what is true of them.

A study has some clients, three attitudes, one or two seeds and two methods. A session's latent value is the sum of the method's
mean, the client's effect, the client's effect on that method, the attitude's effect, and noise. Its score is the mean of three
judgements: the latent value and a judge's noise, rounded and cut off at the ends of the scale. 5 % of the sessions are missing.
Raters (two, unless it is said otherwise) say which of two sessions they prefer, or that they are equal; each may have a taste for
one of the methods. True values follow from the normal distribution; those of the effect size and of superiority are taken from
one study of 100,000 clients.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import stats
from scipy.special import expit, logit

from counseling_sessions.evaluation.statistics.paired import Row
from counseling_sessions.evaluation.statistics.preferences import Preference, Winner

ATTITUDES = (0.5, 0.0, -0.5)
CLIENT, CLIENT_ON_METHOD, NOISE, JUDGE, RATER = 0.6, 0.35, 0.7, 0.4, 0.5
MISSING, EQUAL, SHIFT, ITEMS = 0.05, 0.3, 0.4, 6
COMMON, RARE = 0.9, 2.3
"""How far above the method's mean a session must lie for the common and for the rare event."""

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Design:
    """How large a study is, and its scale."""

    clients: int
    seeds: int
    lowest: int

    @property
    def name(self) -> str:
        return f"{self.clients} clients × 3 × {self.seeds}, {self.lowest}–{self.lowest + 6}"

    @property
    def middle(self) -> float:
        return self.lowest + 3.6


DESIGNS = (Design(10, 1, 0), Design(10, 2, 1), Design(20, 1, 1), Design(30, 2, 0))


@dataclass(frozen=True)
class Study:
    """Latent values and scores, [methods, clients, attitudes, seeds]; a missing session's score is NaN."""

    latent: Array
    scores: Array

    def rows(self) -> list[Row]:
        return [
            ("AB"[method], f"client {client}", str(attitude), seed, float(value))
            for (method, client, attitude, seed), value in np.ndenumerate(self.scores)
        ]

    def values(self, per_session: Array) -> list[tuple[str, float]]:
        return [(f"client {client}", float(value)) for (client, _, _), value in np.ndenumerate(per_session)]


def simulated(design: Design, shift: float, rng: np.random.Generator) -> Study:
    """One study in which method A lies above method B by a shift of the latent mean."""
    shape = (2, design.clients, len(ATTITUDES), design.seeds)
    means = design.middle + np.array([shift, 0.0])
    latent = (
        means[:, None, None, None]
        + rng.normal(0, CLIENT, design.clients)[None, :, None, None]
        + rng.normal(0, CLIENT_ON_METHOD, shape[:2])[:, :, None, None]
        + np.array(ATTITUDES)[None, None, :, None]
        + rng.normal(0, NOISE, shape)
    )
    judged = np.round(latent[..., None] + rng.normal(0, JUDGE, (*shape, 3)))
    scores = np.clip(judged, design.lowest, design.lowest + 6).mean(axis=-1)
    return Study(latent, np.where(rng.random(shape) < MISSING, np.nan, scores))


def true_mean(design: Design, shift: float) -> float:
    """The mean score: the sum over the steps of the scale of how likely a judgement lies above each."""
    spread = np.sqrt(CLIENT**2 + CLIENT_ON_METHOD**2 + NOISE**2 + JUDGE**2)
    steps = design.lowest + np.arange(1, 7) - 0.5
    centres = design.middle + shift + np.array(ATTITUDES)
    return design.lowest + float(stats.norm.sf(steps[None, :], centres[:, None], spread).sum(axis=1).mean())


def true_share(above: float) -> float:
    """How likely a session lies so far above the mean of its method."""
    spread = np.sqrt(CLIENT**2 + CLIENT_ON_METHOD**2 + NOISE**2)
    return float(stats.norm.sf(above, np.array(ATTITUDES), spread).mean())


def true_win_rates(shift: float) -> tuple[float, float]:
    """With ties as half, and without ties."""
    spread = np.sqrt(2 * (CLIENT_ON_METHOD**2 + NOISE**2) + RATER**2)
    win, loss = stats.norm.sf(EQUAL, shift, spread), stats.norm.cdf(-EQUAL, shift, spread)
    return float((1 + win - loss) / 2), float(win / (win + loss))


def true_typical_rate(shift: float, taste: float) -> float:
    """The win rate, ties half, at the mean log odds of raters whose tastes are normal with this standard deviation."""
    nodes, weights = np.polynomial.hermite_e.hermegauss(12)
    rates = np.array([true_win_rates(shift + taste * node)[0] for node in nodes])
    return float(expit(np.sum(weights * logit(rates)) / weights.sum()))


def seen(study: Study, rng: np.random.Generator, tastes: Array) -> Array:
    """What raters say on every pair, [raters, clients, attitudes, seeds]: 1 for A, 0 for B, 0.5 for equal.

    `tastes` [raters] is each rater's pull to A, on the scale of the latent values.
    """
    difference = study.latent[0] - study.latent[1] + tastes[:, None, None, None]
    value = difference + rng.normal(0, RATER, difference.shape)
    return np.where(np.abs(value) < EQUAL, 0.5, (value > 0) * 1.0)


def preferences(study: Study, rng: np.random.Generator) -> Iterator[Preference]:
    """The answers of two raters to every pair."""
    winners: dict[float, Winner] = {1.0: "first", 0.5: "tie", 0.0: "second"}
    for (rater, client, _, _), point in np.ndenumerate(seen(study, rng, np.zeros(2))):
        yield Preference("aspect", winners[float(point)], "A", "B", f"client {client}", f"rater {rater}")


def truths(design: Design) -> dict[str, float]:
    high, low = true_mean(design, SHIFT), true_mean(design, 0)
    half, decided = true_win_rates(SHIFT)
    large = simulated(Design(100_000, 1, design.lowest), SHIFT, np.random.default_rng(0)).scores
    difference = (large[0] - large[1])[~np.isnan(large).any(axis=0)]
    superiority = float(np.mean((np.sign(np.round(difference, 9)) + 1) / 2))
    return {
        "mean": high,
        "share, common event": true_share(COMMON),
        "share, rare event": true_share(RARE),
        "paired difference": high - low,
        "relative difference": 100 * (high - low) / low,
        "effect size g_z": float(difference.mean() / difference.std()),
        "superiority": superiority,
        "win rate, ties half": half,
        "win rate, no ties": decided,
    }
