"""Two methods compared on the same clients: sessions are paired by client, attitude and seed."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.special import gammaln

from counseling_sessions.evaluation.statistics.bootstrap_t import bootstrap_t_test
from counseling_sessions.evaluation.statistics.intervals import (
    Figure,
    Floats,
    Interval,
    defined,
    draws,
    figure,
    interval_of,
    nothing,
    share_figure,
    totals_by_client,
)
from counseling_sessions.evaluation.statistics.sign_flips import PValue, sign_flip_test
from counseling_sessions.evaluation.statistics.ties import ROUNDING, tied

Scores = float | None | Iterable[float | None]
"""The value of a session, or those of its several judgements; None or NaN where there is none."""
Row = tuple[str, str, str | None, int | None, Scores]
"""Method, client, attitude, seed, value."""
Key = tuple[str, str, int]
"""Client, attitude, seed; empty and 0 where there is none."""


@dataclass(frozen=True)
class PairedDifference:
    """A method against a baseline, on the pairs that have a value from both; differences are method minus baseline.

    - `unmatched`: keys (client, attitude, seed) with a value from one method alone; `missing`: rows of
      either without a value; `repeated`: further rows of a key and method, averaged with the first.
    - `relative`: the difference in per cent of the baseline's mean; None unless that mean is above 0.
    - `effect`: Hedges's g_z, the mean difference in standard deviations of the differences between pairs, corrected for
      small samples. `superiority`: the share of pairs in which the method has the higher value, ties half.
    - `test` is the primary test, that of sign flips per client. Second opinions are `wilcoxon`, on the clients' mean differences, and
      `of_mean`, a bootstrap t, which stays right where differences are skewed and their mean is 0.
    """

    method: str
    baseline: str
    pairs: int
    clients: int
    unmatched: int
    missing: int
    repeated: int
    mean: Figure
    baseline_mean: Figure
    difference: Figure
    relative: Figure
    effect: Figure
    superiority: Figure
    test: PValue
    wilcoxon: PValue
    of_mean: PValue


def compare(rows: Iterable[Row], method: str, baseline: str, *, seed: int = 0) -> PairedDifference:
    """Compare a method with a baseline on the rows of both; rows of other methods are passed over.

    Several values of a session (judgements) are averaged first, and so are several rows of one key. The order of the rows
    does not matter; `seed` is that of the resampling. Raises `ValueError` for a method compared with itself.
    """
    if method == baseline:
        raise ValueError(f"{method} cannot be compared with itself")
    first, second, missing, repeated = _by_key(rows, method, baseline)
    keys = sorted(first.keys() & second.keys())
    unmatched = len(first.keys() ^ second.keys())
    clients = [client for client, _, _ in keys]
    high = np.array([first[key] for key in keys], dtype=np.float64)
    low = np.array([second[key] for key in keys], dtype=np.float64)
    difference = _clean(high, low)
    by_client = list(zip(clients, difference.tolist(), strict=True))
    return PairedDifference(
        *(method, baseline, len(keys), len(set(clients)), unmatched, missing, repeated),
        *_figures(clients, high, low, difference, seed),
        share_figure((client, (np.sign(value) + 1) / 2) for client, value in by_client),
        sign_flip_test(by_client, seed=seed),
        wilcoxon_on_clients(by_client),
        bootstrap_t_test(by_client, seed=seed),
    )


def paired_differences(rows: Iterable[Row], method: str, baseline: str) -> dict[Key, float]:
    """The difference, method minus baseline, of every pair that has a value from both, sorted by key."""
    first, second, _, _ = _by_key(rows, method, baseline)
    keys = sorted(first.keys() & second.keys())
    pairs = [np.array([side[key] for key in keys], dtype=np.float64) for side in (first, second)]
    return dict(zip(keys, _clean(*pairs).tolist(), strict=True))


def _by_key(rows: Iterable[Row], method: str, baseline: str) -> tuple[dict[Key, float], dict[Key, float], int, int]:
    values: dict[str, dict[Key, list[float]]] = {name: defaultdict(list) for name in (method, baseline)}
    missing = repeated = 0
    for name, client, attitude, seed, scores in rows:
        if name not in values:
            continue
        value = session_value(scores)
        key = (client, attitude or "", seed or 0)
        missing += value is None
        if value is not None:
            repeated += key in values[name]
            values[name][key].append(value)
    first, second = (
        {key: float(np.mean(sorted(all_of))) for key, all_of in by_key.items()} for by_key in values.values()
    )
    return first, second, missing, repeated


def session_value(scores: Scores) -> float | None:
    """One value of a session: the mean of its judgements that have one; None where none has."""
    several = scores if isinstance(scores, Iterable) else [scores]
    values = sorted(value for value in map(defined, several) if value is not None)
    return float(np.mean(values)) if values else None


def _clean(high: Floats, low: Floats) -> Floats:
    # Equal means of judgements may differ in the last bits; that must stay a tie, also where both are changes near 0.
    difference = high - low
    scale = float(max(np.abs(high).max(), np.abs(low).max())) if len(difference) else 0.0
    return np.asarray(np.where(np.abs(difference) <= ROUNDING * scale, 0.0, difference), dtype=np.float64)


def _figures(
    clients: list[str], high: Floats, low: Floats, difference: Floats, seed: int
) -> tuple[Figure, Figure, Figure, Figure, Figure]:
    """Mean, the baseline's mean, difference, relative difference and effect, all from the same resamples."""
    n, count = len(clients), len(set(clients))
    if not n:
        empty = nothing(note="no session of the one has a partner of the other")
        return empty, empty, empty, empty, empty
    means = float(high.mean()), float(low.mean()), float(difference.mean())
    # Centred, so that the variance of nearly equal differences is not lost in the subtraction of large squares.
    centred = difference - means[2]
    totals = totals_by_client(clients, np.ones(n), high, low, centred, centred**2)
    size, *sums = (draws(count, seed) @ totals).T
    upper, lower, shift, square = (part / size for part in sums)

    def simple(value: float, distribution: Floats) -> Figure:
        return figure(value, interval_of(distribution, count, seed), n, count)

    return (
        simple(means[0], upper),
        simple(means[1], lower),
        simple(means[2], shift + means[2]),
        _relative(means, shift + means[2], lower, n, count, seed),
        _effect(difference, shift + means[2], square - shift**2, size, count, seed),
    )


