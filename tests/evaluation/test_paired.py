"""Paired comparisons: what is paired with what, figures by hand, and inputs from which nothing follows."""

import math
import random

import numpy as np
import pytest
from scipy import stats

from counseling_sessions.evaluation.statistics.paired import (
    PairedDifference,
    Row,
    compare,
    hedges_correction,
    session_value,
)


def rows(method: list[float], baseline: list[float], *, per_client: int = 1) -> list[Row]:
    """One pair for each place of the lists; so many neighbours have one client."""
    found: list[Row] = []
    for name, values in (("magnet", method), ("single", baseline)):
        found += [
            (name, f"client {at // per_client}", "neutral", at % per_client, value) for at, value in enumerate(values)
        ]
    return found


def study(clients: int = 20, seed: int = 0) -> list[Row]:
    draw = np.random.default_rng(seed)
    return [
        (method, f"client {client}", attitude, 1, float(draw.integers(0, 7)))
        for method in ("magnet", "single")
        for client in range(clients)
        for attitude in ("positive", "neutral", "negative")
    ]


def every_number(result: PairedDifference) -> list[float]:
    figures = [result.mean, result.baseline_mean, result.difference, result.relative, result.effect, result.superiority]
    found = [number for figure in figures for number in (figure.value, figure.low, figure.high)]
    return [number for number in [*found, result.test.value, result.wilcoxon.value] if number is not None]


def test_figures_by_hand() -> None:
    # Differences 1, 2, 3, 4 on a baseline of 2: mean 2.5, 125 % of 2; standard deviation sqrt(5/3); Hedges's factor for
    # 3 degrees of freedom: Gamma(1.5) / (sqrt(1.5) Gamma(1)) = 0.886227 / 1.224745.
    result = compare(rows([3, 4, 5, 6], [2, 2, 2, 2]), "magnet", "single")
    assert (result.mean.value, result.baseline_mean.value, result.difference.value) == (4.5, 2.0, 2.5)
    assert result.relative.value == 125.0
    assert result.effect.value == pytest.approx(2.5 / math.sqrt(5 / 3) * 0.886227 / 1.224745, rel=1e-5)
    assert result.superiority.value == 1.0
    # All four differences positive: two of sixteen patterns of signs are as extreme; Wilcoxon the same.
    assert (result.test.value, result.wilcoxon.value) == (0.125, 0.125)
    assert (result.pairs, result.clients, result.unmatched, result.missing, result.repeated) == (4, 4, 0, 0, 0)
    assert result.difference.low is None


def test_the_relative_difference_is_in_per_cent_of_the_baseline() -> None:
    # 3.3 against 3.0 is 10 % more; 3.0 against 3.3 is 9.09 % less
    up, down = (
        compare(rows([3.3] * 6, [3.0] * 6), "magnet", "single"),
        compare(rows([3.3] * 6, [3.0] * 6), "single", "magnet"),
    )
    assert (up.relative.value, down.relative.value) == (pytest.approx(10.0), pytest.approx(-100 / 11))


def test_hedges_factor_for_ten_degrees_of_freedom() -> None:
    # Gamma(5) / (sqrt(5) Gamma(4.5)) = 24 / (2.236068 × 11.631728)
    assert hedges_correction(10) == pytest.approx(24 / (2.236068 * 11.631728), rel=1e-6)


def test_only_sessions_with_a_partner_count() -> None:
    result = compare(
        [
            ("magnet", "a", "neutral", 1, 5.0),
            ("single", "a", "neutral", 1, 3.0),
            ("magnet", "a", "positive", 1, 6.0),  # no partner
            ("single", "a", "neutral", 2, 1.0),  # another seed: no partner
            ("single", "b", "neutral", 1, 1.0),  # another client: no partner
            ("magnet", "c", "neutral", 1, None),  # unscored, so its partner has none
            ("single", "c", "neutral", 1, 2.0),
            ("other", "a", "neutral", 1, 0.0),
        ],
        "magnet",
        "single",
    )
    assert (result.pairs, result.clients, result.unmatched, result.missing) == (1, 1, 4, 1)
    assert (result.mean.value, result.baseline_mean.value) == (5.0, 3.0)


