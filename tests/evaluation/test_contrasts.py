"""Beyond pairs: groups without partners, differences that hang on an attitude, and likeness within a margin."""

from dataclasses import replace
from fractions import Fraction
from itertools import permutations, product

import numpy as np
import pytest
from scipy import stats

from counseling_sessions.evaluation.compare import compare_groups
from counseling_sessions.evaluation.figures import MEASURES, SessionFigures
from counseling_sessions.evaluation.pairs import Pairing
from counseling_sessions.evaluation.report.compared import comparison_section
from counseling_sessions.evaluation.report.document import Section, Table, cell
from counseling_sessions.evaluation.statistics.equivalence import equivalence
from counseling_sessions.evaluation.statistics.moderation import moderation
from counseling_sessions.evaluation.statistics.unpaired import unpaired_difference
from counseling_sessions.sessions import SessionKey

Values = list[tuple[str, float | None]]


def sides(sizes: list[int], others: list[int], prefix: str = "b") -> tuple[Values, Values]:
    """Two groups of clients with so many sessions each; with the prefix "a" their clients are the same."""
    rng = np.random.default_rng(5)
    first, second = (
        [
            (f"{name}{client}", float(value))
            for client, size in enumerate(counts)
            for value in rng.normal() + rng.normal(size=size)
        ]
        for name, counts in (("a", sizes), (prefix, others))
    )
    return first, second


def test_one_session_a_client_is_welchs_test() -> None:
    first, second = sides([1] * 9, [1] * 14)
    ours = unpaired_difference(first, second)
    theirs = stats.ttest_ind([v for _, v in first], [v for _, v in second], equal_var=False)
    ends = theirs.confidence_interval()
    assert ours.test.value == pytest.approx(theirs.pvalue)
    assert (ours.difference.low, ours.difference.high) == (pytest.approx(ends.low), pytest.approx(ends.high))


def test_a_client_counts_once_however_many_sessions_it_has() -> None:
    """Errors clustered by client, sessions counted alike, rejected 30 % of such studies at .05."""
    rng = np.random.default_rng(8)
    rejected = 0
    for _ in range(80):
        groups = [
            [
                (f"{name}{n}", float(value))
                for n, size in enumerate(sizes)
                for value in rng.normal() + rng.normal(size=size)
            ]
            for name, sizes in (("a", [1, 1, 1, 1, 12]), ("b", [3] * 30))
        ]
        p = unpaired_difference(*groups).test.value
        rejected += p is not None and p <= 0.05
    assert rejected / 80 < 0.15


def test_clients_in_both_groups_take_part_of_the_noise_away() -> None:
    apart, both = (unpaired_difference(*sides([3] * 8, [3] * 8, prefix)) for prefix in ("b", "a"))
    assert (apart.shared, both.shared) == (0, 8)
    first, second = sides([3] * 8, [3] * 8, "a")
    means = [
        [np.mean([value for name, value in side if name == f"a{n}"]) for n in range(8)] for side in (first, second)
    ]
    theirs = stats.ttest_rel(*means)
    assert both.test.value == pytest.approx(theirs.pvalue)


def test_groups_that_never_vary_are_alike_or_untested() -> None:
    same = unpaired_difference([(f"a{n}", 2.0) for n in range(6)], [(f"b{n}", 2.0) for n in range(6)])
    other = unpaired_difference([(f"a{n}", 2.0) for n in range(6)], [(f"b{n}", 3.0) for n in range(6)])
    assert (same.test.value, other.test.value) == (1.0, None)


def test_a_group_of_few_clients_is_not_tested() -> None:
    few = unpaired_difference(*sides([9, 9], [2] * 9))
    assert few.difference.value is not None
    assert few.difference.low is None
    assert few.test.value is None
    assert "needs 5 clients" in few.test.note


def exact(rows: list[tuple[str, str, int]]) -> Fraction:
    """The share of all exchanges within clients whose values' means vary as much as those observed, by whole numbers."""
    clients = sorted({client for client, _, _ in rows})
    table = [[value for client, _, value in sorted(rows) if client == name] for name in clients]

    def spread(arranged: tuple[tuple[int, ...], ...]) -> Fraction:
        sums = [Fraction(sum(column)) for column in zip(*arranged, strict=True)]
        return sum((one - sum(sums) / len(sums)) ** 2 for one in sums)

    observed = spread(tuple(map(tuple, table)))
    all_of_them = [spread(arranged) for arranged in product(*(list(permutations(row)) for row in table))]
    return Fraction(sum(one >= observed for one in all_of_them), len(all_of_them))


@pytest.mark.parametrize("seed", range(6))
def test_exchanges_within_clients_count_ties_as_brute_force_does(seed: int) -> None:
    drawn = np.random.default_rng(seed).integers(0, 3, size=(4, 3))
    rows = [(f"c{client}", "xyz"[at], int(value)) for (client, at), value in np.ndenumerate(drawn)]
    # Thirds are not exact in binary: what ties as a whole number must tie as a third too.
    test = moderation([(client, at, value / 3) for client, at, value in rows]).test
    assert test.value == pytest.approx(float(exact(rows)), abs=1e-12)


