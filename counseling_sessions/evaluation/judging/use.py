"""How a judge uses its scales: which values it gives, how far they spread, and how alike its answers are when it is asked again."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from itertools import combinations, product
from statistics import fmean, pstdev
from typing import Protocol

from pydantic import BaseModel, ConfigDict

from counseling_sessions.evaluation.judging.ask import NO_FAULT, Unscored
from counseling_sessions.evaluation.judging.run import Score
from counseling_sessions.evaluation.scales import Scale


class Rubric(Protocol):
    """What a card has to know of a scale, or of a rubric in branches: its bounds are those of its scores."""

    @property
    def name(self) -> str: ...
    @property
    def title(self) -> str: ...
    @property
    def hash(self) -> str: ...
    @property
    def low(self) -> int: ...
    @property
    def high(self) -> int: ...


class CardPart(BaseModel):
    """A part of a judge's card."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Closeness(CardPart):
    """How close pairs of scores of the same item are: plain figures, chance not taken out.

    `n` pairs; the shares that are `identical` and that differ by one point at most (`within_one`), 0 to 1; the mean absolute difference
    in points. None for no pairs.
    """

    n: int
    identical: float | None
    within_one: float | None
    mean_difference: float | None


class ScoreSpread(CardPart):
    """The `n` scores on an item, a subscale or a scale, as the judge gave them (before reversal).

    Their mean and standard deviation in points, how many `distinct` values of the `points` that the scale has, and the `commonest`
    value with its `share` (0 to 1). `same` is the share of scores that are the commonest of their item. None for no scores.
    """

    name: str
    n: int
    points: int
    mean: float | None
    sd: float | None
    distinct: int
    commonest: int | None
    share: float | None
    same: float | None


class ScaleUse(CardPart):
    """How a judge uses a scale: of `n` scores (after reversal) the shares of the best possible (`top`) and of the worst (`bottom`).

    `unscored` counts missing item scores; `samples` is the closeness of the judge's samples; `spread` is of all scores, `subscales` and
    `items` have their own.
    """

    scale: str
    title: str
    n: int
    top: float | None
    bottom: float | None
    mean: float | None
    unscored: int
    samples: Closeness
    spread: ScoreSpread
    subscales: tuple[ScoreSpread, ...]
    items: tuple[ScoreSpread, ...]


def use_of(rows: Sequence[Score], scale: Rubric) -> ScaleUse:
    """How one judge's scores use a scale."""
    mine = [row for row in rows if row.scale == scale.name]
    values = [row.scored for row in mine if row.scored is not None]
    by_item: dict[str, list[int]] = defaultdict(list)
    for row in mine:
        if row.score is not None:
            by_item[row.item].append(row.score)
    points = scale.high - scale.low + 1
    subscales = scale.subscales if isinstance(scale, Scale) else {}
    pairs = [pair for scores in by_unit(mine).values() for pair in combinations(scores, 2)]
    return ScaleUse(
        scale=scale.name,
        title=scale.title,
        n=len(values),
        top=_share(value == scale.high for value in values),
        bottom=_share(value == scale.low for value in values),
        mean=fmean(values) if values else None,
        unscored=sum(bool(why_missing(row.unscored)) for row in mine),
        samples=closeness(pairs),
        spread=_spread(scale.name, by_item, points),
        subscales=tuple(
            _spread(name, {item: by_item[item] for item in items if item in by_item}, points)
            for name, items in subscales.items()
        ),
        items=tuple(_spread(item, {item: scores}, points) for item, scores in by_item.items()),
    )


def why_missing(unscored: Unscored | None) -> str:
    """Why a part of an answer has no score; empty where it has one, or where the answer is that there was no occasion."""
    return unscored.kind if unscored and unscored.kind != "no_occasion" else ""


def asked_for(unscored: Unscored | None) -> bool:
    """Whether a judge was asked for a part, which has a score or lacks one for this reason."""
    return unscored is None or unscored.kind == "no_occasion" or unscored.kind not in NO_FAULT


def between(rows: Sequence[Score], scale: Rubric, one: str, other: str) -> Closeness:
    """How close two judges are on a scale, every sample of the one against every sample of the other."""
    of_scale = [row for row in rows if row.scale == scale.name]
    ours, theirs = (by_unit(row for row in of_scale if row.judge == name) for name in (one, other))
    return closeness([pair for unit in ours.keys() & theirs.keys() for pair in product(ours[unit], theirs[unit])])


def by_unit(rows: Iterable[Score]) -> dict[tuple[str, str, str, str], list[int]]:
    """Scores after reversal by source, session, occasion and item."""
    units: dict[tuple[str, str, str, str], list[int]] = defaultdict(list)
    for row in rows:
        if row.scored is not None:
            units[row.key.source, row.key.session, row.occasion, row.item].append(row.scored)
    return units


def closeness(pairs: Sequence[tuple[int, int]]) -> Closeness:
    """How close these pairs of scores are."""
    apart = [abs(one - other) for one, other in pairs]
    return Closeness(
        n=len(apart),
        identical=_share(distance == 0 for distance in apart),
        within_one=_share(distance <= 1 for distance in apart),
        mean_difference=fmean(apart) if apart else None,
    )


def _spread(name: str, by_item: Mapping[str, Sequence[int]], points: int) -> ScoreSpread:
    values = [value for scores in by_item.values() for value in scores]
    commonest, count = max(Counter(values).items(), key=lambda counted: counted[1], default=(None, 0))
    same = sum(Counter(scores).most_common(1)[0][1] for scores in by_item.values() if scores)
    return ScoreSpread(
        name=name,
        n=len(values),
        points=points,
        mean=fmean(values) if values else None,
        sd=pstdev(values) if values else None,
        distinct=len(set(values)),
        commonest=commonest,
        share=count / len(values) if values else None,
        same=same / len(values) if values else None,
    )


def _share(hits: Iterable[bool]) -> float | None:
    values = list(hits)
    return fmean(values) if values else None
