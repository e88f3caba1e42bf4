"""Preferences between methods: win rates, and Bradley-Terry strengths where there are several methods."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.sparse.csgraph import connected_components
from scipy.special import expit, logit

from counseling_sessions.evaluation.pairs import Winner
from counseling_sessions.evaluation.statistics.crossed import Population, errors_over, population
from counseling_sessions.evaluation.statistics.intervals import (
    RESAMPLES_ONE_BY_ONE,
    Figure,
    Floats,
    Interval,
    figure,
    interval_of,
    resampled,
    share_figure,
)
from counseling_sessions.evaluation.statistics.jackknife import deviations
from counseling_sessions.evaluation.statistics.sign_flips import PValue, sign_flip_test

PRIOR = 0.5
"""Wins that every two methods get each way: one tie, so that a method that won or lost everything has a strength."""


class Preference(NamedTuple):
    """One rater's answer on one aspect of a pair; `first` and `second` are the methods, whichever was shown first."""

    aspect: str
    winner: Winner
    first: str
    second: str
    client: str
    rater: str


RATERS_LIKE_THESE = 3
"""From so many raters on, strengths have intervals for raters like these."""
_UNBOUNDED = Interval(
    note="no interval: some methods won every comparison with the rest, or had none, so nothing bounds their strength"
)


@dataclass(frozen=True)
class WinRate:
    """How a method fared against others, over answers. `rate` counts a tie as half a win; `decided` leaves ties out.

    Who could not say is in neither, and counted in `cannot_say`. `rate`, `decided` and `test` (sign flips per client of wins minus
    losses) hold for these raters: clients alone are chance. In `population` raters are chance too; `by_rater` has the rate of each.
    """

    method: str
    against: str
    wins: int
    losses: int
    ties: int
    cannot_say: int
    raters: int
    rate: Figure
    decided: Figure
    test: PValue
    population: Population
    by_rater: dict[str, Figure]


@dataclass(frozen=True)
class Strength:
    """A method's place: `strength` in log odds, their mean over the methods 0; `beats_others` as a probability.

    With strengths a and b, the one wins with the probability 1 / (1 + exp(b - a)); `beats_others` is the mean of that over
    the other methods.
    """

    method: str
    strength: Figure
    beats_others: Figure


@dataclass(frozen=True)
class Ranking:
    """Bradley-Terry strengths, the strongest first, from `decided` answers and `ties` (half a win each way)."""

    strengths: tuple[Strength, ...]
    decided: int
    ties: int
    cannot_say: int
    note: str = ""


def win_rate(preferences: Iterable[Preference], method: str, against: str, *, seed: int = 0) -> WinRate:
    """A method's win rate against another, over all answers: select the aspect before.

    Answers on other pairs of methods are passed over. Raises `ValueError` for a method against itself.
    """
    if method == against:
        raise ValueError(f"{method} cannot win against itself")
    kept = [answer for answer in preferences if {answer.first, answer.second} == {method, against}]
    points = [(answer.client, point_of(answer, method)) for answer in kept]
    values = [value for _, value in points]
    by_rater: dict[str, list[tuple[str, float | None]]] = defaultdict(list)
    for answer, point in zip(kept, points, strict=True):
        by_rater[answer.rater].append(point)
    return WinRate(
        *(method, against, values.count(1.0), values.count(0.0), values.count(0.5), values.count(None)),
        raters=len(by_rater),
        rate=share_figure(points),
        decided=share_figure((client, value) for client, value in points if value != 0.5),
        test=sign_flip_test(
            ((client, None if value is None else 2 * value - 1) for client, value in points), seed=seed
        ),
        population=population((answer.client, answer.rater, point_of(answer, method)) for answer in kept),
        by_rater={rater: share_figure(by_rater[rater]) for rater in sorted(by_rater)},
    )


def win_rates(preferences: Iterable[Preference], method: str, against: str, *, seed: int = 0) -> dict[str, WinRate]:
    """The win rate on every aspect, in the order in which they come, and over all of them under the empty name."""
    by_aspect: dict[str, list[Preference]] = defaultdict(list)
    everything = list(preferences)
    for answer in everything:
        by_aspect[answer.aspect].append(answer)
    return {
        aspect: win_rate(answers, method, against, seed=seed)
        for aspect, answers in [*by_aspect.items(), ("", everything)]
    }


def point_of(answer: Preference, method: str) -> float | None:
    """The value of an answer: 1 for a win of the method, 0 for a loss, 0.5 for a tie, None where the rater cannot say."""
    if answer.winner == "cannot_say":
        return None
    if answer.winner == "tie":
        return 0.5
    return float((answer.first if answer.winner == "first" else answer.second) == method)


