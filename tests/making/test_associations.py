"""Attributes that go together in a set are found, and independent ones are not."""

import random

import pytest

from counseling_sessions.making.associations import LEVEL, PAIRS, association, cramers_v, drawn, written
from counseling_sessions.making.form import form_request, profile_of_answer
from counseling_sessions.making.sampling import draw
from counseling_sessions.making.tables import read_tables
from tests.making.writers import form_for

TABLES = read_tables()


def test_cramers_v_of_tables_known_by_hand() -> None:
    assert cramers_v("aabb", "xxyy") == pytest.approx(1)
    assert cramers_v("aabb", "xyxy") == pytest.approx(0)
    # Chi-squared of ((3, 1), (1, 3)) is 2, with n = 8.
    assert cramers_v("aaaabbbb", "xxxyxyyy") == pytest.approx((2 / 8) ** 0.5)
    # Two rows and three columns: chi-squared of ((2, 1, 0), (0, 1, 2)) is 4, with n = 6.
    assert cramers_v("aaabbb", "xxyyzz") == pytest.approx((4 / 6) ** 0.5)


def test_the_permutation_test_tells_a_link_from_chance() -> None:
    rng = random.Random(1)
    genders = ["woman", "man"] * 30
    linked = ["nurse" if gender == "woman" and rng.random() < 0.8 else "farmer" for gender in genders]
    link = association("gender", genders, "trade", linked)
    assert link
    assert link.flagged(20)
    assert link.cell in {("woman", "nurse"), ("man", "farmer")}
    assert (link.observed, link.expected) > (link.expected, 0)
    ps = []
    for seed in range(20):
        rng = random.Random(seed)
        by_chance = association("gender", genders, "trade", rng.sample(linked, len(linked)), seed)
        assert by_chance
        ps.append(by_chance.p)
    assert 0.2 < sum(ps) / len(ps) < 0.8
    assert sum(p < LEVEL for p in ps) <= 4


def test_one_value_or_a_rare_theme_cannot_be_tested() -> None:
    assert association("gender", ["man"] * 4, "trade", list("abab")) is None
    assert association("gender", list("mwmw"), "t", ["t", "no t", "no t", "no t"], of="t") is None
    assert association("gender", list("mwmw"), "t", ["t", "t", "no t", "no t"], of="t")


def test_independent_draws_show_no_association() -> None:
    link = drawn(TABLES, draw(TABLES, 120, 1))
    tested = [(one.one, one.other) for one in link]
    assert tested == [pair for pair in PAIRS if not TABLES.tied(*pair)]
    assert ("gender", "trade") in tested
    assert ("age", "problem") not in tested, "rules tie them"
    assert not [one for one in link if one.flagged(len(link))]


def test_a_writer_with_a_stereotype_is_flagged() -> None:
    sketches = draw(TABLES, 40, 1)
    forms = [form_for(form_request(TABLES, sketch, "English")[1].text) for sketch in sketches]

    def profiles(spoilt: str) -> list[object]:
        made = []
        for sketch, form in zip(sketches, forms, strict=True):
            history = (
                f"{form['history']} I cried in the kitchen." if sketch.values["gender"] == spoilt else form["history"]
            )
            made.append(profile_of_answer(TABLES, sketch, {**form, "history": history}, seed=1, source="s"))
        return made

    link = written(sketches, profiles("woman"))  # type: ignore[arg-type]
    flagged = {(one.one, one.other, one.cell) for one in link if one.flagged(len(link))}
    assert flagged == {("gender", "tears", ("woman", "tears")), ("gender", "cooking", ("woman", "cooking"))}
    assert not written(sketches, profiles("nobody"))  # type: ignore[arg-type]
