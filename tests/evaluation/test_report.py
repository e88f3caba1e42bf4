"""A report: the same document on a terminal, as a page and as Markdown; nothing of a session's text becomes markup."""

import io
import re
from xml.etree import ElementTree

import pytest
from rich.console import Console

from counseling_sessions.evaluation.report.behind import behind
from counseling_sessions.evaluation.report.document import Cell, Document, Listing, Plot, Section, Table
from counseling_sessions.evaluation.report.html import html
from counseling_sessions.evaluation.report.markdown import markdown
from counseling_sessions.evaluation.report.plots import boxes, dots, lines
from counseling_sessions.evaluation.report.points import Point, window
from counseling_sessions.evaluation.report.terminal import show

HOSTILE = "</style><script>alert(1)</script> | **bold** <b> [link](x)"


def report(*blocks: Table | Plot | Listing) -> Document:
    return Document("A report", "of something", (Section("First", ("Said plainly.",), blocks),))


TABLE = Table(
    "Scores",
    ("method", "n", "mean"),
    (("magnet", "40", Cell("4.10 [3.90, 4.40]", "40 sessions of 20 clients", strong=True)), (HOSTILE, "39", "3.60")),
    ("Intervals are of 95 %.",),
)


def printed(document: Document, *, width: int = 80, listings: bool = False) -> str:
    console = Console(file=io.StringIO(), width=width, color_system=None)
    show(document, console, listings=listings)
    return console.file.getvalue()  # type: ignore[attr-defined, no-any-return]


def test_a_terminal_of_80_columns_shows_tables_whole() -> None:
    table = Table("Scores", TABLE.columns, TABLE.rows[:1], TABLE.notes)
    text = printed(report(table))
    assert "4.10 [3.90, 4.40]" in text
    assert "Intervals are of 95 %." in text


@pytest.mark.parametrize(
    ("columns", "expected"), [(4, "[3.90, 4.40]"), (30, "m0 4.1 [3.90, 4.40] · m1 4.1 [3.90, 4.40]")]
)
def test_a_wide_table_is_stacked_and_then_taken_apart(columns: int, expected: str) -> None:
    row = ("a name of several words", *(Cell("4.1 [3.90, 4.40]") for _ in range(columns)))
    text = printed(report(Table("Scores", ("", *(f"m{n}" for n in range(columns))), (row,))))
    assert all(len(line) <= 80 for line in text.splitlines())
    assert expected in " ".join(text.split())
    assert text.count("[3.90,") == columns


def test_a_spare_column_goes_before_a_table_is_taken_apart() -> None:
    heads = ("", *(f"m{n}" for n in range(4)), Cell("percent", spare=True))
    row = ("a name", *(Cell("4.12 [3.90, 4.40]") for _ in range(4)), "a rather long text")
    text = printed(report(Table("Scores", heads, (row,))))
    assert "For want of room without: percent." in text
    assert "a rather long text" not in text
    assert "·" not in text
    assert "a rather long text" in printed(report(Table("Scores", heads, (row,))), width=200)


DIRECTED = Table(
    "Means",
    ("", "magnet", "single"),
    (
        (Cell("plan steps", "steps reached", better="higher"), Cell("1.0", "n = 3"), Cell("2.0", "n = 4")),
        (Cell("findings", better="lower"), Cell("1.0", "n = 3"), Cell("2.0", "n = 5")),
        (Cell("turns", better="neither"), Cell("1.0", "n = 3"), Cell("2.0")),
    ),
)


def test_which_way_is_better_is_said_in_every_form_and_to_a_screen_reader() -> None:
    legend = "↑ higher is better; ↓ lower is better; no arrow: neither way is better."
    for text in (printed(report(DIRECTED)), markdown(report(DIRECTED)), html(report(DIRECTED))):
        assert legend in text
    assert "plan steps\N{NO-BREAK SPACE}↑" in printed(report(DIRECTED))
    assert "| findings ↓ |" in markdown(report(DIRECTED))
    page = html(report(DIRECTED))
    assert (
        "findings<span aria-hidden=true>\N{NO-BREAK SPACE}↓</span><span class=unseen> (lower is better)</span>" in page
    )
    assert "(neither way is better)" in page
    assert "better" not in printed(report(TABLE))


def test_what_stands_behind_figures_is_said_once_for_all_that_share_it() -> None:
    assert behind(DIRECTED) == [
        ("plan steps", "steps reached"),
        ("plan steps; findings; turns (magnet)", "n = 3"),
        ("plan steps (single)", "n = 4"),
        ("findings (single)", "n = 5"),
    ]
    same = tuple((name, Cell("1", "n = 3")) for name in "wxyz")
    assert behind(Table("", ("", "a"), same)) == [("all figures", "n = 3")]
    more = (*same, ("last", Cell("2", "n = 2")))
    assert behind(Table("", ("", "a"), more)) == [("all figures but those below", "n = 3"), ("last (a)", "n = 2")]
    assert behind(Table("", ("", "a"), (("x", "1"),))) == []


