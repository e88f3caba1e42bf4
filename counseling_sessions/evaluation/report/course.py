"""The section on the course of sessions: what became of the plan, how they closed, and what clients told of their forms by when."""

from collections.abc import Sequence

from counseling_sessions.evaluation.disclosure import TENTHS
from counseling_sessions.evaluation.figures import COURSE
from counseling_sessions.evaluation.measure import GroupMeasures, Measures
from counseling_sessions.evaluation.report.document import Row, Section, Table
from counseling_sessions.evaluation.report.format import plain_cell
from counseling_sessions.evaluation.report.measured import means_table
from counseling_sessions.profiles.schema import ATTITUDES


def course_section(measures: Measures) -> Section | None:
    """The section; None where nothing of it was measured, or no session says anything of it."""
    groups = [group for group in measures.groups.values() if group.disclosure]
    means = means_table(groups, COURSE)
    return Section("Course", (), (means, _told(groups))) if means.rows else None


def _told(groups: Sequence[GroupMeasures]) -> Table:
    """The share of the items of their forms that clients have told, over ten parts of the session, by attitude."""
    rows: list[Row] = []
    for group in groups:
        for attitude in (*ATTITUDES, ""):
            if group.disclosure and (curves := group.disclosure.by_attitude.get(attitude)):
                shares = (
                    plain_cell(share, len(curves), share=True) for share in group.disclosure.curve(attitude)[1::2]
                )
                rows.append((f"{group.name}, {attitude or 'no attitude'} (n={len(curves):,})", *shares))
    heads = (f"{100 * (tenth + 1) // TENTHS} %" for tenth in range(1, TENTHS, 2))
    notes = (
        "An item is a field of the form that only the client sees. It is told once the client has said half of its telling words, "
        "each by its weight; what is told in other words is missed.",
    )
    return Table("Items of the form told by so much of the session", ("", *heads), tuple(rows), notes)
