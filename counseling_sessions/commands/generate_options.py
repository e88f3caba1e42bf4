"""What `run.py generate` can be told, and how each value is read."""

import argparse
import os

from counseling_sessions.commands.options import graph_options, model_options, names
from counseling_sessions.graph.methods import METHODS
from counseling_sessions.profiles.schema import ATTITUDES
from counseling_sessions.settings import SettingsError

CONCURRENCY = 64
"""Calls in flight per endpoint, at most, where nothing else is said."""


def generate_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of `generate`."""
    parser.add_argument(
        "--out", required=True, metavar="FOLDER", help="run directory; one that is there is gone on with"
    )
    what = parser.add_argument_group("what")
    what.add_argument("--profiles", metavar="SOURCE", help="file, folder, built-in ids, or 'builtin' (default)")
    what.add_argument(
        "--attitudes", type=_attitudes, metavar="A,B|all", help="default: each profile's own, else neutral"
    )
    what.add_argument("--methods", type=_methods, metavar="A,B|all", help="default: magnet")
    what.add_argument("--seeds", type=_seeds, metavar="N|A-B|A,B", help="how many, or which ones (default 1)")
    what.add_argument("--shard", type=_shard, metavar="I/N", help="only this part (else from SLURM_ARRAY_TASK_ID)")
    what.add_argument("--extend", action="store_true", help="add profiles, methods, attitudes or seeds to a run")
    what.add_argument("--retry-failed", action="store_true", help="take failed sessions up again")
    what.add_argument("--skip-invalid", action="store_true", help="leave broken records of profiles out")
    graph_options(parser.add_argument_group("sessions"))
    model_options(parser.add_argument_group("models"))
    how = parser.add_argument_group("how")
    how.add_argument(
        "--concurrency",
        type=_positive,
        metavar="N",
        help=f"calls in flight per endpoint, at most (default {CONCURRENCY})",
    )
    how.add_argument("--workers", type=_positive, default=1, metavar="N", help="processes (default 1), or Ray actors")
    how.add_argument("--engine", choices=["local", "ray"], default="local")
    how.add_argument("--ray-address", metavar="ADDRESS", help="of a Ray cluster, such as auto")
    how.add_argument(
        "--preview", type=_positive, metavar="N", help="run N sessions, and project what the whole will take"
    )
    how.add_argument("--prices", metavar="FILE", help="YAML with prices per model, for costs")
    how.add_argument("--max-cost", type=_amount, metavar="X", help="stop when so much is spent (needs --prices)")
    how.add_argument("--max-tokens", type=_amount, metavar="N", help="stop when so many tokens are used")
    how.add_argument("--max-hours", type=_amount, metavar="H", help="stop after so many hours")
    how.add_argument(
        "--stop-after", type=_positive, default=10, metavar="N", help="like failures in a row (default 10)"
    )
    how.add_argument("--quiet", action="store_true", help="print only how it ended")


def _attitudes(text: str) -> tuple[str, ...]:
    return _chosen(text, list(ATTITUDES))


def _methods(text: str) -> tuple[str, ...]:
    return _chosen(text, list(METHODS))


def _chosen(text: str, allowed: list[str]) -> tuple[str, ...]:
    chosen = allowed if text == "all" else names(text)
    if unknown := [name for name in chosen if name not in allowed]:
        raise argparse.ArgumentTypeError(f"{', '.join(unknown)}: choose from {', '.join(allowed)}, or all")
    if not chosen:
        raise argparse.ArgumentTypeError("names none")
    return tuple(dict.fromkeys(chosen))


def _seeds(text: str) -> tuple[int, ...]:
    """`3`: the seeds 1, 2, 3; `5-8`: from 5 to 8; `7,9`: these."""
    try:
        if "-" in text:
            first, last = map(int, text.split("-"))
            seeds = tuple(range(first, last + 1))
        elif "," in text:
            seeds = tuple(dict.fromkeys(int(part) for part in names(text)))
        else:
            seeds = tuple(range(1, int(text) + 1))
    except ValueError:
        seeds = ()
    if not seeds or min(seeds) < 0 or len(seeds) > 10_000:
        raise argparse.ArgumentTypeError("how many (3), from and to (5-8), or which (7,9)")
    return seeds


def _shard(text: str) -> tuple[int, int]:
    part, _, parts = text.partition("/")
    if not (part.isdecimal() and parts.isdecimal() and 1 <= int(part) <= int(parts)):
        raise argparse.ArgumentTypeError("a part of how many, such as 3/16")
    return int(part), int(parts)


def slurm_shard() -> tuple[int, int] | None:
    """Return which part of how many this task of a SLURM array is; None outside of one.

    Raises `SettingsError` for an array with gaps, and for a single task that is started again.
    """
    number, count, first = (os.environ.get(f"SLURM_ARRAY_TASK_{name}", "") for name in ("ID", "COUNT", "MIN"))
    if not (number.isdecimal() and count.isdecimal()):
        return None
    part = int(number) - int(first or 0) + 1
    if part > int(count):
        raise SettingsError(
            f"task {number} of a SLURM array of {count} from {first or 0} on: its tasks are not numbered one by one, so that the "
            "part cannot be told; give --shard I/N"
        )
    if int(count) == 1 and int(number) > 1:
        raise SettingsError(f"task {number} alone is no part of a whole: say which with --shard I/N, as in {number}/16")
    return part, int(count)


def _positive(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError("a whole number from 1 on")
    return int(text)


def _amount(text: str) -> float:
    try:
        amount = float(text)
    except ValueError:
        amount = -1.0
    if not 0 < amount < float("inf"):
        raise argparse.ArgumentTypeError("a number above 0")
    return amount
