"""Raters and clients as chance: errors by hand, against libraries, and in studies whose raters have tastes."""

import numpy as np
import pytest
from scipy import stats
from scipy.special import expit

from counseling_sessions.evaluation.statistics.crossed import RaterPoint, log_odds_errors, population
from counseling_sessions.evaluation.statistics.preferences import Preference, win_rate
from counseling_sessions.evaluation.statistics.sign_flips import sign_flip_test


def rated(wins: list[int], clients: int = 10, per_client: int = 2) -> list[RaterPoint]:
    """For each rater so many wins, spread evenly over the clients, and losses for the rest of their answers."""
    n = clients * per_client
    return [
        (f"client {at % clients}", f"rater {rater}", float(at * 7 % n < won))
        for rater, won in enumerate(wins)
        for at in range(n)
    ]


def errors(answers: list[RaterPoint]):
    clients, raters, values = zip(*answers, strict=True)
    return log_odds_errors(clients, raters, np.array(values, dtype=float))


def log_odds(won: int, n: int) -> float:
    return float(np.log((won + 0.5) / (n - won + 0.5)))


def test_raters_with_tastes_are_tested_by_a_t_test_over_raters() -> None:
    # Hardly any error over clients: it is scipy's t test of the raters' log odds.
    answers = rated([16, 90, 60], clients=50)
    odds = [log_odds(won, 100) for won in (16, 90, 60)]
    result = population(answers)
    ends = stats.ttest_1samp(odds, 0).confidence_interval()
    assert (result.rate.low, result.rate.high) == (pytest.approx(expit(ends.low)), pytest.approx(expit(ends.high)))
    assert result.rate.value == pytest.approx(expit(np.mean(odds)))
    assert "3 raters and 50 clients as chance, the widest of three: over raters" in result.rate.method
    assert (result.raters, result.rate.n, result.rate.clients) == (3, 300, 50)


def test_both_together_are_clarks_min_f() -> None:
    # Clark 1973: min F' = F1 F2 / (F1 + F2) with (F1 + F2)^2 / (F1^2 / n2 + F2^2 / n1) degrees of freedom.
    mean, (over_raters, over_clients, both) = errors(rated([13, 15, 11, 14]))
    f1, f2 = mean**2 / over_raters.square, mean**2 / over_clients.square
    assert (over_raters.degrees, over_clients.degrees) == (3, 9)
    assert both.p(mean) == pytest.approx(stats.f.sf(f1 * f2 / (f1 + f2), 1, both.degrees))
    assert both.degrees == pytest.approx((f1 + f2) ** 2 / (f1**2 / 9 + f2**2 / 3))


def test_the_least_favourable_counts_for_the_test_and_for_the_interval() -> None:
    for wins in ([15, 15, 15], [18, 12, 11], [11, 12, 13, 14, 15, 15]):
        answers = rated(wins)
        mean, three = errors(answers)
        result = population(answers)
        assert result.test.value == max(error.p(mean) for error in three)
        margin = max(error.margin for error in three)
        assert (result.rate.low, result.rate.high) == (
            pytest.approx(expit(mean - margin)),
            pytest.approx(expit(mean + margin)),
        )
        assert (result.test.value <= 0.05) == (result.rate.low is not None and result.rate.low >= 0.5)


def test_the_error_over_clients_is_the_cluster_robust_one() -> None:
    # statsmodels 0.15.0 on the same answers, one dummy for each rater, standard errors clustered by client (15 clients):
    # fit = GLM(value, dummies, family=Binomial()).fit(cov_type="cluster", cov_kwds={"groups": client})
    # mean @ fit.params, mean @ fit.cov_params() @ mean (less its factor 479 / 476 for the dummies), with mean = [1/4] * 4; the half wins differ a little.
    rng = np.random.default_rng(11)
    taste, ease = rng.normal(0, 0.5, 4), rng.normal(0, 0.8, 15)
    client, rater, _ = (axis.ravel() for axis in np.meshgrid(range(15), range(4), range(8), indexing="ij"))
    value = (rng.random(480) < 1 / (1 + np.exp(-0.3 - taste[rater] - ease[client]))) * 1.0
    mean, (_, over_clients, _) = log_odds_errors([f"{c:02}" for c in client], [str(r) for r in rater], value)
    assert mean == pytest.approx(GLM_MEAN, rel=0.01)
    assert over_clients.square == pytest.approx(GLM_SQUARE, rel=0.03)


GLM_MEAN, GLM_SQUARE = 0.6628686769264148, 0.04441361402132192 * 476 / 479


