"""How far raters agree: Krippendorff's alpha, Gwet's AC1 and AC2, Cohen's and Fleiss's kappa, raw agreement.

A unit is what is rated once by each rater, such as a pair of sessions on one aspect. All intervals leave
out clients, each with all its units. Above the nominal level, AC2 and Cohen's kappa weigh disagreements by their distance.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from counseling_sessions.evaluation.statistics import coefficients
from counseling_sessions.evaluation.statistics.coefficients import Coefficient, Counts, coefficient_figure
from counseling_sessions.evaluation.statistics.intervals import Figure, Floats, defined, nothing, share_figure

Level = Literal["nominal", "ordinal", "interval"]
Category = str | float


class Rating(NamedTuple):
    """What one rater said of one unit: a category, or a score; None where the rater did not or could not say.

    `stratum` is within what agreement is computed, such as an aspect; a unit may be rated in several strata.
    """

    unit: str
    rater: str
    value: Category | None
    client: str
    stratum: str = ""


@dataclass(frozen=True)
class Ratings:
    """Ratings as a table. `codes` is [units, raters]: places in `categories`, -1 where there is none; units are sorted.

    A row is a unit in a stratum; `strata`, `units` and `clients` are those of the rows.
    """

    level: Level
    strata: tuple[str, ...]
    units: tuple[str, ...]
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
    """How far raters agree on `units`; `missing` ratings are absent from units x raters. `subjects` are what is rated, such as
    pairs, each counted once in however many strata.

    `alpha` and `ac` (Gwet's AC1, above the nominal level AC2) rest on the units with two ratings or more, `fleiss` on those that
    everybody rated, `mean_kappa` is the mean of Cohen's `kappas` over pairs of raters, `raw` the share of pairs of ratings of a unit
    that are equal, averaged over units. All but `raw` are computed within strata, and then averaged.
    """

    level: Level
    subjects: int
    units: int
    raters: int
    missing: int
    alpha: Figure
    ac: Figure
    fleiss: Figure
    mean_kappa: Figure
    kappas: tuple[Kappa, ...]
    raw: Figure


def ratings_table(
    ratings: Iterable[Rating], level: Level = "nominal", *, categories: Sequence[Category] = ()
) -> Ratings:
    """Arrange ratings as a table; on the levels above nominal all values must be numbers.

    `categories` are those that could be given (default: those that were): AC1 and AC2 depend on their number. Raises `ValueError` where
    a rater rated a unit twice (repeats belong to self-consistency), where a unit has two clients, for a value that is no number on a
    level that needs one, and for one that is none of `categories`.
    """
    rows = list(ratings)
    clients: dict[str, str] = {}
    values: dict[tuple[tuple[str, str], str], Category] = {}
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
        place = (row.stratum, row.unit)
        if (place, row.rater) in values:
            raise ValueError(f"rater {row.rater} rated unit {row.unit} twice")
        values[place, row.rater] = value
    units, raters = sorted({(row.stratum, row.unit) for row in rows}), sorted({row.rater for row in rows})
    seen = set(values.values())
    if categories and (strange := seen - set(categories)):
        raise ValueError(f"{min(map(str, strange))} is none of the categories {', '.join(map(str, categories))}")
    ordered = sorted(categories or seen, key=lambda value: (isinstance(value, str), value))
    row_of = {unit: at for at, unit in enumerate(units)}
    column_of, code_of = ({value: at for at, value in enumerate(axis)} for axis in (raters, ordered))
    codes = np.full((len(units), len(raters)), -1, dtype=np.int64)
    for (place, rater), value in values.items():
        codes[row_of[place], column_of[rater]] = code_of[value]
    strata, names = tuple(stratum for stratum, _ in units), tuple(unit for _, unit in units)
    return Ratings(level, strata, names, tuple(clients[unit] for unit in names), tuple(raters), tuple(ordered), codes)


def agreement(ratings: Iterable[Rating], level: Level = "nominal", *, categories: Sequence[Category] = ()) -> Agreement:
    """All measures of agreement of the raters; see `ratings_table` for what is raised."""
    table = ratings_table(ratings, level, categories=categories)
    pairs = list(combinations(table.raters, 2))
    return Agreement(
        level,
        len(set(table.units)),
        len(table.units),
        len(table.raters),
        int((table.codes < 0).sum()),
        alpha=krippendorff_alpha(table),
        ac=gwet_ac(table),
        fleiss=fleiss(table),
        mean_kappa=mean_kappa(table, pairs),
        kappas=tuple(Kappa(*pair, mean_kappa(table, [pair])) for pair in pairs),
        raw=raw_agreement(table),
    )


def krippendorff_alpha(table: Ratings) -> Figure:
    """Krippendorff's alpha on the table's level; 1 is full agreement, 0 that of chance.

    Undefined where no unit has two ratings, and where all ratings are of one category.
    """
    if table.level == "interval":
        columns, alpha = coefficients.alpha_of_numbers(_values(table))
    else:
        columns, alpha = coefficients.alpha_of_categories(_counts(table), ordinal=table.level == "ordinal")
    return _over_units(table, _rated_twice(table), columns, alpha, "two ratings")


def gwet_ac(table: Ratings) -> Figure:
    """Gwet's AC1 on the nominal level, above it AC2 with ordinal weights, or quadratic ones on the interval level.

    Unlike alpha it stays high where nearly all ratings are of one category, and is 1 where all are (Gwet 2008, "Computing inter-rater
    reliability and its variance in the presence of high agreement"). Undefined where no unit has two ratings.
    """
    columns, coefficient = coefficients.gwet_ac(_counts(table), _weights(table))
    return _over_units(table, _rated_twice(table), columns, coefficient, "two ratings")


def fleiss(table: Ratings) -> Figure:
    """Fleiss's kappa of the units that every rater rated; the others are left out and counted.

    It takes categories as names, whatever the level. Undefined where all ratings are of one category.
    """
    if len(table.raters) < 2:
        return nothing(len(table.clients), "undefined: there are fewer than two raters")
    complete = np.asarray((table.codes >= 0).all(axis=1), dtype=np.bool_)
    columns, kappa = coefficients.fleiss_kappa(_counts(table) * complete[:, None])
    return _over_units(table, complete, columns, kappa, "a rating from everybody")


def mean_kappa(table: Ratings, pairs: Sequence[tuple[str, str]]) -> Figure:
    """The mean over pairs of raters of Cohen's kappa, each over the units that both rated.

    Above the nominal level disagreements weigh by the square of their distance. A pair whose kappa is undefined (one
    category only, or nothing that both rated) is left out; with no pair left there is no value.
    """
    if not pairs:
        return nothing(len(table.clients), "undefined: there are fewer than two raters")
    codes = [table.of(pair) for pair in pairs]
    both = np.asarray(np.any([(pair >= 0).all(axis=1) for pair in codes], axis=0), dtype=np.bool_)
    weights = np.eye(len(table.categories)) if table.level == "nominal" else _quadratic(table)
    columns, kappa = coefficients.mean_cohen_kappa(codes, weights)
    return _over_units(table, both, columns, kappa, "ratings of both raters")


def raw_agreement(table: Ratings) -> Figure:
    """The share of pairs of ratings of a unit that are equal, averaged over units with two ratings or more."""
    counts = _counts(table)
    size = counts.sum(axis=1)
    equal, pairs = (counts * (counts - 1)).sum(axis=1).tolist(), (size * (size - 1)).tolist()
    shares = [same / every if every else None for same, every in zip(equal, pairs, strict=True)]
    raw = share_figure(zip(table.clients, shares, strict=True))
    return raw if raw.n else nothing(raw.missing, "undefined: no unit has two ratings")


def _over_units(
    table: Ratings, kept: NDArray[np.bool_], columns: Floats, coefficient: Coefficient, need: str
) -> Figure:
    return coefficient_figure(table.clients, table.strata, kept, columns, coefficient, need=need)


def _rated_twice(table: Ratings) -> NDArray[np.bool_]:
    return np.asarray((table.codes >= 0).sum(axis=1) >= 2, dtype=np.bool_)


def _counts(table: Ratings) -> Counts:
    """The number of ratings per unit and category: [units, categories]."""
    places = np.arange(len(table.categories))
    counts: Counts = (table.codes[:, :, None] == places).sum(axis=1)
    return counts


def _values(table: Ratings) -> Floats:
    """The ratings as numbers, [units, raters]; NaN where there is none."""
    return np.append(np.asarray(table.categories, dtype=np.float64), np.nan)[table.codes]


def _weights(table: Ratings) -> Floats:
    """How far two categories agree, [categories, categories], 1 on the diagonal (Gwet 2014, "Handbook of Inter-Rater Reliability")."""
    size = len(table.categories)
    if table.level == "interval":
        return _quadratic(table)
    if table.level == "nominal" or size < 2:
        return np.eye(size)
    between = np.abs(np.subtract.outer(np.arange(size), np.arange(size))) + 1
    return np.asarray(1 - between * (between - 1) / (size * (size - 1)), dtype=np.float64)


def _quadratic(table: Ratings) -> Floats:
    """1 less the squared distance of two categories, in units of the largest one."""
    numbers = np.asarray(table.categories, dtype=np.float64)
    distances = np.subtract.outer(numbers, numbers) ** 2
    return np.asarray(1 - distances / max(distances.max(initial=0), 1e-300), dtype=np.float64)
