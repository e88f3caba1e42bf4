"""Draws the plots of a report with matplotlib: for a page, whose ink they take in light and in dark, or to stand alone in a paper."""

import hashlib
import io
import re
from collections.abc import Callable, Mapping, Sequence
from functools import wraps
from textwrap import wrap
from typing import Any, Concatenate, ParamSpec

import matplotlib
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Canvas

from counseling_sessions.evaluation.report.document import Form
from counseling_sessions.evaluation.report.points import Point, window

INK, LINE = "#010203", "#040506"
"""Stand-ins that become the page's own colours."""
BLACK, GREY = "#000000", "#b3b3b3"
"""The same where a picture stands alone."""
COLOURS = ("#3b82c4", "#d9772b", "#3a9d6c", "#b565b0", "#9c8b2d", "#d1495b", "#5c6bc0", "#7b8794")
"""Told apart by people who see colours differently, and readable on white and on near black."""
MARKS = "osD^vPX*"
BOXED = 5
"""A distribution of fewer values than this is shown by its points alone."""

P = ParamSpec("P")


def _style(form: Form) -> dict[Any, Any]:
    ink, line = (INK, LINE) if form == "page" else (BLACK, GREY)
    return {
        **{"font.family": "sans-serif", "font.size": 10, "svg.hashsalt": "report"},
        # On a page text stays text; a picture that stands alone carries its letters' forms, a PDF their fonts (TrueType).
        **{"svg.fonttype": "none" if form == "page" else "path", "pdf.fonttype": 42, "pdf.use14corefonts": False},
        **dict.fromkeys(("text.color", "axes.labelcolor", "axes.titlecolor", "xtick.color", "ytick.color"), ink),
        **{"axes.edgecolor": line, "axes.spines.top": False, "axes.spines.right": False, "axes.facecolor": "none"},
        **{"figure.facecolor": "none", "grid.color": line, "grid.linewidth": 0.6, "legend.frameon": False},
    }


def _drawn(draw: Callable[P, Canvas]) -> Callable[Concatenate[Form, P], bytes]:
    """The drawing in the form that is asked for."""

    @wraps(draw)
    def in_form(form: Form, /, *args: P.args, **kwargs: P.kwargs) -> bytes:
        with matplotlib.rc_context(_style(form)):
            canvas = draw(*args, **kwargs)
            return _for_page(canvas) if form == "page" else _saved(canvas, form)

    return in_form


@_drawn
def draw_dots(
    rows: Mapping[str, Mapping[str, Point]],
    axis: str,
    *,
    bounds: tuple[float, float] | None = None,
    reference: float | None = None,
) -> Canvas:
    """Values with intervals: a line for each row, in it one mark for each group. `reference` is drawn as a vertical line.

    Where the axis ends before a value or an interval, an arrow leads to it, and its figures stand beside.
    """
    groups = list(dict.fromkeys(group for points in rows.values() for group in points))
    names = [_short(row) for row in rows]
    # A name on two lines needs the room of two marks.
    room = [max(1.0, len(points), 1.7 * ("\n" in name)) for name, points in zip(names, rows.values(), strict=True)]
    canvas, axes = _canvas(1.1 + 0.24 * sum(room) + 0.12 * len(rows))
    part = None if bounds else window([point for points in rows.values() for point in points.values()], reference)
    place, ticks = 0.0, []
    for needed, points in zip(room, rows.values(), strict=True):
        middle = place + (needed - 1) / 2
        ticks.append(middle)
        for number, (group, point) in enumerate(points.items()):
            _mark(axes, point, middle + number - (len(points) - 1) / 2, groups.index(group), part)
        place += needed + 0.7
    if reference is not None:
        axes.axvline(reference, color=matplotlib.rcParams["text.color"], linewidth=0.8, linestyle=(0, (4, 3)))
    axes.set_yticks(ticks, names)
    axes.set_ylim(place - 0.2, -0.8)
    _label(axes, f"{axis}\n(arrows: beyond the axis, figures beside)" if part else axis, bounds or part)
    if len(groups) > 1:
        _legend(axes, groups)
    return canvas


@_drawn
def draw_boxes(
    values: Mapping[str, Sequence[float]], axis: str, *, bounds: tuple[float, float] | None = None
) -> Canvas:
    """The distribution of values in each group: box with median and quartiles, whiskers over all of them, and the mean."""
    canvas, axes = _canvas(1.0 + 0.45 * len(values))
    for place, numbers in enumerate(values.values()):
        colour = COLOURS[place % len(COLOURS)]
        if len(numbers) >= BOXED:
            axes.boxplot(
                [list(numbers)],
                positions=[place],
                orientation="horizontal",
                widths=0.5,
                whis=(0, 100),
                showfliers=False,
                boxprops={"color": colour, "linewidth": 1.5},
                whiskerprops={"color": colour},
                capprops={"color": colour},
                medianprops={"color": matplotlib.rcParams["text.color"], "linewidth": 2},
            )
            axes.plot([sum(numbers) / len(numbers)], [place], marker="D", color=colour, markersize=5)
        else:
            axes.plot(list(numbers), [place] * len(numbers), "o", color=colour, markersize=5)
    axes.set_yticks(range(len(values)), [f"{_short(name)} (n={len(numbers)})" for name, numbers in values.items()])
    axes.set_ylim(len(values) - 0.4, -0.6)
    _label(axes, axis, bounds)
    return canvas


