"""A permutation test of differences that belong to clients: the signs of a client's differences flip together.

Sums of scores tie often (means of three ratings, wins minus losses), and a pattern of signs counts as extreme when its sum ties
with the observed one. Computed sums that are equal differ in their last bits. scipy's `permutation_test` allows for that in
proportion to the observed sum, which may be near 0 while its parts are not; here the allowance is in proportion to the parts.
"""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from counseling_sessions.evaluation.statistics.intervals import Floats, scored, totals_by_client
from counseling_sessions.evaluation.statistics.ties import ROUNDING
from counseling_sessions.texts.words import counted

EXACT_UP_TO = 30
"""Up to so many clients that differ, the test counts over all patterns of signs."""
DRAWN = 9_999
"""For more clients, it draws so many patterns."""


@dataclass(frozen=True)
class PValue:
    """A p value; None where there is nothing to test, with the reason in `note`. `clients` are those tested.

    `smallest` is the smallest p that the test can reach on so many clients, whatever the signs of their differences; None
    where nothing bounds it, or there is no test.
    """

    value: float | None
    clients: int
    method: str = ""
    note: str = ""
    smallest: float | None = None


def sign_flip_test(differences: Iterable[tuple[str, float | None]], *, greater: bool = False, seed: int = 0) -> PValue:
    """Whether differences, each with its client, are as well positive as negative; with `greater`, whether they are above 0.

    If the two methods were alike, a client's differences could as well have the other sign, all of them together. The
    statistic is the sum of all differences. With many clients, patterns of signs are drawn and the observed one counts as one
    of them (Phipson and Smyth 2010, "Permutation p-values should never be zero"). Clients whose differences sum to 0 change nothing.
    """
    clients, values, _ = scored(differences)
    if not clients:
        return PValue(None, 0, note="no test: there are no differences")
    count = len(set(clients))
    sums, sizes = totals_by_client(clients, values, np.abs(values)).T
    sums = sums[np.abs(sums) > ROUNDING * sizes]
    if not len(sums):
        note = "the differences of every client sum to 0"
        return PValue(1.0, count, "sign flips per client", note, smallest=1.0)
    if len(sums) > EXACT_UP_TO:
        method = f"sign flips per client, {DRAWN:,} drawn, seed {seed}"
        return PValue(_drawn(sums, greater, seed), count, method, smallest=1 / (DRAWN + 1))
    # Where no sum is 0, the two patterns in which all signs are alike are more extreme than every other one.
    smallest = 2.0 ** -len(sums) * (1 if greater else 2)
    note = (
        f"with {counted(len(sums), 'client')} that differ, no p below {smallest:.2g} is possible"
        if smallest > 0.05
        else ""
    )
    return PValue(_exact(sums, greater), count, "sign flips per client, exact", note, smallest)


def _exact(sums: Floats, greater: bool) -> float:
    """The share of patterns of signs whose sum is at least as far from 0 (`greater`: at least as high) as the observed one.

    Each half of the clients has few patterns. How many of the second reach the bound with one of the first is a search in
    their sorted sums (Horowitz and Sahni 1974, "Computing Partitions with Applications to the Knapsack Problem", their two lists).
    """
    bound = _bound(sums, greater)
    if bound <= 0 and not greater:
        return 1.0
    half = len(sums) // 2
    some, others = _patterns(sums[:half]), np.sort(_patterns(sums[half:]))
    reach = len(others) * len(some) - int(np.searchsorted(others, bound - some).sum())
    return float(reach * (1 if greater else 2) / 2 ** len(sums))


def _patterns(sums: Floats) -> Floats:
    """The sum under every pattern of signs: [2 ** clients]."""
    reached = np.zeros(1)
    for value in sums:
        reached = np.concatenate([reached + value, reached - value])
    return reached


def _drawn(sums: Floats, greater: bool, seed: int) -> float:
    flipped = np.random.default_rng(seed).integers(0, 2, (DRAWN, len(sums)), dtype=np.int8)
    reached = (1.0 - 2.0 * flipped) @ sums
    as_far = reached if greater else np.abs(reached)
    return float((1 + np.count_nonzero(as_far >= _bound(sums, greater))) / (DRAWN + 1))


def _bound(sums: Floats, greater: bool) -> float:
    """From where on a sum is as far from 0 (or as high) as the observed one; the least bits of a sum say nothing."""
    observed = float(sums.sum())
    return (observed if greater else abs(observed)) - ROUNDING * float(np.abs(sums).sum())
