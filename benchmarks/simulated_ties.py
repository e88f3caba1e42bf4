"""Whether sign flips are right where sums tie: scores in thirds and wins minus losses, against counts in whole numbers."""

import numpy as np
from numpy.typing import NDArray
from rich.table import Table

from benchmarks.counting import rate, rejects, shown
from counseling_sessions.evaluation.statistics.sign_flips import EXACT_UP_TO, sign_flip_test

CLIENTS = (6, 8, 10, 12, 14, 20, 30, 60)


def ties(studies: int) -> Table:
    """How often p differs from the exact one, and how often it rejects what is true, on data that tie."""
    columns: dict[str, dict[str, str]] = {}
    for clients in CLIENTS:
        rng, cells = (
            np.random.default_rng(4),
            columns.setdefault(f"{clients} clients{', drawn' * (clients > EXACT_UP_TO)}", {}),
        )
        for name, parts in (("means of three ratings", 3), ("wins minus losses", 1)):
            wrong, false = [], []
            for _ in range(studies):
                wholes = rng.integers(-4, 5, (clients, 3)) if parts == 3 else rng.integers(-1, 2, (clients, 6))
                p = sign_flip_test(
                    (str(client), float(n) / parts) for client, row in enumerate(wholes) for n in row
                ).value
                wrong.append(p is None or abs(p - exact(wholes.sum(axis=1))) > 1e-12)
                false.append(rejects(p))
            cells[f"{name}: p is not the exact one"] = rate(wrong)
            cells[f"{name}: rejects"] = rate(false)
    return shown(f"sign flips on sums that tie, no difference: per cent of {studies:,} studies", "", columns)


def exact(sums: NDArray[np.int64]) -> float:
    """The exact p value of whole sums, from how many patterns of signs reach each whole number."""
    reach = int(np.abs(sums).sum())
    ways = [0] * (2 * reach + 1)
    ways[reach] = 1
    for size in map(int, sums):
        ways = [
            (ways[at - size] if 0 <= at - size < len(ways) else 0)
            + (ways[at + size] if 0 <= at + size < len(ways) else 0)
            for at in range(len(ways))
        ]
    observed = abs(int(sums.sum()))
    return sum(count for at, count in enumerate(ways) if abs(at - reach) >= observed) / 2 ** len(sums)
