"""Agreement: published examples of every coefficient, a judge among humans, sides and repeats."""

import random

import numpy as np
import pytest

from counseling_sessions.evaluation.statistics.agreement import (
    Category,
    Rating,
    agreement,
    fleiss,
    krippendorff_alpha,
    mean_kappa,
    ratings_table,
)
from counseling_sessions.evaluation.statistics.raters import (
    Answer,
    Repeat,
    judge_against_humans,
    self_consistency,
    side_bias,
)

# Krippendorff 2011, "Computing Krippendorff's Alpha-Reliability", example C: four observers, twelve units, values missing.
KRIPPENDORFF = {
    "a": "1233214 12...".replace(" ", ""),
    "b": "1233224125.3",
    "c": ".3332342251.",
    "d": "1233244125 1.".replace(" ", ""),
}
# Fleiss 1971, as commonly printed: how often each of five categories was given to each of ten units by 14 raters.
FLEISS = [
    [0, 0, 0, 0, 14], [0, 2, 6, 4, 2], [0, 0, 3, 5, 6], [0, 3, 9, 2, 0], [2, 2, 8, 1, 1],
    [7, 7, 0, 0, 0], [3, 2, 6, 3, 0], [2, 5, 3, 2, 2], [6, 5, 2, 1, 0], [0, 2, 2, 3, 7],
]  # fmt: skip


def table(columns: dict[str, str], *, numbers: bool = False, per_client: int = 1) -> list[Rating]:
    """A rater's answers as letters, one for each unit, "." for none; so many neighbouring units have one client."""
    found = []
    for rater, letters in columns.items():
        for unit, letter in enumerate(letters):
            value: Category | None = None if letter == "." else float(letter) if numbers else letter
            found.append(Rating(f"unit {unit:03}", rater, value, f"client {unit // per_client}"))
    return found


@pytest.mark.parametrize(("level", "alpha"), [("nominal", 0.743), ("ordinal", 0.815), ("interval", 0.849)])
def test_alpha_of_krippendorffs_example(level, alpha: float) -> None:
    figure = krippendorff_alpha(ratings_table(table(KRIPPENDORFF, numbers=True), level))
    assert figure.value == pytest.approx(alpha, abs=5e-4)
    # The twelfth unit has one rating only.
    assert (figure.n, figure.clients, figure.missing) == (11, 11, 1)
    assert figure.low is not None
    assert figure.low < alpha < (figure.high or 0)


def test_alpha_of_two_raters_by_hand() -> None:
    # Ten units; coincidences: 0-0: 10, 1-1: 2, 0-1: 4 and 4; 14 zeros and 6 ones of 20: alpha = 1 - 19 × 4 / (14 × 6) = 0.095
    # (Krippendorff 2011, example A)
    rated = table({"x": "0100000010", "y": "1110010000"})
    assert agreement(rated).alpha.value == pytest.approx(1 - 19 * 4 / (14 * 6))


def test_cohens_kappa_by_hand() -> None:
    # 20 both yes, 5 yes and no, 10 no and yes, 15 both no: observed 0.7, by chance 0.5 × 0.6 + 0.5 × 0.4 = 0.5
    rated = table({"x": "y" * 25 + "n" * 25, "y": "y" * 20 + "n" * 5 + "y" * 10 + "n" * 15}, per_client=2)
    found = agreement(rated)
    assert found.mean_kappa.value == pytest.approx(0.4)
    assert found.raw.value == pytest.approx(0.7)
    assert (found.kappas[0].first, found.kappas[0].second, found.kappas[0].kappa) == ("x", "y", found.mean_kappa)
    assert (found.units, found.raters, found.missing, found.alpha.clients) == (50, 2, 0, 25)


def test_kappa_of_scores_weighs_by_squared_distance() -> None:
    # Scores 0, 1, 5. x: 0 0 1 5, y: 0 1 1 1. Squared distances 0, 1, 0, 16: mean 17/4. By chance, over all 16 combinations:
    # 0 with (0 1 1 1): 0 1 1 1, twice; 1: 1 0 0 0; 5: 25 16 16 16; sum 6 + 1 + 73 = 80, mean 5. Kappa = 1 - 4.25 / 5.
    rated = table({"x": "0015", "y": "0111"}, numbers=True)
    assert agreement(rated, "interval").mean_kappa.value == pytest.approx(1 - 4.25 / 5)
    assert agreement(rated, "nominal").mean_kappa.value == pytest.approx((0.5 - 5 / 16) / (1 - 5 / 16))


