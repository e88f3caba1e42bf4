"""Are planned studies as good as their plan? Simulated studies beside the power and levels that are claimed.

    python benchmarks/planning.py [--studies 2000]

Power: studies of the planned size, tested by sign flips of clients. Levels: how often tests reject what is true (5 % is meant): two
groups without partners that do not differ, a difference that is the same at every attitude, a difference that lies on its margin.
"""

import argparse
import sys
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

import numpy as np
from rich.console import Console
from rich.table import Table

from benchmarks.counting import rate, rejects
from counseling_sessions.evaluation.statistics.crossed import population
from counseling_sessions.evaluation.statistics.equivalence import equivalence
from counseling_sessions.evaluation.statistics.moderation import moderation
from counseling_sessions.evaluation.statistics.power import (
    AnswerSpread,
    DifferenceSpread,
    clients_needed,
    equivalence_power,
    paired_power,
    panel_power,
)
from counseling_sessions.evaluation.statistics.sign_flips import PValue, sign_flip_test
from counseling_sessions.evaluation.statistics.unpaired import unpaired_difference

PLANS = (
    (0.4, DifferenceSpread(0.5, 1.2), 3),
    (0.8, DifferenceSpread(0.5, 1.2), 1),
    (1.5, DifferenceSpread(0.3, 1.0), 1),
    (0.3, DifferenceSpread(0.0, 0.5), 2),
)
"""A difference, its spread, and pairs a client."""
PANELS = (
    (0.65, AnswerSpread(0.05, 0.1, 0.1, 0.2), 3, 20, 3),
    (0.65, AnswerSpread(0.1, 0.1, 0.1, 0.2), 5, 20, 3),
    (0.6, AnswerSpread(0.1, 0.1, 0.1, 0.2), 10, 20, 3),
    (0.6, AnswerSpread(0.02, 0.1, 0.2, 0.2), 10, 40, 1),
    (0.5, AnswerSpread(0.1, 0.1, 0.1, 0.2), 5, 20, 3),
)
"""A win rate, how raters and clients vary, raters, clients, and pairs a client."""
Drawn = list[tuple[str, float]]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--studies", type=int, default=2000)
    studies = parser.parse_args().studies
    console = Console(width=110)
    console.print(powers(studies), "", panel_powers(studies), "", levels(studies))


def drawn(
    rng: np.random.Generator, shift: float, spread: DifferenceSpread, clients: int, pairs: int, name: str = "c"
) -> Drawn:
    """The differences of a simulated study."""
    effects = shift + rng.normal(0, spread.client, clients)
    values = effects[:, None] + rng.normal(0, spread.pair, (clients, pairs))
    return [(f"{name}{client}", float(value)) for (client, _), value in np.ndenumerate(values)]


def powers(studies: int) -> Table:
    """The planned power beside the share of simulated studies that find the difference."""
    table = Table(
        "plan", "clients", "planned", f"in {studies:,} studies", title="Power, per cent ± Monte Carlo standard error"
    )
    rng = np.random.default_rng(1)
    for shift, spread, pairs in PLANS:
        sd = spread.of_mean(pairs)
        clients = clients_needed(lambda count, shift=shift, sd=sd: paired_power(shift, sd, count), 0.8) or 0
        hits = [rejects(sign_flip_test(drawn(rng, shift, spread, clients, pairs)).value) for _ in range(studies)]
        table.add_row(
            f"difference {shift}, {pairs} a client",
            str(clients),
            f"{100 * paired_power(shift, sd, clients):.1f}",
            rate(hits),
        )
    for margin in (0.5, 1.0):
        clients = clients_needed(lambda count, margin=margin: equivalence_power(margin, 0, 1.0, count), 0.8) or 0
        hits = [
            rejects(equivalence(drawn(rng, 0, DifferenceSpread(1.0, 0.0), clients, 1), margin).test.value)
            for _ in range(studies)
        ]
        planned = f"{100 * equivalence_power(margin, 0, 1.0, clients):.1f}"
        table.add_row(f"alike within {margin}", str(clients), planned, rate(hits))
    return table


def panel_powers(studies: int) -> Table:
    """The same for preferences, for raters like these: answers are won, tied or lost around each rater's and client's rate."""
    table = Table("plan", "clients", "planned", f"in {studies:,} studies", title="Preferences: power, per cent")
    rng = np.random.default_rng(3)
    for rate_, panel, raters, clients, pairs in PANELS:
        hits = []
        for _ in range(studies):
            of_clients = rng.normal(0, panel.client, (clients, 1)) + rng.normal(0, panel.pair, (clients, pairs))
            rates = rate_ + rng.normal(0, panel.rater, (raters, 1, 1)) + of_clients
            won = np.clip(rates - panel.ties / 2, 0, 1 - panel.ties)
            drawn_ = rng.random((raters, clients, pairs))
            points = np.where(drawn_ < won, 1.0, np.where(drawn_ < won + panel.ties, 0.5, 0.0))
            answers = [(f"c{c}", f"r{r}", float(value)) for (r, c, _), value in np.ndenumerate(points)]
            hits.append(rejects(population(answers).test.value))
        planned = f"{100 * panel_power(rate_, panel, raters, clients, pairs):.1f}"
        table.add_row(
            f"win rate {rate_}, {raters} raters, {pairs} a client, raters' sd {panel.rater}",
            str(clients),
            planned,
            rate(hits),
        )
    return table


def levels(studies: int) -> Table:
    """How often a test rejects although nothing is there."""
    spread = DifferenceSpread(0.5, 1.0)
    cases: dict[str, Callable[[np.random.Generator], PValue]] = {
        f"unpaired, {few} and {many} clients": lambda rng, few=few, many=many: (
            unpaired_difference(drawn(rng, 0, spread, few, 3), drawn(rng, 0, spread, many, 2, "d")).test
        )
        for few, many in ((5, 5), (6, 30), (20, 20))
    }
    for clients in (6, 12):
        cases[f"by attitude, {clients} clients"] = lambda rng, clients=clients: (
            moderation(
                [
                    (client, "xyz"[number % 3], value)
                    for number, (client, value) in enumerate(drawn(rng, 0.5, spread, clients, 3))
                ]
            ).test
        )
        cases[f"difference on its margin, {clients} clients"] = lambda rng, clients=clients: (
            equivalence(drawn(rng, 0.6, spread, clients, 2), 0.6).test
        )
    table = Table("test", "rejects, per cent", title="False rejections at .05")
    for name, case in cases.items():
        rng = np.random.default_rng(2)
        table.add_row(name, rate([rejects(case(rng).value) for _ in range(studies)]))
    return table


if __name__ == "__main__":
    main()
