"""Agreement within aspects and methods: different base rates are no agreement, and a judge of pure chance agrees with nobody."""

from random import Random

import pytest

from counseling_sessions.evaluation.aspects import Aspect, Aspects
from counseling_sessions.evaluation.judging.preference import Decision
from counseling_sessions.evaluation.pairs import PairKey, Winner
from counseling_sessions.evaluation.preferred import OVERALL, Rated, rated
from counseling_sessions.evaluation.rating.answers import Answers, PairRating
from counseling_sessions.evaluation.rating.draw import draw_study
from counseling_sessions.evaluation.rating.study import Study, StudyPair
from counseling_sessions.evaluation.report.agreement import agreement_section
from counseling_sessions.evaluation.report.document import Table, cell
from counseling_sessions.evaluation.report.in_words import agreement_in_words
from counseling_sessions.evaluation.statistics.intervals import Figure
from tests.evaluation.rating_sessions import pairs

ASPECTS = Aspects(
    name="two",
    title="Two aspects",
    items=tuple(Aspect(id=name, title=name, definition="x", look_for="x") for name in ("easy", "hard")),
)


def study(count: int, methods: list[str]) -> Study:
    everything = pairs(count, methods)
    return draw_study(everything, ASPECTS, raters=4, pairs_per_rater=len(everything), repeats=0, swaps=0)


def by_chance(drawn: Study, shares: dict[tuple[str, str], float]) -> Rated:
    """What four raters and a judge are worth whose answers hang on nothing but the aspect and the first method."""
    random = Random(6)

    def answer(aspect: str, pair: StudyPair) -> Winner:
        share = shares.get((aspect, pair.methods[0]), shares.get((aspect, ""), 0.5))
        return "first" if random.random() < share else "second"

    ratings, decisions = [], []
    for pair in drawn.pairs:
        for aspect in (item.id for item in ASPECTS.items):
            ratings += [
                PairRating(sheet.rater, pair.id, 1, aspect, answer(aspect, pair), True, "none", None)
                for sheet in drawn.sheets
            ]
            key = PairKey(pair.client, "", 0)
            decisions.append(Decision(pair.id, *pair.methods, key, aspect, "chance", answer(aspect, pair), 1, 1))
    return rated(Answers(drawn.hash, tuple(ratings), (), (), ()), drawn, decisions)


def covers_0(figure: Figure) -> bool:
    return figure.value is not None and figure.low is not None and figure.low <= 0 <= (figure.high or 0)


def test_raters_who_are_independent_within_each_aspect_do_not_agree() -> None:
    found = by_chance(study(30, ["one", "other"]), {("easy", ""): 0.8, ("hard", ""): 0.2})
    together = found.agreements[OVERALL]
    for figure in (together.alpha, together.fleiss, together.mean_kappa):
        assert covers_0(figure)
        assert abs(figure.value or 0) < 0.12
    assert together.raw.value == pytest.approx(0.68, abs=0.05)
    # The pairs are counted, not their answers.
    (between, *_) = (block for block in agreement_section(found, ASPECTS).blocks if isinstance(block, Table))
    assert [cell(row[1]).text for row in between.rows] == ["30", "30", "30"]


def test_a_judge_of_pure_chance_agrees_with_nobody() -> None:
    found = by_chance(study(30, ["one", "other"]), {("easy", ""): 0.8, ("hard", ""): 0.2})
    (judge,) = found.judges
    for figure in (judge.with_majority, judge.humans_with_majority, judge.with_humans, judge.among_humans):
        assert covers_0(figure)
        assert abs(figure.value or 0) < 0.25


def test_methods_that_win_against_some_and_lose_against_others_are_no_agreement_either(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(
        "counseling_sessions.evaluation.preferred.RANKED_FROM", 99
    )  # rankings take long and are not asked for
    shares = {(aspect, method): share for aspect in ("easy", "hard") for method, share in (("a", 0.8), ("b", 0.2))}
    found = by_chance(study(20, ["a", "b", "c"]), shares)
    for aspect in ("easy", "hard", OVERALL):
        assert covers_0(found.agreements[aspect].alpha)
    assert all(covers_0(judge.with_majority) for judge in found.judges)


def test_the_section_cautions_where_people_hardly_agree() -> None:
    found = by_chance(study(30, ["one", "other"]), {("easy", ""): 0.8, ("hard", ""): 0.2})
    (said,) = agreement_section(found, ASPECTS).paragraphs
    assert said.startswith("Caution: people hardly agree on all aspects together (alpha ")
    assert "easy (alpha" in said
    assert "hard (alpha" in said


def alpha(value: float | None, low: float | None = None, high: float | None = None) -> Figure:
    return Figure(value, low, high, 30, 10)


@pytest.mark.parametrize(
    ("figure", "said"),
    [
        (alpha(0.15, 0.05, 0.25), "Caution: people hardly agree on safety (alpha 0.15 (95 % interval 0.05 to 0.25))"),
        (alpha(0.4, -0.1, 0.9), "Caution: people hardly agree on safety (alpha 0.40"),
        (alpha(0.4, 0.2, 0.6), "Caution: people agree poorly on safety"),
        (alpha(0.4), "Caution: people agree poorly on safety (alpha 0.40 (no interval))"),
        (alpha(0.7, 0.5, 0.9), "People agree on safety"),
        (alpha(None), "There is no alpha"),
    ],
)
def test_an_alpha_is_judged_by_its_interval_too(figure: Figure, said: str) -> None:
    (words,) = agreement_in_words({"safety": figure}, 3)
    assert words.startswith(said)


def test_the_worst_agreement_is_said_first_and_not_more_than_five_are_listed() -> None:
    alphas = {f"aspect {at}": alpha(0.1) for at in range(7)} | {"empathy": alpha(0.9)}
    hardly, well = agreement_in_words(alphas, 3)
    assert "aspect 4 (alpha 0.10 (no interval)); 2 more in the table." in hardly
    assert "aspect 5" not in hardly
    assert well.startswith("People agree on empathy")


def test_one_person_agrees_with_nobody() -> None:
    assert [said[:18] for said in agreement_in_words({"safety": alpha(None)}, 1)] == ["One person alone a"]
