"""The tables beyond a paired comparison: differences by attitude, likeness within a margin, groups without partners."""

from collections.abc import Sequence
from dataclasses import replace

from counseling_sessions.evaluation.contrasts import Contrast, Contrasts
from counseling_sessions.evaluation.figures import Measure
from counseling_sessions.evaluation.report.document import Cell, Row, Table
from counseling_sessions.evaluation.report.format import NONE, figure_cell, number, p_cell, tested
from counseling_sessions.evaluation.statistics.equivalence import Equivalence
from counseling_sessions.evaluation.statistics.intervals import Figure
from counseling_sessions.evaluation.statistics.moderation import Moderation
from counseling_sessions.evaluation.statistics.sign_flips import PValue
from counseling_sessions.evaluation.statistics.unpaired import UnpairedDifference


def attitude_table(contrasts: Contrasts, reference: str, other: str) -> Table | None:
    """The difference at each attitude, and whether it is the same at all of them; None where nothing was tested."""
    results = [(item, item.result) for item in contrasts.against(other) if isinstance(item.result, Moderation)]
    attitudes = sorted({name for _, result in results for name in result.at})
    if not results:
        return None
    rows: list[Row] = [
        (
            item.measure.title,
            *(difference_cell(result.at.get(name), item.measure) for name in attitudes),
            *_p_cells(item, result.test),
        )
        for item, result in results
    ]
    notes = (
        "Difference of the means at each attitude. p: whether the difference is the same at every attitude (a client's "
        "differences exchanged among the attitudes), raw and corrected by Holm.",
    )
    heads = ("", *attitudes, "p, raw", "p")
    return Table(f"{reference} against {other}, by the client's attitude", heads, tuple(rows), notes)


def equivalence_table(contrasts: Contrasts, reference: str, other: str, differences: dict[str, Figure]) -> Table | None:
    """Which measures are alike within their margin; `differences` are those of the paired comparison, by measure."""
    results = [(item, item.result) for item in contrasts.against(other) if isinstance(item.result, Equivalence)]
    if not results:
        return None
    rows: list[Row] = [
        (
            item.measure.title,
            difference_cell(differences.get(item.measure.id), item.measure),
            f"± {_plain(result.margin, item.measure)}",
            *_p_cells(item, result.test),
            "alike within the margin" if item.rejected else "not shown to be alike",
        )
        for item, result in results
    ]
    notes = (
        "Two one-sided tests by sign flips of clients; p is the larger of the two, raw and corrected by Holm over all tests of "
        "likeness. The margin has to be set before the data are seen.",
    )
    heads = ("", "difference", "margin", "p, raw", "p", "at .05")
    return Table(f"{reference} and {other}: alike within a margin?", heads, tuple(rows), notes)


def unpaired_table(contrasts: Contrasts, reference: str, other: str) -> Table | None:
    """Two groups without pairs, by their means."""
    results = [(item, item.result) for item in contrasts.against(other) if isinstance(item.result, UnpairedDifference)]
    if not results:
        return None
    rows: list[Row] = [
        (
            Cell(item.measure.title),
            _mean(result.mean, item.measure),
            _mean(result.other_mean, item.measure),
            difference_cell(result.difference, item.measure),
            *_p_cells(item, result.test),
        )
        for item, result in results
    ]
    shared = max(result.shared for _, result in results)
    clients = f" Clients in both groups: {shared}."
    notes = (
        "Means over sessions; Welch's t with errors clustered by client, corrected by Holm within each family of measures. Other "
        f"clients, problems or lengths may stand behind a difference.{clients}",
    )
    heads = ("", reference, other, "difference", "p, raw", "p")
    return Table(f"{reference} against {other}, unpaired: the groups have no pairs", heads, tuple(rows), notes)


def difference_cell(figure: Figure | None, measure: Measure) -> Cell:
    """A difference with its interval; of shares in percentage points."""
    cell = figure_cell(figure, share=measure.share)
    return replace(cell, text=cell.text.replace(" %", " pt"))


def _p_cells(item: Contrast, test: PValue) -> Sequence[Cell]:
    detail = tested(test)
    return p_cell(test.value, detail=detail), p_cell(item.adjusted, rejected=item.rejected, detail=detail)


def _mean(figure: Figure, measure: Measure) -> Cell:
    return figure_cell(figure, share=measure.share)


def _plain(value: float, measure: Measure) -> str:
    return number(value, share=measure.share).replace(" %", " pt") if value else NONE
