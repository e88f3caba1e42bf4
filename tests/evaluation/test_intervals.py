"""Intervals: whole clients are resampled; what an interval cannot say, it does not."""

import random

import numpy as np
import pytest
from scipy import stats

from counseling_sessions.evaluation.statistics.family import holm
from counseling_sessions.evaluation.statistics.intervals import (
    Figure,
    Interval,
    interval_of,
    mean_figure,
    resampled,
    share_figure,
)
from counseling_sessions.evaluation.statistics.sign_flips import PValue, sign_flip_test

TEN = [(f"client {at}", float(value)) for at, value in enumerate([3, 4, 4, 5, 2, 6, 3, 5, 4, 1])]


def unequal(clients: int = 8) -> list[tuple[str, float]]:
    """Clients with one to three sessions each, which differ little within a client."""
    return [(f"client {at}", at % 4 + 0.1 * session) for at in range(clients) for session in range(at % 3 + 1)]


def ends(figure: Figure) -> tuple[float, float]:
    assert figure.low is not None
    assert figure.high is not None
    return figure.low, figure.high


def test_a_mean_counts_every_session_alike() -> None:
    # (1 + 2 + 3 + 10) / 4, not the mean of the clients' means, (2 + 10) / 2
    figure = mean_figure([("a", 1.0), ("a", 2.0), ("a", 3.0), ("b", 10.0)])
    assert (figure.value, figure.n, figure.clients) == (4.0, 4, 2)


def test_the_unscored_are_left_out_and_counted() -> None:
    figure = mean_figure([*TEN, ("client 1", None), ("client 12", float("nan")), ("client 13", float("inf"))])
    assert (figure.value, figure.n, figure.clients, figure.missing) == (3.7, 10, 10, 3)
    assert ends(figure) == ends(mean_figure(TEN))


def test_the_ends_are_those_of_a_percentile_interval_at_the_expanded_level() -> None:
    # t(0.975, 9) = 2.262157; Phi(-sqrt(10/9) * 2.262157) = Phi(-2.384523) = 0.008551 (tables of t and of the normal)
    values = np.random.default_rng(1).normal(size=10)
    independent = stats.bootstrap(
        (values,),
        np.mean,
        method="percentile",
        confidence_level=1 - 2 * 0.008551,
        n_resamples=40_000,
        rng=np.random.default_rng(5),
    ).confidence_interval
    ours = mean_figure((f"client {at}", value) for at, value in enumerate(values))
    assert ends(ours) == pytest.approx((independent.low, independent.high), abs=0.03)


def test_clients_are_resampled_whole() -> None:
    values = unequal()
    by_client: dict[str, list[float]] = {}
    for client, value in values:
        by_client.setdefault(client, []).append(value)
    # a plain bootstrap, one resample after the other; Phi(-sqrt(8/7) * t(0.975, 7) = -2.527890) = 0.005737
    draw, means = random.Random(3), []
    for _ in range(20_000):
        drawn = [value for group in draw.choices(list(by_client.values()), k=8) for value in group]
        means.append(sum(drawn) / len(drawn))
    low, high = np.quantile(means, [0.005737, 1 - 0.005737])
    assert ends(mean_figure(values)) == pytest.approx((low, high), abs=0.03)
    # As if every session were a client of its own, which is what must not happen:
    alone = ends(mean_figure([(str(at), value) for at, (_, value) in enumerate(values)]))
    assert alone[1] - alone[0] < 0.8 * (high - low)


def test_repeating_all_sessions_of_a_client_adds_no_certainty() -> None:
    once, thrice = mean_figure(TEN), mean_figure(TEN * 3)
    assert ends(once) == ends(thrice)
    assert (once.n, thrice.n) == (10, 30)


@pytest.mark.parametrize("figure", [mean_figure, share_figure])
def test_with_four_clients_there_is_no_interval_and_with_five_there_is(figure) -> None:
    values = [(f"client {at % 4}", at % 2 / 2) for at in range(40)]
    few = figure(values)
    assert (few.value, few.low, few.high, few.method) == (0.25, None, None, "")
    assert few.note == "no interval: it needs 5 clients, and there are 4"
    assert ends(figure([*values, ("client 5", 1.0)]))


