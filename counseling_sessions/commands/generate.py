"""`run.py generate`: many sessions, from profiles × attitudes × methods × seeds, into a run directory."""

import asyncio
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.text import Text

from counseling_sessions.commands.build import (
    all_embedded,
    names_models,
    noticed_by,
    opened_models,
    refuse_unnamed,
    serve,
    serve_new,
    session_config,
    set_fields,
)
from counseling_sessions.commands.generate_report import headline, report
from counseling_sessions.commands.parsing.generate import BatchOptions, GenerateRequest
from counseling_sessions.commands.parsing.options import ModelOptions
from counseling_sessions.commands.telling import tell_of_risk, warn
from counseling_sessions.generation.batch import Batch, Unit, read_batch
from counseling_sessions.generation.driver import WorkerHandle
from counseling_sessions.generation.driving import Drive
from counseling_sessions.generation.log import log_unretrieved, logged
from counseling_sessions.generation.processes import ProcessWorker, WorkerSpec
from counseling_sessions.generation.progress import Budget, Progress
from counseling_sessions.generation.ray_workers import RayWorker, connect
from counseling_sessions.generation.run import Asked, Run, check_prompts, open_run
from counseling_sessions.models.chat import Models
from counseling_sessions.models.prices import Prices, read_prices
from counseling_sessions.models.roles import ROLES, Served, pinned, serving_line
from counseling_sessions.nodes.prompt_set import prompt_set
from counseling_sessions.sessions.errors import RunError
from counseling_sessions.sessions.folder import RunFolder
from counseling_sessions.sessions.shards import RUN_FILE
from counseling_sessions.settings import ModelSettings, SessionConfig, SettingsError
from counseling_sessions.store.lock import Lock
from counseling_sessions.store.system import on_stopping
from counseling_sessions.texts.console import HarmlessConsole

REQUESTS = 12
"""Requests for one answer, at most: a batch sits an outage of two or three minutes out."""


def run(request: GenerateRequest) -> int:
    """Run a batch, or go on with it. 0: all sessions finished; 1: some failed, or a limit was reached; 130: stopped."""
    shard = request.batch.shard or slurm_shard()
    folder = request.out
    if shard:
        folder = folder.with_name(f"{folder.name}-{shard[0]}-of-{shard[1]}")
    prices = read_prices(request.work.prices) if request.work.prices else None
    if request.work.max_cost is not None and prices is None:
        raise RunError("--max-cost needs --prices FILE")
    with RunFolder(folder).lock() as lock, logged(RunFolder(folder).log) as log:
        code = asyncio.run(_generate(request, folder, shard, prices, lock))
        if log.problem:
            warn(log.problem)
        return code


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
            "part is not clear; give --shard I/N"
        )
    if int(count) == 1 and int(number) > 1:
        raise SettingsError(f"task {number} alone does not say its part: name it with --shard I/N, as in {number}/16")
    return part, int(count)


async def _generate(
    request: GenerateRequest, folder: Path, shard: tuple[int, int] | None, prices: Prices | None, lock: Lock
) -> int:
    log_unretrieved(asyncio.get_running_loop())
    console = HarmlessConsole(quiet=request.work.quiet)
    async with opened_models(offline=request.models.offline) as models:
        configuration, served = await _configuration(request, folder, models)
        tell_of_risk(request.batch.at_risk)
        console.print(Text(serving_line(served), style="bold"))
        run = open_run(folder, _asked(request.batch, configuration, shard))
        for note in [*(f"left out: {problem}" for problem in run.problems), *run.notes()]:
            warn(note)
        todo = run.todo(retry_failed=request.batch.retry_failed)
        if not names_models(request.models):
            todo = _without_outgrown(run, todo)
        console.print(Text(headline(run, len(todo)), style="dim"))
        if request.work.preview:
            todo = todo[: request.work.preview]
        wanted = [unit.session_id for unit in todo] if request.work.preview else None
        if prices:
            roles = [*ROLES, *configuration.techniques]
            prices.cost(configuration, dict.fromkeys(roles, (0, 0, 0)))  # raises if one is missing
        concurrency = 1 if all_embedded(served) else request.work.concurrency
        workers = _workers(request, run, concurrency)
        progress = await _drive(request, run, todo, workers, prices, console, lock)
    return report(request, run, progress, prices, console, concurrency, wanted)