def test_the_mean_kappa_is_over_pairs_of_raters() -> None:
    found = agreement(table({"x": "aabb.", "y": "abbba", "z": "aabab"}))
    assert [(kappa.first, kappa.second) for kappa in found.kappas] == [("x", "y"), ("x", "z"), ("y", "z")]
    assert found.mean_kappa.value == pytest.approx(
        np.mean([kappa.kappa.value for kappa in found.kappas if kappa.kappa.value is not None])
    )
    assert found.missing == 1


def test_fleisss_kappa_of_his_example() -> None:
    rated = [
        Rating(f"unit {unit}", f"rater {rater:02}", value, f"client {unit}")
        for unit, counts in enumerate(FLEISS)
        for rater, value in enumerate(np.repeat(range(5), counts).tolist())
    ]
    assert fleiss(ratings_table(rated)).value == pytest.approx(0.210, abs=5e-4)


def test_fleisss_kappa_leaves_out_what_not_everybody_rated() -> None:
    complete = table({"x": "aabbab", "y": "aabbba", "z": "aabbaa"})
    more = table({"x": "aabbabb", "y": "aabbbab", "z": "aabbaa."})
    one, other = fleiss(ratings_table(complete)), fleiss(ratings_table(more))
    assert (one.value, one.n, one.missing) == (other.value, other.n, other.missing - 1)


def test_raw_agreement_averages_pairs_of_ratings_over_units() -> None:
    # three alike: 1; two of three: 1/3; two that differ: 0; one rating: not counted
    raw = agreement(table({"x": "aaaa", "y": "aab.", "z": "ab.."})).raw
    assert (raw.value, raw.n, raw.missing) == (pytest.approx((1 + 1 / 3 + 0) / 3), 3, 1)


def test_units_of_a_client_are_resampled_together() -> None:
    columns = {"x": "aabbababba" * 3, "y": "abbbabaaba" * 3}
    # The same ten units thrice: thirty clients, or ten clients that each have a unit three times.
    apart = agreement(table(columns)).alpha
    together = agreement(
        [rating._replace(client=f"client {int(rating.unit[5:]) % 10}") for rating in table(columns)]
    ).alpha
    assert apart.value == together.value
    assert (together.high or 0) - (together.low or 0) > 1.4 * ((apart.high or 0) - (apart.low or 0))


@pytest.mark.parametrize(
    ("rated", "why"),
    [
        ([], "no unit has two ratings"),
        (table({"x": "ababab"}), "no unit has two ratings"),
        (table({"x": "aaaaaa", "y": "aaaaaa"}), "one category"),
        (table({"x": "abab..", "y": "....ab"}), "no unit has two ratings"),
        (table({"x": "......", "y": "......"}), "no unit has two ratings"),
    ],
)
def test_what_is_undefined_is_none_with_the_reason(rated: list[Rating], why: str) -> None:
    found = agreement(rated)
    for figure in (found.alpha, found.fleiss, found.mean_kappa):
        assert (figure.value, figure.low, figure.high) == (None, None, None)
        assert figure.note.startswith("undefined: ")
    assert why in found.alpha.note


def test_raters_who_always_say_the_same_agree_in_the_raw_share_alone() -> None:
    found = agreement(table({"x": "aaaaaa", "y": "aaaaaa"}))
    assert found.raw.value == 1.0
    assert found.raw.low == pytest.approx(0.025 ** (1 / 6))


def test_a_rater_who_never_varies_has_a_kappa_of_0() -> None:
    assert agreement(table({"x": "aaaaaa", "y": "ababab"})).mean_kappa.value == 0.0


def test_ratings_that_contradict_are_refused() -> None:
    with pytest.raises(ValueError, match="rater x rated unit 1 twice"):
        ratings_table([Rating("1", "x", "a", "c"), Rating("1", "x", "a", "c")])
    with pytest.raises(ValueError, match="unit 1 has two clients"):
        ratings_table([Rating("1", "x", "a", "c"), Rating("1", "y", "a", "d")])
    with pytest.raises(ValueError, match="'a' is not a number"):
        ratings_table([Rating("1", "x", "a", "c")], "ordinal")


def test_the_order_of_ratings_does_not_matter() -> None:
    rated = table({"x": "1233214321", "y": "12.3224421", "z": "1333244311"}, numbers=True)
    shuffled = random.Random(0).sample(rated, len(rated))
    assert agreement(rated, "ordinal") == agreement(shuffled, "ordinal")


# A judge among humans.


