"""A report as Markdown, for a README, a paper's appendix or a card."""

from counseling_sessions.evaluation.report.behind import behind
from counseling_sessions.evaluation.report.document import Cell, Document, Listing, Table
from counseling_sessions.evaluation.report.document import cell as cell_of
from counseling_sessions.evaluation.report.methods import methods_section
from counseling_sessions.texts.markdown import cell, code, plain

LISTED = 20
"""Items of a listing that Markdown shows; the page has all of them."""


def markdown(document: Document) -> str:
    """The report without its plots, which the page has."""
    parts = [f"# {plain(document.title)}"]
    if document.subtitle:
        parts.append(plain(document.subtitle))
    if document.caution:
        parts.append(plain(document.caution))
    for section in (*document.sections, *methods_section(document)):
        parts.append(f"## {plain(section.title)}")
        parts += [plain(paragraph) for paragraph in section.paragraphs]
        for block in section.blocks:
            if isinstance(block, Table):
                parts += _table(block)
            elif isinstance(block, Listing):
                parts.append(_listing(block))
    return "\n\n".join(part for part in parts if part) + "\n"


def _table(table: Table) -> list[str]:
    head, *rows = ["| " + " | ".join(map(_cell, row)) + " |" for row in (table.columns, *table.rows)]
    lines = [head, "| --- " + "| ---: " * (len(table.columns) - 1) + "|", *rows]
    caption = f"*{plain(table.caption)}*" if table.caption else ""
    return [caption, "\n".join(lines), *map(plain, table.all_notes), _behind(table)]


def _behind(table: Table) -> str:
    lines = [f"- {plain(cells)}: {plain(detail)}" for cells, detail in behind(table)]
    return "\n".join(["Behind the figures:", "", *lines]) if lines else ""


def _cell(item: Cell | str) -> str:
    mark = "**" if cell_of(item).strong else ""
    return f"{mark}{cell(cell_of(item).marked)}{mark}"


def _listing(listing: Listing) -> str:
    lines = [f"- {code(where)} {plain(text)}" for where, text in listing.items[:LISTED]]
    if len(listing.items) > LISTED:
        lines.append(f"- … and {len(listing.items) - LISTED} more")
    return "\n".join([f"**{plain(listing.summary)}**", "", *lines])
