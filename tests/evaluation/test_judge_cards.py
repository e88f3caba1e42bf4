"""What follows from scores and planted defects: paired tests, power, length, missing scores by group, and the words for all that."""

from collections.abc import Sequence
from typing import Any

import pytest
from scipy.stats import spearmanr

from counseling_sessions.evaluation.compare import compare_groups
from counseling_sessions.evaluation.figures import Measure, SessionFigures
from counseling_sessions.evaluation.judging.ask import Unscored
from counseling_sessions.evaluation.judging.checks import Fall, PlantedCheck
from counseling_sessions.evaluation.judging.lengths import length_links
from counseling_sessions.evaluation.judging.missing import group_counts
from counseling_sessions.evaluation.judging.noticing import noticing, shift_of
from counseling_sessions.evaluation.judging.run import Score
from counseling_sessions.evaluation.judging.use import use_of
from counseling_sessions.evaluation.judging.verdicts import Facts, verdicts
from counseling_sessions.evaluation.pairs import Pairing
from counseling_sessions.evaluation.report.compared import comparison_section
from counseling_sessions.evaluation.report.document import Table
from counseling_sessions.evaluation.statistics.sign_flips import sign_flip_test
from counseling_sessions.sessions import SessionKey
from tests.evaluation.judged import SMALL, small_scale


def key(session: object, client: object = None, group: str = "magnet") -> SessionKey:
    return SessionKey(f"{group}-{session}", "test", group, f"c{session if client is None else client}", None, 1)


def score(who: SessionKey, value: int | None, item: str = "warmth", sample: int = 1, kind: str = "no_json") -> Score:
    scored = None if value is None else SMALL.scored(item, value)
    missing = None if value is not None else Unscored(kind)
    return Score(who, SMALL.name, "session", item, "j", sample, value, scored, unscored=missing)


def check(falls: Sequence[float], defect: str = "hostile", clients: int | None = None, **changes: Any) -> PlantedCheck:
    made = tuple(Fall(key(n, n % clients if clients else None), fall) for n, fall in enumerate(falls))
    values: dict[str, Any] = {
        "defect": defect,
        "role": "defect",
        "judge": "j",
        "scale": SMALL.name,
        "target": "warmth",
        "n": len(falls),
        "fell": sum(fall > 0 for fall in falls),
        "tied": sum(fall == 0 for fall in falls),
        "rose": sum(fall < 0 for fall in falls),
        "at_floor": 0,
        "mean_fall": sum(falls) / len(falls),
        "unscored": 0,
        "test": sign_flip_test((fall.session.client, fall.points) for fall in made),
        "falls": made,
    }
    return PlantedCheck(**{**values, **changes})


def control(falls: Sequence[float], name: str) -> PlantedCheck:
    return check(falls, name, role="identical" if name == "none" else "length")


NOISE = (0.5, -0.5, 1, -1, 0, 0.5, -0.5, 0, 1, -1)
SURE = [2 + noise for noise in NOISE]


# Planted defects


def test_a_small_fall_of_every_session_is_noticed_though_as_many_fall_by_chance_elsewhere() -> None:
    """Fisher's test of counts, 10 of 10 against 7 of 10 that fell by chance, gives p = .105."""
    assert check([0.5, 1, 0.5, 1, 1.5, 0.5, 1, 0.5, 1, 0.5]).noticed
    assert not check([0.5, 1, 0.5, -1, 1.5, -0.5, 1, -2, 1, -0.5]).noticed
    assert not check([-1] * 10).noticed


def test_sessions_of_one_client_are_no_further_evidence() -> None:
    assert check(SURE).noticed
    assert not check(SURE, clients=3).noticed


def test_a_scale_is_tested_over_all_its_defects_and_targets_session_by_session() -> None:
    one, other = check(SURE), check([0.0] * 10, "off_topic", target="haste")
    [found] = noticing([one, other, control(NOISE, "none"), control([-1.0] * 10, "padded")])
    assert (found.sessions, found.clients, found.defects, found.noticed) == (10, 10, 2, 1)
    assert found.broken.mean_fall == pytest.approx(1)
    assert found.broken.fell
    assert found.padded.rose
    assert not found.identical.found
    assert found.shortened.mean_fall is None
    assert shift_of([]).n == 0


def test_so_many_sessions_can_show_a_fall_of_this_size_and_no_smaller_p() -> None:
    """`TTestPower().solve_power(nobs=10, alpha=.05, power=.8)` of statsmodels is 0.9962; the sd of the copies' falls is 0.7454."""
    [found] = noticing([check(SURE), control(NOISE, "none")])
    assert found.smallest_p == pytest.approx(0.00195, abs=1e-5)
    assert found.detectable == pytest.approx(0.9962 * 0.7454, abs=1e-3)
    [few] = noticing([check(SURE[:5]), control(NOISE[:5], "none")])
    assert (few.smallest_p, few.detectable) == (0.0625, None)


