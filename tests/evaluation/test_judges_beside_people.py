"""A judge's calibration against people, and people's means where a judge helps to know them."""

import numpy as np
import pytest

from counseling_sessions.evaluation.statistics.calibration import Scored, calibration
from counseling_sessions.evaluation.statistics.prediction_powered import (
    Predicted,
    powered_difference,
    powered_mean,
)


def test_calibration_by_hand() -> None:
    # Judge 1 2 3 4 5, people 1 3 2 5 4 and half a point less: bias .5; of 10 about the means covariance 8: slope .8, correlation .8.
    rows = [
        Scored(f"c{judge}", people - 0.5, judge) for judge, people in zip((1, 2, 3, 4, 5), (1, 3, 2, 5, 4), strict=True)
    ]
    found = calibration(rows)
    assert (found.bias.value, found.bias.n, found.bias.clients) == (pytest.approx(0.5), 5, 5)
    assert (found.slope.value, found.correlation.value) == (pytest.approx(0.8), pytest.approx(0.8))
    # The differences about their mean are 0 -1 1 -1 1: standard deviation 1.
    assert (found.lower.value, found.upper.value) == (
        pytest.approx(0.5 - 1.96, abs=1e-3),
        pytest.approx(0.5 + 1.96, abs=1e-3),
    )
    assert [(score, mean.value) for score, mean in found.by_score.items()] == [
        (1, 0.5),
        (2, 2.5),
        (3, 1.5),
        (4, 4.5),
        (5, 3.5),
    ]


def test_a_judge_who_always_says_the_same_has_a_bias_and_nothing_else() -> None:
    found = calibration(Scored(f"c{at}", at % 3, 4) for at in range(9))
    assert found.bias.value == pytest.approx(3)
    assert (found.slope.value, found.correlation.value) == (None, None)
    assert "do not vary" in found.slope.note
    assert calibration([]).bias.value is None


def test_intervals_of_calibration_cover_what_was_simulated() -> None:
    random = np.random.default_rng(4)
    rows = []
    for client in range(40):
        for _ in range(2):
            people = random.normal(3, 1)
            rows.append(Scored(f"{client}", people, people + 0.7 + random.normal(0, 0.5)))
    found = calibration(rows)
    for figure, true in ((found.bias, 0.7), (found.correlation, 0.894), (found.slope, 0.8), (found.upper, 0.7 + 0.98)):
        assert (figure.low or 0) <= true <= (figure.high or 0)


def test_noise_of_people_lowers_the_correlation_and_not_the_slope() -> None:
    random = np.random.default_rng(9)
    truth = random.normal(3, 1, 3000)
    judge = truth + random.normal(0, 0.5, 3000)

    def beside(people: float, more: float) -> tuple[float, float]:
        scores = truth + random.normal(0, people, 3000)
        noisier = judge + random.normal(0, more, 3000)
        found = calibration(
            Scored(f"{at % 30}", float(one), float(other))
            for at, (one, other) in enumerate(zip(scores, noisier, strict=True))
        )
        return found.slope.value or 0, found.correlation.value or 0

    (plain, surely), (still, less), (flatter, _) = beside(0, 0), beside(1, 0), beside(0, 1)
    assert still == pytest.approx(plain, abs=0.05)
    assert less < surely - 0.15
    assert flatter < plain - 0.2


def simulated(rated: int) -> list[Predicted]:
    random = np.random.default_rng(11)
    people = random.normal(3, 1, 1000)
    judge = 0.8 * people + 1 + random.normal(0, 0.5, 1000)
    return [
        Predicted(f"{at:04}", float(judge[at]), float(people[at]) if at < rated else None) for at in range(len(people))
    ]


def test_with_one_session_a_client_the_mean_is_that_of_ppi_python() -> None:
    # ppi-python 0.2.3 on the same numbers: ppi_mean_pointestimate(y[:150], f[:150], f[150:]), ppi_mean_ci(…, alpha=0.05)
    found = powered_mean(simulated(150)).powered
    assert found.value == pytest.approx(2.99540338, abs=0.005)
    assert (found.low, found.high) == (pytest.approx(2.89766601, abs=0.01), pytest.approx(3.09314075, abs=0.01))


