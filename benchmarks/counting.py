"""Counts over simulated studies, with their Monte Carlo error, and how they are shown."""

import numpy as np
from rich.table import Table

from counseling_sessions.evaluation.statistics.intervals import Figure


def rate(hits: list[bool]) -> str:
    """A share in per cent and its Monte Carlo standard error; that of nothing or everything is that of one more study."""
    share, n = np.mean(hits), len(hits)
    inner = np.clip(share, 1 / (n + 1), n / (n + 1))
    return f"{100 * share:.1f} ± {100 * np.sqrt(inner * (1 - inner) / n):.1f}"


def holds(figure: Figure, truth: float) -> bool:
    return figure.low is not None and figure.high is not None and figure.low <= truth <= figure.high


def rejects(p: float | None) -> bool:
    return p is not None and p <= 0.05


def shown(title: str, first: str, columns: dict[str, dict[str, str]]) -> Table:
    table = Table(first, *columns, title=title, box=None, title_justify="left")
    for row in next(iter(columns.values())):
        table.add_row(row, *(column[row] for column in columns.values()))
    return table
