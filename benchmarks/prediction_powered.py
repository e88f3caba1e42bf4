"""Whether prediction-powered intervals keep their word: simulated studies in which few sessions have people's scores.

    python benchmarks/prediction_powered.py [--studies 2000]

Two groups of sessions share their clients, each with two sessions a group, or with unequal numbers. People rate the sessions of some
clients; the judge scores all. Printed: how often the 95 % intervals hold the true mean and the true difference (± the Monte Carlo
standard error), and how wide they are beside people's alone.
"""

import argparse
import sys
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1]))

from counseling_sessions.evaluation.statistics.prediction_powered import Predicted, powered_difference, powered_mean

TRUE = {"first": 3.5, "second": 3.0}
SPREADS = {"two": (2,), "one of ten times": (20, *(2,) * 9), "1 to 20": (1, 1, 2, 2, 3, 4, 6, 8, 12, 20)}
"""Sessions a group of the clients whom people rated, again and again; other clients have two."""


def study(
    random: np.random.Generator, clients: int, rated: int, noise: float, sizes: tuple[int, ...]
) -> dict[str, list[Predicted]]:
    """A study with a judge who is 0.7 too generous, and off by `noise` (standard deviation)."""
    client = random.normal(0, 0.6, clients)
    rows: dict[str, list[Predicted]] = {group: [] for group in TRUE}
    sessions = [sizes[number % len(sizes)] if number < rated else 2 for number in range(clients)]
    listed = [(at, group) for at, size in enumerate(sessions) for group in TRUE for _ in range(size)]
    for number, group in listed:
        score = TRUE[group] + client[number] + random.normal(0, 0.6)
        judge = score * 0.8 + 0.7 + 0.6 + random.normal(0, noise)
        people = score + random.normal(0, 0.3) if number < rated else None
        rows[group].append(Predicted(f"{number:03}", float(judge), people))
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--studies", type=int, default=2000)
    studies = parser.parse_args().studies
    print(
        "clients, rated, noise, sessions            mean held  people's held  width/people's   difference held  weight"
    )
    for clients, rated, noise, spread in (
        (60, 6, 0.4, "two"),
        (60, 10, 0.4, "two"),
        (60, 10, 2.0, "two"),
        (60, 20, 0.4, "two"),
        (200, 30, 0.4, "two"),
        (200, 30, 2.0, "two"),
        (60, 6, 0.4, "one of ten times"),
        (60, 10, 0.4, "one of ten times"),
        (60, 10, 2.0, "one of ten times"),
        (60, 20, 0.4, "one of ten times"),
        (60, 10, 0.4, "1 to 20"),
        (60, 10, 2.0, "1 to 20"),
    ):
        random = np.random.default_rng(clients + rated)
        held = np.zeros((studies, 3))
        widths, weights = np.zeros(studies), np.zeros(studies)
        for number in range(studies):
            rows = study(random, clients, rated, noise, SPREADS[spread])
            first, second = (powered_mean(rows[group]) for group in TRUE)
            apart = powered_difference(first, second)
            wanted = ((first.powered, 3.5), (first.people, 3.5), (apart, 0.5))
            held[number] = [(one.low or 0) <= true <= (one.high or 0) for one, true in wanted]
            people = (first.people.high or 0) - (first.people.low or 0)
            widths[number] = ((first.powered.high or 0) - (first.powered.low or 0)) / people
            weights[number] = first.weight
        mean, alone, difference = (
            f"{share:.1%} ± {np.sqrt(share * (1 - share) / studies):.1%}" for share in held.mean(axis=0)
        )
        print(f"{clients:7} {rated:6} {noise:6}  {spread:16} {mean:>15}  {alone:>13}  {widths.mean():14.2f}", end="")
        print(f"   {difference:>15}  {weights.mean():.2f}")


if __name__ == "__main__":
    main()
