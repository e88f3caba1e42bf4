"""Win rates at equal length: what a rater would prefer if the two sessions of a pair were equally long.

The model is that of AlpacaEval 2 (Dubois, Galambosi, Liang and Hashimoto 2024, "Length-Controlled AlpacaEval"): a logistic
regression of the preference on the method and on tanh(d / s), where d is the difference in words and s its standard deviation over
the pairs. The length-controlled win rate is the prediction at d = 0. A tie is half a win. Their term for the difficulty of an
instruction needs many models on the same instructions, so it is left out.

Each rater has a fit of its own, in which every pair counts alike. Two priors keep a fit finite where length decides every pair, or one
method wins all: `PRIOR` wins each way at equal length, and a normal prior with standard deviation `SPREAD` on the effect of length. At
two standard deviations of that prior, a much longer session is preferred in more than 99 %.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from scipy.special import expit

from counseling_sessions.evaluation.statistics.intervals import (
    RESAMPLES_ONE_BY_ONE,
    Figure,
    Floats,
    draws,
    figure,
    interval_of,
    nothing,
    share_figure,
)
from counseling_sessions.evaluation.statistics.preferences import PRIOR

SPREAD = 4.0
"""Standard deviation of the prior on the effect of length, in log odds between lengths alike and very different."""
ALIKE = 0.05
"""Sessions whose lengths differ by at most this share of the longer one are about as long."""
SHORTER_SHARE, SHORTER_CLIENTS = 0.1, 3
"""So many pairs, of so many clients, must have the shorter session on either side, or about as long a one: else nothing shows what
a rater prefers at equal length, and there is no figure."""
STEPS, CLOSE, LONGEST_STEP = 60, 1e-9, 4.0
"""Newton's method: steps at most, the step at which it ends, and the longest one, in log odds."""
CELLS = 2_000_000
"""Cells of a matrix [resamples, pairs] that are computed at once."""


class SizedAnswer(NamedTuple):
    """An answer to a pair: `point` is 1 for a win of the method, 0.5 for a tie, 0 for a loss; words of its session and of the other."""

    pair: str
    client: str
    rater: str
    point: float
    words: int
    other: int


@dataclass(frozen=True)
class LengthControl:
    """A method's win rate (ties half) and what length does to it, over the same answers.

    `controlled` is the mean of the raters' win rates at equal length, each rater weighing as much as its answers; it is None where
    length and method cannot be told apart, and its note says so. `longer` is `longer_preferred`.
    """

    rate: Figure
    controlled: Figure
    longer: Figure


def length_control(answers: Iterable[SizedAnswer], *, seed: int = 0) -> LengthControl:
    """The figures of one method against another, with intervals clustered by client (`controlled`: a bootstrap over clients)."""
    listed = sorted(answers)
    rate = share_figure((answer.client, answer.point) for answer in listed)
    return LengthControl(rate, _controlled(listed, seed), longer_preferred(listed))


def longer_preferred(answers: Iterable[SizedAnswer]) -> Figure:
    """Of the answers that name one of two sessions of different length, the share that names the longer."""
    decided = [answer for answer in answers if answer.point != 0.5 and answer.words != answer.other]
    return share_figure((answer.client, (answer.point == 1) == (answer.words > answer.other)) for answer in decided)


def inseparable(pairs: Mapping[str, SizedAnswer]) -> str:
    """Why the pairs (one answer of each) do not show what happens at equal length; empty if they do."""
    sides: dict[str, list[str]] = {"longer": [], "shorter": []}
    for answer in pairs.values():
        difference = answer.words - answer.other
        alike = abs(difference) <= ALIKE * max(answer.words, answer.other)
        for side, there in (("longer", difference >= 0), ("shorter", difference <= 0)):
            sides[side] += [answer.client] if there or alike else []
    fewest = min(SHORTER_CLIENTS, len({answer.client for answer in pairs.values()}))
    for side, clients in sides.items():
        if len(clients) < SHORTER_SHARE * len(pairs) or len(set(clients)) < fewest:
            return (
                f"no figure: the first one's session is the {side} one, or about as long, in only {len(clients)} of {len(pairs)} "
                "pairs, so that length and method cannot be told apart"
            )
    return ""


