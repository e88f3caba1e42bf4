"""Measures named beforehand are a family of their own, whatever else is compared."""

import numpy as np
import pytest

from counseling_sessions.evaluation.compare import Comparison, compare_groups
from counseling_sessions.evaluation.figures import MEASURES, SessionFigures, primary_first
from counseling_sessions.evaluation.pairs import Pairing
from counseling_sessions.evaluation.report.compared import comparison_section
from counseling_sessions.evaluation.report.document import Table, cell
from counseling_sessions.sessions import SessionKey

NAMES = ("turns", "counselor_words", "client_words")


def compared(*primary: str) -> Comparison:
    random = np.random.default_rng(3)
    rows = [
        SessionFigures(
            SessionKey(f"{group}{at}", "s", None, f"c{at}", "negative", 1),
            group,
            {name: random.normal(shift, 1) for name in NAMES},
        )
        for group, shift in (("ours", 1.0), ("theirs", 0.0))
        for at in range(9)
    ]
    measures = primary_first({name: MEASURES[name] for name in NAMES}, primary)
    return compare_groups(rows, measures, "ours", ["theirs"], pairing=Pairing())


def test_a_single_primary_measure_needs_no_correction_and_the_others_are_corrected_without_it() -> None:
    item, *others = compared("client_words").compared
    assert item.measure.id == "client_words"  # though it was listed last
    assert item.adjusted == item.difference.test.value
    smaller, larger = sorted(other.difference.test.value or 0 for other in others)
    assert sorted(other.adjusted or 0 for other in others) == [
        pytest.approx(min(1, 2 * smaller)),
        pytest.approx(max(larger, min(1, 2 * smaller))),
    ]
    together = {item.measure.id: item.adjusted for item in compared().compared}
    assert (together["client_words"] or 0) > (item.adjusted or 0)


def test_both_families_are_named_and_primary_rows_marked() -> None:
    section = comparison_section(compared("turns"))
    (said,) = [text for text in section.paragraphs if "corrected by Holm" in text]
    assert "primary, 1 test; structure, secondary, 2 tests" in said
    table = next(block for block in section.blocks if isinstance(block, Table))
    assert cell(table.rows[0][0]).text == "turns (primary)"
    assert sum("(primary)" in cell(row[0]).text for row in table.rows) == 1
    assert "primary" not in " ".join(comparison_section(compared()).paragraphs)
