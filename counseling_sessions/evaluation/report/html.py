"""A report as one page that needs nothing else: no network, no script, light and dark, fit for print."""

from html import escape
from importlib.resources import files

from counseling_sessions.evaluation.report.behind import behind
from counseling_sessions.evaluation.report.document import (
    IN_WORDS,
    Block,
    Cell,
    Document,
    Listing,
    Plot,
    Section,
    Table,
    cell,
)
from counseling_sessions.evaluation.report.methods import methods_section


def html(document: Document) -> str:
    """The page."""
    style = (files("counseling_sessions.evaluation.report") / "page" / "report.css").read_text(encoding="utf-8")
    sections = {f"s{n}": section for n, section in enumerate((*document.sections, *methods_section(document)), 1)}
    contents = "".join(f'<li><a href="#{name}">{escape(section.title)}</a></li>' for name, section in sections.items())
    body = "\n".join(_section(name, section) for name, section in sections.items())
    caution = f"<p class=caution>{escape(document.caution)}</p>" if document.caution else ""
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
<p>{escape(document.subtitle)}</p>{caution}
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
    blocks = "\n".join(_block(f"{name}-{number}", block) for number, block in enumerate(section.blocks, 1))
    return f'<section id="{name}"><h2>{escape(section.title)}</h2>{paragraphs}\n{blocks}</section>'


def _block(name: str, block: Block) -> str:
    match block:
        case Table():
            return _table(name, block)
        case Plot():
            # The picture is described in words; its own marks say nothing to a screen reader.
            return (
                f'<figure><div class=wide tabindex="0" role="img" aria-label="{escape(block.text, quote=True)}">{block.svg}'
                f"</div><figcaption>{escape(block.caption)}</figcaption></figure>"
            )
        case Listing():
            items = "".join(
                f"<li><code>{escape(where)}</code> <span>{escape(text)}</span></li>" for where, text in block.items
            )
            return f"<details><summary>{escape(block.summary)}</summary><ul>{items}</ul></details>"


def _table(name: str, table: Table) -> str:
    words = [number > 0 and table.is_text(number) for number in range(len(table.columns))]
    classes = ["class=words" if is_text else "" for is_text in words]
    head = "".join(
        f'<th scope="col" {kind}>{_text(cell(column))}</th>'
        for column, kind in zip(table.columns, classes, strict=True)
    )
    rows = []
    for row in table.rows:
        first, *figures = (cell(item) for item in row)
        inner = "".join(f"<td {kind}>{_text(item)}</td>" for item, kind in zip(figures, classes[1:], strict=True))
        rows.append(f'<tr><th scope="row">{_text(first)}</th>{inner}</tr>')
    notes = "".join(f"<p class=note>{escape(note)}</p>" for note in table.all_notes)
    kind = "" if any(cell(column).text for column in table.columns) else " class=facts"
    # The caption stands outside: inside, a wide table would take it along when it is scrolled, or cut it off.
    caption = f'<p class=caption id="{name}">{escape(table.caption)}</p>' if table.caption else ""
    label = f'aria-labelledby="{name}"' if table.caption else 'aria-label="table"'
    return (
        f'<div class=block>{caption}<div class=wide tabindex="0" role="region" {label}><table{kind} {label}>'
        f"<thead><tr>{head}</tr></thead><tbody>{''.join(rows)}</tbody></table></div>{notes}{_behind(table)}</div>"
    )


def _behind(table: Table) -> str:
    """What stands behind the figures, to be opened by finger or key; a print shows it."""
    items = "".join(f"<dt>{escape(cells)}</dt><dd>{escape(detail)}</dd>" for cells, detail in behind(table))
    of = f"<span class=unseen> of {escape(table.caption)}</span>" if table.caption else ""
    return f"<details class=behind><summary>Behind the figures{of}</summary><dl>{items}</dl></details>" if items else ""


def _text(item: Cell) -> str:
    text = f"<strong>{escape(item.text)}</strong>" if item.strong else escape(item.text)
    if item.better:
        arrow = item.marked.removeprefix(item.text)
        text += f"<span aria-hidden=true>{arrow}</span><span class=unseen> ({IN_WORDS[item.better]})</span>"
    return text