def test_a_row_without_a_name_belongs_to_the_row_above() -> None:
    table = Table("", ("", "of", "n"), (("defect", "empathy", "1"), ("", "focus", "2"), ("… by level", "focus", "3")))
    assert table.row_names == ("defect", "defect, focus", "defect, … by level")


def test_nothing_is_only_in_hover_titles() -> None:
    page = html(report(DIRECTED))
    assert " title=" not in page
    assert "<dt>findings (single)</dt><dd>n = 5</dd>" in page
    assert "findings (single): n = 5" in markdown(report(DIRECTED))


def test_a_caution_and_the_methods_are_shown() -> None:
    document = Document("A report", "", (), "No clinical outcome.", ("Sessions were read.",))
    for text in (html(document), markdown(document)):
        assert "No clinical outcome." in text
        assert "Sessions were read." in text
    assert "No clinical outcome." in printed(document)


def test_listings_are_shown_when_asked_for() -> None:
    document = report(Listing("2 repeats", (("s1, turn 3", "Once more."), ("s2, turn 4", "Again."))))
    assert "Once more." not in printed(document)
    assert "s1, turn 3  Once more." in printed(document, listings=True)


def test_text_of_sessions_is_never_markup() -> None:
    document = report(TABLE, Listing(HOSTILE, ((HOSTILE, HOSTILE),)))
    page = html(document)
    assert "<script" not in page
    assert page.count("</style>") == 1
    assert "&lt;script&gt;" in page
    assert "<b>" not in page
    text = markdown(document)
    assert not re.findall(r"(?<!\\)<", re.sub("`[^`]*`", "", text))
    [row] = [line for line in text.splitlines() if "alert" in line and line.startswith("|")]
    assert len(re.findall(r"(?<!\\)\|", row)) == 4


def test_the_page_needs_nothing_from_elsewhere() -> None:
    page = html(report(TABLE, dots({"a": {"": Point(1.0)}}, "Dots", "score")))
    assert "default-src 'none'" in page
    assert not re.findall(r"(?:src|href)\s*=\s*\"(?!#)", page)
    assert not re.findall(r"url\((?!#)", page)


PLOTS = {
    "dots": dots(
        {"general": {"magnet": Point(4.1, 3.9, 4.4), "single": Point(3.6)}},
        "Means",
        "score",
        bounds=(0, 6),
        reference=3,
    ),
    "boxes": boxes({"magnet": [1.0, 2.0, 3.0, 4.0, 5.0], "single": [2.0]}, "Spread", "score"),
    "lines": lines(
        {"magnet": {"reflection": [0.1] * 10}, "single": {"reflection": [0.2] * 10}}, "Use", "part", "share"
    ),
}


@pytest.mark.parametrize("name", list(PLOTS))
def test_a_plot_is_well_formed_has_words_and_takes_the_pages_ink(name: str) -> None:
    plot = PLOTS[name]
    ElementTree.fromstring(plot.svg)
    assert "currentColor" in plot.svg
    assert not re.findall(r"#(?:000000|010203|040506|ffffff)", plot.svg)
    assert plot.text.startswith(plot.caption)


def test_plots_on_one_page_do_not_share_ids() -> None:
    ids = [re.findall(r'\bid="([^"]+)"', PLOTS[name].svg) for name in PLOTS]
    assert len({one for group in ids for one in group}) == sum(map(len, ids))


def test_a_plot_says_its_figures_in_words() -> None:
    assert "magnet 4.1 (3.9 to 4.4), single 3.6" in PLOTS["dots"].text


SMALL = [Point(value, value - 0.3, value + 0.3) for value in (-0.2, 0.1, 0.4, 0.5)]


@pytest.mark.parametrize("huge", [Point(10.9, 10.7, 12.4), Point(-30.0, -31.0, -29.0), Point(0.3, 0.1, 40.0)])
def test_one_huge_effect_does_not_flatten_the_others(huge: Point) -> None:
    part = window([*SMALL, huge], 0)
    assert part is not None
    assert part[0] <= -0.2
    assert part[1] >= 0.5
    assert part[1] - part[0] < 3
    plot = dots(
        {f"row {number}": {"": point} for number, point in enumerate([*SMALL, huge])}, "Effects", "g_z", reference=0
    )
    assert str(huge) in plot.svg
    assert "beyond the axis" in plot.svg
    assert f"row 4: {huge.value:.3g} ({huge.low:.3g} to {huge.high:.3g})" in plot.text


def test_an_axis_that_shows_all_is_not_cut() -> None:
    assert window(SMALL, 0) is None
    assert window([*SMALL, Point(0.0)] * 3, 0) is None
    assert window([Point(0.0), Point(0.0)], 0) is None
    assert window([], 0) is None
    assert "beyond" not in PLOTS["dots"].svg


def test_long_names_of_a_picture_take_a_second_line() -> None:
    name = "sessions handed over to a named human or service ↑"
    plot = dots({name: {"": Point(1.0)}}, "Effects", "g_z")
    assert "sessions handed over to a named" in plot.svg
    assert "human or service ↑" in plot.svg
