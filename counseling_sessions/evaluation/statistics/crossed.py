"""Win rates that hold for raters like these: raters and clients are both chance, and every rater may see every client.

Raters who see the same clients are no independent sample of answers: what they have in common, and the taste of each of them,
stays however many pairs they rate. The error of the mean log odds is put together from that between raters and that between
clients, as Clark does for min F' (1973, "The Language-as-Fixed-Effect Fallacy", Journal of Verbal Learning and Verbal Behavior
12(4)), with Satterthwaite's degrees of freedom. With three raters that alone rejects too often (7-8 % at the 5 % level). So the
least favourable of three t tests counts: over raters, over clients, over both. On log odds rather than rates, since the rates of
raters with strong tastes crowd at 0 and 1. `benchmarks/statistics.py --only raters` shows how often the test errs.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import expit, stdtr, stdtrit

from counseling_sessions.evaluation.statistics.intervals import (
    LEVEL,
    MINIMUM_CLIENTS,
    Figure,
    Floats,
    Interval,
    defined,
    figure,
    nothing,
    totals_by_client,
)
from counseling_sessions.evaluation.statistics.sign_flips import PValue

RaterPoint = tuple[str, str, float | None]
"""Client, rater, and a value within 0 and 1: 1 for a win, 0.5 for a tie; None for an answer without a value."""


@dataclass(frozen=True)
class Population:
    """A win rate over raters and clients like these: `rate` is that of the typical rater, `test` is against one half.

    The typical rater has the mean log odds of these raters, each counted alike. `raters` of them gave a value. The test is that
    over `over` ("raters", "clients", "raters and clients"), with so many `degrees` of freedom; None and empty without a test.
    """

    rate: Figure
    test: PValue
    raters: int
    over: str = ""
    t: float | None = None
    degrees: float | None = None


@dataclass(frozen=True)
class ErrorOver:
    """A squared standard error of the mean log odds, with its degrees of freedom and what it is taken over."""

    over: str
    square: float
    degrees: float

    @property
    def margin(self) -> float:
        """Half the width of the interval, in log odds."""
        return float(stdtrit(self.degrees, 0.5 + LEVEL / 2) * np.sqrt(self.square))

    def p(self, log_odds: float) -> float:
        """The two-sided p value against log odds of 0."""
        return float(2 * stdtr(self.degrees, -abs(log_odds) / np.sqrt(self.square)))


def population(answers: Iterable[RaterPoint]) -> Population:
    """The win rate that raters like these would give on clients like these.

    It needs two raters and `MINIMUM_CLIENTS` clients; with one rater nothing says how another would answer.
    """
    rows = [(client, rater, defined(value)) for client, rater, value in answers]
    kept = sorted((client, rater, value) for client, rater, value in rows if value is not None)
    missing, n = len(rows) - len(kept), len(kept)
    if not kept:
        return Population(nothing(missing), PValue(None, 0, note="no test: nobody preferred anything"), 0)
    clients, raters = [client for client, _, _ in kept], [rater for _, rater, _ in kept]
    count, seen = len(set(clients)), len(set(raters))
    if short := _too_few(seen, count):
        return Population(
            Figure(None, None, None, n, count, missing, note=short), PValue(None, count, note=short), seen
        )
    values = np.array([value for _, _, value in kept], dtype=np.float64)
    if np.all(values == 0.5):
        ties = "every answer is a tie"
        return Population(Figure(0.5, None, None, n, count, missing, note=ties), PValue(1.0, count, note=ties), seen)
    log_odds, errors = log_odds_errors(clients, raters, values)
    widest = max(errors, key=lambda error: error.margin)
    ends = Interval(
        float(expit(log_odds - widest.margin)),
        float(expit(log_odds + widest.margin)),
        f"t interval on log odds, {seen} raters and {count} clients as chance, the widest of three: over {widest.over}",
    )
    decisive = max(errors, key=lambda error: error.p(log_odds))
    t = log_odds / float(np.sqrt(decisive.square))
    method = f"least favourable of three t tests on log odds: over {decisive.over}, t({decisive.degrees:.3g}) = {t:.2f}"
    return Population(
        figure(float(expit(log_odds)), ends, n, count, missing),
        PValue(decisive.p(log_odds), count, method),
        *(seen, decisive.over, t, decisive.degrees),
    )


def _too_few(raters: int, clients: int) -> str:
    if raters < 2:
        return "there is one rater: the result holds for this rater alone"
    if clients < MINIMUM_CLIENTS:
        return f"it needs {MINIMUM_CLIENTS} clients, and there are {clients}"
    return ""


def log_odds_errors(clients: Sequence[str], raters: Sequence[str], values: Floats) -> tuple[float, list[ErrorOver]]:
    """The mean log odds of raters, and its errors over raters, over clients and over both.

    `values` [answers] lie within 0 and 1 and are not all 0.5; there are two raters and two clients or more.
    """
    names, of_rater = np.unique(np.asarray(raters), return_inverse=True)
    count, won = np.bincount(of_rater), np.bincount(of_rater, weights=values)
    # Half a win and half a loss more keep the log odds finite (Haldane and Anscombe's correction).
    odds = np.log((won + 0.5) / (count - won + 0.5))
    rates = (won + 0.5) / (count + 1)
    # How much each answer moves the mean log odds, to the first order; the answers of a client move it together.
    moves = (values - (won / count)[of_rater]) / (len(names) * count * rates * (1 - rates))[of_rater]
    by_client = totals_by_client(clients, moves)[:, 0]
    total = len(by_client)
    # No error is below that of independent answers (ties have none): raters may agree by luck, and answers that are all alike
    # show no error at all.
    decided = np.mean(values != 0.5)
    least = float(decided * np.sum(1 / (won + 0.5) + 1 / (count - won + 0.5)) / len(names) ** 2)
    between_raters = max(float(odds.var(ddof=1)) / len(names), least)
    between_clients = max(float(total / (total - 1) * np.sum(by_client**2)), least)
    return float(odds.mean()), errors_over(between_raters, between_clients, len(names), total)


def errors_over(between_raters: float, between_clients: float, raters: int, clients: int) -> list[ErrorOver]:
    """The errors over raters, over clients and over both, from the squared errors (above 0 together) over each alone."""
    both = between_raters + between_clients
    degrees = both**2 / (between_raters**2 / (raters - 1) + between_clients**2 / (clients - 1))
    return [
        ErrorOver("raters", between_raters, raters - 1),
        ErrorOver("clients", between_clients, clients - 1),
        ErrorOver("raters and clients", both, degrees),
    ]
