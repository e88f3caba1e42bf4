"""What stands behind the figures of a table, said once for all the cells that share it."""

from collections import defaultdict

from counseling_sessions.evaluation.report.document import Table, cell


def behind(table: Table) -> list[tuple[str, str]]:
    """Pairs of cells in words and what stands behind them, in the order of the table; empty where nothing does."""
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
    everywhere = {place: columns for of in by_detail.values() for place, columns in of.items()}
    total = sum(len(columns) for of in by_detail.values() for columns in of.values())
    for detail, cells in by_detail.items():
        if total > 1 and sum(map(len, cells.values())) == total and len(everywhere) > 1:
            said.append(("all figures", detail))
        else:
            said.append((_named(table, names, cells), detail))
    return said


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
