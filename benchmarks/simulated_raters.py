"""How often a win rate misleads when raters have tastes: the result for these raters, and the one for raters like these."""

import numpy as np
from rich.table import Table

from benchmarks.counting import holds, rate, rejects, shown
from benchmarks.simulation import SHIFT, Design, seen, simulated, true_typical_rate
from counseling_sessions.evaluation.statistics.crossed import RaterPoint, population
from counseling_sessions.evaluation.statistics.sign_flips import sign_flip_test

DESIGNS = (Design(20, 1, 0), Design(30, 2, 0))
RATERS, TASTES = (3, 5, 10), (0.0, 0.3, 0.6, 1.0)


def tastes(studies: int) -> Table:
    """How often tests reject, and the interval holds, by the number of raters and how far their tastes differ."""
    columns: dict[str, dict[str, str]] = {}
    for design in DESIGNS:
        rng = np.random.default_rng(5)
        for raters in RATERS:
            for taste in TASTES:
                row = f"{design.name}: {raters} raters, sd {taste:.1f}"
                for what, hits in counted(design, raters, taste, studies, rng).items():
                    columns.setdefault(what, {})[row] = rate(hits)
    title = f"raters with tastes: per cent of {studies:,} studies in which the test rejects, or the interval holds the true rate"
    return shown(title, "", columns)


def counted(design: Design, raters: int, taste: float, studies: int, rng: np.random.Generator) -> dict[str, list[bool]]:
    truth = true_typical_rate(SHIFT, taste)
    hits: dict[str, list[bool]] = {}
    for _ in range(studies):
        none, small, large = (answers(design, shift, raters, taste, rng) for shift in (0, SHIFT, 2 * SHIFT))
        these = sign_flip_test((client, 2 * point - 1) for client, _, point in none)
        wide = population(small)
        by_question = {
            "none: these raters": rejects(these.value),
            "none: raters like these": rejects(population(none).test.value),
            f"{SHIFT}: raters like these": rejects(wide.test.value),
            f"{2 * SHIFT}: raters like these": rejects(population(large).test.value),
            f"{SHIFT}: interval holds": holds(wide.rate, truth),
        }
        for what, hit in by_question.items():
            hits.setdefault(what, []).append(hit)
    return hits


def answers(design: Design, shift: float, raters: int, taste: float, rng: np.random.Generator) -> list[RaterPoint]:
    """Clients, raters and points of one study."""
    study = simulated(design, shift, rng)
    points = seen(study, rng, rng.normal(0, taste, raters))
    rater, client = np.indices(points.shape)[:2].reshape(2, -1).astype(str).tolist()
    return list(zip(client, rater, points.ravel().tolist(), strict=True))
