"""Coefficients of agreement as functions of sums over units, so that those without each client are computed at once.

Units may lie in strata, such as the aspects on which pairs are compared. Pooled over strata, a coefficient takes their different base
rates for agreement: raters who are independent within each of them would seem to agree. So every coefficient is computed within the
strata, and then averaged, each stratum weighing as many units as it has. In a stratum without variety most are undefined; it is left
out of their mean.
"""

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from counseling_sessions.evaluation.statistics.intervals import Figure, Floats, nothing
from counseling_sessions.evaluation.statistics.jackknife import left_out_figure, sums_without

Counts = NDArray[np.int64]
Coefficient = Callable[[Floats], Floats]
"""From sums over units, [samples, columns], to values, [samples]; NaN where there is none."""


def coefficient_figure(
    clients: Sequence[str],
    strata: Sequence[str],
    kept: NDArray[np.bool_],
    columns: Floats,
    coefficient: Coefficient,
    *,
    need: str,
) -> Figure:
    """A coefficient, averaged over strata, with its interval over clients.

    `columns` [units, columns] are summed; units that do not enter have zeros. The `kept` units are those that the coefficient rests on,
    and the weights of strata; `need` says what the others lack.
    """
    missing = int((~kept).sum())
    if not kept.any():
        return nothing(missing, f"undefined: no unit has {need}")
    entering = kept | columns.any(axis=1)
    of_client = np.unique(np.asarray(clients)[entering], return_inverse=True)[1]
    of_stratum = np.unique(np.asarray(strata)[entering], return_inverse=True)[1]
    summed = np.column_stack([kept, columns])[entering].astype(np.float64)
    weighted, weights = (np.zeros(int(of_client.max()) + 2) for _ in range(2))
    for stratum in range(int(of_stratum.max()) + 1):
        sums = sums_without(of_client, summed * (of_stratum == stratum)[:, None])
        with np.errstate(divide="ignore", invalid="ignore"):
            values = coefficient(sums[:, 1:])
        defined = np.isfinite(values)
        weighted += np.where(defined, values, 0) * sums[:, 0]
        weights += defined * sums[:, 0]
    values = np.divide(weighted, weights, out=np.full(len(weights), np.nan), where=weights > 0)
    undefined = "undefined: all ratings are of one category"
    return left_out_figure(values, int(kept.sum()), missing, bounds=(-1, 1), undefined=undefined)


def alpha_of_categories(counts: Counts, *, ordinal: bool) -> tuple[Floats, Coefficient]:
    """Krippendorff's alpha of categories, nominal or in their order, from counts [units, categories]."""
    size = counts.shape[1]
    rated = counts.sum(axis=1)
    pairs = counts[:, :, None] * (counts[:, None, :] - np.eye(size, dtype=np.int64))
    pairs = pairs / np.maximum(rated - 1, 1)[:, None, None] * (rated > 1)[:, None, None]

    def alpha(sums: Floats) -> Floats:
        coincidences = sums.reshape(-1, size, size)
        marginals = coincidences.sum(axis=2)
        if ordinal:
            ranks = marginals.cumsum(axis=1) - marginals / 2
            distances = (ranks[:, :, None] - ranks[:, None, :]) ** 2
        else:
            distances = np.broadcast_to(1 - np.eye(size), coincidences.shape)
        observed = (coincidences * distances).sum(axis=(1, 2))
        expected = ((distances @ marginals[:, :, None])[:, :, 0] * marginals).sum(axis=1)
        return _one_less((marginals.sum(axis=1) - 1) * observed, expected)

    return pairs.reshape(len(counts), size**2), alpha


def alpha_of_numbers(values: Floats) -> tuple[Floats, Coefficient]:
    """Krippendorff's alpha on the interval level, from values [units, raters]; NaN where there is none."""
    there = np.isfinite(values)
    rated = there.sum(axis=1)
    used = rated > 1
    centred = np.where(there & used[:, None], values - values[there].mean() if there.any() else 0.0, 0.0)
    total, squares = centred.sum(axis=1), (centred**2).sum(axis=1)
    within = 2 * (rated * squares - total**2) / np.maximum(rated - 1, 1)

    def alpha(sums: Floats) -> Floats:
        n, total, squares, within = sums.T
        expected = 2 * (n * squares - total**2)
        return _one_less((n - 1) * within, np.where(expected > 1e-9 * n * squares, expected, 0))

    return np.column_stack([rated * used, total, squares, within]), alpha


def fleiss_kappa(counts: Counts) -> tuple[Floats, Coefficient]:
    """Fleiss's kappa (1971), from counts [units, categories] of equally many ratings for every unit that enters."""
    rated = counts.sum(axis=1)
    alike = (counts * (counts - 1)).sum(axis=1) / np.maximum(rated * (rated - 1), 1)

    def kappa(sums: Floats) -> Floats:
        marginals = sums[:, 2:] / sums[:, 2:].sum(axis=1, keepdims=True)
        expected = (marginals**2).sum(axis=1)
        return _one_less(1 - sums[:, 1] / sums[:, 0], np.where((marginals < 1).all(axis=1), 1 - expected, 0))

    return np.column_stack([rated > 0, alike, counts]).astype(np.float64), kappa


def mean_cohen_kappa(pairs: Sequence[Counts], weights: Floats) -> tuple[Floats, Coefficient]:
    """The mean over pairs of raters of Cohen's kappa, weighted by agreement `weights` [categories, categories].

    Each of `pairs` is [units, 2], codes of categories, -1 where there is none.
    """
    size = len(weights)
    tables = [
        (both[:, [0]] * size + both[:, [1]] == np.arange(size**2)) & (both >= 0).all(axis=1, keepdims=True)
        for both in pairs
    ]

    def kappa(sums: Floats) -> Floats:
        tables = sums.reshape(len(sums), len(pairs), size, size)
        n = tables.sum(axis=(2, 3))
        rows, columns = tables.sum(axis=3), tables.sum(axis=2)
        observed = (tables * (1 - weights)).sum(axis=(2, 3)) * n
        expected = (rows @ (1 - weights) * columns).sum(axis=2)
        kappas = _one_less(observed, expected)
        return np.asarray(np.nansum(kappas, axis=1) / np.isfinite(kappas).sum(axis=1), dtype=np.float64)

    return np.column_stack(tables).astype(np.float64), kappa


def gwet_ac(counts: Counts, weights: Floats) -> tuple[Floats, Coefficient]:
    """Gwet's AC1 (2008), or AC2 with agreement `weights` other than the identity, from counts [units, categories].

    Units with one rating count in the shares of categories alone. Where all agree, it is 1, also on one category.
    """
    size = len(weights)
    rated = counts.sum(axis=1)
    alike = (counts * (counts @ weights - 1)).sum(axis=1) / np.maximum(rated * (rated - 1), 1)
    shares = counts / np.maximum(rated, 1)[:, None]
    spread = weights.sum() / (size * (size - 1)) if size > 1 else 0.0

    def coefficient(sums: Floats) -> Floats:
        shares = sums[:, 3:] / sums[:, [2]]
        expected = spread * (shares * (1 - shares)).sum(axis=1)
        return _one_less(1 - sums[:, 1] / sums[:, 0], 1 - expected)

    return np.column_stack([rated > 1, alike * (rated > 1), rated > 0, shares]).astype(np.float64), coefficient


def _one_less(observed: Floats, expected: Floats) -> Floats:
    """1 less the observed disagreement in units of the expected one; NaN where none is expected."""
    return np.asarray(1 - observed / np.where(expected > 0, expected, np.nan), dtype=np.float64)
