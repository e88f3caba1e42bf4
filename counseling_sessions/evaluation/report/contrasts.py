"""The tables beyond a paired comparison: differences by attitude, likeness within a margin, groups without partners."""

from dataclasses import replace

from counseling_sessions.evaluation.contrasts import Contrast, Contrasts
from counseling_sessions.evaluation.figures import Measure
from counseling_sessions.evaluation.report.document import Cell, Row, Significance, Table
from counseling_sessions.evaluation.report.format import figure_cell, in_family, measure_cell, number, p_cells
from counseling_sessions.evaluation.statistics.equivalence import Equivalence
from counseling_sessions.evaluation.statistics.intervals import Figure
from counseling_sessions.evaluation.statistics.moderation import Moderation
from counseling_sessions.evaluation.statistics.unpaired import UnpairedDifference


def attitude_table(contrasts: Contrasts, reference: str, other: str) -> Table | None:
    """The difference at each attitude, and whether it is the same at all of them; None where nothing was tested."""
    results = [(item, item.result) for item in contrasts.against(other) if isinstance(item.result, Moderation)]
    attitudes = sorted({name for _, result in results for name in result.at})
    if not results:
        return None
    rows: list[Row] = [
        (
            measure_cell(item.measure),
            *(difference_cell(result.at.get(name), item.measure) for name in attitudes),
            *p_cells(_significance(contrasts, item)),
        )
        for item, result in results
    ]
    notes = (
        "Difference of the means at each attitude. p: whether differences are alike at every attitude (a client's "
        "exchanged among them); another spread at one attitude counts against that too.",
    )
    heads = ("", *attitudes, "p", "p (Holm)")
    return Table(f"{reference} against {other}, by the client's attitude", heads, tuple(rows), notes)


def equivalence_table(contrasts: Contrasts, reference: str, other: str, differences: dict[str, Figure]) -> Table | None:
    """Which measures are alike within their margin; `differences` are those of the paired comparison, by measure."""
    results = [(item, item.result) for item in contrasts.against(other) if isinstance(item.result, Equivalence)]
    if not results:
        return None
    rows: list[Row] = [
        (
            measure_cell(item.measure),
            difference_cell(differences.get(item.measure.id), item.measure, _significance(contrasts, item)),
            f"± {_plain(result.margin, item.measure)}",
            *p_cells(_significance(contrasts, item)),
            _likeness(item, result),
        )
        for item, result in results
    ]
    notes = (
        "Two one-sided tests, each by sign flips of clients and by bootstrap t over them; p is the largest, corrected by Holm over "
        "all tests of likeness. The margin has to be set before the data are seen. With few clients and very skewed differences the "
        "test still errs more often: read the interval too, which has to lie within the margin.",
    )
    heads = ("", "difference", "margin", "p", "p (Holm)", "at .05")
    return Table(f"{reference} and {other}: alike within a margin?", heads, tuple(rows), notes)


def unpaired_table(contrasts: Contrasts, reference: str, other: str) -> Table | None:
    """Two groups without pairs, by their means."""
    results = [(item, item.result) for item in contrasts.against(other) if isinstance(item.result, UnpairedDifference)]
    if not results:
        return None
    rows: list[Row] = [
        (
            measure_cell(item.measure),
            figure_cell(result.mean, share=item.measure.share),
            figure_cell(result.other_mean, share=item.measure.share),
            difference_cell(result.difference, item.measure, _significance(contrasts, item)),
            *p_cells(_significance(contrasts, item)),
        )
        for item, result in results
    ]
    shared = max(result.shared for _, result in results)
    clients = f" Clients in both groups: {shared}."
    notes = (
        "Means over clients, each counted once; Welch's t on them, corrected by Holm within each family of measures. Other "
        f"clients, problems or lengths may stand behind a difference.{clients}",
    )
    heads = ("", reference, other, "difference", "p", "p (Holm)")
    return Table(f"{reference} against {other}, unpaired: the groups have no pairs", heads, tuple(rows), notes)


def _likeness(item: Contrast, result: Equivalence) -> str:
    if result.test.value is None:
        return "never different" if "every difference is 0" in result.test.note else "not tested"
    return "alike within the margin" if item.rejected else "not shown to be alike"


def difference_cell(figure: Figure | None, measure: Measure, test: Significance | None = None) -> Cell:
    """A difference with its interval; of shares in percentage points."""
    cell = figure_cell(figure, share=measure.share, test=test)
    return replace(cell, text=cell.text.replace(" %", " pt"))


def _significance(contrasts: Contrasts, item: Contrast) -> Significance:
    return in_family(item.result.test, contrasts.family_of(item), item.name)


def _plain(value: float, measure: Measure) -> str:
    return number(value, share=measure.share).replace(" %", " pt")
