"""How tests of a mean err where differences are skewed: sign flips, bootstrap t, and likeness of what lies on its margin."""

from collections.abc import Callable

import numpy as np
from rich.table import Table

from benchmarks.counting import rate, rejects, shown
from benchmarks.simulation import Array
from counseling_sessions.evaluation.statistics.bootstrap_t import bootstrap_t_test
from counseling_sessions.evaluation.statistics.equivalence import equivalence
from counseling_sessions.evaluation.statistics.sign_flips import sign_flip_test

CLIENTS = (6, 10, 20, 50)
MARGIN = 3.0
"""In standard deviations: so wide that the test against its far end always rejects."""
LARGE = 0.8
"""A shift in standard deviations of a difference, at 10 clients; as hard to find at other numbers of them."""


def _mixture(rng: np.random.Generator, size: int) -> Array:
    away = rng.random(size) < 0.1
    return np.asarray((rng.normal(0, 1, size) + np.where(away, 3.0, 0.0) - 0.3) / np.sqrt(1.81), dtype=np.float64)


DIFFERENCES: dict[str, Callable[[np.random.Generator, int], Array]] = {
    "normal": lambda rng, size: rng.normal(0, 1, size),
    "symmetrical, ties": lambda rng, size: np.round(rng.normal(0, 1.5, size)) / 1.53,
    "mixture": _mixture,
    "exponential": lambda rng, size: rng.exponential(1, size) - 1,
    "lognormal": lambda rng, size: (rng.lognormal(0, 1, size) - np.exp(0.5)) / np.sqrt((np.e - 1) * np.e),
}
"""One difference a client, with a mean of 0 and a standard deviation of 1."""


def skewed(studies: int) -> Table:
    """How often tests reject a mean of 0, call alike what lies on the margin, and find a difference that there is."""
    columns: dict[str, dict[str, str]] = {}
    for clients in CLIENTS:
        cells = columns.setdefault(f"{clients} clients", {})
        for name, of in DIFFERENCES.items():
            rng, hits = np.random.default_rng(5), dict[str, list[bool]]()
            for _ in range(studies):
                values = of(rng, clients)
                for what, hit in decisions(values, LARGE * np.sqrt(10 / clients)).items():
                    hits.setdefault(what, []).append(hit)
            cells |= {f"{name}: {what}": rate(found) for what, found in hits.items()}
    title = f"one difference a client: per cent that reject at .05; power for {LARGE} (10 clients) standard deviations"
    return shown(title, "", columns)


def decisions(values: Array, shift: float) -> dict[str, bool]:
    """What the tests say of differences with a mean of 0, of the same on a margin, and of the same moved by `shift`."""
    null, real = rows(values), rows(values + shift)
    on_margin = rows(MARGIN + values)  # its long tail points away from the margin
    return {
        "none, sign flips": rejects(sign_flip_test(null).value),
        "none, bootstrap t": rejects(bootstrap_t_test(null).value),
        "on the margin, sign flips": rejects(
            sign_flip_test(((name, MARGIN - value) for name, value in on_margin), greater=True).value
        ),
        "on the margin, likeness": rejects(equivalence(on_margin, MARGIN).test.value),
        "power, sign flips": rejects(sign_flip_test(real).value),
        "power, bootstrap t": rejects(bootstrap_t_test(real).value),
    }


def rows(values: Array) -> list[tuple[str, float]]:
    return [(f"{client:03}", float(value)) for client, value in enumerate(values)]