# Length


def test_scores_are_correlated_with_length_within_groups() -> None:
    """Group b is longer and better as a whole; within the groups nothing goes with length."""
    values = {"a": [(100, 1), (200, 0), (300, 1), (400, 0), (500, 1)], "b": [(900, 3), (1000, 4), (1100, 3), (1200, 4)]}
    rows, words, groups = [], {}, {}
    for group, of_group in values.items():
        for number, (length, value) in enumerate(of_group):
            who = key(number, group=group)
            words[who], groups[who] = length, group
            rows += [score(who, value), score(who, 4 - value, "haste")]
    [apart] = length_links(rows, [SMALL], words, groups)
    [together] = length_links(rows, [SMALL], words, dict.fromkeys(groups, "all"))
    pairs = [pair for of_group in values.values() for pair in of_group]
    assert together.rho.value == pytest.approx(spearmanr(*zip(*pairs, strict=True))[0])
    assert together.rho.value > 0.6 > 0.3 > abs(apart.rho.value or 0)
    assert apart.rho.clients == 5
    assert together.rho.low is not None
    assert together.rho.low < together.rho.value < (together.rho.high or 0)


def test_a_constant_judge_has_no_correlation_and_a_session_without_an_item_is_missing() -> None:
    words = {key(n): 100 * n for n in range(6)}
    same = [score(who, 2, item) for who in words for item in ("warmth", "haste")]
    [link] = length_links(same, [SMALL], words, {})
    assert (link.rho.value, link.rho.n) == (None, 6)
    [link] = length_links([*same[:-1], score(key(5), None, "haste")], [SMALL], words, {})
    assert (link.rho.n, link.rho.missing) == (5, 1)
    [nobody] = length_links([score(key(0), None)], [SMALL], words, {})
    assert (nobody.rho.value, nobody.rho.missing) == (None, 1)
    assert length_links(same, [small_scale(subject="affect")], words, {}) == ()


# Missing scores


def refusing(lost: dict[str, int], clients: int = 8) -> tuple[list[Score], dict[SessionKey, str]]:
    """Sessions of the same clients in each group; of so many there is no score."""
    groups = {key(n, group=group): group for group in lost for n in range(clients)}
    rows = [score(who, None if int(who.client[1:]) < lost[group] else 3) for who, group in groups.items()]
    return rows, groups


def test_a_group_of_which_more_is_missing_is_named_with_a_test_over_clients() -> None:
    """`scipy.stats.fisher_exact([[8, 0], [0, 8]])` gives p = .000155, and [[2, 6], [0, 8]] gives .467."""
    whole, none = group_counts(*refusing({"a": 8, "b": 0}), "j")
    assert (whole.asked, whole.scored, whole.lost, whole.missing, whole.gap) == (8, 0, 8, 8, 1)
    assert whole.unscored == {"no_json": 8}
    assert whole.p == none.p == pytest.approx(0.000155, abs=1e-6)
    assert (whole.differs, none.differs, none.warns) == (True, False, False)
    few, _ = group_counts(*refusing({"a": 2, "b": 0}), "j")
    assert (few.p, few.differs, few.warns) == (pytest.approx(0.467, abs=1e-3), False, True)
    for count in group_counts(*refusing({"a": 3, "b": 3}), "j"):
        assert not count.warns
    three = group_counts(*refusing({"a": 8, "b": 0, "c": 0}), "j")
    assert [count.differs for count in three] == [True, False, False]


def test_many_sessions_of_one_client_are_one_in_that_test() -> None:
    rows, groups = refusing({"a": 8, "b": 0})
    one = {who: SessionKey(*who_of(who, "c")) for who in groups}
    counts = group_counts([score(one[row.key], row.score) for row in rows], {one[w]: g for w, g in groups.items()}, "j")
    assert counts[0].p == 1


def who_of(who: SessionKey, client: str) -> tuple[Any, ...]:
    return who.session, who.source, who.method, client, who.attitude, who.seed


def test_what_was_not_asked_for_is_not_missing() -> None:
    rows = [score(key(0), None, kind="no_intake_form"), score(key(1), None, kind="no_occasion"), score(key(2), 3)]
    [count] = group_counts(rows, {row.key: "a" for row in rows}, "j")
    assert (count.asked, count.scored, count.unscored, count.gap, count.p) == (2, 2, {}, None, None)


