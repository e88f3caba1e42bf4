"""What `generate` is asked: a batch, and how it is worked through."""

from dataclasses import dataclass
from pathlib import Path

from counseling_sessions.commands.parsing.declared import CommandRequest, group, option, switch
from counseling_sessions.commands.parsing.options import METHODS, ModelOptions, SessionOptions, prices_option
from counseling_sessions.commands.parsing.values import amount, part_of_parts, positive, seeds, some_of
from counseling_sessions.profiles.schema import ATTITUDES

CONCURRENCY = 64
"""Calls in flight per endpoint, at most, where nothing else is said."""


@dataclass(frozen=True, kw_only=True)
class BatchOptions:
    """What is in the batch; None is left open: what the run has already, or a default."""

    profiles: str | None = option("file, folder, built-in ids, or 'builtin' (default)", metavar="SOURCE")
    attitudes: tuple[str, ...] | None = option(
        "default: each profile's own, else neutral", type=some_of(ATTITUDES), metavar="A,B|all"
    )
    methods: tuple[str, ...] | None = option("default: magnet", type=some_of(METHODS), metavar="A,B|all")
    seeds: tuple[int, ...] | None = option("how many, or which ones (default 1)", type=seeds, metavar="N|A-B|A,B")
    shard: tuple[int, int] | None = option(
        "only this part (else from SLURM_ARRAY_TASK_ID)", type=part_of_parts, metavar="I/N"
    )
    extend: bool = switch("add profiles, methods, attitudes or seeds to a run")
    retry_failed: bool = switch("take failed sessions up again")
    skip_invalid: bool = switch("leave broken records of profiles out")


@dataclass(frozen=True, kw_only=True)
class WorkOptions:
    """How the batch is worked through, and what stops it."""

    concurrency: int = option(
        f"calls in flight per endpoint, at most (default {CONCURRENCY})",
        default=CONCURRENCY,
        type=positive,
        metavar="N",
    )
    workers: int = option("processes (default 1), or Ray actors", type=positive, default=1, metavar="N")
    engine: str = option(choices=["local", "ray"], default="local")
    ray_address: str | None = option("of a Ray cluster, such as auto", metavar="ADDRESS")
    preview: int | None = option("run N sessions, and project what the whole will take", type=positive, metavar="N")
    prices: Path | None = prices_option()
    max_cost: float | None = option("stop when so much is spent (needs --prices)", type=amount, metavar="X")
    max_tokens: float | None = option("stop when so many tokens are used", type=amount, metavar="N")
    max_hours: float | None = option("stop after so many hours", type=amount, metavar="H")
    stop_after: int = option("like failures in a row (default 10)", type=positive, default=10, metavar="N")
    quiet: bool = switch("print only how it ended")


@dataclass(frozen=True, kw_only=True)
class GenerateRequest(CommandRequest):
    """A batch to be run, or to go on with."""

    out: Path = option("run directory; one that is there is gone on with", required=True, metavar="FOLDER")
    batch: BatchOptions = group(BatchOptions, "what")
    session: SessionOptions = group(SessionOptions, "sessions")
    models: ModelOptions = group(ModelOptions, "models")
    work: WorkOptions = group(WorkOptions, "how")