def test_the_interval_is_narrower_with_a_judge_who_knows_and_not_with_one_who_does_not() -> None:
    helped = powered_mean(simulated(60))
    deaf = powered_mean(row._replace(judge=float(at % 7)) for at, row in enumerate(simulated(60)))
    widths = [(one.powered.high or 0) - (one.powered.low or 0) for one in (helped, deaf)]
    alone = (helped.people.high or 0) - (helped.people.low or 0)
    assert widths[0] < 0.75 * alone
    assert widths[1] == pytest.approx(alone, rel=0.1)
    assert (helped.weight > 0.6, deaf.weight < 0.3) == (True, True)
    assert (helped.people.n, helped.people.missing, helped.powered.n) == (60, 940, 1000)


def test_a_constant_too_much_changes_nothing() -> None:
    plain, generous = (powered_mean(row._replace(judge=row.judge + more) for row in simulated(60)) for more in (0, 9))
    assert generous.powered.value == pytest.approx(plain.powered.value)
    assert generous.powered.low == pytest.approx(plain.powered.low)


def test_where_people_rated_everything_the_judge_counts_for_nothing() -> None:
    found = powered_mean(simulated(1000))
    assert (found.weight, found.powered.value) == (0, found.people.value)


def test_sessions_of_a_client_are_no_independent_evidence() -> None:
    once = simulated(30)[:30]
    fourfold = powered_mean([row for row in once for _ in range(4)])
    assert fourfold.powered.low == pytest.approx(powered_mean(once).powered.low)


def test_too_few_rated_clients_have_no_interval_and_none_no_mean() -> None:
    few = powered_mean(simulated(4))
    assert (few.powered.value is None, few.powered.low) == (False, None)
    assert "people must have rated 5 clients" in few.powered.note
    assert powered_mean(simulated(0)).powered.value is None
    assert powered_difference(few, powered_mean(simulated(0))).value is None


def test_a_difference_within_clients_is_surer_than_one_between_them() -> None:
    random = np.random.default_rng(2)
    client = random.normal(0, 1, 40)
    paired, apart = (
        [
            powered_mean(
                Predicted(
                    f"{name}{at}",
                    float(client[at] + shift),
                    float(client[at] + shift + random.normal(0, 0.2)) if at < 20 else None,
                )
                for at in range(40)
            )
            for name, shift in ((first, 0.0), (second, 0.5))
        ]
        for first, second in (("c", "c"), ("c", "d"))
    )
    same, other = (powered_difference(*groups) for groups in (paired, apart))
    assert (same.high or 0) - (same.low or 0) < 0.5 * ((other.high or 0) - (other.low or 0))
    assert (same.low or 0) < -0.5 < (same.high or 0)


def test_one_client_with_most_of_the_rated_sessions_makes_the_interval_wider_not_wrong() -> None:
    """With Student's quantile of the number of clients, such intervals held the true mean in 80 % of studies."""
    random = np.random.default_rng(3)
    held = 0
    for _ in range(150):
        sizes = (20, *(2,) * 39)
        client = random.normal(0, 0.6, len(sizes))
        rows = []
        for at, size in enumerate(sizes):
            for _ in range(size):
                score = float(3.5 + client[at] + random.normal(0, 0.6))
                rows.append(Predicted(f"{at:02}", 0.8 * score + float(random.normal(1, 2)), score if at < 10 else None))
        found = powered_mean(rows).powered
        held += (found.low or 0) <= 3.5 <= (found.high or 0)
    assert held >= 0.9 * 150


def test_equal_clients_count_as_many_degrees_of_freedom_as_they_are_less_one() -> None:
    equal = powered_mean(row for at in range(12) for row in [Predicted(f"{at:02}", at % 3, at % 4)] * 3)
    assert equal.degrees == pytest.approx(11)
    unequal = powered_mean(
        [Predicted("00", 1, 2)] * 30 + [Predicted(f"{at:02}", at % 3, at % 4) for at in range(1, 12)]
    )
    assert unequal.degrees < 2.5