@_drawn
def draw_lines(panels: Mapping[str, Mapping[str, Sequence[float]]], x_axis: str, y_axis: str) -> Canvas:
    """One panel for each group, in it a line for each series over equal parts of a session, 0 to 1 in height."""
    names = list(dict.fromkeys(name for series in panels.values() for name in series))
    columns = min(len(panels), 3)
    rows = -(-len(panels) // columns)
    canvas = Canvas(figsize=(9, 0.9 + 2.1 * rows), layout="constrained")
    grid = canvas.subplots(rows, columns, squeeze=False, sharey=True)
    for axes, (panel, series) in zip(grid.flat, panels.items(), strict=False):
        for name, heights in series.items():
            index = names.index(name)
            axes.plot(
                range(1, len(heights) + 1),
                heights,
                color=COLOURS[index % len(COLOURS)],
                marker=MARKS[index % len(MARKS)],
                markersize=4,
                linewidth=1.5,
                label=name,
            )
        axes.set_title(_short(panel), fontsize=10)
        axes.grid(axis="y")
        axes.set_ylim(bottom=0)
    for axes in list(grid.flat)[len(panels) :]:
        axes.set_axis_off()
    canvas.supxlabel(x_axis, fontsize=10)
    canvas.supylabel(y_axis, fontsize=10)
    handles, labels = grid.flat[0].get_legend_handles_labels()
    canvas.legend(handles, labels, loc="outside upper center", ncols=min(len(labels), 4), fontsize=9)
    return canvas


def _canvas(height: float) -> tuple[Canvas, Axes]:
    canvas = Canvas(figsize=(8, height), layout="constrained")
    return canvas, canvas.subplots()


def _label(axes: Axes, axis: str, bounds: tuple[float, float] | None) -> None:
    axes.set_xlabel(axis)
    axes.grid(axis="x")
    axes.tick_params(axis="y", length=0)
    if bounds:
        room = (bounds[1] - bounds[0]) / 50
        axes.set_xlim(bounds[0] - room, bounds[1] + room)


def _mark(axes: Axes, point: Point, place: float, index: int, part: tuple[float, float] | None) -> None:
    colour, mark = COLOURS[index % len(COLOURS)], MARKS[index % len(MARKS)]
    low, high = point.ends
    first, last = part or (low, high)
    left, right = min(max(low, first), last), max(min(high, last), first)
    axes.plot([left, right], [place, place], color=colour, linewidth=1.8)
    if first <= point.value <= last or not part:
        axes.plot([point.value], [place], marker=mark, color=colour, markersize=6, linestyle="none")
    beyond = [(first, "<", "←")] if low < first else []
    beyond += [(last, ">", "→")] if high > last else []
    for end, arrow, _ in beyond:
        axes.plot([end], [place], marker=arrow, color=colour, markersize=7, linestyle="none", clip_on=False)
    if beyond:
        text = f"{' '.join(sign for _, _, sign in beyond)} {point}"
        at: dict[str, Any] = {
            "xycoords": ("axes fraction", "data"),
            "va": "center",
            "fontsize": 8,
            "annotation_clip": False,
        }
        axes.annotate(text, (1.02, place), **at)


def _legend(axes: Axes, groups: Sequence[str]) -> None:
    for index, group in enumerate(groups):
        mark, colour = MARKS[index % len(MARKS)], COLOURS[index % len(COLOURS)]
        axes.plot([], [], marker=mark, color=colour, linestyle="none", label=group)
    axes.figure.legend(loc="outside upper center", ncols=min(len(groups), 4), fontsize=9)


def _saved(canvas: Canvas, form: Form) -> bytes:
    """The picture as a file that says nothing of when it was made: the same figures give the same bytes."""
    names = ("CreationDate", "Creator", "Producer") if form == "pdf" else ("Date", "Creator", "Format", "Type")
    data = io.BytesIO()
    canvas.savefig(data, format="pdf" if form == "pdf" else "svg", metadata=dict.fromkeys(names))
    return data.getvalue()


def _for_page(canvas: Canvas) -> bytes:
    svg = _saved(canvas, "page").decode()
    svg = svg[svg.index("<svg") :]
    svg = re.sub(r"<metadata>.*?</metadata>", "", svg, flags=re.DOTALL)
    # Ids are made unique to the picture, since several stand on one page.
    salt = "p" + hashlib.sha256(svg.encode()).hexdigest()[:10]
    svg = re.sub(r'\bid="', f'id="{salt}-', svg)
    svg = re.sub(r'(href="|url\()#', rf"\1#{salt}-", svg)
    return svg.replace(INK, "currentColor").replace(LINE, "color-mix(in srgb, currentColor 30%, transparent)").encode()


def _short(text: str, limit: int = 34) -> str:
    """A name on two lines at most."""
    return "\n".join(wrap(text, limit, max_lines=2, placeholder=" …"))