def bradley_terry(
    preferences: Iterable[Preference], *, seed: int = 0, resamples: int = RESAMPLES_ONE_BY_ONE
) -> Ranking:
    """Strengths of two or more methods from all answers together (choix's iterative Luce spectral ranking).

    A tie is half a win each way. `PRIOR` wins each way between every two methods keep the strengths finite, and draw them a
    little towards each other. Intervals: with `RATERS_LIKE_THESE` raters or more for raters like these, else for these raters
    (expanded percentile, clients resampled); none where some methods won every comparison with the rest, or had none. Raises
    `ValueError` for an answer that compares a method with itself.
    """
    answers = list(preferences)
    for answer in answers:
        if answer.first == answer.second:
            raise ValueError(f"{answer.first} is compared with itself (client {answer.client}, rater {answer.rater})")
    cannot_say = sum(answer.winner == "cannot_say" for answer in answers)
    ties = sum(answer.winner == "tie" for answer in answers)
    answers = [answer for answer in answers if answer.winner != "cannot_say"]
    methods = sorted({name for answer in answers for name in (answer.first, answer.second)})
    counted = len(answers) - ties, ties, cannot_say
    if not answers:
        return Ranking((), *counted, note="nobody preferred anything")
    wins = _wins(answers, methods)
    separate = connected_components(wins.sum(axis=0), directed=False)[0]
    note = (
        "" if separate == 1 else f"{separate} groups of methods were never compared: their strengths are not comparable"
    )
    strengths = _strengths(answers, methods, wins, seed, resamples)
    strengths.sort(key=lambda item: (-(item.strength.value or 0), item.method))
    return Ranking(tuple(strengths), *counted, note=note)


def _strengths(
    answers: Sequence[Preference], methods: list[str], wins: Floats, seed: int, resamples: int
) -> list[Strength]:
    clients = [answer.client for answer in answers]
    n, count, size = len(answers), len(set(clients)), len(methods)
    start = _fit(wins.sum(axis=0), None)
    values = [*start, *_beats_others(start)]

    def statistics(chosen: NDArray[np.intp]) -> list[float]:
        fitted = _fit(wins[chosen].sum(axis=0), start)
        return [*fitted, *_beats_others(fitted)]

    # A method that nobody beat, or that beat nobody, has the strength that the prior leaves it, however often one resamples.
    bounded = connected_components(wins.sum(axis=0), directed=True, connection="strong")[0] == 1
    intervals = [_UNBOUNDED] * len(values)
    if bounded:
        distribution = resampled(clients, statistics, seed=seed, resamples=resamples)
        intervals = [interval_of(column, count, seed) for column in distribution.T]
        raters = np.array([answer.rater for answer in answers])
        if len(names := np.unique(raters)) >= RATERS_LIKE_THESE:
            without = np.array([statistics(np.flatnonzero(raters != name)) for name in names])
            intervals = [
                _like_these(*column, within=at >= size, clients=count)
                for at, column in enumerate(zip(values, intervals, distribution.T, without.T, strict=True))
            ]
    figures = [figure(float(value), ends, n, count) for value, ends in zip(values, intervals, strict=True)]
    return [Strength(name, figures[at], figures[size + at]) for at, name in enumerate(methods)]


def _like_these(
    value: float, these: Interval, resamples: Floats, without: Floats, *, within: bool, clients: int
) -> Interval:
    """The interval for raters like these, from that for these raters; a value `within` 0 and 1 has it on log odds.

    `resamples` are those of clients, and `without` has the value without each rater. As for win rates (`crossed`), the widest of
    three t intervals counts: over raters (jackknife), over clients (bootstrap), over both.
    """
    if these.low is None:
        return these
    centre, drawn, left_out = (logit(each) if within else each for each in (value, resamples, without))
    over_clients = float(np.var(drawn)) * clients / (clients - 1)
    over_raters = float((deviations(left_out) ** 2).sum())
    widest = max(errors_over(over_raters, over_clients, len(without), clients), key=lambda error: error.margin)
    low, high = (expit(end) if within else end for end in (centre - widest.margin, centre + widest.margin))
    method = (
        f"t interval, {len(without)} raters and {clients} clients as chance, the widest of three: over {widest.over}"
    )
    return Interval(float(low), float(high), method)


def _wins(answers: Sequence[Preference], methods: list[str]) -> Floats:
    """For each answer, how often one method won against another: [answers, winning, losing]."""
    at = {name: index for index, name in enumerate(methods)}
    wins = np.zeros((len(answers), len(methods), len(methods)))
    for number, answer in enumerate(answers):
        first, second = at[answer.first], at[answer.second]
        point = {"first": 1.0, "second": 0.0, "tie": 0.5}[answer.winner]
        wins[number, first, second] += point
        wins[number, second, first] += 1 - point
    return wins


def _fit(wins: Floats, start: Floats | None) -> Floats:
    prior = PRIOR * (1 - np.eye(len(wins)))
    import choix  # it imports what takes a second, and only preferences need it

    fitted = choix.ilsr_pairwise_dense(wins + prior, initial_params=start, max_iter=1000, tol=1e-6)
    return np.asarray(fitted - fitted.mean(), dtype=np.float64)


def _beats_others(strengths: Floats) -> Floats:
    against = expit(strengths[:, None] - strengths[None, :])
    return np.asarray((against.sum(axis=1) - 0.5) / (len(strengths) - 1), dtype=np.float64)
