"""Spearman's correlation within strata, with an interval over clients."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from counseling_sessions.evaluation.statistics.intervals import (
    RESAMPLES_ONE_BY_ONE,
    Figure,
    Floats,
    draws,
    figure,
    interval_of,
)

TINY = 1e-12
"""A spread of ranks under this is none."""


def rank_correlation(
    clients: Sequence[str],
    one: Floats,
    other: Floats,
    *,
    strata: Sequence[str],
    missing: int = 0,
    undefined: str = "undefined: all values are the same",
    seed: int = 0,
) -> Figure:
    """The correlation, −1 to 1, of two values of each unit [n], of which `clients` and `strata` have the client and the stratum.

    Ranks are taken within strata. `undefined` is the note of a
    figure without a value.
    """
    places = np.unique(np.asarray(strata), return_inverse=True)[1]
    names, of_unit = np.unique(np.asarray(clients), return_inverse=True)
    [rho] = _spearman(one, other, places, np.ones((1, len(one))))
    if np.isnan(rho):
        return Figure(None, None, None, len(one), len(names), missing, note=undefined)
    drawn = draws(len(names), seed, RESAMPLES_ONE_BY_ONE)[:, of_unit].astype(np.float64)
    resamples = _spearman(one, other, places, drawn)
    return figure(float(rho), interval_of(resamples, len(names), seed), len(one), len(names), missing)


def _spearman(one: Floats, other: Floats, strata: NDArray[np.intp], weights: Floats) -> Floats:
    """Spearman's correlation within strata, of values [n] that come as often as `weights` [resamples, n] say; NaN where undefined.

    Ranks are taken in each stratum, as shares of its size.
    """
    products = np.zeros((3, len(weights)))
    for stratum in np.unique(strata):
        inside = strata == stratum
        weight = weights[:, inside]
        ranks = [_centred_ranks(of[inside], weight) for of in (one, other)]
        for place, (first, second) in enumerate(((0, 1), (0, 0), (1, 1))):
            products[place] += (weight * ranks[first] * ranks[second]).sum(axis=1)
    both, *squares = products
    scale = np.sqrt(squares[0] * squares[1])
    return np.asarray(np.divide(both, scale, out=np.full_like(both, np.nan), where=scale > TINY), dtype=np.float64)


def _centred_ranks(values: Floats, weights: Floats) -> Floats:
    """Mean ranks of values [n] in each resample [resamples, n] as shares of its size, minus one half: −0.5 to 0.5."""
    order = np.argsort(values, kind="stable")
    ties = np.flatnonzero(np.diff(values[order], prepend=-np.inf))
    sizes = np.add.reduceat(weights[:, order], ties, axis=1)
    size = np.maximum(sizes.sum(axis=1, keepdims=True), 1)
    middle = (np.cumsum(sizes, axis=1) - sizes / 2) / size - 0.5
    ranks = np.empty_like(weights)
    ranks[:, order] = np.repeat(middle, np.diff([*ties, len(values)]), axis=1)
    return ranks
