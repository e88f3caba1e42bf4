"""Whether intervals of agreement keep their word: simulated ratings of which the true coefficients are known.

    python benchmarks/coefficients.py [--studies 200]

Raters score sessions on 0 to 6, some of them more severely; printed is how often the 95 % intervals of the intraclass correlations hold
the value of a study of 4,000 clients, and those of alpha and AC2 likewise, by clients and sessions a client.
"""

import argparse
import sys
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1]))

from counseling_sessions.evaluation.statistics.agreement import Rating, gwet_ac, krippendorff_alpha, ratings_table
from counseling_sessions.evaluation.statistics.intervals import Figure
from counseling_sessions.evaluation.statistics.variance import g_study, intraclass

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


if __name__ == "__main__":
    main()