def test_a_group_that_a_judge_refused_stays_in_a_comparison() -> None:
    measure = Measure("s/manner", "Small, manner", "s", "higher", 0, 4)
    rows = [SessionFigures(key(n, group="a"), "a", {"s/manner": 3.0}) for n in range(5)]
    rows += [SessionFigures(key(n, group="b"), "b", {}) for n in range(5)]
    pairing = Pairing(attitude=True, seed=True)
    assert not compare_groups(rows, {measure.id: measure}, "a", ["b"], pairing=pairing).compared
    kept = compare_groups(rows, {measure.id: measure}, "a", ["b"], pairing=pairing, asked={measure.id})
    assert [(item.difference.pairs, item.adjusted) for item in kept.compared] == [(0, None)]
    table = comparison_section(kept).blocks[0]
    assert isinstance(table, Table)
    texts = [getattr(cell, "text", cell) for cell in table.rows[0]]
    assert texts == ["Small, manner", *["–"] * 7, "0 (5 missing)"]


# Words


def facts(rows: Sequence[Score] = (), checks: Sequence[PlantedCheck] = (), **changes: Any) -> Facts:
    rows = rows or [score(key(n), n % 5, item) for n in range(10) for item in ("warmth", "haste")]
    values = {"wanted": len(rows), "unscored": {}, "questions": 10, "drafts": 0, "scales": (use_of(rows, SMALL),)}
    return Facts(**{**values, "noticing": noticing(checks), **changes})


def kinds(some: Facts) -> set[str]:
    return {verdict.kind for verdict in verdicts(some)}


CONTROLS = (control(NOISE, "none"), control([0.0] * 10, "padded"), control([0.0] * 10, "shortened"))


def test_what_is_said_of_planted_defects() -> None:
    assert kinds(facts(checks=[check(SURE), *CONTROLS])) == {"planted_most", "free_of_length"}
    blind = [check([0.0] * 10, str(number)) for number in range(2)]
    assert kinds(facts(checks=[check(SURE), *blind, *CONTROLS])) >= {"planted_some"}
    assert kinds(facts(checks=[*blind, *CONTROLS])) >= {"planted_chance"}
    assert kinds(facts(checks=[check([-fall for fall in SURE]), *CONTROLS])) >= {"planted_chance"}
    assert kinds(facts(checks=[check(SURE[:4])])) == {"planted_no_power"}
    assert kinds(facts()) == {"planted_not_tried"}


def test_what_is_said_of_length() -> None:
    rose = control([-0.5] * 10, "padded")
    assert kinds(facts(checks=[check(SURE), rose])) == {"planted_most", "follows_length"}
    [first, *_] = verdicts(facts(checks=[check(SURE), rose]))
    assert first.weight == "against"
    assert "rose by 0.50 (p = .002), and shortened ones were not tried" in first.text


def test_what_is_said_of_the_values_that_a_judge_gives() -> None:
    same = [score(key(n), 3 if n else 2, item) for n in range(20) for item in ("warmth", "haste")]
    [verdict, *_] = verdicts(facts(same))
    assert (
        verdict.text
        == "Small ratings: it gave 3 to 95 % of the items, whatever the session. Scores that do not vary measure nothing."
    )
    by_item = [score(key(n), {"warmth": 1, "haste": 4}[item], item) for n in range(9) for item in ("warmth", "haste")]
    assert "same_on_items" in kinds(facts(by_item))
    assert kinds(facts([score(key(0), None)])) == {"nothing_scored"}


@pytest.mark.parametrize(("alpha", "kind"), [(-0.1, "chance"), (0.2, "chance"), (0.5, "unsteady"), (0.667, "steady")])
def test_what_is_said_of_a_judge_that_is_asked_again(alpha: float, kind: str) -> None:
    assert kinds(facts(alphas={SMALL.name: alpha})) == {kind, "planted_not_tried"}


def test_what_is_said_of_drafts_and_of_missing_scores() -> None:
    said = {one.kind: one.text for one in verdicts(facts(drafts=4, unscored={"torn": 3, "refused": 1}))}
    assert "40 % of its answers held a draft before the rating (4 of 10)" in said["drafts"]
    assert said["torn"].startswith("3 item scores are missing")
    assert said["unscored"] == "It left 20 % of all items unscored (several ratings that differ 3, refused 1)."
    groups = group_counts(*refusing({"a": 8, "b": 0}), "j")
    assert "refuses_group" in kinds(facts(groups=groups))
    assert "misses_group" in kinds(facts(groups=group_counts(*refusing({"a": 2, "b": 0}), "j")))
