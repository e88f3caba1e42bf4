"""How far raters agree: Krippendorff's alpha, Cohen's and Fleiss's kappa, raw agreement.

A unit is what is rated once by each rater, such as a pair of sessions on one aspect. All intervals resample clients, each
with all its units.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Literal, NamedTuple

import krippendorff
import numpy as np
from numpy.typing import NDArray

from counseling_sessions.evaluation.statistics.intervals import Figure, defined, nothing, share_figure, units_figure

Level = Literal["nominal", "ordinal", "interval"]
Category = str | float
Chosen = NDArray[np.intp]


class Rating(NamedTuple):
    """What one rater said of one unit: a category, or a score; None where the rater did not or could not say."""

    unit: str
    rater: str
    value: Category | None
    client: str


@dataclass(frozen=True)
class Ratings:
    """Ratings as a table. `codes` is [units, raters]: places in `categories`, -1 where there is none; units are sorted."""

    level: Level
    clients: tuple[str, ...]
    raters: tuple[str, ...]
    categories: tuple[Category, ...]
    codes: NDArray[np.int64]

    def of(self, raters: Sequence[str]) -> NDArray[np.int64]:
        """The codes of some raters: [units, raters]."""
        return self.codes[:, [self.raters.index(name) for name in raters]]


@dataclass(frozen=True)
class Kappa:
    """Cohen's kappa of two raters over the units that both rated."""

    first: str
    second: str
    kappa: Figure


@dataclass(frozen=True)
class Agreement:
    """How far raters agree on `units`; `missing` ratings are absent from units x raters.

    `alpha` rests on the units with two ratings or more, `fleiss` on those that everybody rated, `mean_kappa` is the mean of
    Cohen's `kappas` over pairs of raters, `raw` the share of pairs of ratings of a unit that are equal, averaged over units.
    """

    level: Level
    units: int
    raters: int
    missing: int
    alpha: Figure
    fleiss: Figure
    mean_kappa: Figure
    kappas: tuple[Kappa, ...]
    raw: Figure


def ratings_table(ratings: Iterable[Rating], level: Level = "nominal") -> Ratings:
    """Arrange ratings as a table; on the levels above nominal all values must be numbers.

    Raises `ValueError` where a rater rated a unit twice (repeats belong to self-consistency), where a unit has two
    clients, and for a value that is no number on a level that needs one.
    """
    rows = list(ratings)
    clients: dict[str, str] = {}
    values: dict[tuple[str, str], Category] = {}
    for row in rows:
        if clients.setdefault(row.unit, row.client) != row.client:
            raise ValueError(f"unit {row.unit} has two clients: {clients[row.unit]} and {row.client}")
        if level != "nominal" and isinstance(row.value, str):
            raise ValueError(
                f"unit {row.unit}, rater {row.rater}: {row.value!r} is not a number, as level {level} needs"
            )
        value = row.value if isinstance(row.value, str) else defined(row.value)
        if value is None:
            continue
        if (row.unit, row.rater) in values:
            raise ValueError(f"rater {row.rater} rated unit {row.unit} twice")
        values[row.unit, row.rater] = value
    units, raters = sorted(clients), sorted({row.rater for row in rows})
    categories = sorted(set(values.values()), key=lambda value: (isinstance(value, str), value))
    row_of, column_of, code_of = ({value: at for at, value in enumerate(axis)} for axis in (units, raters, categories))
    codes = np.full((len(units), len(raters)), -1, dtype=np.int64)
    for (unit, rater), value in values.items():
        codes[row_of[unit], column_of[rater]] = code_of[value]
    return Ratings(level, tuple(clients[unit] for unit in units), tuple(raters), tuple(categories), codes)


def agreement(ratings: Iterable[Rating], level: Level = "nominal", *, seed: int = 0) -> Agreement:
    """All measures of agreement of the raters; see `ratings_table` for what is raised."""
    table = ratings_table(ratings, level)
    pairs = list(combinations(table.raters, 2))
    return Agreement(
        level,
        len(table.clients),
        len(table.raters),
        int((table.codes < 0).sum()),
        alpha=krippendorff_alpha(table, seed=seed),
        fleiss=fleiss(table, seed=seed),
        mean_kappa=mean_kappa(table, pairs, seed=seed),
        kappas=tuple(Kappa(*pair, mean_kappa(table, [pair], seed=seed)) for pair in pairs),
        raw=raw_agreement(table),
    )


def krippendorff_alpha(table: Ratings, *, seed: int = 0) -> Figure:
    """Krippendorff's alpha on the table's level (package krippendorff); 1 is full agreement, 0 that of chance.

    Undefined where no unit has two ratings, and where all ratings are of one category.
    """
    counts = _counts(table)
    rated = counts.sum(axis=1) >= 2
    return _over_units(table, rated, lambda chosen: _alpha(table, counts[rated][chosen]), "two ratings", seed)


