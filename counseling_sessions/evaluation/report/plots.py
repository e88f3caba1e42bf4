"""The plots of a report: each says in words what it shows, and is drawn when a page asks for the picture."""

from collections.abc import Mapping, Sequence

from counseling_sessions.evaluation.report.document import Form, Plot
from counseling_sessions.evaluation.report.points import Point


def dots(
    rows: Mapping[str, Mapping[str, Point]],
    caption: str,
    axis: str,
    *,
    bounds: tuple[float, float] | None = None,
    reference: float | None = None,
    name: str = "",
) -> Plot:
    """Values with intervals: a line for each row, in it one mark for each group. `reference` is drawn as a vertical line.

    Without `bounds`, an axis that a few values would make more than twice as long ends before them.
    """

    def drawn(form: Form) -> bytes:
        from counseling_sessions.evaluation.report.drawing import draw_dots

        return draw_dots(form, rows, axis, bounds=bounds, reference=reference)

    said = "; ".join(
        f"{row}: " + ", ".join(f"{group} {_said(point)}".strip() for group, point in points.items())
        for row, points in rows.items()
    )
    return Plot(caption, drawn, f"{caption}. {axis}: {said}", name)


def boxes(
    values: Mapping[str, Sequence[float]], caption: str, axis: str, *, bounds: tuple[float, float] | None = None
) -> Plot:
    """The distribution of values in each group: box with median and quartiles, whiskers over all of them, and the mean."""

    def drawn(form: Form) -> bytes:
        from counseling_sessions.evaluation.report.drawing import draw_boxes

        return draw_boxes(form, values, axis, bounds=bounds)

    said = "; ".join(
        f"{name}: {len(numbers)} values, {min(numbers):.3g} to {max(numbers):.3g}"
        for name, numbers in values.items()
        if numbers
    )
    return Plot(caption, drawn, f"{caption}. {axis}: {said}")


def lines(panels: Mapping[str, Mapping[str, Sequence[float]]], caption: str, x_axis: str, y_axis: str) -> Plot:
    """One panel for each group, in it a line for each series over equal parts of a session, 0 to 1 in height."""

    def drawn(form: Form) -> bytes:
        from counseling_sessions.evaluation.report.drawing import draw_lines

        return draw_lines(form, panels, x_axis, y_axis)

    said = "; ".join(f"{panel}: {', '.join(series)}" for panel, series in panels.items())
    return Plot(caption, drawn, f"{caption}. {said}; the figures stand in the table")


def _said(point: Point) -> str:
    interval = f" ({point.low:.3g} to {point.high:.3g})" if point.low is not None and point.high is not None else ""
    return f"{point.value:.3g}{interval}"
