"""The test of sign flips: whole clients flip, sums that are equal tie, and what p can be reached is said."""

import itertools
from fractions import Fraction
from math import comb, lcm

import numpy as np
import pytest
from scipy import stats

from counseling_sessions.evaluation.statistics.paired import Row, compare, wilcoxon_on_clients
from counseling_sessions.evaluation.statistics.sign_flips import sign_flip_test

THIRDS = [Fraction(n, 3) for n in (3, 1, 6, 1, -2, 1, 5, 2)]


def by_enumeration(sums: list[Fraction]) -> Fraction:
    """The share of all patterns of signs whose sum is as far from 0 as the observed one, in exact fractions."""
    size = lcm(*(value.denominator for value in sums))
    wholes = [int(value * size) for value in sums]
    reached = [0]
    for value in wholes:
        reached = [total + sign * value for total in reached for sign in (1, -1)]
    return Fraction(sum(abs(total) >= abs(sum(wholes)) for total in reached), len(reached))


def as_floats(sums: list[Fraction], draw: np.random.Generator) -> list[tuple[str, float]]:
    """Each client's sum as differences of judgements' means, so that equal sums differ in their last bits."""
    values: list[tuple[str, float]] = []
    for client, total in enumerate(sums):
        parts = [float(part) for part in draw.uniform(-2, 2, 2).round(1)]
        values += [(str(client), part) for part in (*parts, float(total) - parts[0] - parts[1])]
    return values


@pytest.mark.parametrize(
    "sums",
    [
        [Fraction(n) for n in (1, 2, 3)],
        [Fraction(n, 2) for n in (2, -4, 6, 1)],
        [Fraction(n, 10) for n in (1, 2, -3, 10, 10, 10, -10)],
        [Fraction(n) for n in (5, 4, 4, 3, -2, 6, 1, 2, -1, 3)],
        THIRDS,
    ],
)
def test_every_pattern_of_signs_is_tried(sums: list[Fraction]) -> None:
    result = sign_flip_test((str(at), float(value)) for at, value in enumerate(sums))
    assert result.value == float(by_enumeration(sums))
    assert "exact" in result.method


def test_client_sums_in_thirds_tie() -> None:
    # 18 of 256 patterns are as extreme as the observed one; 6 of them have its very sum.
    result = sign_flip_test((str(at), float(value)) for at, value in enumerate(THIRDS))
    assert (result.value, by_enumeration(THIRDS)) == (18 / 256, Fraction(18, 256))


@pytest.mark.parametrize("clients", range(6, 13))
def test_sums_of_means_of_three_ratings_tie_whatever_their_last_bits(clients: int) -> None:
    draw = np.random.default_rng(clients)
    for _ in range(12):
        sums = [Fraction(int(n), 3) for n in draw.integers(-6, 10, clients)]
        result = sign_flip_test(as_floats(sums, draw))
        assert result.value == float(by_enumeration(sums)), sums


def test_win_rates_of_fourteen_clients_tie() -> None:
    # Wins minus losses are whole numbers, a few of which come again and again.
    draw = np.random.default_rng(5)
    for _ in range(8):
        sums = [Fraction(int(n)) for n in draw.integers(-3, 5, 14)]
        assert sign_flip_test((str(at), float(n)) for at, n in enumerate(sums)).value == float(by_enumeration(sums))


def test_differences_of_large_values_tie() -> None:
    # Words per session: the differences are small beside the values that they are taken from.
    draw = np.random.default_rng(6)
    for _ in range(20):
        sums = [Fraction(int(n), 3) for n in draw.integers(-6, 10, 9)]
        bases = [float(n) / 7 for n in draw.integers(2000, 9000, 9)]
        by_client = (
            (str(at), base + float(value) - base) for at, (base, value) in enumerate(zip(bases, sums, strict=True))
        )
        assert sign_flip_test(by_client).value == float(by_enumeration(sums)), sums


@pytest.mark.parametrize("clients", [17, 30])
def test_thirty_clients_are_still_tested_exactly(clients: int) -> None:
    # With equal sums the test is the sign test: the tails of the binomial distribution.
    up = clients - 8
    result = sign_flip_test((str(at), 1 / 3 if at < up else -1 / 3) for at in range(clients))
    assert result.value == pytest.approx(2 * sum(comb(clients, k) for k in range(up, clients + 1)) / 2**clients)
    assert result.method == "sign flips per client, exact"


def test_the_differences_of_a_client_flip_together() -> None:
    # Two clients, nine positive differences each: if each flipped for itself, p would be 2 / 2 ** 18.
    result = sign_flip_test([("a", 1.0)] * 9 + [("b", 1.0)] * 9)
    assert (result.value, result.clients) == (0.5, 2)
    assert "no p below 0.5" in result.note


def test_with_many_clients_patterns_are_drawn_and_p_is_never_0() -> None:
    sure = sign_flip_test([(str(at), 1.0) for at in range(40)])
    assert sure.value == sure.smallest == 1 / 10_000
    assert "9,999 drawn" in sure.method
    assert sure.note == ""
    draw = np.random.default_rng(0)
    differences = [(str(at), value) for at, value in enumerate(draw.normal(0.25, 1, 60))]
    # For as many clients the sum is nearly normal, and the test nearly the t test.
    expected = stats.ttest_1samp([value for _, value in differences], 0).pvalue
    assert sign_flip_test(differences).value == pytest.approx(expected, abs=0.01)
    assert sign_flip_test(differences, seed=1) == sign_flip_test(differences[::-1], seed=1)


