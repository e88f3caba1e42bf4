"""The tables on who rated: each rater's rate, these raters beside raters like these, and what must be said before."""

import pytest

from counseling_sessions.evaluation.aspects import read_aspects
from counseling_sessions.evaluation.pair_lengths import DuelLengths, PairAnswer, SizedPair, duel_lengths
from counseling_sessions.evaluation.preferred import OVERALL, Preferred, preferred
from counseling_sessions.evaluation.report.document import Section, Table, cell
from counseling_sessions.evaluation.report.preferred import preference_section
from counseling_sessions.evaluation.session_length import SessionLength
from counseling_sessions.evaluation.statistics.preferences import Preference

ASPECTS = read_aspects()


def by_raters(wins: list[int], aspects: tuple[str, ...] = ("safety", "empathy"), clients: int = 12) -> Preferred:
    """For each rater so many wins of 24 on every aspect."""
    given = [
        Preference(
            aspect, "first" if at * 7 % 24 < won else "second", "m", "s", f"client {at % clients}", f"rater {name}"
        )
        for aspect in aspects
        for name, won in enumerate(wins)
        for at in range(24)
    ]
    return preferred(given, ["m", "s"], ASPECTS)


def shown(result: Preferred, who: str = "rater") -> tuple[Section, dict[str, Table]]:
    section = preference_section(result, ASPECTS, who)
    return section, {block.caption: block for block in section.blocks if isinstance(block, Table)}


def texts(table: Table) -> list[list[str]]:
    return [[cell(item).text for item in row] for row in table.rows]


@pytest.fixture(scope="module")
def three() -> Preferred:
    return by_raters([20, 14, 17])


def test_each_raters_rate_stands_by_aspect_and_over_all(three: Preferred) -> None:
    table = shown(three)[1]["m preferred to s, by rater"]
    assert [cell(head).text for head in table.columns] == ["", "rater 0", "rater 1", "rater 2"]
    rows = texts(table)
    assert [row[0] for row in rows] == ["Safety", "Empathy", "all aspects together"]
    assert all(row[1].startswith("83.3 % [") and row[2].startswith("58.3 % [") for row in rows)


def test_raters_like_these_follow_these_raters_with_p_raw_and_corrected(three: Preferred) -> None:
    section, tables = shown(three, "judge")
    assert list(tables)[:2] == ["m preferred to s", "m preferred to s, for judges like these"]
    table = tables["m preferred to s, for judges like these"]
    assert [cell(head).text for head in table.columns] == [
        "",
        "win rate of the typical judge, ties half",
        "t",
        "p",
        "p (Holm)",
    ]
    rate = three.duels[0].rates["safety"]
    low, high = rate.population.rate.low or 0, rate.population.rate.high or 0
    assert low < (rate.rate.low or 0) < (rate.rate.high or 0) < high
    _, like, t, p, corrected = map(cell, table.rows[0])
    assert like.text.endswith(f"[{100 * low:.1f}, {100 * high:.1f}]")
    assert p.test
    assert p.test == like.test == corrected.test
    assert p.test.corrected == pytest.approx(2 * (p.test.p.value or 0))
    assert not corrected.strong
    assert cell(tables["m preferred to s"].rows[0][-1]).strong
    assert (t.text, t.figure and t.figure.value) == (
        f"{rate.population.t:.2f} (df 2.0, judges)",
        rate.population.t,
    )
    assert not any("alone" in paragraph for paragraph in section.paragraphs)


def test_the_result_stands_in_words_for_a_paper(three: Preferred) -> None:
    words = shown(three)[0].paragraphs[0]
    assert words.startswith("In words: over all aspects, m was preferred to s in 70.8 % (95 % interval 57.1 to 82.3 %)")
    assert "of the answers of these 3 raters, ties half (p = .008, sign flips over clients)" in words
    assert "On 2 of 2 aspects a preference holds at .05 after Holm's correction: Empathy (70.8 %" in words
    assert (
        "For the typical one of raters like these the rate is 71.5 % (95 % interval 35.1 to 92.1 %) (t(2.0) = 2.58, p = .123)."
        in words
    )
    assert "no clinical outcome" in words


