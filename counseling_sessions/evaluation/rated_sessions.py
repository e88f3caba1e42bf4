"""Sessions that people rated on a scale: how far they agree, and how judges' scores of the same sessions stand to theirs."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import combinations
from statistics import fmean, stdev

from counseling_sessions.evaluation.judging.means import subscale_means
from counseling_sessions.evaluation.judging.run import Score
from counseling_sessions.evaluation.rating.answers import ItemRating, ScaleAnswers
from counseling_sessions.evaluation.rating.study import ScaleStudy
from counseling_sessions.evaluation.scales import Scale
from counseling_sessions.evaluation.statistics.agreement import (
    Rating,
    gwet_ac,
    krippendorff_alpha,
    ratings_table,
    raw_agreement,
)
from counseling_sessions.evaluation.statistics.calibration import Calibration, Scored, calibration
from counseling_sessions.evaluation.statistics.family import Family, holm
from counseling_sessions.evaluation.statistics.intervals import Figure, mean_figure, share_figure
from counseling_sessions.evaluation.statistics.prediction_powered import (
    PoweredMean,
    Predicted,
    powered_difference,
    powered_mean,
)
from counseling_sessions.evaluation.statistics.unpaired import UnpairedDifference, unpaired_difference
from counseling_sessions.evaluation.statistics.variance import GStudy, Intraclass, g_study, intraclass
from counseling_sessions.sessions import SessionKey

PEOPLE = ""
"""The source of the keys of a study's sessions: they are known by their ids in the study alone."""


@dataclass(frozen=True)
class ScoreAgreement:
    """How far people agree on an item or a subscale.

    `alpha` is ordinal for an item, interval for a subscale; `ac` (AC2 over the points of the scale) and `alike`, the share of pairs of
    ratings that are the same, are of items alone.
    """

    alpha: Figure
    intraclass: Intraclass
    ac: Figure | None = None
    alike: Figure | None = None


@dataclass(frozen=True)
class ScaleUser:
    """How a person uses the scale: `scores` given, their mean and spread (standard deviation), and how many different ones.

    `unsaid` counts items that they could not rate. `repeated`: the share of scores that came again in a second showing of the session,
    `apart`: by how many points they differ on average.
    """

    scores: int
    unsaid: int
    mean: float | None
    spread: float | None
    distinct: int
    repeated: Figure
    apart: Figure


@dataclass(frozen=True)
class BesidePeople:
    """A judge's subscale beside people's: its calibration; people's means by group with the judge's help, and their differences."""

    judge: str
    subscale: str
    calibration: Calibration
    means: dict[str, PoweredMean]
    differences: dict[tuple[str, str], Figure]


@dataclass(frozen=True)
class RatedDifference:
    """People's ratings of one group less those of another, by subscale, and Holm's family over the subscales."""

    first: str
    second: str
    subscales: dict[str, UnpairedDifference]
    family: Family


@dataclass(frozen=True)
class RatedSessions:
    """What people's ratings come to. `means` are of their scores, by subscale and group; `judges` by judge and subscale.

    `differences` are of every two groups, over the means of clients.
    """

    scale: Scale
    raters: tuple[str, ...]
    sessions: int
    means: dict[str, dict[str, Figure]]
    items: dict[str, ScoreAgreement]
    subscales: dict[str, ScoreAgreement]
    variance: dict[str, GStudy]
    users: dict[str, ScaleUser]
    differences: tuple[RatedDifference, ...] = ()
    judges: tuple[BesidePeople, ...] = field(default=())


def rated_sessions(
    answers: ScaleAnswers, study: ScaleStudy, judged: Sequence[Score] = (), *, seed: int = 0
) -> RatedSessions:
    """What people's ratings come to; with `judged`, judges beside them.

    First showings count, second ones are for self-consistency alone. A subscale needs all its items, as for judges. The keys of
    `judged` hold the session's id in the study, and its group as method; sessions that nobody rated are welcome: they narrow intervals.
    """
    scale = study.scale
    first = [row for row in answers.ratings if not row.again]
    rows = _scores(first, study)
    by_rater = _by_rater(rows, scale)
    raters = list(by_rater)
    people = _means(rows, scale)
    judges = sorted({row.judge for row in judged})
    return RatedSessions(
        scale,
        tuple(raters),
        len({row.session for row in first}),
        {name: _group_means(people, name, seed) for name in scale.subscales},
        *score_agreements(answers, study),
        {name: g_study(ratings_table(_subscale_ratings(by_rater, name), "interval")) for name in scale.subscales},
        {rater: _user(rater, answers.ratings, study, seed) for rater in raters},
        _differences(people, scale, seed),
        tuple(
            _beside(judge, name, people, _means((row for row in judged if row.judge == judge), scale), seed)
            for judge in judges
            for name in scale.subscales
        ),
    )


def score_agreements(
    answers: ScaleAnswers, study: ScaleStudy
) -> tuple[dict[str, ScoreAgreement], dict[str, ScoreAgreement]]:
    """How far people agree at their first showings, by item and by subscale; nothing of what they rated how."""
    scale = study.scale
    rows = _scores((row for row in answers.ratings if not row.again), study)
    by_rater = _by_rater(rows, scale)
    return (
        {item.id: _item_agreement(rows, item.id, scale) for item in scale.items},
        {name: _subscale_agreement(by_rater, name) for name in scale.subscales},
    )


