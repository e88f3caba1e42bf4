"""Intraclass correlations and components of variance: published figures, simulated ones, and what cannot be computed."""

import krippendorff
import numpy as np
import pytest

from counseling_sessions.evaluation.statistics.agreement import (
    Level,
    Rating,
    Ratings,
    fleiss,
    gwet_ac,
    krippendorff_alpha,
    mean_kappa,
    ratings_table,
)
from counseling_sessions.evaluation.statistics.variance import g_study, intraclass
from tests.evaluation.test_agreement import KRIPPENDORFF, table

# Shrout and Fleiss 1979, "Intraclass Correlations": six targets, four judges.
SHROUT_AND_FLEISS = [[9, 2, 5, 8], [6, 1, 3, 2], [8, 4, 6, 8], [7, 1, 2, 6], [10, 5, 6, 9], [6, 2, 4, 7]]


def scores(rows: list[list[float]] | np.ndarray, per_client: int = 1) -> Ratings:
    ratings = [
        Rating(f"{unit:03}", f"rater {rater}", float(score), f"{unit // per_client:03}")
        for unit, row in enumerate(rows)
        for rater, score in enumerate(row)
    ]
    return ratings_table(ratings, "interval")


def test_intraclass_correlations_as_pingouin_gives_them() -> None:
    # pingouin 0.6.1: intraclass_corr(long, targets="t", raters="j", ratings="s"), Type ICC(A,1), ICC(A,k), ICC(C,1)
    found = intraclass(scores(SHROUT_AND_FLEISS))
    assert found.agreement.value == pytest.approx(0.2897637795)
    assert found.agreement_of_mean.value == pytest.approx(0.6200505476)
    assert found.consistency.value == pytest.approx(0.7148407148)
    assert (found.agreement.n, found.agreement.clients) == (6, 6)
    assert found.agreement.low is not None


@pytest.mark.parametrize(
    ("level", "categories", "expected"),
    [
        ("nominal", (), 0.7754440681),
        ("ordinal", (), 0.8989397699),
        ("interval", (), 0.9140007236),
        ("nominal", range(7), 0.7917601868),
        ("ordinal", range(7), 0.9539949226),
    ],
)
def test_ac1_and_ac2_as_irrcac_gives_them(level, categories, expected: float) -> None:
    # irrCAC 0.4.4: CAC(frame, weights="identity" / "ordinal" / "quadratic", categories=…, digits=10).gwet()
    found = gwet_ac(ratings_table(table(KRIPPENDORFF, numbers=True), level, categories=[*map(float, categories)]))
    assert found.value == pytest.approx(expected)
    assert (found.n, found.missing) == (11, 1)


def test_where_all_ratings_are_alike_ac_is_1_and_the_others_are_undefined() -> None:
    alike = scores([[3, 3]] * 6)
    assert gwet_ac(alike).value == 1
    figures = intraclass(alike)
    assert {figures.agreement.value, figures.agreement_of_mean.value, figures.consistency.value} == {None}
    assert "nothing varies" in figures.agreement.note
    assert g_study(alike).shares is None


def test_one_rater_agrees_with_nobody_and_a_missing_rating_leaves_a_unit_out() -> None:
    alone = scores([[1], [2], [3]])
    assert "fewer than two raters" in intraclass(alone).agreement.note
    assert "fewer than two raters" in g_study(alone).dependability[2].note
    assert gwet_ac(alone).value is None
    whole = intraclass(scores(SHROUT_AND_FLEISS)).agreement
    more = intraclass(scores([*SHROUT_AND_FLEISS, [5, 5, 5, float("nan")]])).agreement
    assert (more.value, more.n, more.missing) == (pytest.approx(whole.value), 6, 1)


def test_components_of_variance_come_back_from_simulated_scores() -> None:
    random = np.random.default_rng(3)
    clients, sessions, raters = 150, 3, 6
    severity = random.permutation([-1.5, -0.9, -0.3, 0.3, 0.9, 1.5])  # variance 1.26
    truth = np.repeat(random.normal(0, 1.2, clients), sessions) + random.normal(0, 0.8, clients * sessions)
    rated = truth[:, None] + severity + random.normal(0, 0.6, (len(truth), raters))
    found = g_study(scores(rated, per_client=sessions))
    components = [figure.value for figure in (found.clients, found.sessions, found.raters, found.residual)]
    assert components == pytest.approx([1.44, 0.64, 1.26, 0.36], rel=0.2)
    # By the definition of Phi, from the components.
    for number, figure in found.dependability.items():
        told_apart = (components[0] or 0) + (components[1] or 0)
        assert figure.value == pytest.approx(
            told_apart / (told_apart + ((components[2] or 0) + (components[3] or 0)) / number)
        )
    assert found.shares is not None
    assert sum(found.shares) == pytest.approx(1)