def test_a_judge_against_the_humans_most_frequent_answer() -> None:
    # majority:      a        b     none   a      b     a (one human only); the judge did not rate the last but one
    columns = {"h1": "abaab.", "h2": "abbab.", "h3": "aacbba", "judge": "aaab.a"}
    found = judge_against_humans(table(columns), "judge", ["h1", "h2", "h3"])
    assert (found.no_majority, found.humans) == (1, ("h1", "h2", "h3"))
    # a-a, a-b, b-a, a-a: observed 2/4; judge 3/4 a, majority 3/4 a: chance 9/16 + 1/16
    assert found.same_as_majority.value == 0.5
    assert found.with_majority.value == pytest.approx((0.5 - 10 / 16) / (1 - 10 / 16))
    assert (found.with_majority.n, found.with_majority.missing) == (4, 2)
    # Each human with the other two where they agree: h1 and h2 a-a, b-b (1); h3 a-a, a-b, b-a, b-b (0)
    assert found.humans_with_majority.value == pytest.approx((1 + 1 + 0) / 3)


def test_a_judge_who_answers_as_the_humans_do() -> None:
    columns = {"h1": "aabbab", "h2": "aabbab", "h3": "aabbab", "judge": "aabbab", "other": "bbbbbb"}
    found = judge_against_humans(table(columns), "judge", ["h1", "h2", "h3"])
    figures = [found.with_majority, found.humans_with_majority, found.with_humans, found.among_humans]
    assert [figure.value for figure in figures] == [1.0] * 4


def test_humans_beside_the_judge() -> None:
    columns = {"h1": "aabbabab", "h2": "aabbaabb", "h3": "abbbabab", "judge": "bbaababa"}
    found = judge_against_humans(table(columns), "judge", ["h1", "h2", "h3"])
    everyone = ratings_table(table(columns))
    assert found.with_humans.value == mean_kappa(everyone, [("judge", "h1"), ("judge", "h2"), ("judge", "h3")]).value
    assert found.among_humans.value == mean_kappa(everyone, [("h1", "h2"), ("h1", "h3"), ("h2", "h3")]).value
    assert (found.with_majority.value or 0) < 0 < (found.humans_with_majority.value or 0)


def test_a_judge_without_humans_and_humans_without_a_judge() -> None:
    alone = judge_against_humans(table({"judge": "abab"}), "judge", ["h1"])
    assert (alone.with_majority.value, alone.humans) == (None, ())
    assert "humans" in alone.with_majority.note
    absent = judge_against_humans(table({"h1": "abab"}), "judge", ["h1"])
    assert "no ratings by judge" in absent.with_humans.note
    two = judge_against_humans(table({"h1": "abab", "h2": "abab", "judge": "abab"}), "judge", ["h1", "h2"])
    assert (two.humans_with_majority.value, two.among_humans.value) == (None, 1.0)


# Sides and repeats.


def shown(letters: str, clients: int = 10) -> list[tuple[str, Answer]]:
    said: dict[str, Answer] = {"1": "first", "2": "second", "=": "tie", "?": "cannot_say"}
    return [(f"client {at % clients}", said[letter]) for at, letter in enumerate(letters)]


def test_side_bias_is_the_share_of_the_first_among_the_decided() -> None:
    # 8 of 10: 2 × (45 + 10 + 1) / 1024
    bias = side_bias(shown("1111111122" + "==?"))
    assert (bias.share.value, bias.share.n, bias.share.missing) == (0.8, 10, 3)
    assert bias.binomial.value == pytest.approx(112 / 1024)
    assert bias.share.low is not None
    # one answer a client: eight signs of ten, the same enumeration
    assert bias.test.value == pytest.approx(112 / 1024)


def test_side_bias_of_a_few_clients_is_no_certainty() -> None:
    bias = side_bias(shown("1" * 30, clients=3))
    assert (bias.binomial.value or 1) < 1e-8
    assert (bias.test.value, bias.share.low) == (0.25, None)


def test_no_side_was_preferred() -> None:
    bias = side_bias(shown("==?"))
    assert (bias.share.value, bias.binomial.value, bias.test.value, bias.share.missing) == (None, None, None, 3)
    assert side_bias([]).share.note


def test_self_consistency_turns_swapped_answers_round() -> None:
    repeats = [
        Repeat("a", "first", "first", swapped=False),
        Repeat("b", "first", "second", swapped=False),
        Repeat("c", "tie", "tie", swapped=False),
        Repeat("d", "first", "cannot_say", swapped=False),
        Repeat("a", "first", "second", swapped=True),
        Repeat("b", "second", "second", swapped=True),
        Repeat("c", "tie", "tie", swapped=True),
        Repeat("d", "second", "first", swapped=True),
    ]
    found = self_consistency(repeats)
    assert (found.repeated.value, found.repeated.n, found.repeated.missing) == (pytest.approx(2 / 3), 3, 1)
    assert (found.swapped.value, found.swapped.n) == (0.75, 4)


def test_nothing_was_repeated() -> None:
    found = self_consistency([])
    assert (found.repeated.value, found.swapped.value) == (None, None)
