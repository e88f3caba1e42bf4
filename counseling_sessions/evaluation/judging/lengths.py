"""Whether a judge's scores go with the length of sessions."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata

from counseling_sessions.evaluation.judging.run import Score
from counseling_sessions.evaluation.scales import Scale
from counseling_sessions.evaluation.statistics.intervals import Figure, Floats, units_figure
from counseling_sessions.sessions import SessionKey


@dataclass(frozen=True, slots=True)
class LengthLink:
    """Spearman's correlation between a session's words and its score on a scale, −1 to 1, with an interval clustered by client.

    The score is the mean over all items and samples; sessions that lack an item are missing. Words and scores are taken from the mean
    of the session's group, so that a better and longer group is no link.
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
    lengths, values = (np.array([of[key] for key in keys], dtype=np.float64) for of in (words, scores))
    group = np.unique([groups.get(key, "") for key in keys], return_inverse=True)[1]

    def spearman(chosen: NDArray[np.intp]) -> float | None:
        one, other = (rankdata(_centred(of[chosen], group[chosen])) for of in (lengths, values))
        if not np.ptp(one) or not np.ptp(other):
            return None
        return float(np.corrcoef(one, other)[0, 1])

    undefined = "undefined: all scores, or all lengths, are the same"
    clients = [key.client for key in keys]
    return units_figure(clients, spearman, missing=asked - len(keys), undefined=undefined, seed=seed)


def _centred(values: Floats, group: NDArray[np.intp]) -> Floats:
    """Values without the mean of their group, rounded so that equal ones stay ties."""
    sizes = np.maximum(np.bincount(group), 1)
    centred = values - (np.bincount(group, weights=values) / sizes)[group]
    return np.asarray(np.round(centred, 9), dtype=np.float64)
