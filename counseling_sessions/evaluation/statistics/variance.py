"""Where the variance of scores comes from, and what it leaves of their reliability: intraclass correlations and a G study.

Every unit (a session) is rated by every rater; units of one client belong together. Units that some rater left out are left out
and counted. Mean squares are functions of sums over clients, so that those without each client are computed at once.

Components, and ICC(C,1), have intervals for other clients and these raters. What speaks of other raters (ICC(A,1), ICC(A,k), Phi) has
the further ends of two intervals: that one, and a generalised one (Weerahandi 1993, "Generalized Confidence Intervals", JASA 88(423)),
which draws what mean squares of other raters and clients could have been. It presumes normal scores, which the other one does not; and
the other one knows nothing of how raters vary. `benchmarks/coefficients.py` has how often they hold the truth.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from math import inf

import numpy as np
from numpy.typing import NDArray

from counseling_sessions.evaluation.statistics.agreement import Ratings
from counseling_sessions.evaluation.statistics.intervals import LEVEL, RESAMPLES, Figure, Floats, nothing
from counseling_sessions.evaluation.statistics.jackknife import left_out_figure, sums_without

RATERS_ASKED = (1, 2, 3, 5, 8)
"""The numbers of raters of a D study."""
LIKE_THESE = "generalised interval over raters and clients, {draws:,} draws, seed {seed}, or jackknife over clients, the further ends"
"""How an interval for raters like these comes about."""


@dataclass(frozen=True)
class Intraclass:
    """Intraclass correlations of a two-way design with random raters (McGraw and Wong 1996; ICC2, ICC2k and ICC3 of others).

    `agreement`: ICC(A,1), of one rater's scores as they stand; `agreement_of_mean`: ICC(A,k), of the mean of these raters;
    `consistency`: ICC(C,1), of one rater's scores when it does not matter how severe the rater is.
    """

    agreement: Figure
    agreement_of_mean: Figure
    consistency: Figure


@dataclass(frozen=True)
class GStudy:
    """Components of variance, and what other numbers of raters would reach.

    `clients` and `sessions` (within clients) are what scores are meant to tell apart, `raters` their severity; `residual` is all else.
    A component below 0 counts as 0. `shares` are those of the four in a single rating. `dependability` is, by number of raters, the
    variance of clients and sessions in that of the raters' mean (Phi; Brennan 2001, "Generalizability Theory").
    """

    clients: Figure
    sessions: Figure
    raters: Figure
    residual: Figure
    shares: tuple[float, ...] | None
    dependability: dict[int, Figure]


_Statistic = Callable[["_Squares"], Floats]


@dataclass(frozen=True)
class _Squares:
    """Sums over the units of a sample: [samples], `columns` [samples, raters]; `raters` and `clients` are how many."""

    raters: int
    clients: Floats
    units: Floats
    squares: Floats
    rows: Floats
    columns: Floats
    by_client: Floats
    sizes: Floats

    @property
    def correction(self) -> Floats:
        return np.asarray(self.columns.sum(axis=1) ** 2 / (self.units * self.raters), dtype=np.float64)

    @property
    def between_units(self) -> Floats:
        return np.asarray((self.rows - self.correction) / (self.units - 1), dtype=np.float64)

    @property
    def between_raters(self) -> Floats:
        spread = (self.columns**2).sum(axis=1) / self.units - self.correction
        return np.asarray(spread / (self.raters - 1), dtype=np.float64)

    @property
    def residual(self) -> Floats:
        left = self.squares - self.rows - self.between_raters * (self.raters - 1)
        freedom = (self.units - 1) * (self.raters - 1)
        return np.asarray(np.maximum(left + self.correction, 0) / freedom, dtype=np.float64)

    @property
    def components(self) -> Floats:
        """The variance of clients, of sessions within them, of raters and of the residual, none below 0: [4, samples].

        Clients and sessions together are what tells sessions apart; with one session a client, all of it stands under sessions.
        """
        n, k, residual = self.units, self.raters, self.residual
        universe = np.maximum(self.between_units - residual, 0) / k
        within = np.where(n > self.clients, (self.rows - self.by_client) / (n - self.clients), np.nan)
        between = (self.by_client - self.correction) / (self.clients - 1)
        typical = (n - self.sizes / n) / (self.clients - 1)
        clients = np.where(np.isfinite(within), (between - within) / (k * typical), 0)
        clients = np.clip(clients, 0, universe)
        raters = np.maximum(self.between_raters - residual, 0) / n
        return np.asarray(np.stack([clients, universe - clients, raters, residual]), dtype=np.float64)


def intraclass(table: Ratings, *, seed: int = 0) -> Intraclass:
    """Intraclass correlations of ratings that are numbers; undefined for one rater, and where nothing varies.

    They may lie below 0, where raters agree less than by chance. `seed` is that of the draws behind intervals.
    """

    def agreement(raters: float) -> _Statistic:
        def value(of: _Squares) -> Floats:
            severity = (of.between_raters - of.residual) / of.units
            shared = of.between_units - of.residual
            return _ratio(shared, of.between_units + (raters - 1) * of.residual + raters * severity)

        return value

    def of_mean(of: _Squares) -> Floats:
        severity = (of.between_raters - of.residual) / of.units
        return _ratio(of.between_units - of.residual, of.between_units + severity)

    def consistency(of: _Squares) -> Floats:
        return _ratio(of.between_units - of.residual, of.between_units + (of.raters - 1) * of.residual)

    bounds = ((-1, 1), (-inf, 1), (-1, 1))  # that of the mean has no lower end
    raters = len(table.raters)
    return Intraclass(*_figures(table, (agreement(raters), of_mean, consistency), bounds, (1, raters, None), seed))


def g_study(table: Ratings, *, seed: int = 0) -> GStudy:
    """Components of variance of ratings that are numbers, and the dependability of means over other numbers of raters.

    `seed` is that of the draws behind intervals of dependability.
    """

    def component(place: int) -> _Statistic:
        return lambda of: of.components[place]

    def dependability(raters: int) -> _Statistic:
        def value(of: _Squares) -> Floats:
            clients, sessions, severity, residual = of.components
            return _ratio(clients + sessions, clients + sessions + (severity + residual) / raters)

        return value

    statistics = (*(component(place) for place in range(4)), *(dependability(raters) for raters in RATERS_ASKED))
    bounds = [(0, inf)] * 4 + [(0, 1)] * len(RATERS_ASKED)
    figures = _figures(table, statistics, bounds, (*[None] * 4, *RATERS_ASKED), seed)
    clients, sessions, raters, residual, *means = figures
    values = [figure.value or 0.0 for figure in figures[:4]]
    total = sum(values)
    shares = tuple(value / total for value in values) if total > 0 else None
    return GStudy(clients, sessions, raters, residual, shares, dict(zip(RATERS_ASKED, means, strict=True)))


def _figures(
    table: Ratings,
    statistics: Sequence[_Statistic],
    bounds: Sequence[tuple[float, float]],
    of_raters: Sequence[int | None],
    seed: int,
) -> list[Figure]:
    """The figure of each statistic; `of_raters` says of the mean of how many other raters it speaks, None where of none."""
    complete = np.asarray((table.codes >= 0).all(axis=1), dtype=np.bool_)
    missing = int((~complete).sum())
    if len(table.raters) < 2:
        return [nothing(len(complete), "undefined: there are fewer than two raters")] * len(statistics)
    if complete.sum() < 2:
        return [nothing(missing, "undefined: fewer than two units have a rating from everybody")] * len(statistics)
    scores = np.asarray(table.categories, dtype=np.float64)[table.codes[complete]]
    of_client = np.unique(np.asarray(table.clients)[complete], return_inverse=True)[1]
    with np.errstate(divide="ignore", invalid="ignore"):
        sums = _sums(scores - scores.mean(), of_client)
        values = [statistic(sums) for statistic in statistics]
    undefined = "undefined: nothing varies"
    figures = [
        left_out_figure(each, len(scores), missing, bounds=ends, undefined=undefined)
        for each, ends in zip(values, bounds, strict=True)
    ]
    drawn = _drawn(sums, seed)
    return [
        figure if raters is None else _for_others(figure, drawn, raters, ends, seed)
        for figure, raters, ends in zip(figures, of_raters, bounds, strict=True)
    ]


def _drawn(of: _Squares, seed: int) -> Floats:
    """What variance between units, between raters and of the residual could be behind these mean squares: [3, draws].

    A sum of squares by its expected mean square is a chi-square variable; so the sum by draws of that variable is what its expected
    mean square could be. The residual has as many degrees of freedom as if there were one unit a client.
    """
    random, n, k, clients = np.random.default_rng(seed), of.units[0], of.raters, of.clients[0]

    def could_be(squares: float, degrees: float) -> Floats:
        return np.asarray(max(squares, 0.0) / random.chisquare(degrees, RESAMPLES), dtype=np.float64)

    degrees = (clients - 1) * (k - 1)
    if not degrees:
        return np.full((3, RESAMPLES), np.nan)
    residual = could_be(of.residual[0] * degrees, degrees)
    raters = could_be(of.between_raters[0] * (k - 1), k - 1)
    between = could_be(of.by_client[0] - of.correction[0], clients - 1)
    within = could_be(of.rows[0] - of.by_client[0], n - clients) if n > clients else np.zeros(RESAMPLES)
    typical = (n - of.sizes[0] / n) / (clients - 1)
    units = ((between + (typical - 1) * within) / typical - residual) / k
    return np.stack([units, np.maximum(raters - residual, 0) / n, residual])


def _for_others(figure: Figure, drawn: Floats, raters: int, bounds: tuple[float, float], seed: int) -> Figure:
    """The figure with an interval that holds for the mean of so many raters like these, too."""
    if figure.low is None or figure.high is None:
        return figure
    units, severity, residual = drawn
    told_apart = units if bounds[0] < 0 else np.maximum(units, 0)
    values = _ratio(told_apart, told_apart + (severity + residual) / raters)
    low, high = np.quantile(values, [0.5 - LEVEL / 2, 0.5 + LEVEL / 2])
    return replace(
        figure,
        low=max(min(figure.low, float(low)), bounds[0]),
        high=min(max(figure.high, float(high)), bounds[1]),
        method=LIKE_THESE.format(draws=RESAMPLES, seed=seed),
    )


def _sums(scores: Floats, of_client: NDArray[np.intp]) -> _Squares:
    """The sums of scores [units, raters], of all and without each client."""
    raters = scores.shape[1]
    totals = scores.sum(axis=1)
    per_unit = np.column_stack([np.ones(len(scores)), (scores**2).sum(axis=1), totals**2 / raters, scores])
    units, squares, rows, *columns = sums_without(of_client, per_unit).T
    sizes, of_clients = np.bincount(of_client), np.bincount(of_client, weights=totals)
    per_client = np.column_stack([np.ones(len(sizes)), of_clients**2 / (sizes * raters), sizes**2])
    clients, by_client, squared_sizes = sums_without(np.arange(len(sizes)), per_client).T
    return _Squares(raters, clients, units, squares, rows, np.stack(columns, axis=1), by_client, squared_sizes)


def _ratio(part: Floats, total: Floats) -> Floats:
    return np.asarray(part / np.where(np.abs(total) > 1e-12, total, np.nan), dtype=np.float64)
