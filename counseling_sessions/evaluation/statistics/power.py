"""How likely a study is to find a difference, and how many clients it takes: Student's t of clients, or of clients and raters.

The studies are tested by sign flips of clients, whose power is close to that of Student's t on the clients' means, at the largest level
that so many signs can reach (`benchmarks/planning.py` simulates it). Two one-sided tests (Schuirmann 1987) stand behind equivalence.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from math import ceil, floor, inf, log2, sqrt

import numpy as np
from scipy import special

from counseling_sessions.evaluation.statistics.intervals import Floats

ALPHA = 0.05
MOST = 10_000
"""A study that needs more clients than this is called out of reach."""
POINTS = 4096
ONE_BY_ONE = 60
SURE_OF_SIDE = 5.0
"""From so many standard errors on, a test does not find the opposite of what is true."""


@dataclass(frozen=True)
class DifferenceSpread:
    """How differences between two methods vary, in units of the measure, as standard deviations.

    `client`: of the clients' true differences; `pair`: of the pairs of one client around its own.
    """

    client: float
    pair: float

    def of_mean(self, pairs: int) -> float:
        """The standard deviation of a client's mean difference over so many pairs."""
        return sqrt(self.client**2 + self.pair**2 / pairs)


@dataclass(frozen=True)
class AnswerSpread:
    """How answers to pairs vary, in points (1 won, 0.5 tied, 0 lost), as standard deviations.

    `rater`, `client`, `pair`: of the win rates of raters, of clients, and of the pairs of one client, which all raters share;
    `ties` is the share of answers that name neither.
    """

    rater: float
    client: float
    pair: float = 0.0
    ties: float = 0.0

    def leftover(self, rate: float) -> float:
        """The variance of an answer beside its rater's, client's and pair's, for a win rate; 0 where these take up all."""
        return max(0.0, rate - self.ties / 4 - rate**2 - self.rater**2 - self.client**2 - self.pair**2)


def paired_power(difference: float, sd: float, clients: int, alpha: float = ALPHA) -> float:
    """The chance that a two-sided test of clients' means finds a difference; `sd` is that of a client's mean."""
    alpha = _attainable(alpha, clients - 1)
    if not alpha:
        return 0.0
    return _two_sided(difference / sd * sqrt(clients) if sd else inf, clients - 1, alpha)


def equivalence_power(margin: float, difference: float, sd: float, clients: int, alpha: float = ALPHA) -> float:
    """The chance that two one-sided tests show a true difference to lie within ± `margin`."""
    from scipy import stats  # takes a second, and only plans need it

    alpha = _attainable(alpha, clients)
    if not alpha:
        return 0.0
    if not sd:
        return float(abs(difference) < margin)
    error, degrees = sd / sqrt(clients), clients - 1
    quantile = stats.t.ppf(1 - alpha, degrees)
    # Each as a chance beyond the quantile on the far side of its shift: the other tail is not computed reliably.
    below = stats.nct.sf(quantile, degrees, (margin - difference) / error)
    above = stats.nct.sf(quantile, degrees, (margin + difference) / error)
    return max(0.0, float(below + above - 1))


def panel_power(rate: float, panel: AnswerSpread, raters: int, clients: int, pairs: int, alpha: float = ALPHA) -> float:
    """The chance to find a win rate other than one half, for raters like these: each answers `pairs` pairs of each client.

    As in `statistics.crossed`, the least favourable of three t tests counts: over raters, over clients, over both. Their chance to
    agree has no formula; it is counted over the same `POINTS` of a Sobol sequence every time, to about half a per cent.
    """
    if raters < 2 or clients < 2:
        return 0.0
    answers = panel.leftover(rate) / (raters * clients * pairs)
    of_raters, of_clients = panel.rater**2 / raters, (panel.client**2 + panel.pair**2 / pairs) / clients
    if not of_raters + of_clients + answers:
        return 1.0
    normal, *uniform = _points()
    mean = abs(rate - 0.5) + normal * sqrt(of_raters + of_clients + answers)
    least = (1 - panel.ties) * rate * (1 - rate) / (raters * clients * pairs)
    over = [
        (np.maximum(2 * special.gammaincinv(of / 2, part) / of * (square + answers), least), of)
        for part, square, of in zip(uniform, (of_raters, of_clients), (raters - 1, clients - 1), strict=True)
    ]
    both = over[0][0] + over[1][0]
    over.append((both, both**2 / sum(square**2 / of for square, of in over)))
    rejected = [np.abs(mean) > special.stdtrit(of, 1 - alpha / 2) * np.sqrt(square) for square, of in over]
    return float(np.mean(np.logical_and.reduce(rejected)))


@cache
def _points() -> Floats:
    """Points of a standard normal and two uniform variables: [3, POINTS]."""
    from scipy import stats  # takes a second, and only plans need it

    uniform = stats.qmc.Sobol(3, seed=0).random(POINTS).T
    return np.array([special.ndtri(uniform[0]), uniform[1], uniform[2]])


def least_clients(alpha: float = ALPHA, *, one_sided: bool = False) -> int:
    """The fewest clients with which a test by signs can reach p ≤ alpha at all: its smallest p is 2^-clients, two-sided twice that."""
    return ceil(log2(1 / alpha)) + (0 if one_sided else 1)


def clients_needed(power_of: Callable[[int], float], power: float) -> int | None:
    """The fewest clients for which a power that grows with them is reached; None where `MOST` are too few.

    With few clients power grows in steps, so these are tried one by one.
    """
    for clients in range(2, ONE_BY_ONE + 1):
        if power_of(clients) >= power:
            return clients
    low, high = ONE_BY_ONE, 2 * ONE_BY_ONE
    while power_of(high) < power:
        low, high = high, 2 * high
        if low >= MOST:
            return None
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if power_of(middle) >= power else (middle, high)
    return high if high <= MOST else None


def smallest_difference(power_of: Callable[[float], float], power: float, upper: float) -> float | None:
    """The smallest difference, between 0 and `upper`, for which a power that grows with it is reached; None where none is."""
    if power_of(upper) < power:
        return None
    low, high = 0.0, upper
    for _ in range(40):
        middle = (low + high) / 2
        low, high = (low, middle) if power_of(middle) >= power else (middle, high)
    return high


def _attainable(alpha: float, signs: int) -> float:
    """The largest p up to alpha that a test by signs can give: its p values are multiples of 2^-signs."""
    return floor(alpha * 2.0**signs) / 2.0**signs if signs < 50 else alpha


def _two_sided(shift: float, degrees: float, alpha: float) -> float:
    from scipy import stats  # takes a second, and only plans need it

    if shift in (inf, -inf):
        return 1.0
    quantile, shift = stats.t.ppf(1 - alpha / 2, degrees), abs(shift)
    # Far from 0 the test does not reject on the wrong side, and SciPy's chance of it is not a number.
    wrong_side = stats.nct.cdf(-quantile, degrees, shift) if shift < SURE_OF_SIDE else 0.0
    return float(stats.nct.sf(quantile, degrees, shift) + wrong_side)
