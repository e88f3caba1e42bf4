"""A report as one page that needs nothing else: no network, no script, light and dark, fit for print."""

from html import escape
from importlib.resources import files

from counseling_sessions.evaluation.report.document import Block, Cell, Document, Listing, Plot, Section, Table, cell


def html(document: Document) -> str:
    """The page."""
    style = (files("counseling_sessions.evaluation.report") / "page" / "report.css").read_text(encoding="utf-8")
    sections = {f"s{number}": section for number, section in enumerate(document.sections, 1)}
    contents = "".join(f'<li><a href="#{name}">{escape(section.title)}</a></li>' for name, section in sections.items())
    body = "\n".join(_section(name, section) for name, section in sections.items())
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; img-src data:">
<title>{escape(document.title)}</title>
<style>
{style}</style>
</head>
<body>
<header>
<h1>{escape(document.title)}</h1>
<p>{escape(document.subtitle)}</p>
</header>
<nav aria-label="Contents"><ol>{contents}</ol></nav>
<main>
{body}
</main>
</body>
</html>
"""


def _section(name: str, section: Section) -> str:
    paragraphs = "".join(f"<p>{escape(text)}</p>" for text in section.paragraphs)
    blocks = "\n".join(_block(block) for block in section.blocks)
    return f'<section id="{name}"><h2>{escape(section.title)}</h2>{paragraphs}\n{blocks}</section>'


def _block(block: Block) -> str:
    match block:
        case Table():
            return _table(block)
        case Plot():
            # The picture is described in words; its own marks say nothing to a screen reader.
            return (
                f'<figure role="img" aria-label="{escape(block.text, quote=True)}">{block.svg}'
                f"<figcaption>{escape(block.caption)}</figcaption></figure>"
            )
        case Listing():
            items = "".join(
                f"<li><code>{escape(where)}</code> <span>{escape(text)}</span></li>" for where, text in block.items
            )
            return f"<details><summary>{escape(block.summary)}</summary><ul>{items}</ul></details>"


def _table(table: Table) -> str:
    head = "".join(
        f'<th scope="col"{_title(cell(column))}>{escape(cell(column).text)}</th>' for column in table.columns
    )
    rows = []
    for row in table.rows:
        name, *figures = (cell(item) for item in row)
        inner = "".join(f"<td{_title(item)}>{_text(item)}</td>" for item in figures)
        rows.append(f'<tr><th scope="row"{_title(name)}>{_text(name)}</th>{inner}</tr>')
    notes = "".join(f"<p class=note>{escape(note)}</p>" for note in table.notes)
    kind = "" if any(cell(column).text for column in table.columns) else " class=facts"
    caption = f"<caption>{escape(table.caption)}</caption>" if table.caption else ""
    return (
        f'<div class=wide tabindex="0" role="region" aria-label="{escape(table.caption or "table", quote=True)}">'
        f"<table{kind}>{caption}<thead><tr>{head}</tr></thead>"
        f"<tbody>{''.join(rows)}</tbody></table></div>{notes}"
    )


def _text(item: Cell) -> str:
    return f"<strong>{escape(item.text)}</strong>" if item.strong else escape(item.text)


def _title(item: Cell) -> str:
    return f' title="{escape(item.detail, quote=True)}"' if item.detail else ""
