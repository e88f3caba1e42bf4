"""Preferences put together: win rates by aspect, rankings, and how far raters agree, of judges and of people alike."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations

from counseling_sessions.evaluation.aspects import Aspects
from counseling_sessions.evaluation.judging.preference import Decision
from counseling_sessions.evaluation.rating.answers import Answers, PairRating
from counseling_sessions.evaluation.rating.study import Study, StudyPair
from counseling_sessions.evaluation.statistics import agreement as agreeing
from counseling_sessions.evaluation.statistics import raters
from counseling_sessions.evaluation.statistics.agreement import Agreement, agreement
from counseling_sessions.evaluation.statistics.family import Family, holm
from counseling_sessions.evaluation.statistics.preferences import Preference, Ranking, WinRate, bradley_terry, win_rates
from counseling_sessions.evaluation.statistics.raters import JudgeAgainstHumans, Repeat, SelfConsistency, SideBias

RANKED_FROM = 3
"""From so many methods on, there are strengths over all of them."""
OVERALL = ""
"""The name of all aspects together."""
CHOICES = ("first", "second", "tie")
"""The answers that name a preference, or none."""


@dataclass(frozen=True)
class Duel:
    """Two methods: the win rates of the first by aspect (`OVERALL` for all together), and Holm's family over the aspects.

    `population_family` corrects the tests that hold for raters like these.
    """

    first: str
    second: str
    rates: dict[str, WinRate]
    family: Family
    population_family: Family


@dataclass(frozen=True)
class Preferred:
    """What these raters preferred. `rankings` by aspect, with three methods or more; `unanswered` counts decisions without answer."""

    raters: tuple[str, ...]
    duels: tuple[Duel, ...]
    rankings: dict[str, Ranking] = field(default_factory=dict)
    unanswered: int = 0


@dataclass(frozen=True)
class Rated:
    """What people answered, and what their answers are worth; agreement by aspect and `OVERALL`.

    Agreement is computed within each aspect and each two methods, and averaged over them; so is that of judges with people.
    """

    preferred: Preferred
    agreements: dict[str, Agreement]
    side: dict[str, SideBias]
    consistency: dict[str, SelfConsistency]
    judges: tuple[JudgeAgainstHumans, ...] = ()


def preferred(
    preferences: Sequence[Preference], methods: Sequence[str], aspects: Aspects, *, unanswered: int = 0, seed: int = 0
) -> Preferred:
    """Win rates of every two methods, and rankings where there are `RANKED_FROM` of them or more.

    Under `OVERALL` all answers count, as in the paper; its interval and test keep a client's answers on all aspects together.
    """
    listed = [aspect.id for aspect in aspects.items]
    duels = []
    for first, second in combinations(methods, 2):
        by_aspect = win_rates(preferences, first, second, seed=seed)
        rates = {aspect: by_aspect[aspect] for aspect in [*listed, OVERALL] if aspect in by_aspect}
        name, by_one = f"{first} against {second}", {key: rate for key, rate in rates.items() if key != OVERALL}
        tested = holm(name, {aspect: rate.test for aspect, rate in by_one.items()})
        beyond = holm(f"{name}, raters like these", {aspect: rate.population.test for aspect, rate in by_one.items()})
        duels.append(Duel(first, second, rates, tested, beyond))
    rankings = {}
    if len(methods) >= RANKED_FROM:
        rankings = {
            aspect: bradley_terry([item for item in preferences if aspect in (item.aspect, OVERALL)], seed=seed)
            for aspect in [*listed, OVERALL]
        }
    return Preferred(tuple(sorted({item.rater for item in preferences})), tuple(duels), rankings, unanswered)


def by_judges(decisions: Iterable[Decision]) -> tuple[list[Preference], int]:
    """The judges' decisions as preferences, and how many have no outcome."""
    items = list(decisions)
    answered = [
        Preference(item.aspect, item.outcome, item.first_method, item.second_method, item.key.client, item.judge)
        for item in items
        if item.outcome is not None
    ]
    return answered, len(items) - len(answered)


def by_people(answers: Answers, study: Study) -> list[Preference]:
    """People's answers at their first showings, as preferences."""
    pairs = study.by_id
    return [
        Preference(row.aspect, row.choice, *pairs[row.pair].methods, pairs[row.pair].client, row.rater)
        for row in answers.ratings
        if row.repeat == "none"
    ]