_Means = dict[str, dict[SessionKey, float]]
"""By subscale and session."""


def _scores(ratings: Iterable[ItemRating], study: ScaleStudy) -> list[Score]:
    """People's ratings in the form of a judge's scores, so that the same means can be taken of them."""
    by_id, scale = study.by_id, study.scale
    scores = []
    for row in ratings:
        rated = by_id[row.session]
        key = SessionKey(row.session, PEOPLE, rated.session.method, rated.client, None, None)
        scored = None if row.score is None else scale.scored(row.item, row.score)
        scores.append(Score(key, scale.name, "session", row.item, row.rater, 1, row.score, scored))
    return scores


def _means(rows: Iterable[Score], scale: Scale) -> _Means:
    means: _Means = defaultdict(dict)
    for mean in subscale_means(rows, scale):
        if mean.mean is not None:
            means[mean.subscale][mean.key] = mean.mean
    return means


def _by_rater(rows: Sequence[Score], scale: Scale) -> dict[str, _Means]:
    raters = sorted({row.judge for row in rows})
    return {rater: _means((row for row in rows if row.judge == rater), scale) for rater in raters}


def _by_group(people: _Means, subscale: str) -> dict[str, list[tuple[str, float]]]:
    groups: dict[str, list[tuple[str, float]]] = defaultdict(list)
    for key, mean in people[subscale].items():
        groups[key.method or ""].append((key.client, mean))
    return dict(sorted(groups.items()))


def _group_means(people: _Means, subscale: str, seed: int) -> dict[str, Figure]:
    return {group: mean_figure(values, seed=seed) for group, values in _by_group(people, subscale).items()}


def _differences(people: _Means, scale: Scale, seed: int) -> tuple[RatedDifference, ...]:
    groups = {name: _by_group(people, name) for name in scale.subscales}
    names = list(dict.fromkeys(group for of_group in groups.values() for group in of_group))
    differences = []
    for first, second in combinations(names, 2):
        subscales = {
            name: unpaired_difference(of_group.get(first, []), of_group.get(second, []), seed=seed)
            for name, of_group in groups.items()
        }
        family = holm(f"{first} against {second}", {name: one.test for name, one in subscales.items()})
        differences.append(RatedDifference(first, second, subscales, family))
    return tuple(differences)


def _item_agreement(rows: Sequence[Score], item: str, scale: Scale) -> ScoreAgreement:
    ratings = [Rating(row.key.session, row.judge, row.scored, row.key.client) for row in rows if row.item == item]
    points = [float(point) for point in range(scale.low, scale.high + 1)]
    table = ratings_table(ratings, "ordinal", categories=points)
    return ScoreAgreement(krippendorff_alpha(table), intraclass(table), gwet_ac(table), raw_agreement(table))


def _subscale_agreement(by_rater: dict[str, _Means], subscale: str) -> ScoreAgreement:
    table = ratings_table(_subscale_ratings(by_rater, subscale), "interval")
    return ScoreAgreement(krippendorff_alpha(table), intraclass(table))


def _subscale_ratings(by_rater: dict[str, _Means], subscale: str) -> list[Rating]:
    return [
        Rating(key.session, rater, mean, key.client)
        for rater, means in by_rater.items()
        for key, mean in means[subscale].items()
    ]


def _user(rater: str, ratings: Iterable[ItemRating], study: ScaleStudy, seed: int) -> ScaleUser:
    mine = [row for row in ratings if row.rater == rater]
    before = {(row.session, row.item): row.score for row in mine if not row.again}
    scores = [score for score in before.values() if score is not None]
    again: list[tuple[str, int | None]] = []
    for row in mine:
        earlier = before.get((row.session, row.item))
        if row.again:
            both = earlier is not None and row.score is not None
            apart = abs((row.score or 0) - (earlier or 0)) if both else None
            again.append((study.by_id[row.session].client, apart))
    return ScaleUser(
        len(scores),
        len(before) - len(scores),
        fmean(scores) if scores else None,
        stdev(scores) if len(scores) > 1 else None,
        len(set(scores)),
        share_figure((client, None if apart is None else apart == 0) for client, apart in again),
        mean_figure(again, seed=seed),
    )


def _beside(judge: str, subscale: str, people: _Means, judged: _Means, seed: int) -> BesidePeople:
    scores = {key.session: mean for key, mean in people[subscale].items()}
    scored, groups = [], defaultdict(list)
    for key, mean in judged[subscale].items():
        by_people = scores.get(key.session)
        groups[key.method or ""].append(Predicted(key.client, mean, by_people))
        if by_people is not None:
            scored.append(Scored(key.client, by_people, mean))
    means = {group: powered_mean(rows) for group, rows in sorted(groups.items())}
    differences = {(one, other): powered_difference(means[one], means[other]) for one, other in combinations(means, 2)}
    return BesidePeople(judge, subscale, calibration(scored, seed=seed), means, differences)
