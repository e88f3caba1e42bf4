"""The bootstrap t test: it allows for skewed differences, and likeness on a margin takes the larger of its p and sign flips'."""

import numpy as np
import pytest
from scipy import stats

from counseling_sessions.evaluation.statistics.bootstrap_t import bootstrap_t_test
from counseling_sessions.evaluation.statistics.equivalence import equivalence
from counseling_sessions.evaluation.statistics.intervals import draws
from counseling_sessions.evaluation.statistics.paired import compare
from counseling_sessions.evaluation.statistics.sign_flips import sign_flip_test


def rows(values: np.ndarray) -> list[tuple[str, float]]:
    return [(f"{client:02}", float(value)) for client, value in enumerate(values)]


def test_with_many_symmetrical_clients_it_is_the_t_test() -> None:
    values = np.random.default_rng(3).normal(0.3, 1, 40)
    p = bootstrap_t_test(rows(values)).value
    assert p == pytest.approx(stats.ttest_1samp(values, 0).pvalue, abs=0.015)
    one_sided = bootstrap_t_test(rows(values), greater=True).value
    assert one_sided == pytest.approx(stats.ttest_1samp(values, 0, alternative="greater").pvalue, abs=0.015)


def test_it_is_what_a_loop_over_resamples_counts() -> None:
    sums = np.array([0.5, 2.0, -1.0, 3.0, 1.5, 0.25])
    observed = sums.mean() / sums.std()
    reached = []
    for counts in draws(6, 4)[:400]:
        sample = np.repeat(sums - sums.mean(), counts)
        spread = sample.std()
        reached.append(sample.mean() / spread if spread > 1e-9 else np.sign(sample.mean()) * np.inf)
    share = np.mean(np.array(reached) >= observed)
    assert bootstrap_t_test(rows(sums), greater=True, seed=4).value == pytest.approx(share, abs=0.06)


def test_the_sessions_of_a_client_are_one_sum_and_the_scale_does_not_matter() -> None:
    values = np.random.default_rng(1).normal(0.5, 1, 8)
    halves = [(name, value / 2) for name, value in rows(values) for _ in range(2)]
    assert bootstrap_t_test(halves).value == bootstrap_t_test(rows(values)).value
    assert bootstrap_t_test(rows(values * 1e-12)).value == bootstrap_t_test(rows(values)).value


def test_nothing_to_test() -> None:
    assert bootstrap_t_test(rows(np.ones(4))).value is None
    assert bootstrap_t_test(rows(np.zeros(6))).value == 1
    assert bootstrap_t_test(rows(np.ones(6))).value == pytest.approx(2 / 10_001)


def test_skewed_differences_with_a_mean_of_0_are_called_different_less_often() -> None:
    draw = np.random.default_rng(2)
    studies = [rows(draw.lognormal(0, 1, 20) - np.exp(0.5)) for _ in range(150)]
    signs, by_t = (
        sum((test(study).value or 0) <= 0.05 for study in studies) for test in (sign_flip_test, bootstrap_t_test)
    )
    assert by_t < 0.8 * signs


def test_likeness_on_the_margin_is_shown_less_often_than_by_sign_flips_alone() -> None:
    draw = np.random.default_rng(8)
    alike = alone = 0
    for _ in range(120):
        values = draw.exponential(1, 12)  # the mean lies on the margin of 1
        alone += (sign_flip_test(rows(1 - values), greater=True).value or 0) <= 0.05
        test = equivalence(rows(values), 1.0).below
        assert (test.value or 0) >= (sign_flip_test(rows(1 - values), greater=True).value or 0)
        assert test.smallest == 2.0**-12
        alike += (test.value or 0) <= 0.05
    assert alike < 0.75 * alone


def test_a_comparison_has_it_beside_its_primary_test() -> None:
    values = np.random.default_rng(5).normal(1, 1, 9)
    pairs = [(f"{at}", float(value)) for at, value in enumerate(values)]
    scored = [(side, name, None, 1, value if side == "a" else 0.0) for side in "ab" for name, value in pairs]
    assert compare(scored, "a", "b").of_mean == bootstrap_t_test(pairs)
