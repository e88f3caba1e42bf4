"""A report on a terminal, readable at 80 columns."""

from rich import box
from rich.console import Console
from rich.table import Table as RichTable
from rich.text import Text

from evaluation.report.document import Document, Listing, Plot, Section, Table, cell


def show(document: Document, console: Console, *, listings: bool = False) -> None:
    """Print a report; plots are left out, and listings unless asked for."""
    console.print(Text(document.title, style="bold"))
    if document.subtitle:
        console.print(Text(document.subtitle, style="dim"))
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
    rich = RichTable(
        box=box.SIMPLE_HEAD,
        show_edge=False,
        pad_edge=False,
    )
    for number, column in enumerate(table.columns):
        text = cell(column).text
        # Figures are not broken over lines; what names a row may be.
        rich.add_column(Text(text), justify="left" if number == 0 else "right", overflow="fold", no_wrap=False)
    for row in table.rows:
        rich.add_row(*(Text(cell(item).text, style="bold" if cell(item).strong else "") for item in row))
    console.print(rich)
    for note in table.notes:
        console.print(Text(note, style="dim"))


def _listing(listing: Listing, console: Console) -> None:
    console.print(Text(listing.summary, style="bold"))
    for where, text in listing.items:
        console.print(Text.assemble((where, "cyan"), "  ", " ".join(text.split())))