def _without_outgrown(run: Run, todo: list[Unit]) -> list[Unit]:
    """The units but those that were too long for their model: they would fail alike, as no other server is named."""
    outgrown = {name for name, entry in run.entries.items() if entry.failure and entry.failure.kind == "context"}
    left = [unit for unit in todo if unit.session_id not in outgrown]
    if count := len(todo) - len(left):
        warn(
            f"{count} sessions are too long for their model and stay failed; with a longer context, name its --base-url"
        )
    return left


def _asked(batch: BatchOptions, configuration: SessionConfig, shard: tuple[int, int] | None) -> Asked:
    return Asked(
        configuration,
        source=batch.profiles,
        methods=batch.methods,
        attitudes=batch.attitudes,
        seeds=batch.seeds,
        shard=shard,
        extend=batch.extend,
        skip_invalid=batch.skip_invalid,
        other_prompts=batch.other_prompts,
        risk=batch.at_risk or (),
    )


async def _configuration(request: GenerateRequest, folder: Path, models: Models) -> tuple[SessionConfig, list[Served]]:
    batch = read_batch(folder)
    fields = set_fields(request.session, seed=0, risk=noticed_by(request.session, request.batch.at_risk))
    if batch is None:
        return await serve_new(models, session_config(request.models, fields), fields)
    check_prompts(folder, batch, other=request.batch.other_prompts)
    return await served_as_begun(folder, batch, request.models, request.arguments, fields, models)


async def served_as_begun(
    folder: Path,
    batch: Batch,
    options: ModelOptions,
    arguments: Sequence[str],
    fields: dict[str, Any],
    models: Models,
) -> tuple[SessionConfig, list[Served]]:
    """The configuration of a run that goes on, with the options and `fields` on top, and who serves it.

    Raises `SettingsError` for servers that only the run names, and `ModelError` where a role is not served.
    """
    config = _as_begun(options, fields, session_config(options, fields), batch.configuration)
    refuse_unnamed(config, options, arguments, folder / RUN_FILE)
    served = await serve(models, config)
    return pinned(config, served), served


def _as_begun(
    options: ModelOptions, fields: dict[str, Any], asked: SessionConfig, begun: SessionConfig
) -> SessionConfig:
    """The configuration of an existing run, with the options on top."""
    models = begun.models
    if options.file or options.model:
        models = asked.models
    elif options.base_url:
        # The same models at another place.
        models = {"default": ModelSettings(), **begun.models}
        places = {models["default"].base_url, None}
        models = {
            role: model.model_copy(update={"base_url": options.base_url}) if model.base_url in places else model
            for role, model in models.items()
        }
    return SessionConfig.model_validate({**begun.model_dump(), **fields, "models": models})


def _workers(request: GenerateRequest, run: Run, concurrency: int) -> list[WorkerHandle]:
    work, offline = request.work, request.models.offline
    share = -(-concurrency // work.workers)
    specs = [
        WorkerSpec(run.folder, run.batch, f"w{number}", share, offline, REQUESTS, prompt_set(run.batch.configuration))
        for number in range(work.workers)
    ]
    if work.engine == "ray":
        connect(work.ray_address)
        return [RayWorker(spec) for spec in specs]
    if work.workers == 1:
        return [specs[0].make()]
    return [ProcessWorker(spec) for spec in specs]


async def _drive(
    request: GenerateRequest,
    run: Run,
    todo: list[Unit],
    workers: list[WorkerHandle],
    prices: Prices | None,
    console: Console,
    lock: Lock,
) -> Progress:
    work = request.work
    budget = Budget(work.max_cost, work.max_tokens, work.max_hours, work.stop_after)
    drive = Drive(run, todo, workers, lock, console, warn, budget=budget, prices=prices)
    loop = asyncio.get_running_loop()
    with on_stopping(lambda: loop.call_soon_threadsafe(drive.stop)):
        return await drive.work(request.arguments)
