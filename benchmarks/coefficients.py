"""Whether intervals of agreement keep their word: simulated ratings of which the true coefficients are known.

    python benchmarks/coefficients.py [--studies 200]

Three raters score sessions on 0 to 6, some of them more severely; printed is how often the 95 % intervals of intraclass correlations
hold the value of a study of 4,000 clients with these raters, and those of alpha and AC2 likewise, by clients and sessions a client.
Then raters are drawn anew in every study, and the value is that of all raters. ± is the Monte Carlo standard error.
"""

import argparse
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1]))

from counseling_sessions.evaluation.statistics.agreement import Rating, gwet_ac, krippendorff_alpha, ratings_table
from counseling_sessions.evaluation.statistics.intervals import Figure, Floats
from counseling_sessions.evaluation.statistics.variance import g_study, intraclass

VARIANCES = {"milder": (1.0, 0.25, 0.65), "more severe": (2.0, 0.5, 0.3)}
"""Of clients, of raters' severity, and of the residual."""
DRAWN: dict[str, Callable[[np.random.Generator, tuple[int, ...]], Floats]] = {
    "normal": lambda random, size: random.normal(0, 1, size),
    "heavy tails": lambda random, size: random.standard_t(5, size) / np.sqrt(5 / 3),
    "exponential": lambda random, size: random.exponential(1, size) - 1,
}
"""How clients and residuals are distributed, with a variance of 1; raters are normal."""
SEVERITY = np.array([-0.5, 0.0, 0.5])
NAMES = ("ICC(A,1)", "ICC(A,3)", "ICC(C,1)", "Phi of 5", "alpha", "AC2")


def figures(random: np.random.Generator, clients: int, sessions: int) -> list[Figure]:
    """The coefficients of one study: half of the variance of sessions is their clients'."""
    truth = np.repeat(random.normal(0, 0.7, clients), sessions) + random.normal(0, 0.7, clients * sessions)
    scores = np.clip(np.round(3 + truth[:, None] + SEVERITY + random.normal(0, 0.8, (len(truth), 3))), 0, 6)
    ratings = [
        Rating(f"{unit:05}", f"{rater}", float(score), f"{unit // sessions:05}")
        for (unit, rater), score in np.ndenumerate(scores)
    ]
    points = [float(point) for point in range(7)]
    named, ordered = ratings_table(ratings, "interval"), ratings_table(ratings, "ordinal", categories=points)
    computed = intraclass(named)
    kinds = (computed.agreement, computed.agreement_of_mean, computed.consistency)
    return [*kinds, g_study(named).dependability[5], krippendorff_alpha(named), gwet_ac(ordered)]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--studies", type=int, default=200)
    studies = parser.parse_args().studies
    print("clients x sessions  " + "  ".join(f"{name:>8}" for name in NAMES))
    for clients, sessions in ((10, 1), (10, 2), (20, 2), (40, 1)):
        true = [one.value or 0 for one in figures(np.random.default_rng(99), 4000, sessions)]
        held = np.zeros(len(NAMES))
        for number in range(studies):
            computed = figures(np.random.default_rng(number), clients, sessions)
            held += [
                one.low is not None and one.low <= value <= (one.high or 0)
                for one, value in zip(computed, true, strict=True)
            ]
        print(f"{clients:7} x {sessions:8}  " + "  ".join(f"{share:8.1%}" for share in held / studies))
    other_raters(studies)


def other_raters(studies: int) -> None:
    """How often intervals hold what is true of all raters, with one session a client."""
    print("\nraters like these             clients x raters   ICC(A,1)         ICC(A,k)         Phi of 5")
    for (name, of), (kind, parts) in ((one, other) for one in DRAWN.items() for other in VARIANCES.items()):
        for clients, raters in ((10, 3), (10, 10), (20, 3), (20, 5), (20, 10), (50, 3), (50, 10)):
            random, held = np.random.default_rng(clients + raters), np.zeros(3)
            true = [parts[0] / (parts[0] + (parts[1] + parts[2]) / asked) for asked in (1, raters, 5)]
            for _ in range(studies):
                computed = of_drawn_raters(random, of, parts, clients, raters)
                held += [(one.low or 0) <= value <= (one.high or 0) for one, value in zip(computed, true, strict=True)]
            shares = (f"{share:.1%} ± {np.sqrt(share * (1 - share) / studies):.1%}" for share in held / studies)
            print(f"{name:12}  {kind:12} {clients:9} x {raters:6}   " + "   ".join(f"{share:14}" for share in shares))


def of_drawn_raters(
    random: np.random.Generator,
    of: Callable[[np.random.Generator, tuple[int, ...]], Floats],
    variances: tuple[float, float, float],
    clients: int,
    raters: int,
) -> list[Figure]:
    truth, severity, residual = np.sqrt(variances)
    scores = truth * of(random, (clients, 1)) + severity * random.normal(size=raters)
    scores = scores + residual * of(random, (clients, raters))
    table = ratings_table(
        (
            Rating(f"{unit:03}", f"{rater}", float(score), f"{unit:03}")
            for (unit, rater), score in np.ndenumerate(scores)
        ),
        "interval",
    )
    computed = intraclass(table)
    return [computed.agreement, computed.agreement_of_mean, g_study(table).dependability[5]]


if __name__ == "__main__":
    main()