def test_drawn_patterns_tie_as_well() -> None:
    # Sums of a third each way: p is the sign test's, of which 9,999 draws come within 4 standard errors of .005.
    result = sign_flip_test((str(at), 1 / 3 if at < 24 else -0.1 - 0.7 / 3) for at in range(40))
    expected = stats.binomtest(24, 40).pvalue
    assert result.value == pytest.approx(expected, abs=0.02)


def test_clients_whose_differences_cancel_out_change_nothing() -> None:
    some = [("a", 1.0), ("b", 2.0), ("c", 1.5)]
    result = sign_flip_test([*some, ("d", 0.1 + 0.2), ("d", -0.3), ("e", 0.0)])
    assert result.value == sign_flip_test(some).value == 0.25
    assert result.note == sign_flip_test(some).note == "with 3 clients that differ, no p below 0.25 is possible"
    assert result.clients == 5


def test_the_scale_does_not_matter() -> None:
    values = [("a", 3.0), ("b", -1.0), ("c", 2.0), ("d", 2.0)]
    assert sign_flip_test(values).value == sign_flip_test((c, v * 1e-12) for c, v in values).value


def test_nothing_to_test() -> None:
    assert sign_flip_test([]).value is None
    assert sign_flip_test([("a", None)]).value is None
    assert wilcoxon_on_clients([]).value is None


def test_the_smallest_p_that_can_be_reached() -> None:
    some = [("a", 1.0), ("b", -2.0), ("c", 1.5), ("d", 2.0)]
    assert sign_flip_test([*some, ("e", 0.0)]).smallest == 2 / 16
    assert wilcoxon_on_clients([*some, ("e", 0.0)]).smallest == 2 / 16
    assert sign_flip_test([("a", 0.0), ("b", 0.0)]).smallest == 1.0
    assert sign_flip_test([]).smallest is None


def test_wilcoxon_takes_one_mean_a_client() -> None:
    # Six clients, all means positive: 2 / 2 ** 6; twelve independent differences would have 2 / 2 ** 12.
    several = [(f"client {at % 6}", 1.0 + at % 6 + (at > 5)) for at in range(12)]
    assert wilcoxon_on_clients(several).value == pytest.approx(2 / 64)
    # Zeros are left out: ranks of 1, 2, 3, 4, all positive but the first: W- = 1, and 4 of 16 patterns have W of 0, 1, 9 or 10.
    assert wilcoxon_on_clients([("a", -1), ("b", 2), ("c", 3), ("d", 4), ("e", 0.0)]).value == pytest.approx(4 / 16)


def test_equal_means_have_equal_ranks_whatever_their_last_bits() -> None:
    # At thirteen digits and more, where rounding to twelve can fall to either side: half of 1e-12 of the largest.
    edge = 0.1234567890125
    near = [("a", edge), ("b", -np.nextafter(edge, 0)), ("c", np.nextafter(edge, 1)), ("d", 1.0), ("e", -0.5)]
    equal = [("a", 1.0), ("b", -1.0), ("c", 1.0), ("d", 8.0), ("e", -4.0)]
    assert wilcoxon_on_clients(near).value == wilcoxon_on_clients(equal).value


def test_a_difference_of_rounding_alone_is_a_tie() -> None:
    # Changes (after minus before) that are 0 but for their last bits, against changes of 0.
    rows: list[Row] = [("m", "a", "", 0, 0.1 + 0.2 - 0.3), ("s", "a", "", 0, 0.0)]
    rows += [("m", "b", "", 0, 2.0), ("s", "b", "", 0, 1.0)]
    assert compare(rows, "m", "s").superiority.value == 0.75


def test_the_libraries_say_the_same() -> None:
    # Without ties nothing hangs on a tolerance. Recorded with scipy 1.17.1 and pingouin 0.7.0 (see the bottom of this file).
    values = [0.41, -0.17, 1.03, 0.88, -0.36, 0.59, 1.21, 0.07, 0.66, -0.28, 0.94, 0.5]
    by_client = list(zip("abcdefghijkl", values, strict=True))
    assert sign_flip_test(by_client).value == pytest.approx(SCIPY_SIGN_FLIPS, abs=1e-12)
    assert wilcoxon_on_clients(by_client).value == pytest.approx(PINGOUIN_WILCOXON, abs=1e-12)


def test_the_oracle_of_these_tests_is_right() -> None:
    sums = THIRDS[:5]
    patterns = itertools.product((1, -1), repeat=5)
    extreme = sum(abs(sum(s * v for s, v in zip(p, sums, strict=True))) >= abs(sum(sums)) for p in patterns)
    assert by_enumeration(sums) == Fraction(extreme, 32)


# values = […] as in the test;
# scipy.stats.permutation_test((values,), lambda x, axis: x.sum(axis=axis), permutation_type="samples",
#     vectorized=True, n_resamples=4096).pvalue
SCIPY_SIGN_FLIPS = 0.015625
# pingouin.wilcoxon(values)["p_val"]
PINGOUIN_WILCOXON = 0.01611328125