def plain_alpha(table: Ratings) -> float | None:
    """Krippendorff's alpha without an interval; None where it is undefined."""
    counts = _counts(table)
    return _alpha(table, counts[counts.sum(axis=1) >= 2])


def _alpha(table: Ratings, seen: NDArray[np.int64]) -> float | None:
    """Alpha of units [units, categories] with two ratings or more."""
    if np.count_nonzero(seen.sum(axis=0)) < 2:
        return None
    return float(krippendorff.alpha(value_counts=seen, value_domain=_scores(table), level_of_measurement=table.level))


def fleiss(table: Ratings, *, seed: int = 0) -> Figure:
    """Fleiss's kappa (statsmodels) of the units that every rater rated; the others are left out and counted.

    It takes categories as names, whatever the level. Undefined where all ratings are of one category.
    """
    if len(table.raters) < 2:
        return nothing(len(table.clients), "undefined: there are fewer than two raters")
    complete = np.asarray((table.codes >= 0).all(axis=1), dtype=np.bool_)
    counts = _counts(table)[complete]

    from statsmodels.stats.inter_rater import fleiss_kappa

    def kappa(chosen: Chosen) -> float | None:
        seen = counts[chosen]
        return float(fleiss_kappa(seen)) if np.count_nonzero(seen.sum(axis=0)) > 1 else None

    return _over_units(table, complete, kappa, "a rating from everybody", seed)


def mean_kappa(table: Ratings, pairs: Sequence[tuple[str, str]], *, seed: int = 0) -> Figure:
    """The mean over pairs of raters of Cohen's kappa (statsmodels), each over the units that both rated.

    Above the nominal level disagreements weigh by the square of their distance. A pair whose kappa is undefined (one
    category only, or nothing that both rated) is left out; with no pair left there is no value.
    """
    if not pairs:
        return nothing(len(table.clients), "undefined: there are fewer than two raters")
    size = len(table.categories)
    codes = [table.of(pair) for pair in pairs]
    both = np.asarray(np.any([(pair >= 0).all(axis=1) for pair in codes], axis=0), dtype=np.bool_)
    # One number for both answers, -1 where one of them is missing: a resample is then counted at once.
    joint = [np.where((pair >= 0).all(axis=1), pair[:, 0] * size + pair[:, 1], -1)[both] for pair in codes]
    weights = None if table.level == "nominal" else _scores(table)

    def kappa(chosen: Chosen) -> float | None:
        values = [value for answers in joint if (value := _cohen(answers[chosen], size, weights)) is not None]
        return float(np.mean(values)) if values else None

    return _over_units(table, both, kappa, "ratings of both raters", seed)


def raw_agreement(table: Ratings) -> Figure:
    """The share of pairs of ratings of a unit that are equal, averaged over units with two ratings or more."""
    counts = _counts(table)
    size = counts.sum(axis=1)
    equal, pairs = (counts * (counts - 1)).sum(axis=1).tolist(), (size * (size - 1)).tolist()
    shares = [same / every if every else None for same, every in zip(equal, pairs, strict=True)]
    raw = share_figure(zip(table.clients, shares, strict=True))
    return raw if raw.n else nothing(raw.missing, "undefined: no unit has two ratings")


def _cohen(joint: NDArray[np.int64], categories: int, weights: NDArray[np.float64] | None) -> float | None:
    table = np.bincount(joint + 1, minlength=categories**2 + 1)[1:].reshape(categories, categories)
    if np.count_nonzero(table.sum(axis=0) + table.sum(axis=1)) < 2:
        return None
    from statsmodels.stats.inter_rater import cohens_kappa

    if weights is None:
        return float(cohens_kappa(table, return_results=False))
    return float(cohens_kappa(table, weights=weights, wt="quadratic", return_results=False))


def _over_units(
    table: Ratings, kept: NDArray[np.bool_], statistic: Callable[[Chosen], float | None], need: str, seed: int
) -> Figure:
    missing = int((~kept).sum())
    if not kept.any():
        return nothing(missing, f"undefined: no unit has {need}")
    clients = np.asarray(table.clients)[kept].tolist()
    undefined = "undefined: all ratings are of one category"
    return units_figure(clients, statistic, missing=missing, undefined=undefined, seed=seed)


def _counts(table: Ratings) -> NDArray[np.int64]:
    """The number of ratings per unit and category: [units, categories]."""
    places = np.arange(len(table.categories))
    counts: NDArray[np.int64] = (table.codes[:, :, None] == places).sum(axis=1)
    return counts


def _scores(table: Ratings) -> NDArray[np.float64]:
    """The categories as numbers: their values on the levels above nominal, else their places."""
    numbers = range(len(table.categories)) if table.level == "nominal" else table.categories
    return np.asarray([float(number) for number in numbers], dtype=np.float64)
