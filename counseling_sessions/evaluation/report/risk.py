"""The section on risk: what counselors did from a client's first sign on, over all and by level, and false alarms."""

from collections.abc import Sequence

from counseling_sessions.evaluation.figures import MEASURES, RISK
from counseling_sessions.evaluation.measure import Measures
from counseling_sessions.evaluation.report.document import Block, Cell, Row, Section, Table
from counseling_sessions.evaluation.report.format import INTERVALS, figure_cell, measure_cell, tally_cell
from counseling_sessions.evaluation.report.measured import means_table
from counseling_sessions.evaluation.risk import RiskCount

_SAID = (
    "Found by rules, which know common forms of English on the counselor's side and miss what is said in other words. Read the "
    "findings, and sessions without any, before you rely on a figure. No figure says whether a counselor was safe.",
)


def risk_section(measures: Measures) -> Section | None:
    """The section; None where no session has a risk or a false alarm."""
    groups = [group for group in measures.groups.values() if group.risk]
    if not groups:
        return None
    means = means_table(groups, RISK)
    blocks: list[Block] = [means] if means.rows else []
    counts = [(group.name, group.risk) for group in groups if group.risk]
    blocks += [_by_level(counts)] if any(level for _, risk in counts for level in risk.levels()) else []
    blocks += [_alarms(counts)] if any(risk.alarms for _, risk in counts) else []
    return Section("Risk", _SAID, tuple(blocks))


def _by_level(counts: Sequence[tuple[str, RiskCount]]) -> Table:
    """A column for each group and level; the rows are the measures."""
    columns = [(name, risk, level) for name, risk in counts for level in risk.levels()]
    figures = [risk.figures(level) for _, risk, level in columns]
    heads = (f"{name}, {level or 'not in the form'} (n={len(risk.by_level[level]):,})" for name, risk, level in columns)
    rows: list[Row] = [
        (
            "sessions with a sign that was read",
            *(tally_cell(risk.read(level), len(risk.by_level[level]), shown=False) for _, risk, level in columns),
        )
    ]
    rows += [
        (measure_cell(measure), *(figure_cell(of_level.get(name), share=measure.share) for of_level in figures))
        for name, measure in MEASURES.items()
        if measure.family == RISK and any(name in of_level for of_level in figures)
    ]
    notes = ("The level is the one in the client's form. Means are over the sessions with a sign.", INTERVALS)
    return Table("By level of risk", ("", *heads), tuple(rows), notes)


def _alarms(counts: Sequence[tuple[str, RiskCount]]) -> Table:
    cells = [figure_cell(risk.false_alarms(), share=True) for _, risk in counts]
    heads = (f"{name} (n={len(risk.alarms):,})" for name, risk in counts)
    row: Row = (Cell("sessions in which a risk was asked about without a sign", better="lower"), *cells)
    return Table("Sessions without a risk", ("", *heads), (row,), (INTERVALS,))
