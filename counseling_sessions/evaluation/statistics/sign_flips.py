"""A permutation test of differences that belong to clients: the signs of a client's differences flip together."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from counseling_sessions.evaluation.statistics.intervals import scored, totals_by_client

EXACT_UP_TO = 14
"""Up to so many clients that differ, the test tries every pattern of signs (16,384 at most)."""
DRAWN = 9_999
"""For more clients, it draws so many patterns."""


@dataclass(frozen=True)
class PValue:
    """A two-sided p value; None where there is nothing to test, with the reason in `note`. `clients` are those tested."""

    value: float | None
    clients: int
    method: str = ""
    note: str = ""


def sign_flip_test(differences: Iterable[tuple[str, float | None]], *, seed: int = 0) -> PValue:
    """Whether differences, each with its client, are as well positive as negative (scipy's `permutation_test`).

    If the two methods were alike, a client's differences could as well have the other sign, all of them together. The
    statistic is the sum of all differences. With many clients, patterns of signs are drawn and the observed one counts as one
    of them (Phipson and Smyth 2010, "Permutation p-values should never be zero"). Clients whose differences sum to 0 change nothing.
    """
    clients, values, _ = scored(differences)
    if not clients:
        return PValue(None, 0, note="no test: there are no differences")
    count = len(set(clients))
    sums = totals_by_client(clients, values)[:, 0]
    # Sums that are equal but for the last bits must tie: whether a pattern is as extreme as the observed one hangs on it.
    sums = np.round(sums / max(float(np.abs(sums).max()), 1e-300), 12)
    sums = sums[np.abs(sums) > 0] if np.abs(values).max() > 0 else sums[:0]
    if not len(sums):
        return PValue(1.0, count, "sign flips per client", "the differences of every client sum to 0")
    exact = len(sums) <= EXACT_UP_TO
    method = "sign flips per client, " + ("exact" if exact else f"{DRAWN:,} drawn, seed {seed}")
    note = ""
    if 2 ** (1 - len(sums)) > 0.05:
        note = f"with {len(sums)} clients that differ, no p below {2.0 ** (1 - len(sums)):.2g} is possible"
    if len(sums) == 1:
        return PValue(1.0, count, method, note)
    result = stats.permutation_test(
        (sums,),
        _sum,
        permutation_type="samples",
        vectorized=True,
        n_resamples=2 ** len(sums) if exact else DRAWN,
        rng=np.random.default_rng(seed),
    )
    return PValue(min(1.0, float(result.pvalue)), count, method, note)


def _sum(values: NDArray[np.float64], axis: int) -> Any:
    return values.sum(axis=axis)