def _relative(
    means: tuple[float, float, float], difference: Floats, baseline: Floats, n: int, count: int, seed: int
) -> Figure:
    if means[1] <= 0:
        note = f"no per cent of a baseline whose mean, {means[1]:.3g}, is not above 0"
        return Figure(None, None, None, n, count, note=note)
    interval = interval_of(np.divide(difference, np.where(baseline > 0, baseline, np.nan)) * 100, count, seed)
    if interval.low is not None and baseline.min() <= 0:
        interval = Interval(note="no interval: the baseline's mean is not above 0 in every resample")
    return figure(100 * means[2] / means[1], interval, n, count)


def _effect(difference: Floats, mean: Floats, variance: Floats, size: Floats, count: int, seed: int) -> Figure:
    n = len(difference)
    if n < 3:
        return Figure(None, None, None, n, count, note=f"an effect size needs 3 pairs, and there are {n}")
    spread = float(difference.std(ddof=1))
    smallest = 1e-12 * float(np.abs(difference).max())
    if spread <= smallest:
        if not difference.any():
            return Figure(0.0, None, None, n, count, note="every difference is 0")
        note = "all differences are equal: there is no spread to divide by"
        return Figure(None, None, None, n, count, note=note)
    deviation = np.sqrt(np.maximum(variance * size / np.maximum(size - 1, 1), 0))
    effects = np.divide(mean, np.where(deviation > smallest, deviation, np.nan))
    corrected = hedges_correction(n - 1)
    interval = interval_of(effects * corrected, count, seed)
    return figure(corrected * float(difference.mean()) / spread, interval, n, count)


def hedges_correction(degrees: int) -> float:
    """Hedges's factor for a standardised mean difference with so many degrees of freedom, at least 2.

    Hedges 1981, "Distribution Theory for Glass's Estimator of Effect Size", equation 6e:
    Gamma(m/2) / (sqrt(m/2) Gamma((m-1)/2)).
    """
    return float(np.exp(gammaln(degrees / 2) - gammaln((degrees - 1) / 2)) / np.sqrt(degrees / 2))


def wilcoxon_on_clients(differences: Iterable[tuple[str, float]]) -> PValue:
    """Wilcoxon's signed-rank test on the clients' mean differences, clients without one left out (scipy's `wilcoxon`)."""
    by_client: dict[str, list[float]] = defaultdict(list)
    for client, value in differences:
        by_client[client].append(value)
    if not by_client:
        return PValue(None, 0, note="no test: there are no differences")
    means = np.array([np.mean(sorted(values)) for _, values in sorted(by_client.items())])
    sizes = tied(np.abs(means))
    method, differing = "Wilcoxon signed-rank on the clients' means", sizes > 0
    if not differing.any():
        return PValue(1.0, len(means), method, "no client's mean differs", smallest=1.0)
    sizes = sizes[differing]
    from scipy import stats  # takes a second, and only comparisons need it

    result: Any = stats.wilcoxon(sizes * np.sign(means[differing]))
    one_sided: Any = stats.wilcoxon(sizes)
    return PValue(float(result.pvalue), len(means), method, smallest=float(one_sided.pvalue))
