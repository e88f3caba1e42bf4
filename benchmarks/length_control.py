"""How well the length-controlled win rate holds, in simulated studies: `python benchmarks/length_control.py [--studies 150]`.

Two methods on the same clients, three sessions each. The first method's sessions are longer by a number of standard deviations of a
session's length. Four judges: one counts words, one sees quality alone, one sees both, one answers by chance. The table shows the plain
and the length-controlled win rate, their true values, how often the 95 % interval of the controlled one holds its true value, and the
Monte Carlo error (standard error) of that share.
"""

import argparse
from collections.abc import Callable

import numpy as np
from scipy.stats import norm

from counseling_sessions.evaluation.statistics.length_control import SizedAnswer, length_control

SESSIONS = 3
WORDS, SPREAD, QUALITY, CLIENT = 800, 150, 0.5, 0.5
"""Mean and standard deviation of a session's words; quality difference between sessions with sd 1, that between clients' means."""

Judge = Callable[[float, float, np.random.Generator], float]
"""From the differences in quality and in length (in standard deviations) to the point."""

JUDGES: dict[str, tuple[Judge, float]] = {
    "counts words": (lambda quality, length, rng: (np.sign(length) + 1) / 2, 0.5),
    "sees quality": (lambda quality, length, rng: float(quality > 0), norm.cdf(QUALITY / np.hypot(1, CLIENT))),
    "sees both": (lambda quality, length, rng: float(quality + length > 0), norm.cdf(QUALITY / np.hypot(1, CLIENT))),
    "by chance": (lambda quality, length, rng: rng.choice([0, 0.5, 1]), 0.5),
}
"""Judges, and the win rates that are true of them at equal length."""


def answers(judge: Judge, clients: int, longer: float, rng: np.random.Generator) -> list[SizedAnswer]:
    listed = []
    for client in range(clients):
        mean = rng.normal(QUALITY, CLIENT)
        for number in range(SESSIONS):
            words = rng.normal(WORDS, SPREAD, 2).round() + np.array([longer * SPREAD, 0])
            point = judge(rng.normal(mean, 1), (words[0] - words[1]) / SPREAD, rng)
            listed.append(SizedAnswer(f"{client} {number}", str(client), "judge", point, *map(int, words)))
    return listed


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--studies", type=int, default=150)
    studies = parser.parse_args().studies
    print("judge         clients longer   plain   true  controlled  sd    holds            no figure")
    for name, (judge, true) in JUDGES.items():
        for clients, longer in ((10, 0.5), (20, 0.5), (20, 1.0), (40, 1.0)):
            rng = np.random.default_rng(0)
            results = [length_control(answers(judge, clients, longer, rng)) for _ in range(studies)]
            shown = [item.controlled for item in results if item.controlled.value is not None]
            held = np.mean([item.low is not None and item.low <= true <= (item.high or 1) for item in shown])
            values = np.array([item.value for item in shown])
            error = np.sqrt(held * (1 - held) / len(shown))
            plain = np.mean([item.rate.value for item in results])
            print(
                f"{name:13} {clients:7} {longer:6.1f} {plain:7.3f} {true:6.3f} {values.mean():11.3f}  {values.std():.3f}"
                f" {100 * held:5.1f} ± {100 * error:.1f} %  {studies - len(shown):6}"
            )


if __name__ == "__main__":
    main()