def rated(answers: Answers, study: Study, decisions: Iterable[Decision] = (), *, seed: int = 0) -> Rated:
    """What people answered: preferences, agreement, side bias and self-consistency; with `decisions`, judges beside them.

    First showings count as answers; the second ones are for self-consistency alone. Side bias is of all showings. "Cannot say" is
    missing from agreement. Decisions on pairs outside the study are passed over.
    """
    pairs = study.by_id
    first = [row for row in answers.ratings if row.repeat == "none"]
    preferences = by_people(answers, study)
    methods = list(dict.fromkeys(name for pair in study.pairs for name in pair.methods))
    units = _units(answers, study)
    judged = [
        _rating(item.aspect, item.judge, _turned(item, pairs[item.pair].methods), pairs[item.pair])
        for item in decisions
        if item.pair in pairs
    ]
    humans = sorted({row.rater for row in first})
    by_rater = _by_rater(answers.ratings)
    return Rated(
        preferred(preferences, methods, study.aspects, seed=seed),
        agreements(answers, study),
        {
            rater: raters.side_bias([(pairs[row.pair].client, _side(row)) for row in rows], seed=seed)
            for rater, rows in by_rater.items()
        },
        {rater: raters.self_consistency(_repeats(rows, study)) for rater, rows in by_rater.items()},
        tuple(
            raters.judge_against_humans([*units, *judged], judge, humans)
            for judge in sorted({unit.rater for unit in judged})
        ),
    )


def agreements(answers: Answers, study: Study) -> dict[str, Agreement]:
    """How far people agree at their first showings, by aspect and `OVERALL`; nothing of what they preferred."""
    units = _units(answers, study)
    aspects = [*(aspect.id for aspect in study.aspects.items), OVERALL]
    return {aspect: agreement(_of(units, aspect), categories=CHOICES) for aspect in aspects}


def _units(answers: Answers, study: Study) -> list[agreeing.Rating]:
    """People's answers at their first showings, as ratings of pairs."""
    pairs = study.by_id
    first = (row for row in answers.ratings if row.repeat == "none")
    return [_rating(row.aspect, row.rater, row.choice, pairs[row.pair]) for row in first]


def _turned(item: Decision, methods: tuple[str, str]) -> str | None:
    """The outcome in the order of the study's pair, which may have its methods the other way round."""
    turned = {"first": "second", "second": "first"}
    if item.outcome and (item.first_method, item.second_method) == methods[::-1]:
        return turned.get(item.outcome, item.outcome)
    return item.outcome


def _rating(aspect: str, rater: str, choice: str | None, pair: StudyPair) -> agreeing.Rating:
    """An answer within its aspect and two methods: others have other base rates, which are no agreement."""
    value = None if choice in (None, "cannot_say") else choice
    return agreeing.Rating(pair.id, rater, value, pair.client, "\n".join((aspect, *sorted(pair.methods))))


def _of(ratings: Iterable[agreeing.Rating], aspect: str) -> list[agreeing.Rating]:
    return [rating for rating in ratings if aspect in (OVERALL, rating.stratum.partition("\n")[0])]


def _by_rater(rows: Iterable[PairRating]) -> Mapping[str, list[PairRating]]:
    """The rows of each rater, and of all of them under the empty name."""
    by_rater: dict[str, list[PairRating]] = defaultdict(list)
    for row in rows:
        by_rater[row.rater].append(row)
        by_rater[OVERALL].append(row)
    return dict(sorted(by_rater.items()))


def _side(row: PairRating) -> raters.Answer:
    """The answer by side: first is the left one."""
    if row.choice in ("first", "second"):
        return "first" if (row.choice == "first") == row.first_left else "second"
    return row.choice


def _repeats(rows: Sequence[PairRating], study: Study) -> list[Repeat]:
    before = {(row.rater, row.pair, row.aspect): row for row in rows if row.repeat == "none"}
    repeats = []
    for row in rows:
        earlier = before.get((row.rater, row.pair, row.aspect))
        if row.repeat != "none" and earlier:
            client = study.by_id[row.pair].client
            repeats.append(Repeat(client, _side(earlier), _side(row), row.repeat == "swapped"))
    return repeats
