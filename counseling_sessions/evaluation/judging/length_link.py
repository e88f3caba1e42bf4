"""Whether a judge's scores go with the length of sessions."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean

import numpy as np
from numpy.typing import NDArray

from counseling_sessions.evaluation.judging.run import Score
from counseling_sessions.evaluation.scales import Scale
from counseling_sessions.evaluation.statistics.intervals import (
    RESAMPLES_ONE_BY_ONE,
    Figure,
    Floats,
    draws,
    figure,
    interval_of,
    nothing,
)
from counseling_sessions.sessions import SessionKey

TINY = 1e-12
"""A spread of ranks under this is none."""


@dataclass(frozen=True, slots=True)
class LengthLink:
    """Spearman's correlation between a session's words and its score on a scale, −1 to 1, with an interval clustered by client.

    The score is the mean over all items and samples; sessions that lack an item are missing. Ranks are taken within the session's
    group, so that a better and longer group is no link.
    """

    scale: str
    rho: Figure


def length_links(
    rows: Iterable[Score],
    scales: Iterable[Scale],
    words: Mapping[SessionKey, int],
    groups: Mapping[SessionKey, str],
    *,
    seed: int = 0,
) -> tuple[LengthLink, ...]:
    """One judge's links, for the scales that rate sessions; `words` has each session's length, and `groups` its group."""
    rated = {scale.name: scale for scale in scales if scale.subject == "session"}
    scores: dict[str, dict[SessionKey, dict[str, list[int]]]] = {name: {} for name in rated}
    for row in rows:
        if row.scale in rated:
            of_session = scores[row.scale].setdefault(row.key, defaultdict(list))
            if row.scored is not None:
                of_session[row.item].append(row.scored)
    return tuple(
        LengthLink(name, _rho(_whole(scores[name], len(scale.items)), len(scores[name]), words, groups, seed))
        for name, scale in rated.items()
    )


def _whole(scores: Mapping[SessionKey, Mapping[str, Sequence[int]]], items: int) -> dict[SessionKey, float]:
    return {
        key: fmean(fmean(values) for values in by_item.values())
        for key, by_item in scores.items()
        if len(by_item) == items
    }


def _rho(
    scores: Mapping[SessionKey, float],
    asked: int,
    words: Mapping[SessionKey, int],
    groups: Mapping[SessionKey, str],
    seed: int,
) -> Figure:
    keys = sorted(scores, key=lambda key: (key.client, key.session, key.source))
    missing = asked - len(keys)
    if not keys:
        return nothing(missing)
    lengths, values = (np.array([of[key] for key in keys], dtype=np.float64) for of in (words, scores))
    strata = np.unique([groups.get(key, "") for key in keys], return_inverse=True)[1]
    names, of_unit = np.unique([key.client for key in keys], return_inverse=True)
    [rho] = _spearman(lengths, np.round(values, 9), strata, np.ones((1, len(keys))))
    if np.isnan(rho):
        note = "undefined: all scores, or all lengths, are the same"
        return Figure(None, None, None, len(keys), len(names), missing, note=note)
    drawn = draws(len(names), seed, RESAMPLES_ONE_BY_ONE)[:, of_unit].astype(np.float64)
    resamples = _spearman(lengths, np.round(values, 9), strata, drawn)
    return figure(float(rho), interval_of(resamples, len(names), seed), len(keys), len(names), missing)


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
