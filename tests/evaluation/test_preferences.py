"""Preferences: win rates with ties both ways, and strengths that stay finite."""

import math
import random

import numpy as np
import pytest
from scipy.optimize import minimize

from counseling_sessions.evaluation.statistics.intervals import share_figure
from counseling_sessions.evaluation.statistics.preferences import (
    Preference,
    Winner,
    bradley_terry,
    win_rate,
    win_rates,
)


def answers(
    winners: str, first: str = "magnet", second: str = "single", *, aspect: str = "safety", clients: int = 10
) -> list[Preference]:
    """An answer for each letter: 1, 2, = (tie), ? (cannot say); clients take turns."""
    said: dict[str, Winner] = {"1": "first", "2": "second", "=": "tie", "?": "cannot_say"}
    return [
        Preference(aspect, said[letter], first, second, f"client {at % clients}", "rater")
        for at, letter in enumerate(winners)
    ]


def likelihood_fit(wins: dict[tuple[str, str], float], methods: list[str]) -> dict[str, float]:
    """Bradley-Terry by maximising the likelihood directly, a prior tie between every two methods included."""

    def negative(strengths):
        total = 0.0
        for one, first in enumerate(methods):
            for other, second in enumerate(methods):
                if one != other:
                    weight = wins.get((first, second), 0.0) + 0.5
                    total += weight * math.log1p(math.exp(strengths[other] - strengths[one]))
        return total

    found = minimize(negative, np.zeros(len(methods)), tol=1e-12).x
    return dict(zip(methods, found - found.mean(), strict=True))


def test_ties_are_shown_both_ways() -> None:
    # 6 wins, 2 losses, 4 ties, 1 cannot say: (6 + 4 / 2) / 12, and 6 / 8
    rate = win_rate(answers("111111" + "22" + "====" + "?"), "magnet", "single")
    assert (rate.wins, rate.losses, rate.ties, rate.cannot_say, rate.raters) == (6, 2, 4, 1, 1)
    assert rate.rate.value == pytest.approx(8 / 12)
    assert rate.decided.value == 0.75
    assert (rate.rate.n, rate.decided.n) == (12, 8)
    assert rate.rate.missing == 1


def test_it_does_not_matter_which_method_is_called_first() -> None:
    there, back = answers("1112="), answers("2221=", "single", "magnet")
    assert win_rate(there, "magnet", "single") == win_rate(back, "magnet", "single")
    assert win_rate(there, "single", "magnet").wins == 1


def test_the_intervals_are_clustered_by_client() -> None:
    won = [(at % 10, at % 3 > 0) for at in range(60)]
    given = [Preference("a", "first" if won else "second", "m", "s", f"client {client}", "r") for client, won in won]
    rate = win_rate(given, "m", "s").rate
    assert rate.clients == 10
    assert rate == share_figure((f"client {client}", won) for client, won in won)


def test_the_signs_of_whole_clients_flip() -> None:
    # Wins minus losses of four clients: 3, 3, 3, 3. Two of 16 patterns of signs are as extreme; ties and ? add nothing.
    rate = win_rate(answers("1" * 12 + "====" + "??", clients=4), "magnet", "single")
    assert rate.test.value == 0.125
    assert win_rate(answers("=" * 12), "magnet", "single").test.value == 1.0


def test_a_method_that_always_wins_has_a_bounded_rate() -> None:
    # Clopper and Pearson for 10 of 10 clients
    rate = win_rate(answers("1" * 30), "magnet", "single")
    assert (rate.rate.value, rate.rate.low, rate.rate.high) == (1.0, pytest.approx(0.025**0.1), 1.0)


def test_answers_on_other_methods_are_passed_over() -> None:
    rate = win_rate([*answers("11"), *answers("2222", "magnet", "other")], "magnet", "single")
    assert (rate.wins, rate.losses) == (2, 0)


def test_rates_by_aspect_and_over_all() -> None:
    rates = win_rates([*answers("111="), *answers("22", aspect="empathy")], "magnet", "single")
    assert {aspect: (rate.wins, rate.losses) for aspect, rate in rates.items()} == {
        "safety": (3, 0),
        "empathy": (0, 2),
        "": (3, 2),
    }


def test_nobody_preferred_anything() -> None:
    for given in ([], answers("???")):
        rate = win_rate(given, "magnet", "single")
        assert (rate.rate.value, rate.decided.value, rate.test.value) == (None, None, None)
        ranking = bradley_terry(given)
        assert (ranking.strengths, ranking.cannot_say) == ((), len(given))
        assert ranking.note
    only_ties = win_rate(answers("=" * 6), "magnet", "single")
    assert (only_ties.rate.value, only_ties.decided.value) == (0.5, None)


def test_a_method_is_not_compared_with_itself() -> None:
    with pytest.raises(ValueError, match="itself"):
        win_rate([], "magnet", "magnet")
    with pytest.raises(ValueError, match="magnet is compared with itself"):
        bradley_terry(answers("1", "magnet", "magnet"))


