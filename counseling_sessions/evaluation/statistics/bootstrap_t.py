"""A bootstrap t test of a mean: it allows for skewed differences, where a test by signs takes them to be symmetrical.

Two methods that are alike have differences as likely of one sign as of the other, and sign flips are exact. Methods may differ and
still have the same mean; then the differences may be skewed, and sign flips reject too often. Studentised sign flips would not help:
their statistic grows with the sum, so that p is the same. Here the distribution of t is that of clients drawn anew about their own
mean, which is as skewed as they are (Efron 1979, "Bootstrap Methods: Another Look at the Jackknife", remark G; Hall 1988,
"Theoretical Comparison of Bootstrap Confidence Intervals"). `benchmarks/statistics.py --only skewed` has how often each errs.
"""

from collections.abc import Iterable

import numpy as np

from counseling_sessions.evaluation.statistics.intervals import (
    MINIMUM_CLIENTS,
    RESAMPLES,
    Floats,
    draws,
    scored,
    totals_by_client,
)
from counseling_sessions.evaluation.statistics.sign_flips import PValue
from counseling_sessions.evaluation.statistics.ties import ROUNDING

METHOD = "bootstrap t over clients"


def bootstrap_t_test(
    differences: Iterable[tuple[str, float | None]], *, greater: bool = False, seed: int = 0
) -> PValue:
    """Whether the mean of differences, each with its client, is 0; with `greater`, whether it is above 0.

    The observed t counts as one of those drawn, so that p is never 0. Fewer than `MINIMUM_CLIENTS` clients have no test.
    """
    clients, values, _ = scored(differences)
    count = len(set(clients))
    if count < MINIMUM_CLIENTS:
        return PValue(None, count, note=f"no test: it needs {MINIMUM_CLIENTS} clients, and there are {count}")
    sums, sizes = totals_by_client(clients, values, np.abs(values)).T
    sums = np.where(np.abs(sums) > ROUNDING * sizes, sums, 0.0)
    if not sums.any():
        return PValue(1.0, count, METHOD, "the differences of every client sum to 0")
    observed = float(_t(sums.mean(keepdims=True), sums.var(keepdims=True))[0])
    drawn, centred = draws(count, seed) / count, sums - sums.mean()
    means = drawn @ centred
    reached = _t(means, drawn @ centred**2 - means**2)
    near = ROUNDING * max(1.0, abs(observed)) if np.isfinite(observed) else 0.0
    above, below = (
        (1 + int(np.count_nonzero(sign * reached >= sign * observed - near))) / (RESAMPLES + 1) for sign in (1, -1)
    )
    value = above if greater else min(1.0, 2 * min(above, below))
    return PValue(value, count, f"{METHOD}, {RESAMPLES:,} resamples, seed {seed}")


def _t(means: Floats, variances: Floats) -> Floats:
    """Means [n] in standard deviations; infinite where nothing varies but the mean is not 0."""
    spread = np.sqrt(np.maximum(variances, 0))
    least = ROUNDING * float(np.abs(means).max())
    far = np.where(np.abs(means) > least, np.copysign(np.inf, means), 0.0)
    return np.asarray(np.divide(means, spread, out=far, where=spread > least), dtype=np.float64)
