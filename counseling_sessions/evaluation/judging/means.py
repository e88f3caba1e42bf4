"""From scores to figures per session: the mean of each subscale, and the change of affect from before to after.

Means are over items, then over samples, then over judges, so that a judge counts once however often it was sampled. A sample gives a
subscale's mean if it scored the stated share of its items, by default all: the mean of some items is that of another subscale. What is
missing is counted and never filled in.
"""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from statistics import fmean

from counseling_sessions.evaluation.judging.run import Occasion, Score
from counseling_sessions.evaluation.scales import Scale
from counseling_sessions.sessions import SessionKey


@dataclass(frozen=True, slots=True)
class SubscaleMean:
    """A subscale's mean in one session, within the bounds of the scale; None where no sample has scored enough of it.

    `judges` and `samples` are how many of each stand behind it (samples of all judges together), `missing` how many samples gave none.
    """

    key: SessionKey
    scale: str
    occasion: Occasion
    subscale: str
    mean: float | None
    judges: int
    samples: int
    missing: int


@dataclass(frozen=True, slots=True)
class AffectChange:
    """A subscale of affect before and after one session, and after minus before. None where no judge gave both."""

    key: SessionKey
    scale: str
    subscale: str
    before: float | None
    after: float | None
    change: float | None
    judges: int


def subscale_means(rows: Iterable[Score], scale: Scale, *, share: float = 1.0) -> list[SubscaleMean]:
    """The means of a scale's subscales per session and occasion, in the order of the rows and of the scale.

    `share` (above 0, to 1) is how much of a subscale a sample must have scored. Raises `ValueError` for another share.
    """
    means = []
    for (key, occasion), by_judge in _by_session(rows, scale).items():
        for subscale in scale.subscales:
            samples = [_sample_means(of_judge, scale, subscale, share) for of_judge in by_judge.values()]
            scored = [fmean(values) for values in samples if values]
            mean = fmean(scored) if scored else None
            count = sum(map(len, samples))
            missing = sum(map(len, by_judge.values())) - count
            means.append(SubscaleMean(key, scale.name, occasion, subscale, mean, len(scored), count, missing))
    return means


def affect_changes(rows: Iterable[Score], scale: Scale, *, share: float = 1.0) -> list[AffectChange]:
    """Affect before, after and its change per session and subscale, over the judges that gave both.

    Raises `ValueError` for a scale that is not of affect.
    """
    if scale.subject != "affect":
        raise ValueError(f"{scale.name} is not rated before and after a session")
    scores = _by_session(rows, scale)
    changes = []
    for key in dict.fromkeys(key for key, _ in scores):
        before, after = scores.get((key, "before"), {}), scores.get((key, "after"), {})
        for subscale in scale.subscales:
            pairs = [
                (fmean(early), fmean(late))
                for judge in before.keys() & after.keys()
                if (early := _sample_means(before[judge], scale, subscale, share))
                and (late := _sample_means(after[judge], scale, subscale, share))
            ]
            earlier = fmean(early for early, _ in pairs) if pairs else None
            later = fmean(late for _, late in pairs) if pairs else None
            change = None if earlier is None or later is None else later - earlier
            changes.append(AffectChange(key, scale.name, subscale, earlier, later, change, len(pairs)))
    return changes


_BySample = dict[int, dict[str, int | None]]


def _by_session(rows: Iterable[Score], scale: Scale) -> dict[tuple[SessionKey, Occasion], dict[str, _BySample]]:
    """Scores after reversal by session and occasion, judge, sample and item."""
    scores: dict[tuple[SessionKey, Occasion], dict[str, _BySample]] = {}
    for row in rows:
        if row.scale == scale.name:
            judges = scores.setdefault((row.key, row.occasion), defaultdict(lambda: defaultdict(dict)))
            judges[row.judge][row.sample][row.item] = row.scored
    return scores


def _sample_means(samples: _BySample, scale: Scale, subscale: str, share: float) -> list[float]:
    """The mean over the subscale's items of each sample that scored enough of them."""
    if not 0 < share <= 1:
        raise ValueError(f"share: {share} is not above 0 and at most 1")
    items = scale.subscales[subscale]
    scored = [[score for item in items if (score := scores.get(item)) is not None] for scores in samples.values()]
    return [fmean(scores) for scores in scored if scores and len(scores) >= share * len(items)]