def test_judgements_of_a_session_are_averaged_first() -> None:
    judged: list[Row] = [
        ("magnet", "a", "neutral", 1, [4, 5, None, 6]),
        ("single", "a", "neutral", 1, np.array([1.0, 2.0])),
    ]
    result = compare(judged, "magnet", "single")
    assert (result.mean.value, result.baseline_mean.value, result.pairs) == (5.0, 1.5, 1)
    assert session_value([None, float("nan")]) is None


def test_rows_of_one_key_are_averaged_and_counted() -> None:
    twice: list[Row] = [
        ("magnet", "a", None, None, 4.0),
        ("magnet", "a", None, None, 6.0),
        ("single", "a", None, None, 4.0),
    ]
    result = compare(twice, "magnet", "single")
    assert (result.mean.value, result.pairs, result.repeated) == (5.0, 1, 1)


def test_the_interval_of_the_difference_is_that_of_the_pairs_differences() -> None:
    # Strong effects of the client cancel out: the interval is far narrower than that of either mean.
    draw = np.random.default_rng(0)
    level, shift = draw.normal(3, 1, 40), draw.normal(0.3, 0.1, 40)
    result = compare(rows(list(level + shift), list(level)), "magnet", "single")
    expected = stats.ttest_1samp(shift, 0).confidence_interval()
    assert result.difference.low == pytest.approx(expected.low, abs=0.01)
    assert result.difference.high == pytest.approx(expected.high, abs=0.01)
    assert result.mean.high is not None
    assert result.mean.low is not None
    assert result.mean.high - result.mean.low > 0.4


def test_intervals_of_ratios_are_those_of_an_independent_bootstrap() -> None:
    draw = np.random.default_rng(4)
    method, baseline = draw.normal(4, 1, 24), draw.normal(3, 1, 24)
    result = compare(rows(list(method), list(baseline), per_client=2), "magnet", "single")
    difference = (method - baseline).reshape(12, 2)
    drawn = draw.integers(0, 12, (20_000, 12))
    sample, below = difference[drawn].reshape(-1, 24), baseline.reshape(12, 2)[drawn].reshape(-1, 24)
    effects = sample.mean(axis=1) / sample.std(axis=1, ddof=1) * hedges_correction(23)
    relative = 100 * sample.mean(axis=1) / below.mean(axis=1)
    # Phi(-sqrt(12/11) * t(0.975, 11)) = Phi(-2.298854)
    ends = [0.010757, 1 - 0.010757]
    assert (result.effect.low, result.effect.high) == pytest.approx(tuple(np.quantile(effects, ends)), abs=0.04)
    assert (result.relative.low, result.relative.high) == pytest.approx(tuple(np.quantile(relative, ends)), abs=1.5)


def test_swapping_the_methods_turns_the_difference_round() -> None:
    one, other = compare(study(), "magnet", "single"), compare(study(), "single", "magnet")
    assert one.difference.value == pytest.approx(-(other.difference.value or 0))
    assert (one.difference.low, one.difference.high) == (
        pytest.approx(-(other.difference.high or 0), abs=1e-9),
        pytest.approx(-(other.difference.low or 0), abs=1e-9),
    )
    assert one.effect.value == pytest.approx(-(other.effect.value or 0))
    assert (one.superiority.value or 0) + (other.superiority.value or 0) == pytest.approx(1)


def test_the_order_of_rows_does_not_matter_and_a_seed_repeats() -> None:
    shuffled = random.Random(2).sample(study(), len(study()))
    assert compare(study(), "magnet", "single", seed=3) == compare(shuffled, "magnet", "single", seed=3)
    assert (
        compare(study(), "magnet", "single", seed=3).difference
        != compare(study(), "magnet", "single", seed=4).difference
    )


