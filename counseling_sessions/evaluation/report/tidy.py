"""A table as tidy CSV: a line for each figure, with everything it rests on as data."""

from typing import Any

from counseling_sessions.evaluation.report.document import Cell, Table, cell
from counseling_sessions.texts.csv_text import csv_text

COLUMNS = (
    *("row", "column", "better", "shown", "unit", "estimate", "low", "high", "n", "clients", "missing", "interval"),
    *("test", "p", "p_corrected", "correction", "behind"),
)
"""The columns of the file. A figure in shares is within −1 and 1. `shown` is the cell as reports show it; `behind` explains it."""


def tidy(table: Table) -> str:
    """The table's cells but for empty ones, row by row, as CSV (RFC 4180: CRLF, quotes doubled), without a byte order mark."""
    heads = [cell(column) for column in table.columns]
    lines = [
        _line(name, cell(row[0]), head, item)
        for name, row in zip(table.row_names, table.rows, strict=True)
        for head, item in zip(heads[1:], map(cell, row[1:]), strict=True)
        if item.text or item.figure
    ]
    return csv_text(COLUMNS, lines)


def _line(name: str, first: Cell, head: Cell, item: Cell) -> list[Any]:
    figure, test = item.figure, item.test
    of_figure: list[Any] = (
        [figure.value, figure.low, figure.high, figure.n, figure.clients, figure.missing, figure.method]
        if figure
        else [None] * 7
    )
    of_test = [test.p.method, test.p.value, test.corrected, test.correction] if test else [None] * 4
    better = first.better or head.better
    return [name, head.text, better, item.text, item.unit, *of_figure, *of_test, item.detail]
