"""Whether a judge's scores go with the length of sessions."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean

import numpy as np

from counseling_sessions.evaluation.judging.run import Score
from counseling_sessions.evaluation.scales import Scale
from counseling_sessions.evaluation.statistics.intervals import Figure, nothing
from counseling_sessions.evaluation.statistics.rank_correlation import rank_correlation
from counseling_sessions.sessions import SessionKey


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
        LengthLink(name, _rho(_complete(scores[name], len(scale.items)), len(scores[name]), words, groups, seed))
        for name, scale in rated.items()
    )


def _complete(scores: Mapping[SessionKey, Mapping[str, Sequence[int]]], items: int) -> dict[SessionKey, float]:
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
    return rank_correlation(
        [key.client for key in keys],
        lengths,
        np.round(values, 9),
        strata=[groups.get(key, "") for key in keys],
        missing=missing,
        undefined="undefined: all scores, or all lengths, are the same",
        seed=seed,
    )