def test_superiority_counts_ties_as_half() -> None:
    # higher, lower, equal, equal: (1 + 0 + 0.5 + 0.5) / 4
    assert compare(rows([2, 1, 3, 3], [1, 2, 3, 3]), "magnet", "single").superiority.value == 0.5


def test_equal_means_of_judgements_tie_whatever_their_last_bits() -> None:
    nearly: list[Row] = [("magnet", "a", "", 0, 0.1 + 0.2), ("single", "a", "", 0, 0.3)]
    result = compare(nearly, "magnet", "single")
    assert (result.difference.value, result.superiority.value, result.test.value) == (0.0, 0.5, 1.0)


# Inputs from which little or nothing follows.


def test_no_pairs() -> None:
    result = compare([("magnet", "a", "", 0, 1.0)], "magnet", "single")
    assert (result.pairs, result.unmatched, every_number(result)) == (0, 1, [])
    assert result.difference.note == "no session of the one has a partner of the other"
    assert result.test.note


def test_one_pair() -> None:
    result = compare(rows([3], [2]), "magnet", "single")
    assert (result.difference.value, result.relative.value) == (1.0, 50.0)
    assert (result.effect.value, result.difference.low, result.test.value, result.wilcoxon.value) == (
        None,
        None,
        1.0,
        1.0,
    )
    assert result.effect.note
    assert "no p below 1" in result.test.note


def test_all_ties() -> None:
    result = compare(rows([1, 2, 3, 4, 5, 6], [1, 2, 3, 4, 5, 6]), "magnet", "single")
    assert (result.difference.value, result.relative.value, result.effect.value) == (0.0, 0.0, 0.0)
    assert (result.superiority.value, result.test.value, result.wilcoxon.value) == (0.5, 1.0, 1.0)
    assert (result.difference.low, result.effect.low) == (None, None)
    assert result.difference.note


def test_differences_that_are_all_equal_have_no_spread() -> None:
    result = compare(rows([1.1, 2.1, 3.1, 4.1, 5.1, 6.1], [1, 2, 3, 4, 5, 6]), "magnet", "single")
    assert (result.effect.value, result.difference.low) == (None, None)
    assert "no spread" in result.effect.note


@pytest.mark.parametrize("baseline", [[0.0] * 6, [-1.0, -2.0, -1.0, -2.0, -1.0, 0.0]])
def test_a_baseline_that_is_not_above_0_has_no_per_cent(baseline: list[float]) -> None:
    result = compare(rows([1, 2, 3, 1, 2, 3], baseline), "magnet", "single")
    assert (result.relative.value, result.relative.low) == (None, None)
    assert "not above 0" in result.relative.note
    assert result.difference.low is not None


@pytest.mark.parametrize("zeros", [3, 5])
def test_a_baseline_that_may_be_0_has_no_interval_in_per_cent(zeros: int) -> None:
    # Its mean is 0 in 1.6 % of the resamples (0.5 ** 6), or in a third.
    result = compare(rows([1, 2, 3, 1, 2, 3], [0] * zeros + [1] * (6 - zeros)), "magnet", "single")
    assert result.relative.value == pytest.approx(100 * (12 - (6 - zeros)) / (6 - zeros))
    assert result.relative.low is None
    assert result.relative.note


def test_no_number_is_infinite_or_nan() -> None:
    values = [0.0, 1.0, 1e-9, 3.0, -2.0]
    draw = random.Random(0)
    for size in range(1, 9):
        for _ in range(5):
            method, baseline = draw.choices(values, k=size), draw.choices(values, k=size)
            result = compare(rows(method, baseline, per_client=draw.choice([1, 2])), "magnet", "single")
            assert all(math.isfinite(number) for number in every_number(result)), (method, baseline)


def test_a_method_is_not_compared_with_itself() -> None:
    with pytest.raises(ValueError, match="with itself"):
        compare(study(), "magnet", "magnet")
