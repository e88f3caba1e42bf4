"""A report on a terminal, readable at 80 columns."""

from collections.abc import Iterable
from dataclasses import replace
from textwrap import wrap

from rich import box
from rich.console import Console, JustifyMethod
from rich.table import Table as RichTable
from rich.text import Text

from counseling_sessions.evaluation.report.document import Document, Listing, Plot, Row, Section, Table, cell

NAME = 20
"""Characters of a row's name on one line, where space is short."""
WIDE, NARROW = 3, 2
"""Columns between two figures, and where space is short."""


def show(document: Document, console: Console, *, listings: bool = False) -> None:
    """Print a report; plots are left out, and listings unless asked for."""
    console.print(Text(document.title, style="bold"))
    if document.subtitle:
        console.print(Text(document.subtitle, style="dim"))
    if document.caution:
        console.print(Text(document.caution, style="dim"))
    for section in document.sections:
        _section(section, console, listings)


def _section(section: Section, console: Console, listings: bool) -> None:
    shown = [
        block
        for block in section.blocks
        if not isinstance(block, Plot) and (listings or not isinstance(block, Listing))
    ]
    if not shown and not section.paragraphs:
        return
    console.print()
    console.print(Text(section.title, style="bold cyan"))
    for paragraph in section.paragraphs:
        console.print(Text(paragraph))
    for block in shown:
        console.print()
        if isinstance(block, Table):
            _table(block, console)
        elif isinstance(block, Listing):
            _listing(block, console)


def _table(table: Table, console: Console) -> None:
    if table.caption:
        console.print(Text(table.caption, style="dim"))
    spare = [cell(column).text for column in table.columns if cell(column).spare]
    if not _print_columns(table, console):
        fewer = _without_spare(table)
        if not spare or not _print_columns(fewer, console):
            _as_lists(_marked(table.columns), [_marked(row) for row in table.rows], console)
        else:
            console.print(Text(f"For want of room without: {', '.join(spare)}.", style="dim"))
    for note in table.all_notes:
        console.print(Text(note, style="dim"))


def _print_columns(table: Table, console: Console) -> bool:
    """Print the table's columns where they fit: wide, or else with the intervals of figures on a line of their own."""
    heads, rows = _marked(table.columns), [_marked(row) for row in table.rows]
    if _fits(heads, rows, console.width, WIDE):
        console.print(_as_columns(heads, rows, table, WIDE))
        return True
    words = [number == 0 or table.is_text(number) for number in range(len(heads))]
    stacked = [
        [
            _in_lines(text) if is_text else (cell(item).brief or text).replace(" [", "\n[")
            for text, item, is_text in zip(texts, row, words, strict=True)
        ]
        for texts, row in zip(rows, table.rows, strict=True)
    ]
    narrow = [_wrapped(head, column) for head, column in zip(heads, zip(*stacked, strict=True), strict=False)]
    if not stacked or not _fits(narrow, stacked, console.width, NARROW):
        return False
    console.print(_as_columns(narrow, stacked, table, NARROW))
    return True


def _in_lines(text: str) -> str:
    return "\n".join(wrap(text, NAME, break_long_words=False))


def _without_spare(table: Table) -> Table:
    kept = [number for number, column in enumerate(table.columns) if not cell(column).spare]
    columns, *rows = [tuple(row[number] for number in kept) for row in (table.columns, *table.rows)]
    return replace(table, columns=columns, rows=tuple(rows))


def _marked(row: Row) -> list[str]:
    return [cell(item).marked for item in row]


def _wrapped(head: str, column: Iterable[str]) -> str:
    """A heading in lines no longer than the column's figures, or its own longest word."""
    width = max((len(line) for text in column for line in text.split("\n")), default=0)
    return "\n".join(wrap(head, max(width, 6), break_long_words=False)) or head


def _fits(heads: list[str], rows: list[list[str]], width: int, gap: int) -> bool:
    columns = zip(heads, *rows, strict=True)
    needed = sum(max(len(line) for text in column for line in [*text.split("\n"), ""]) + gap for column in columns)
    return needed - gap <= width


def _as_columns(heads: list[str], rows: list[list[str]], table: Table, gap: int) -> RichTable:
    rich = RichTable(
        box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False, show_header=any(heads), collapse_padding=gap == NARROW
    )
    for number, head in enumerate(heads):
        justify: JustifyMethod = "left" if number == 0 or not any(heads) else "right"
        rich.add_column(Text(head), justify=justify, no_wrap=True)
    for texts, row in zip(rows, table.rows, strict=True):
        styles = ("bold" if cell(item).strong else "" for item in row)
        rich.add_row(*(Text(text, style=style) for text, style in zip(texts, styles, strict=True)))
    return rich


def _as_lists(heads: list[str], rows: list[list[str]], console: Console) -> None:
    for name, *texts in rows:
        figures = [
            f"{' '.join(head.split())} {' '.join(text.split())}".strip()
            for head, text in zip(heads[1:], texts, strict=True)
            if text.strip()
        ]
        console.print(Text.assemble((" ".join(name.split()), "bold"), "  ", " · ".join(figures)))


def _listing(listing: Listing, console: Console) -> None:
    console.print(Text(listing.summary, style="bold"))
    for where, text in listing.items:
        console.print(Text.assemble((where, "cyan"), "  ", " ".join(text.split())))
