"""What `generate` is asked: a batch, and how it is worked through."""

from pathlib import Path
from typing import Literal

from counseling_sessions.commands.parsing.declared import CommandRequest, Options, group, option, switch
from counseling_sessions.commands.parsing.options import (
    METHODS,
    OTHER_PROMPTS,
    PRICES,
    ModelOptions,
    SessionOptions,
    risk_option,
)
from counseling_sessions.commands.parsing.values import amount, part_of_parts, positive, seeds, some_of
from counseling_sessions.profiles.risk_part import RiskLevel
from counseling_sessions.profiles.schema import ATTITUDES


class BatchOptions(Options):
    """What is in the batch; None is left open: what the run has already, or a default."""

    profiles: str | None = option("file, folder, built-in ids, or 'builtin' (default)", "SOURCE")
    at_risk: tuple[RiskLevel, ...] | None = risk_option()
    attitudes: tuple[str, ...] | None = option(
        "default: each profile's own, else neutral", "A,B|all", type=some_of(ATTITUDES)
    )
    methods: tuple[str, ...] | None = option("default: magnet", "A,B|all", type=some_of(METHODS))
    seeds: tuple[int, ...] | None = option("how many, or which ones (default 1)", "N|A-B|A,B", type=seeds)
    shard: tuple[int, int] | None = option("only this part (else from SLURM_ARRAY_TASK_ID)", "I/N", type=part_of_parts)
    extend: bool = switch("add profiles, methods, attitudes or seeds to a run")
    retry_failed: bool = switch("take failed sessions up again")
    other_prompts: bool = switch(OTHER_PROMPTS)
    skip_invalid: bool = switch("leave broken records of profiles out")


class WorkOptions(Options):
    """How the batch is worked through, and what stops it."""

    concurrency: int = option("calls in flight per endpoint, at most (default 64)", "N", default=64, type=positive)
    workers: int = option("processes (default 1), or Ray actors", "N", type=positive, default=1)
    engine: Literal["local", "ray"] = option(default="local")
    ray_address: str | None = option("of a Ray cluster, such as auto", "ADDRESS")
    preview: int | None = option("run N sessions, and project what the whole will take", "N", type=positive)
    prices: Path | None = option(PRICES, "FILE")
    max_cost: float | None = option("stop when so much is spent (needs --prices)", "X", type=amount)
    max_tokens: float | None = option("stop when so many tokens are used", "N", type=amount)
    max_hours: float | None = option("stop after so many hours", "H", type=amount)
    stop_after: int = option("like failures in a row (default 10)", "N", type=positive, default=10)
    quiet: bool = switch("print only how it ended")


class GenerateRequest(CommandRequest):
    """A batch to be run, or to go on with."""

    out: Path = option("run directory; one that is there is gone on with", "FOLDER")
    batch: BatchOptions = group(BatchOptions, "what")
    session: SessionOptions = group(SessionOptions, "sessions")
    models: ModelOptions = group(ModelOptions, "models")
    work: WorkOptions = group(WorkOptions, "how")
