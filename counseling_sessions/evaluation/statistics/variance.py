"""Where the variance of scores comes from, and what it leaves of their reliability: intraclass correlations and a G study.

Every unit (a session) is rated by every rater; units of one client belong together. Units that some rater left out are left out
and counted. Mean squares are functions of sums over clients, so that those without each client are computed at once. Intervals are for
other clients and these raters.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from math import inf

import numpy as np
from numpy.typing import NDArray

from counseling_sessions.evaluation.statistics.agreement import Ratings
from counseling_sessions.evaluation.statistics.intervals import Figure, Floats, nothing
from counseling_sessions.evaluation.statistics.jackknife import left_out_figure, sums_without

RATERS_ASKED = (1, 2, 3, 5, 8)
"""The numbers of raters of a D study."""
NO_INTERVAL = "no interval: it speaks of other raters, and these few say little of how raters vary"


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


def intraclass(table: Ratings) -> Intraclass:
    """Intraclass correlations of ratings that are numbers; undefined for one rater, and where nothing varies.

    They may lie below 0, where raters agree less than by chance.
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
    return Intraclass(*_figures(table, (agreement(len(table.raters)), of_mean, consistency), bounds))


def g_study(table: Ratings) -> GStudy:
    """Components of variance of ratings that are numbers, and the dependability of means over other numbers of raters."""

    def component(place: int) -> _Statistic:
        return lambda of: of.components[place]

    def dependability(raters: int) -> _Statistic:
        def value(of: _Squares) -> Floats:
            clients, sessions, severity, residual = of.components
            return _ratio(clients + sessions, clients + sessions + (severity + residual) / raters)

        return value

    statistics = (*(component(place) for place in range(4)), *(dependability(raters) for raters in RATERS_ASKED))
    figures = _figures(table, statistics, [(0, inf)] * len(statistics))
    clients, sessions, raters, residual, *means = figures
    # Intervals that leave out clients say nothing of other raters, of whom these figures speak.
    dependable = [replace(mean, low=None, high=None, method="", note=mean.note or NO_INTERVAL) for mean in means]
    values = [figure.value or 0.0 for figure in figures[:4]]
    total = sum(values)
    shares = tuple(value / total for value in values) if total > 0 else None
    return GStudy(clients, sessions, raters, residual, shares, dict(zip(RATERS_ASKED, dependable, strict=True)))


def _figures(table: Ratings, statistics: Sequence[_Statistic], bounds: Sequence[tuple[float, float]]) -> list[Figure]:
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
    return [
        left_out_figure(each, len(scores), missing, bounds=ends, undefined=undefined)
        for each, ends in zip(values, bounds, strict=True)
    ]


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