def test_an_interval_says_how_it_was_obtained() -> None:
    assert mean_figure(TEN, seed=7).method == "bootstrap over 10 clients, 10,000 resamples, seed 7, expanded percentile"
    assert mean_figure(TEN).note == ""


def test_the_order_does_not_matter_and_a_seed_repeats() -> None:
    values = unequal()
    shuffled = random.Random(1).sample(values, len(values))
    assert mean_figure(values) == mean_figure(shuffled) == mean_figure(values)
    assert share_figure((c, v / 10) for c, v in values) == share_figure((c, v / 10) for c, v in shuffled)
    assert ends(mean_figure(values, seed=1)) != ends(mean_figure(values, seed=2))


def test_nothing_has_no_value() -> None:
    for figure in (mean_figure([("a", None)]), share_figure([("a", None)])):
        assert (figure.value, figure.low, figure.n, figure.clients, figure.missing) == (None, None, 0, 0, 1)
        assert figure.note


def test_equal_values_have_no_interval_of_a_mean() -> None:
    figure = mean_figure([(client, 0.1) for client, _ in TEN] * 3)
    assert figure.value == pytest.approx(0.1)
    assert figure.low is None
    assert "the same in every resample" in figure.note


def test_a_share_that_was_never_seen_is_bounded_by_the_number_of_clients() -> None:
    # 0 of 10 independent: high = 1 - 0.025 ** (1/10) (Clopper and Pearson); 30 sessions of 10 clients are no 30 clients
    figure = share_figure([(client, False) for client, _ in TEN] * 3)
    assert (figure.value, figure.low, figure.n) == (0.0, 0.0, 30)
    assert figure.high == pytest.approx(1 - 0.025**0.1)
    always = share_figure([(client, True) for client, _ in TEN])
    assert (always.low, always.high) == (pytest.approx(0.025**0.1), 1.0)


def test_a_share_of_independent_sessions() -> None:
    # One session a client, 3 of 11: the variance of the mean is p (1 - p) / 10, so 10 effective sessions, and the degrees of
    # freedom of sessions and clients are the same. Ends: quantiles of Beta(x, n - x + 1) and Beta(x + 1, n - x), x = 30 / 11.
    figure = share_figure([(f"client {at}", at < 3) for at in range(11)])
    x = 30 / 11
    assert figure.value == pytest.approx(3 / 11)
    assert ends(figure) == pytest.approx((stats.beta.ppf(0.025, x, 11 - x), stats.beta.ppf(0.975, x + 1, 10 - x)))
    assert "10.0 independent" in figure.method


def test_a_share_over_clients_who_do_not_differ_within_rests_on_the_clients() -> None:
    once = [(f"client {at}", at < 5) for at in range(12)]
    low, high = ends(share_figure(once))
    low_5, high_5 = ends(share_figure(once * 5))
    # The correction for the number of clients, (t(0.975, 59) / t(0.975, 11)) squared, makes it a little wider: 0.8266.
    assert "11.0 independent" in share_figure(once).method
    assert f"{11 * (2.000995 / 2.200985) ** 2:.1f} independent" in share_figure(once * 5).method
    assert low_5 < low < high < high_5


def test_a_share_s_interval_is_that_of_statsmodels_on_clustered_sessions() -> None:
    from statsmodels.regression.linear_model import OLS
    from statsmodels.stats.proportion import proportion_confint

    rng = np.random.default_rng(7)
    for _ in range(20):
        clients = rng.integers(0, 14, size=int(rng.integers(30, 90)))
        values = (rng.random(len(clients)) < 0.2 + 0.5 * (clients % 3 == 0)).astype(float)
        share, n, groups = values.mean(), len(values), len(set(clients))
        error = OLS(values, np.ones(n)).fit(cov_type="cluster", cov_kwds={"groups": clients}).bse[0]
        few = (stats.t.ppf(0.975, n - 1) / stats.t.ppf(0.975, groups - 1)) ** 2
        independent = min(n, share * (1 - share) / error**2 * few)
        expected = proportion_confint(share * independent, independent, method="beta")
        assert ends(share_figure(zip(map(str, clients), values, strict=True))) == pytest.approx(expected)


