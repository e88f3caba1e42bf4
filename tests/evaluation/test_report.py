"""A report: the same document on a terminal, as a page and as Markdown; nothing of a session's text becomes markup."""

import io
import re
from xml.etree import ElementTree

import pytest
from rich.console import Console

from counseling_sessions.evaluation.report.document import Cell, Document, Listing, Plot, Section, Table
from counseling_sessions.evaluation.report.html import html
from counseling_sessions.evaluation.report.markdown import markdown
from counseling_sessions.evaluation.report.plots import boxes, dots, lines
from counseling_sessions.evaluation.report.points import Point
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
