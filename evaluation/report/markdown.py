"""A report as Markdown, for a README, a paper's appendix or a card."""

from evaluation.report.document import Document, Listing, Table, cell

LISTED = 20
"""Items of a listing that Markdown shows; the page has all of them."""


def markdown(document: Document) -> str:
    """The report without its plots, which the page has."""
    parts = [f"# {document.title}"]
    if document.subtitle:
        parts.append(_plain(document.subtitle))
    for section in document.sections:
        parts.append(f"## {section.title}")
        parts += [_plain(paragraph) for paragraph in section.paragraphs]
        for block in section.blocks:
            if isinstance(block, Table):
                parts += _table(block)
            elif isinstance(block, Listing):
                parts.append(_listing(block))
    return "\n\n".join(part for part in parts if part) + "\n"


def _table(table: Table) -> list[str]:
    columns = [_cell(cell(column).text) for column in table.columns]
    lines = ["| " + " | ".join(columns) + " |", "| --- " + "| ---: " * (len(columns) - 1) + "|"]
    for row in table.rows:
        texts = [f"**{_cell(cell(item).text)}**" if cell(item).strong else _cell(cell(item).text) for item in row]
        lines.append("| " + " | ".join(texts) + " |")
    return [
        f"*{_plain(table.caption)}*" if table.caption else "",
        "\n".join(lines),
        *(_plain(note) for note in table.notes),
    ]


def _listing(listing: Listing) -> str:
    lines = [f"- {_code(where)} {_plain(text)}" for where, text in listing.items[:LISTED]]
    if len(listing.items) > LISTED:
        lines.append(f"- … and {len(listing.items) - LISTED} more")
    return "\n".join([f"**{_plain(listing.summary)}**", "", *lines])


def _code(text: str) -> str:
    return "`" + text.replace("`", "'") + "`"


def _cell(text: str) -> str:
    return _plain(text).replace("|", "\\|")


def _plain(text: str) -> str:
    """Text of a session in one line, which Markdown takes for text."""
    text = " ".join(text.split())
    return "".join(f"\\{c}" if c in "\\`*_<>[]#" else c for c in text)