def test_a_share_lies_within_0_and_1() -> None:
    with pytest.raises(ValueError, match="within 0 and 1"):
        share_figure([("a", 1.2)])


def test_a_statistic_that_is_undefined_in_some_resamples() -> None:
    clients = [client for client, _ in TEN]

    def needs(wanted: set[int]):
        return lambda chosen: float(len(set(chosen.tolist()))) if wanted & set(chosen.tolist()) else None

    # A given client is absent from a resample of ten with probability 0.9 ** 10 = 0.35, any of four with 0.6 ** 10.
    def interval(wanted: set[int]) -> Interval:
        return interval_of(resampled(clients, lambda chosen: [needs(wanted)(chosen)])[:, 0], len(clients), 0)

    often = interval({0})
    assert often.low is None
    assert "undefined in 3" in often.note
    seldom = interval({0, 1, 2, 3})
    assert seldom.low is not None
    assert "left out" in seldom.note


def test_what_is_undefined_everywhere_has_no_interval() -> None:
    assert interval_of(np.full(100, np.nan), 10, 0).low is None


def test_holm() -> None:
    # sorted 0.005 × 4, 0.01 × 3, 0.03 × 2, 0.04 × 1, each at least as large as the one before
    family = holm("items", {"a": 0.01, "b": 0.04, "c": None, "d": 0.03, "e": 0.005})
    assert [item.adjusted for item in family.comparisons] == pytest.approx([0.03, 0.06, None, 0.06, 0.02])
    assert [item.rejected for item in family.comparisons] == [True, False, False, False, True]
    assert [item.name for item in family.comparisons] == ["a", "b", "c", "d", "e"]
    assert (family.name, family.tested) == ("items", 4)
    # pingouin 0.7.0: multicomp([0.011, 0.004, 0.2, 0.03, 0.0126, 0.9], method="holm")
    six = holm("six", dict(zip("abcdef", [0.011, 0.004, 0.2, 0.03, 0.0126, 0.9], strict=True)))
    assert [item.adjusted for item in six.comparisons] == pytest.approx([0.055, 0.024, 0.4, 0.09, 0.055, 0.9])
    assert [item.rejected for item in six.comparisons] == [False, True, False, False, False, False]


def test_a_family_of_nothing_and_a_p_value_that_is_none() -> None:
    assert holm("empty", {}).comparisons == ()
    assert holm("untested", {"a": None}).tested == 0
    with pytest.raises(ValueError, match="x, a: a p value"):
        holm("x", {"a": 1.5})


def signs(clients: int, alike: int) -> PValue:
    """The sign flips of so many clients that differ, of whom so many have a positive difference."""
    return sign_flip_test((str(at), 1.0 if at < alike else -1.0) for at in range(clients))


def test_a_family_in_which_nothing_can_be_significant_says_so() -> None:
    # 8 clients, 8 tests: 2 / 256 × 8 = .0625
    family = holm("each scale", {str(at): signs(8, at) for at in range(8)})
    assert family.smallest == 0.0625
    assert "each scale: nothing can be significant" in family.warning
    assert "8 tests can lie below 0.0625" in family.warning


def test_a_family_in_which_one_comparison_can_be_significant_has_no_warning() -> None:
    least_restricted = holm("scale", {**{str(at): signs(6, 3) for at in range(7)}, "most": signs(9, 5)})
    assert (least_restricted.smallest, least_restricted.warning) == (8 * 2 / 512, "")
    assert holm("six", {str(at): signs(8, 8) for at in range(6)}).warning == ""


def test_the_untested_do_not_count_and_a_plain_number_has_no_bound() -> None:
    untested = {str(at): PValue(None, 0) for at in range(5)}
    assert holm("few", {**untested, "one": signs(8, 8)}).smallest == 2 / 256
    assert holm("plain", {"a": 0.2, **{str(at): signs(4, 2) for at in range(3)}}).smallest is None
    assert holm("nothing", untested).warning == holm("empty", {}).warning == ""
