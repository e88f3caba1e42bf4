"""What a batch survives: every fifth call fails, and the process is killed with `kill -9` at random moments.

    python benchmarks/survival.py [--only one,two,ray] [--sessions 60] [--kills 10] [--seed 1]

The model is the tests' loopback server, with faults of all its kinds in a fifth of the calls. Each row is a batch: killed, started
again, killed …, and at last left alone. It has survived when every session is finished, none is there twice, no turn is missing
and no journal is left.
"""

import argparse
import random
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from rich.console import Console
from rich.table import Table

from tests.generation.survival import Survived, batch, killed

ENGINES = {
    "one": ("one worker", ("--workers", "1"), (1.0, 9.0)),
    "two": ("two workers", ("--workers", "2"), (1.0, 12.0)),
    "ray": ("Ray, two actors", ("--engine", "ray", "--workers", "2"), (5.0, 30.0)),
}
"""A row's title, its options, and after how many seconds, from a start on, the process is killed."""
TURNS = 3


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", default=",".join(ENGINES))
    parser.add_argument("--sessions", type=int, default=60)
    parser.add_argument("--kills", type=int, default=10)
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()
    table = Table(
        "engine", "kills", "finished", "twice", "incomplete", "journals left", "exit code", "seconds", box=None
    )
    survived = True
    for name in args.only.split(","):
        title, options, moments = ENGINES[name]
        result = run(args, options, moments)
        survived &= (result.finished, result.twice, result.incomplete, result.journals) == (args.sessions, 0, 0, 0)
        cells = (
            result.kills,
            f"{result.finished} of {args.sessions}",
            result.twice,
            result.incomplete,
            result.journals,
        )
        table.add_row(title, *map(str, cells), str(result.code), f"{result.seconds:.0f}")
    Console(width=110).print(table)
    sys.exit(0 if survived else 1)


def run(args: argparse.Namespace, options: tuple[str, ...], moments: tuple[float, float]) -> Survived:
    draw = random.Random(args.seed)
    waits = [draw.uniform(*moments) for _ in range(args.kills)]
    with tempfile.TemporaryDirectory() as place, batch(Path(place), args.sessions, TURNS, *options) as started:
        return killed(started, Path(place) / "run", waits, TURNS)


if __name__ == "__main__":
    main()
