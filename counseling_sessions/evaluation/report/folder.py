"""A report as files for a paper: each table as CSV and LaTeX, each picture as PDF and SVG, the methods, and an index."""

import re
import unicodedata
from collections.abc import Iterator

from counseling_sessions.evaluation.report.document import Block, Document, Plot, Table
from counseling_sessions.evaluation.report.latex import escaped, latex
from counseling_sessions.evaluation.report.methods import methods_paragraph
from counseling_sessions.evaluation.report.tidy import tidy
from counseling_sessions.texts.csv_text import csv_text

INDEX, METHODS, PREVIEW = "index.csv", "methods", "preview.tex"
NAME = 80
"""Characters of a file's name at most, without its ending."""


def paper_files(document: Document) -> dict[str, bytes]:
    """The files by name, the index first. The same report gives the same bytes, but for what `made` says of its time."""
    lines: list[tuple[str, str, str, str]] = []
    files: dict[str, bytes] = {}
    tables: list[str] = []
    pictures: list[tuple[str, str]] = []
    for name, section, block in _named(document):
        made = _files(name, block)
        files |= made
        kind = "table" if isinstance(block, Table) else "picture"
        caption = block.caption if isinstance(block, Table | Plot) else ""
        lines += [(file, kind, section, caption) for file in made]
        if isinstance(block, Table):
            tables.append(name)
        else:
            pictures.append((name, caption))
    if paragraph := methods_paragraph(document):
        files |= {f"{METHODS}.txt": f"{paragraph}\n".encode(), f"{METHODS}.tex": f"{escaped(paragraph)}\n".encode()}
        lines += [(f"{METHODS}{ending}", "methods", "", document.title) for ending in (".txt", ".tex")]
    files[PREVIEW] = _preview(document.title, tables, pictures, methods=bool(paragraph)).encode()
    lines.append((PREVIEW, "all of it on paper", "", document.title))
    return {INDEX: csv_text(("file", "kind", "section", "caption"), lines).encode()} | files


def _named(document: Document) -> Iterator[tuple[str, str, Block]]:
    """Tables and pictures with a name each, which does not depend on how many there are, and the section's title."""
    taken: set[str] = set()
    for section in document.sections:
        for block in section.blocks:
            if isinstance(block, Table | Plot):
                name = wanted = _slug(f"{section.title} {block.name or block.caption.partition(';')[0]}")
                number = 1
                while name in taken:
                    number += 1
                    name = f"{wanted}-{number}"
                taken.add(name)
                yield name, section.title, block


def _slug(text: str) -> str:
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]+", "-", plain)[:NAME].strip("-") or "table"


def _files(name: str, block: Block) -> dict[str, bytes]:
    if isinstance(block, Table):
        return {
            f"{name}.csv": tidy(block).encode(errors="replace"),
            f"{name}.tex": latex(block, name).encode(errors="replace"),
        }
    return {f"{name}.pdf": block.draw("pdf"), f"{name}.svg": block.draw("svg")} if isinstance(block, Plot) else {}


def _preview(title: str, tables: list[str], pictures: list[tuple[str, str]], *, methods: bool) -> str:
    """A document that shows all the others: to look at, and to copy from."""
    body = [r"\input{methods.tex}", ""] if methods else []
    for name in tables:
        body += [rf"\input{{{name}.tex}}", r"\clearpage"]
    for name, caption in pictures:
        body += [
            r"\begin{figure}[htbp]",
            r"\centering",
            rf"\includegraphics[width=\linewidth]{{{name}.pdf}}",
            rf"\caption{{{escaped(caption)}}}",
            rf"\label{{fig:{name}}}",
            r"\end{figure}",
            r"\clearpage",
        ]
    head = [
        r"\documentclass[a4paper,10pt]{article}",
        r"\usepackage[T1]{fontenc}",
        r"\usepackage[margin=15mm,landscape]{geometry}",
        r"\usepackage{booktabs,graphicx}",
        r"\begin{document}",
        rf"\section*{{{escaped(title)}}}",
    ]
    return "\n".join([*head, *body, r"\end{document}", ""])
