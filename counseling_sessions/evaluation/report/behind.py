"""What stands behind the figures of a table, said once for all the cells that share it."""

from collections import defaultdict

from counseling_sessions.evaluation.report.document import Table, cell

MANY = 4
"""Cells that share what stands behind them are not named one by one from so many on, if no other share is larger."""
OTHERS = "all figures but those below"


def behind(table: Table) -> list[tuple[str, str]]:
    """Pairs of cells in words and what stands behind them: heads, rows, what most figures share, and the others in their order."""
    said: list[tuple[str, str]] = [
        (cell(column).text or "the rows", cell(column).detail) for column in table.columns if cell(column).detail
    ]
    names = table.row_names
    said += [(name, cell(row[0]).detail) for name, row in zip(names, table.rows, strict=True) if cell(row[0]).detail]
    by_detail: dict[str, dict[int, list[int]]] = defaultdict(lambda: defaultdict(list))
    for place, row in enumerate(table.rows):
        for column, item in enumerate(row[1:], 1):
            if detail := cell(item).detail:
                by_detail[detail][place].append(column)
    sizes = {detail: sum(map(len, of.values())) for detail, of in by_detail.items()}
    commonest = max(sizes, key=lambda detail: sizes[detail], default="")
    if sizes.get(commonest, 0) >= MANY:
        said.append(("all figures" if len(sizes) == 1 else OTHERS, commonest))
        by_detail.pop(commonest)
    return said + [(_named(table, names, cells), detail) for detail, cells in by_detail.items()]


def _named(table: Table, names: tuple[str, ...], cells: dict[int, list[int]]) -> str:
    """These cells in words: rows in which the same columns are meant stand together."""
    rows: dict[tuple[int, ...], list[str]] = defaultdict(list)
    for place, columns in cells.items():
        rows[tuple(columns)].append(names[place])
    parts = []
    for meant, of in rows.items():
        heads = [cell(table.columns[column]).text for column in meant]
        parts.append(f"{'; '.join(of)} ({', '.join(heads)})" if any(heads) else "; ".join(of))
    return "; ".join(parts)