def test_raters_who_agree_by_luck_are_not_taken_for_certain() -> None:
    # Two raters with the very same rate: no error below that of independent answers, on one degree of freedom.
    result = population(rated([15, 15]))
    assert result.test.value is not None
    assert result.test.value > 0.1
    assert "over raters, t(1)" in result.test.method


def test_unanimous_raters_have_a_bounded_rate() -> None:
    result = population(rated([20, 20, 20]))
    assert result.rate.low is not None
    assert 0.5 < result.rate.low < (result.rate.value or 0) < (result.rate.high or 0) < 1
    # No jump between all and nearly all: one answer against them changes p by little.
    nearly = population(rated([20, 20, 19]))
    assert nearly.test.value == pytest.approx(result.test.value, rel=0.1)


def test_one_rater_says_nothing_of_others() -> None:
    result = population(rated([15]))
    assert (result.rate.value, result.rate.low, result.test.value, result.raters) == (None, None, None, 1)
    assert result.test.note == result.rate.note == "there is one rater: the result holds for this rater alone"


def test_few_clients_ties_and_nothing() -> None:
    few = population(rated([3, 4, 5], clients=4))
    assert (few.rate.value, few.test.value, few.rate.note) == (None, None, "it needs 5 clients, and there are 4")
    ties = population([(str(at), rater, 0.5) for at in range(6) for rater in "xy"])
    assert (ties.rate.value, ties.rate.low, ties.test.value) == (0.5, None, 1.0)
    nothing = population([("a", "x", None)])
    assert (nothing.rate.value, nothing.rate.missing, nothing.test.value, nothing.raters) == (None, 1, None, 0)


def test_the_order_does_not_matter_and_the_other_way_round_is_the_mirror() -> None:
    answers = [*rated([13, 15, 9]), ("client 1", "rater 0", None), ("client 2", "rater 1", 0.5)]
    result, turned = population(answers), population((c, r, None if v is None else 1 - v) for c, r, v in answers)
    assert result == population(answers[::-1])
    assert (result.rate.low, result.test.value) == (
        pytest.approx(1 - (turned.rate.high or 0)),
        pytest.approx(turned.test.value),
    )
    assert (result.rate.n, result.rate.missing) == (61, 1)


def test_raters_need_not_see_the_same_clients_or_as_many() -> None:
    answers = [(f"client {at}", f"rater {at % 3}", float(at % 5 > 0)) for at in range(30)]
    result = population([*answers, *[(f"client {at}", "rater 3", 1.0) for at in range(4)]])
    assert result.rate.low is not None
    assert 0 < result.rate.low < 0.8 < (result.rate.high or 0) < 1


def test_tastes_mislead_the_test_for_these_raters_and_not_the_one_for_raters_like_these() -> None:
    # Three raters whose tastes have a standard deviation of 0.6, 20 clients, three pairs each, no difference between methods.
    rng, these, like_these, studies = np.random.default_rng(3), 0, 0, 80
    for _ in range(studies):
        pairs = rng.normal(0, 0.5, (20, 1, 1)) + rng.normal(0, 1, (20, 3, 1))
        seen = pairs + rng.normal(0, 0.6, 3) + rng.normal(0, 0.5, (20, 3, 3))
        answers = [(f"{at[0]:02}", str(at[2]), float(value > 0)) for at, value in np.ndenumerate(seen)]
        these += (sign_flip_test((client, 2 * value - 1) for client, _, value in answers).value or 0) <= 0.05
        like_these += (population(answers).test.value or 0) <= 0.05
    assert these > 0.25 * studies
    assert like_these <= 0.075 * studies


def test_a_win_rate_says_both_and_has_each_raters_own() -> None:
    wins = {"x": 15, "y": 9, "z": 12}
    given = [
        Preference("safety", "first" if at * 7 % 20 < won else "second", "m", "s", f"client {at % 10}", rater)
        for rater, won in wins.items()
        for at in range(20)
    ]
    rate = win_rate([*given, Preference("safety", "cannot_say", "m", "s", "client 1", "z")], "m", "s")
    assert rate.population == population([*rated([15, 9, 12]), ("client 1", "rater 2", None)])
    assert {rater: figure.value for rater, figure in rate.by_rater.items()} == {"x": 0.75, "y": 0.45, "z": 0.6}
    assert (rate.by_rater["z"].n, rate.by_rater["z"].missing) == (20, 1)
    assert rate.by_rater["x"].low is not None