def fitted(points: Floats, lengths: Floats, weights: Floats, *, prior: float = PRIOR, spread: float = SPREAD) -> Floats:
    """Intercept and effect of length, for every row of weights: [rows, 2]; NaN where Newton's method does not end.

    `points` [n] lie within 0 and 1, `lengths` [n] are the lengths' term, `weights` [rows, n] how often each counts. `prior` wins each
    way at equal length, and a normal prior with standard deviation `spread` on the effect, are added.
    """
    at = np.zeros((len(weights), 2))
    left = np.arange(len(weights))
    for _ in range(STEPS):
        step = _step(at[left], points, lengths, weights[left], prior, spread)
        at[left] += np.clip(step, -LONGEST_STEP, LONGEST_STEP)
        left = left[np.abs(step).max(axis=1) > CLOSE]
        if not len(left):
            return at
    at[left] = np.nan
    return at


def _step(at: Floats, points: Floats, lengths: Floats, weights: Floats, prior: float, spread: float) -> Floats:
    expected = expit(at[:, :1] + at[:, 1:] * lengths)
    equal = expit(at[:, 0])
    error = weights * (points - expected)
    slopes = np.column_stack(
        [error.sum(axis=1) + 2 * prior * (0.5 - equal), error @ lengths - at[:, 1] / spread**2],
    )
    spreads = weights * expected * (1 - expected)
    first = spreads.sum(axis=1) + 2 * prior * equal * (1 - equal)
    both = spreads @ lengths
    second = spreads @ lengths**2 + 1 / spread**2
    determinant = first * second - both**2
    return np.column_stack(
        [
            (second * slopes[:, 0] - both * slopes[:, 1]) / determinant,
            (first * slopes[:, 1] - both * slopes[:, 0]) / determinant,
        ]
    )


def _controlled(answers: Sequence[SizedAnswer], seed: int) -> Figure:
    if not answers:
        return nothing()
    by_rater: dict[str, list[SizedAnswer]] = defaultdict(list)
    for answer in answers:
        by_rater[answer.rater].append(answer)
    clients = sorted({answer.client for answer in answers})
    counts = draws(len(clients), seed, RESAMPLES_ONE_BY_ONE).astype(np.float64)
    rates = np.zeros(1 + len(counts))
    for rater, listed in sorted(by_rater.items()):
        if why := inseparable({answer.pair: answer for answer in listed}):
            note = why if len(by_rater) == 1 else f"{rater}: {why}"
            return Figure(None, None, None, len(answers), len(clients), note=note)
        rates += len(listed) / len(answers) * _rates(listed, clients, counts)
    return figure(float(rates[0]), interval_of(rates[1:], len(clients), seed), len(answers), len(clients))


def _rates(answers: Sequence[SizedAnswer], clients: Sequence[str], counts: Floats) -> Floats:
    """A rater's win rate at equal length: from all answers, then in every resample of clients."""
    by_pair: dict[str, list[SizedAnswer]] = defaultdict(list)
    for answer in answers:
        by_pair[answer.pair].append(answer)
    points = np.array([np.mean([answer.point for answer in listed]) for listed in by_pair.values()])
    # All aspects of a pair weigh like one, so that the priors weigh as much on all of them as on one.
    weights = np.array([len(listed) for listed in by_pair.values()]) * len(by_pair) / len(answers)
    differences = np.array([float(listed[0].words - listed[0].other) for listed in by_pair.values()])
    spread = float(differences.std(ddof=1)) if len(differences) > 1 else 0.0
    lengths = np.tanh(differences / spread) if spread else np.zeros_like(differences)
    places = [clients.index(listed[0].client) for listed in by_pair.values()]
    drawn = np.vstack([np.ones(len(clients)), counts])[:, places] * weights
    at_once = max(1, CELLS // len(points))
    parts = [fitted(points, lengths, drawn[start : start + at_once]) for start in range(0, len(drawn), at_once)]
    return np.asarray(expit(np.concatenate(parts)[:, 0]), dtype=np.float64)