def test_two_strengths_are_the_log_odds() -> None:
    # 7 wins to 3 and the prior's half a win each way: log(7.5 / 3.5), half of it to each side of 0
    ranking = bradley_terry(answers("1111111222"))
    assert [item.method for item in ranking.strengths] == ["magnet", "single"]
    assert [item.strength.value for item in ranking.strengths] == pytest.approx(
        [math.log(7.5 / 3.5) / 2, -math.log(7.5 / 3.5) / 2]
    )
    assert ranking.strengths[0].beats_others.value == pytest.approx(7.5 / 11)


def test_a_tie_is_half_a_win_each_way() -> None:
    ties, halves = bradley_terry(answers("11==")), bradley_terry(answers("1112"))
    assert ties.strengths[0].strength.value == pytest.approx(halves.strengths[0].strength.value)
    assert (ties.decided, ties.ties) == (2, 2)


def test_strengths_of_three_methods_maximise_the_likelihood() -> None:
    given = [*answers("11112"), *answers("1112=", "magnet", "other"), *answers("112222", "single", "other")]
    wins = {
        ("magnet", "single"): 4.0, ("single", "magnet"): 1.0, ("magnet", "other"): 3.5, ("other", "magnet"): 1.5,
        ("single", "other"): 2.0, ("other", "single"): 4.0,
    }  # fmt: skip
    expected = likelihood_fit(wins, ["magnet", "single", "other"])
    ranking = bradley_terry(given)
    assert [item.method for item in ranking.strengths] == ["magnet", "other", "single"]
    for item in ranking.strengths:
        assert item.strength.value == pytest.approx(expected[item.method], abs=1e-4)
        assert item.strength.low is not None
        assert item.strength.low < (item.strength.value or 0) < (item.strength.high or 0)
        assert (item.strength.n, item.strength.clients) == (16, 6)
    # statsmodels 0.15.0: GLM(wins and losses of each pair with the prior's, one column a method but the last one,
    # family=Binomial()).fit(tol=1e-12).params, their mean taken off
    recorded = {"magnet": 0.60161691, "single": -0.56984423, "other": -0.03177268}
    assert {item.method: item.strength.value for item in ranking.strengths} == pytest.approx(recorded, abs=1e-5)


def test_complete_separation_stays_finite_and_has_no_interval() -> None:
    # Unequal clients, so that resamples differ in how many answers they hold and with them in what the prior leaves.
    ranking = bradley_terry(
        [*answers("1" * 47), *answers("1" * 31, "single", "other"), *answers("1" * 15, "magnet", "other")]
    )
    values = [item.strength.value for item in ranking.strengths]
    assert [item.method for item in ranking.strengths] == ["magnet", "single", "other"]
    assert all(value is not None and math.isfinite(value) for value in values)
    for item in ranking.strengths:
        assert (item.strength.low, item.beats_others.high) == (None, None)
        assert "won every comparison" in item.strength.note


def test_methods_that_were_never_compared_are_said_to_be() -> None:
    ranking = bradley_terry([*answers("112"), *answers("112", "other", "fourth")], resamples=50)
    assert "2 groups of methods were never compared" in ranking.note
    assert bradley_terry(answers("112")).note == ""


def test_with_four_clients_strengths_have_no_interval() -> None:
    ranking = bradley_terry(answers("1121212", clients=4))
    assert ranking.strengths[0].strength.low is None
    assert "5 clients" in ranking.strengths[0].strength.note


def test_the_order_of_answers_does_not_matter_and_a_seed_repeats() -> None:
    given = [*answers("1112=22111"), *answers("1212=2111", "magnet", "other"), *answers("2212=1", "single", "other")]
    shuffled = random.Random(4).sample(given, len(given))
    ranking = bradley_terry(given, seed=2, resamples=300)
    assert ranking == bradley_terry(shuffled, seed=2, resamples=300)
    assert ranking != bradley_terry(given, seed=3, resamples=300)
    assert win_rate(given, "magnet", "single") == win_rate(shuffled, "magnet", "single")


def by_raters(random_of: np.random.Generator, raters: int, taste: float) -> list[Preference]:
    """Raters with tastes of their own compare three methods that do not differ, on 12 clients."""
    methods, given = ("a", "b", "c"), []
    for rater in range(raters):
        liked = dict(zip(methods, random_of.normal(0, taste, 3), strict=True))
        for client in range(12):
            for first, second in (("a", "b"), ("b", "c"), ("a", "c")):
                wins = random_of.random() < 1 / (1 + np.exp(liked[second] - liked[first]))
                given.append(Preference("", "first" if wins else "second", first, second, f"{client}", f"{rater}"))
    return given


def test_strengths_hold_for_raters_like_these() -> None:
    draw = np.random.default_rng(6)
    held = [
        (item.strength.low or 0) <= 0 <= (item.strength.high or 0)
        and (item.beats_others.low or 0) <= 0.5 <= (item.beats_others.high or 0)
        for _ in range(15)
        for item in bradley_terry(by_raters(draw, 4, 1.0), resamples=50).strengths
    ]
    assert np.mean(held) > 0.9  # with clients alone as chance, about half


def test_with_two_raters_strengths_hold_for_these_and_say_so() -> None:
    two, three = (
        bradley_terry(by_raters(np.random.default_rng(1), raters, 1.0), resamples=50).strengths[0].strength
        for raters in (2, 3)
    )
    assert two.method.startswith("bootstrap over 12 clients")
    assert three.method.startswith("t interval, 3 raters and 12 clients as chance")