def test_a_difference_that_hangs_on_the_attitude_is_seen() -> None:
    rng = np.random.default_rng(6)
    rows = [
        (f"c{n}", attitude, float(rng.normal(shift)))
        for n in range(12)
        for attitude, shift in (("x", 2), ("y", 0), ("z", 0))
    ]
    result = moderation(rows)
    assert result.test.value is not None
    assert result.test.value < 0.01
    assert list(result.at) == ["x", "y", "z"]
    assert moderation([(client, "x", value) for client, _, value in rows]).test.value is None


def test_likeness_is_shown_within_a_wide_margin_alone() -> None:
    rows = [(f"c{n}", float(value)) for n, value in enumerate(np.random.default_rng(7).normal(0.1, 0.3, size=12))]
    wide, narrow = equivalence(rows, 0.6).test.value, equivalence(rows, 0.05).test.value
    assert wide is not None
    assert narrow is not None
    assert wide < 0.05 < narrow
    # Both tests by hand: of all patterns of signs, those whose sum is as large as the shifted one.
    signs = np.array(list(product((1, -1), repeat=12)))
    values = np.array([value for _, value in rows])
    by_hand = [np.mean(signs @ np.abs(s) >= s.sum() - 1e-9) for s in (values + 0.6, 0.6 - values)]
    assert wide == pytest.approx(max(by_hand))
    with pytest.raises(ValueError, match="above 0"):
        equivalence(rows, 0)


def figures_of(group: str, attitude_shift: float, clients: str = "c") -> list[SessionFigures]:
    rng = np.random.default_rng(len(group))
    return [
        SessionFigures(
            SessionKey(f"{group}{n}{attitude}", "s", None, f"{clients}{n}", attitude, 1),
            group,
            {"turns": 10 + 0.1 * n + rng.normal(0, 0.2) + (attitude_shift if attitude == "negative" else 0)},
        )
        for n in range(8)
        for attitude in ("negative", "positive")
    ]


def tables(section: Section) -> dict[str, Table]:
    return {block.caption.partition(",")[0]: block for block in section.blocks if isinstance(block, Table)}


def texts(table: Table) -> list[list[str]]:
    return [[cell(one).text for one in row] for row in table.rows]


def test_a_comparison_reports_attitudes_margins_and_groups_without_partners() -> None:
    rows = figures_of("ours", 1.0) + figures_of("theirs", 0.0) + figures_of("others", 0.0, "d")
    measures = {"turns": MEASURES["turns"]}
    comparison = compare_groups(
        rows, measures, "ours", ["theirs", "others"], pairing=Pairing(), margins={"turns": 1.5}, seed=0
    )
    (by_attitude,) = comparison.by_attitude.items
    assert (by_attitude.other, by_attitude.rejected) == ("theirs", True)
    (alike,) = comparison.equivalence.items
    assert alike.rejected
    (apart,) = comparison.unpaired.items
    assert apart.other == "others"
    section = comparison_section(comparison)
    assert any("compared unpaired" in text for text in section.paragraphs)
    shown = tables(section)
    assert texts(shown["ours and theirs: alike within a margin?"])[0][-1] == "alike within the margin"
    assert texts(shown["ours against others"])[0][0] == "turns"
    (row,) = [
        row
        for table in section.blocks
        if isinstance(table, Table) and "attitude" in table.caption
        for row in texts(table)
    ]
    assert row[0] == "turns"
    assert len(row) == 5


@pytest.mark.parametrize(
    ("shift", "words"),
    [(0.0, "no difference between ours and theirs holds"), (3.0, "ours and theirs differ on 1 of 1 measure at .05")],
)
def test_a_comparison_says_in_words_what_holds(shift: float, words: str) -> None:
    ours = [replace(row, values={"turns": row.values["turns"] + shift}) for row in figures_of("ours", 0.0)]
    rows = ours + figures_of("theirs", 0.0)
    comparison = compare_groups(rows, {"turns": MEASURES["turns"]}, "ours", ["theirs"], pairing=Pairing())
    said = comparison_section(comparison).paragraphs[0]
    assert said.startswith("In words: ")
    assert words in said
    assert ("turns (" in said) == bool(shift)
    assert "does not show that the groups are alike" in said


@pytest.mark.parametrize(
    ("shift", "clients", "words"),
    [
        (0.0, 8, "Compared by the means of their clients, no difference holds"),
        (90.0, 8, "Compared by the means of their clients, they differ on 1 of 1 measure"),
        (
            0.0,
            3,
            "nothing was tested between them (no interval and no test: each group needs 5 clients, and one has 3)",
        ),
    ],
)
def test_groups_without_pairs_are_compared_in_words_too(shift: float, clients: int, words: str) -> None:
    ours = [replace(row, values={"turns": row.values["turns"] + shift}) for row in figures_of("ours", 0.0)]
    others = figures_of("others", 0.0, "d")
    kept = sorted({row.key.client for row in others})[:clients]
    rows = ours + [row for row in others if row.key.client in kept]
    comparison = compare_groups(rows, {"turns": MEASURES["turns"]}, "ours", ["others"], pairing=Pairing())
    said = comparison_section(comparison).paragraphs[0]
    assert said.startswith("In words: ours and others have no pairs")
    assert words in said
    assert ("problems or lengths may stand behind" in said) == (clients == 8)