def test_words_for_one_judge_speak_of_no_typical_one_and_name_no_aspect_on_which_nothing_holds() -> None:
    words = shown(by_raters([13]), "judge")[0].paragraphs[0]
    assert "of the answers of one judge" in words
    assert "On no aspect does a preference hold at .05 after Holm's correction (2 aspects)." in words
    assert "typical" not in words
    assert "does not show that the two are equally good" in words


def test_where_nobody_names_a_session_the_words_say_so() -> None:
    ties = [Preference("safety", "cannot_say", "m", "s", f"client {at}", "rater") for at in range(6)]
    words = shown(preferred(ties, ["m", "s"], ASPECTS))[0].paragraphs[0]
    assert words == "In words: no answer names m or s, so there is no result."


def lengths_of(longer: list[str]) -> list[DuelLengths]:
    """Pairs of m and s, of which s is the longer one; in each a rater prefers "first" (m), or "second" (s)."""
    pairs = {
        str(at): SizedPair(("m", "s"), f"client {at}", (SessionLength(10, 5, 5), SessionLength(30, 15, 15)))
        for at in range(len(longer))
    }
    answers = [PairAnswer(str(at), "safety", winner, "rater") for at, winner in enumerate(longer)]
    return duel_lengths(pairs, answers, ["m", "s"], ["safety"])


@pytest.mark.parametrize(
    ("answers", "said"),
    [
        (["second"] * 11 + ["first"], "Caution: the longer of two sessions was preferred in 91.7 %"),
        (
            ["first"] * 11 + ["second"],
            "Caution: the shorter of two sessions was preferred: the longer one in only 8.3 %",
        ),
        (["second"] * 3, "Caution: the longer of two sessions was preferred in 100.0 % (no interval)"),
        (["first", "second"] * 6, ""),
        (["second", "second", "first"], ""),
    ],
)
def test_words_say_where_answers_go_with_length(three: Preferred, answers: list[str], said: str) -> None:
    words = preference_section(three, ASPECTS, "rater", lengths_of(answers)).paragraphs[0]
    assert ("sessions was preferred" in words) == bool(said)
    assert said in words
    assert ("win rate of m is unknown, as length and group cannot be told apart" in words) == bool(said)


def test_why_nothing_can_be_said_of_others_stands_below() -> None:
    table = shown(by_raters([20, 18], ("safety",), clients=4))[1]["m preferred to s, for raters like these"]
    assert "–: it needs 5 clients, and there are 4." in table.notes
    assert cell(table.rows[0][2]).text == "–"


def test_both_p_are_corrected_over_the_aspects(three: Preferred) -> None:
    duel = three.duels[0]
    safety = duel.rates["safety"].population.test.value
    assert [item.adjusted for item in duel.population_family.comparisons] == pytest.approx([2 * (safety or 0)] * 2)
    assert OVERALL not in {item.name for item in duel.population_family.comparisons}


def test_many_raters_are_listed_the_strongest_preference_first() -> None:
    table = shown(by_raters([12, 13, 24, 14, 15, 16, 17], ("safety",)))[1]["m preferred to s, by rater"]
    rows = texts(table)
    assert [row[0] for row in rows[:2]] == ["rater 2", "rater 6"]
    assert rows[0][1] == "24"
    assert rows[0][2].startswith("100.0 % [")


def test_of_one_judge_it_is_said_that_the_result_holds_for_it_alone() -> None:
    section, tables = shown(by_raters([20], ("safety",)), "judge")
    assert any("every result holds for this judge alone" in paragraph for paragraph in section.paragraphs)
    assert not any("like these" in caption for caption in tables)


def test_aspects_that_are_too_many_for_the_clients_are_warned_of() -> None:
    many = tuple(aspect.id for aspect in ASPECTS.items)[:8]
    section, _ = shown(by_raters([20, 18], many, clients=8))
    assert any("m against s: nothing can be significant" in paragraph for paragraph in section.paragraphs)