def test_with_one_session_a_client_dependability_is_icc_a() -> None:
    found, correlations = g_study(scores(SHROUT_AND_FLEISS)), intraclass(scores(SHROUT_AND_FLEISS))
    assert (found.clients.value, found.dependability[1].value) == (0, pytest.approx(correlations.agreement.value))


def test_sessions_of_a_client_are_resampled_together() -> None:
    random = np.random.default_rng(1)
    rated = np.repeat(random.normal(0, 1, 10), 3)[:, None] + np.repeat(random.normal(0, 0.7, (10, 2)), 3, axis=0)
    apart, together = (intraclass(scores(rated, per_client=size)).consistency for size in (1, 3))
    assert apart.value == pytest.approx(together.value)
    assert (together.high or 0) - (together.low or 0) > 1.3 * ((apart.high or 0) - (apart.low or 0))


def test_intervals_of_agreement_hold_for_other_raters() -> None:
    """A jackknife over clients holds ICC(A,1) of such studies in 60 %: it knows nothing of how raters vary."""
    random = np.random.default_rng(4)
    true = {"agreement": 2 / 2.8, "agreement_of_mean": 2 / (2 + 0.8 / 3)}
    held = dict.fromkeys([*true, "Phi of 5"], 0)
    for _ in range(80):
        severity, truth = random.normal(0, 0.5**0.5, 3), random.normal(0, 2**0.5, 20)
        rated = scores(truth[:, None] + severity + random.normal(0, 0.3**0.5, (20, 3)))
        figures = {name: getattr(intraclass(rated), name) for name in true}
        figures["Phi of 5"] = g_study(rated).dependability[5]
        for name, figure in figures.items():
            held[name] += figure.low <= {**true, "Phi of 5": 2 / (2 + 0.8 / 5)}[name] <= figure.high
    assert min(held.values()) >= 0.9 * 80, held


def test_what_speaks_of_other_raters_says_so_and_the_rest_stays_with_these() -> None:
    random = np.random.default_rng(7)
    rated = random.normal(0, 1, 15)[:, None] + random.normal(0, 0.4, (15, 4))
    alike, severe = (intraclass(scores(rated + more)) for more in (0.0, np.array([-1.5, -0.5, 0.5, 1.5])))
    assert severe.consistency.low == pytest.approx(alike.consistency.low)
    assert severe.consistency.method == "jackknife over 15 clients"
    found = (severe.agreement, severe.agreement_of_mean, g_study(scores(rated)).dependability[3])
    assert all(one.method.startswith("generalised interval over raters and clients") for one in found)
    assert intraclass(scores(rated[:4])).agreement.low is None  # too few clients


@pytest.mark.parametrize("seed", range(3))
def test_coefficients_are_those_of_the_libraries(seed: int) -> None:
    from statsmodels.stats.inter_rater import cohens_kappa, fleiss_kappa

    random = np.random.default_rng(seed)
    values = np.clip(random.integers(0, 4, 12)[:, None] + random.integers(-1, 2, (12, 3)), 0, 4)
    counts = np.apply_along_axis(np.bincount, 1, values, minlength=5)
    whole = [Rating(f"{at:02}", f"{by}", float(score), f"{at}") for (at, by), score in np.ndenumerate(values)]
    assert fleiss(ratings_table(whole)).value == pytest.approx(fleiss_kappa(counts))
    joint = np.zeros((5, 5))
    np.add.at(joint, (values[:, 0], values[:, 1]), 1)
    pair = [("0", "1")]
    levels: tuple[Level, ...] = ("nominal", "ordinal", "interval")
    for level in levels:
        weights = {"wt": "quadratic"} if level != "nominal" else {}
        expected = cohens_kappa(joint, **weights, return_results=False)
        table = ratings_table(whole, level, categories=[0.0, 1.0, 2.0, 3.0, 4.0])
        assert mean_kappa(table, pair).value == pytest.approx(expected)
        some = [rating for rating in whole if random.random() < 0.8]
        data = np.full((3, 12), np.nan)
        for rating in some:
            data[int(rating.rater), int(rating.unit)] = rating.value
        alpha = krippendorff.alpha(reliability_data=data, level_of_measurement=level)
        assert krippendorff_alpha(ratings_table(some, level)).value == pytest.approx(alpha)
