"""Whether the difference of two methods hangs on something else, such as the client's attitude: a permutation within clients."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from math import factorial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from counseling_sessions.evaluation.statistics.intervals import Figure, mean_figure
from counseling_sessions.evaluation.statistics.sign_flips import PValue
from counseling_sessions.evaluation.statistics.ties import ROUNDING

DRAWN = 9_999
"""So many permutations are drawn where there are more than that."""


@dataclass(frozen=True)
class Moderation:
    """Differences between two methods at each value of a third thing (`at`, by its name), and whether they differ."""

    at: dict[str, Figure]
    test: PValue


def moderation(differences: Iterable[tuple[str, str, float]], *, seed: int = 0) -> Moderation:
    """Rows of client, value of the third thing, and difference of a pair. With fewer than two values there is no test.

    If the difference were the same at every value, a client's mean differences could as well change places among them: they
    are exchanged within clients, all together (scipy's `permutation_test`, samples). The statistic is the variance between the
    values' means. Clients without a pair at some value are left out of the test, and count as untested.
    """
    rows = sorted(differences)
    values = sorted({value for _, value, _ in rows})
    at = {
        value: mean_figure(((client, one) for client, name, one in rows if name == value), seed=seed)
        for value in values
    }
    means: dict[str, dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
    for client, value, one in rows:
        means[client][value].append(one)
    complete = [by_value for by_value in means.values() if len(by_value) == len(values)]
    if len(values) < 2 or len(complete) < 2:
        return Moderation(
            at, PValue(None, len(complete), note="no test: it needs two clients with pairs at every value")
        )
    table = np.array([[np.mean(by_value[value]) for value in values] for by_value in complete]).T
    return Moderation(at, _exchange(table, len(complete), seed))


def _exchange(table: NDArray[np.float64], clients: int, seed: int) -> PValue:
    """The test of a table of mean differences [values, clients]."""
    method = f"differences exchanged within {clients} clients"
    centred = table - table.mean(axis=0)
    scale = float(np.abs(centred).max())
    if scale <= ROUNDING * float(np.abs(table).max()):
        return PValue(1.0, clients, method, "the difference is the same at every value")
    from scipy import stats  # takes a second, and only comparisons need it

    result: Any = stats.permutation_test(
        tuple(centred / scale),
        _between,
        permutation_type="samples",
        vectorized=True,
        alternative="greater",
        n_resamples=DRAWN,
        rng=np.random.default_rng(seed),
    )
    # Arrangements that are equal but for the last bits must tie, so the tolerance is relative to the largest mean (1), not to the
    # observed statistic, which may be next to 0.
    as_extreme = int(np.sum(result.null_distribution >= result.statistic - ROUNDING))
    exact = factorial(len(table)) ** clients <= DRAWN
    value = as_extreme / len(result.null_distribution) if exact else (as_extreme + 1) / (DRAWN + 1)
    return PValue(value, clients, f"{method}, {'exact' if exact else f'{DRAWN:,} drawn, seed {seed}'}")


def _between(*samples: NDArray[np.float64], axis: int) -> Any:
    return np.var([sample.mean(axis=axis) for sample in samples], axis=0)
