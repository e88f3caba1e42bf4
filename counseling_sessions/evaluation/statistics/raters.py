"""What raters' answers are worth: a judge beside humans, the pull of the side, and whether a rater repeats itself."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from statistics import multimode
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from counseling_sessions.evaluation.statistics.agreement import (
    Level,
    Rating,
    Ratings,
    mean_kappa,
    ratings_table,
    raw_agreement,
)
from counseling_sessions.evaluation.statistics.intervals import Figure, nothing, share_figure
from counseling_sessions.evaluation.statistics.sign_flips import PValue, sign_flip_test

Answer = Literal["first", "second", "tie", "cannot_say"]
"""A rater's answer by the place of the sessions: `first` is the left one, or the one shown first."""


@dataclass(frozen=True)
class JudgeAgainstHumans:
    """A judge among humans; kappas as in `mean_kappa`.

    - `with_majority`, `same_as_majority`: kappa and raw agreement with the humans' most frequent answer, over the units
      that the judge rated and where there is one such answer (`no_majority` units have none, or no human's rating);
    - `humans_with_majority`: what humans reach: the mean kappa of each with the most frequent answer of the others;
    - `with_humans`, `among_humans`: the mean kappa of the judge with each human, and of the humans with each other.
    """

    judge: str
    humans: tuple[str, ...]
    no_majority: int
    with_majority: Figure
    same_as_majority: Figure
    humans_with_majority: Figure
    with_humans: Figure
    among_humans: Figure


@dataclass(frozen=True)
class SideBias:
    """How often the first shown was preferred, of the answers that preferred one; without bias, half the time.

    That holds where each method is as often shown first as second. `binomial` takes answers as independent; `test`
    flips the signs of whole clients.
    """

    share: Figure
    binomial: PValue
    test: PValue


class Repeat(NamedTuple):
    """Two answers of one rater to one pair. `swapped`: the second time the sessions stood in the other order."""

    client: str
    before: Answer
    after: Answer
    swapped: bool


@dataclass(frozen=True)
class SelfConsistency:
    """The shares of repeated and of side-swapped pairs that were answered alike (swapped: the same session preferred).

    Pairs with a "cannot say" are left out, and counted as missing.
    """

    repeated: Figure
    swapped: Figure


def judge_against_humans(
    ratings: Iterable[Rating], judge: str, humans: Sequence[str], level: Level = "nominal"
) -> JudgeAgainstHumans:
    """Compare one judge with humans who rated the same units, without the ratings of others; see `ratings_table`."""
    chosen = {judge, *humans}
    table = ratings_table((rating for rating in ratings if rating.rater in chosen), level)
    present = tuple(name for name in sorted(humans) if name in table.raters)
    if judge not in table.raters or not present:
        absent = "humans" if judge in table.raters else judge
        undefined = nothing(note=f"undefined: there are no ratings by {absent}")
        return JudgeAgainstHumans(judge, present, 0, *[undefined] * 5)
    votes = majority(table.of(present))
    beside = _beside(table, ("judge", "majority"), [table.of([judge])[:, 0], votes])
    return JudgeAgainstHumans(
        judge,
        present,
        int((votes < 0).sum()),
        mean_kappa(beside, [("judge", "majority")]),
        raw_agreement(beside),
        _humans_with_majority(table, present),
        mean_kappa(table, [(judge, human) for human in present]),
        mean_kappa(table, list(combinations(present, 2))),
    )


def majority(codes: NDArray[np.int64]) -> NDArray[np.int64]:
    """The most frequent code of each unit, from [units, raters]; -1 where there is no rating, or no single one."""
    votes = [multimode(row[row >= 0].tolist()) for row in codes]
    return np.asarray([most[0] if len(most) == 1 else -1 for most in votes], dtype=np.int64)


def _humans_with_majority(table: Ratings, humans: tuple[str, ...]) -> Figure:
    if len(humans) < 3:
        return nothing(note="undefined: it needs three humans")
    names, columns, pairs = [], [], []
    for human in humans:
        others = f"others than {human}"
        names += [human, others]
        columns += [table.of([human])[:, 0], majority(table.of([name for name in humans if name != human]))]
        pairs.append((human, others))
    return mean_kappa(_beside(table, tuple(names), columns), pairs)


def _beside(table: Ratings, raters: tuple[str, ...], columns: list[NDArray[np.int64]]) -> Ratings:
    return replace(table, raters=raters, codes=np.column_stack(columns))


def side_bias(answers: Iterable[tuple[str, Answer]], *, seed: int = 0) -> SideBias:
    """Whether the place pulls, from clients and answers; ties and "cannot say" count as missing."""
    points = {"first": 1.0, "second": 0.0}
    values = [(client, points.get(answer)) for client, answer in answers]
    decided = [value for _, value in values if value is not None]
    if not decided:
        none = PValue(None, 0, note="no test: nobody preferred anything")
        return SideBias(nothing(len(values), "nobody preferred anything"), none, none)
    share = share_figure(values)
    from scipy.stats import binomtest  # takes a second, and only preferences need it

    binomial, smallest = (float(binomtest(wins, len(decided), 0.5).pvalue) for wins in (int(sum(decided)), 0))
    return SideBias(
        share,
        PValue(binomial, share.clients, "binomial, answers taken as independent", smallest=smallest),
        sign_flip_test(((client, None if value is None else 2 * value - 1) for client, value in values), seed=seed),
    )


def self_consistency(repeats: Iterable[Repeat]) -> SelfConsistency:
    """How often a rater answers a pair that comes again as before."""
    turned: dict[Answer, Answer] = {"first": "second", "second": "first"}
    alike: dict[bool, list[tuple[str, bool | None]]] = {False: [], True: []}
    for repeat in repeats:
        after = turned.get(repeat.after, repeat.after) if repeat.swapped else repeat.after
        unsure = "cannot_say" in {repeat.before, repeat.after}
        alike[repeat.swapped].append((repeat.client, None if unsure else repeat.before == after))
    return SelfConsistency(share_figure(alike[False]), share_figure(alike[True]))
