"""`run.py generate`: many sessions, from profiles × attitudes × methods × seeds, into a run directory."""

import argparse
import asyncio
import json
import os
import shlex
import signal
import sys
import time
from contextlib import AsyncExitStack, suppress
from datetime import datetime
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.text import Text

from commands import Subparsers
from commands.generate_options import CONCURRENCY, generate_options, slurm_shard
from commands.options import errors, for_embedded, given_options, session_config
from generation.batch import read_batch
from generation.driver import Budget, Driver, LocalWorker, Progress, WorkerHandle
from generation.files import RunLock, write_atomically
from generation.forecast import forecast
from generation.processes import ProcessWorker, WorkerSpec
from generation.ray_workers import RayWorker, connect
from generation.run import Asked, Run, open_run
from generation.state import LIVE_FILE
from generation.view import BatchView, duration, failures_table, projection_table
from generation.worker import Pulse
from models.chat import Models
from models.errors import ModelError
from models.prices import Prices, read_prices
from models.roles import pinned, serving, serving_line
from sessions.store import RunError
from settings import ModelSettings, SessionConfig

REQUESTS = 12
"""Requests for one answer, at most: a batch sits an outage of two or three minutes out."""

STOPPING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
"""Signals that stop a batch after the turns in progress, and at once when they come again."""

LIVE_EVERY = 5.0
"""Seconds between two writings of how a batch is doing, for `run.py status`."""


def add(commands: Subparsers) -> None:
    """Tell the parser about this command."""
    parser = commands.add_parser("generate", help="many sessions, resumable, into a run directory")
    generate_options(parser)
    parser.set_defaults(command=generate)


def generate(args: argparse.Namespace) -> int:
    """Run a batch, or go on with it. 0: all sessions finished; 1: some failed, or a limit was reached; 130: stopped."""
    args.shard = args.shard or slurm_shard()
    folder = Path(args.out)
    if args.shard:
        folder = folder.with_name(f"{folder.name}-{args.shard[0]}-of-{args.shard[1]}")
    prices = read_prices(Path(args.prices)) if args.prices else None
    if args.max_cost is not None and prices is None:
        raise RunError("--max-cost needs --prices FILE")
    with RunLock(folder):
        return asyncio.run(_generate(args, folder, prices))


async def _generate(args: argparse.Namespace, folder: Path, prices: Prices | None) -> int:
    console = Console(highlight=False, quiet=args.quiet)
    async with AsyncExitStack() as stack:
        models = Models(offline=args.offline)
        stack.push_async_callback(models.close)
        configuration, embedded = await _configuration(args, folder, models, console)
        asked = Asked(
            configuration,
            source=args.profiles,
            methods=args.methods,
            attitudes=args.attitudes,
            seeds=args.seeds,
            shard=args.shard,
            extend=args.extend,
            skip_invalid=args.skip_invalid,
        )
        run = open_run(folder, asked)
        for problem in run.problems:
            errors().print(Text(f"left out: {problem}", style="yellow"))
        for note in run.notes():
            errors().print(Text(note, style="yellow"))
        todo = run.todo(retry_failed=args.retry_failed)
        console.print(Text(_headline(run, len(todo)), style="dim"))
        if args.preview:
            todo = todo[: args.preview]
        if prices:
            prices.cost(configuration, dict.fromkeys(_roles(configuration), (0, 0, 0)))  # raises where one is missing
        concurrency = 1 if embedded else args.concurrency or CONCURRENCY
        workers = _workers(args, run, concurrency)
        progress = await _drive(args, run, todo, workers, prices, console)
    return _finish(args, run, progress, prices, console, concurrency)


async def _configuration(
    args: argparse.Namespace, folder: Path, models: Models, console: Console
) -> tuple[SessionConfig, bool]:
    there = read_batch(folder)
    args.seed = 0
    if there is None:
        config = session_config(args)
        served = await serving(models, config)
        config = for_embedded(pinned(config, served), args, served)
    else:
        config = _as_begun(args, there.configuration)
        served = await serving(models, config)
        config = pinned(config, served)
    for item in served:
        if item.problem:
            raise ModelError(
                "configuration", f"{', '.join(item.roles)}: {item.problem}" if len(served) > 1 else item.problem
            )
    console.print(Text(serving_line(served), style="bold"))
    return config, all(item.endpoint and item.endpoint.embedded for item in served)


def _as_begun(args: argparse.Namespace, begun: SessionConfig) -> SessionConfig:
    """What is asked for in an existing run: its own configuration, with what the options say on top."""
    asked = session_config(args)
    given = given_options(args)
    if args.models or args.model:
        given["models"] = asked.models
    elif args.base_url:
        # The same models at another place.
        models = {"default": ModelSettings(), **begun.models}
        places = {models["default"].base_url, None}
        given["models"] = {
            role: model.model_copy(update={"base_url": args.base_url}) if model.base_url in places else model
            for role, model in models.items()
        }
    return SessionConfig.model_validate({**begun.model_dump(), **given})


def _workers(args: argparse.Namespace, run: Run, concurrency: int) -> list[WorkerHandle]:
    share = -(-concurrency // args.workers)
    specs = [
        WorkerSpec(run.folder, run.batch, f"w{number}", share, args.offline, REQUESTS) for number in range(args.workers)
    ]
    if args.engine == "ray":
        connect(args.ray_address)
        return [RayWorker(spec) for spec in specs]
    if args.workers == 1:
        return [LocalWorker(specs[0].make())]
    return [ProcessWorker(spec) for spec in specs]


async def _drive(
    args: argparse.Namespace,
    run: Run,
    todo: list[Any],
    workers: list[WorkerHandle],
    prices: Prices | None,
    console: Console,
) -> Progress:
    log = (run.folder / "run.log").open("a", encoding="utf-8", buffering=1)

    def say(line: str) -> None:
        log.write(f"{datetime.now().isoformat(timespec='seconds')} {line}\n")

    def note(entry: Any) -> None:
        run.entries[entry.session_id] = entry
        if entry.failure:
            failure = entry.failure
            say(
                f"failed: {entry.session_id} turn {failure.turn}: {failure.stage}: {failure.kind}: {failure.message[:300]}"
            )

    def spent(pulse: Pulse) -> float:
        assert prices
        return prices.cost(run.batch.configuration, pulse.tokens_by_role)

    driver = Driver(
        workers,
        todo,
        len(todo),
        budget=Budget(args.max_cost, args.max_tokens, args.max_hours, args.stop_after),
        cost=spent if prices else None,
        on_entry=note,
    )
    (run.folder / LIVE_FILE).unlink(missing_ok=True)  # of a process that was killed
    say(f"begin: {len(todo)} sessions, {' '.join(sys.argv[1:])}")
    loop = asyncio.get_running_loop()

    def interrupt() -> None:
        driver.stop("stopped by hand", now=driver.progress.draining)

    for number in STOPPING:
        loop.add_signal_handler(number, interrupt)
    before = sum(entry.status == "finished" for entry in run.entries.values())
    try:
        with BatchView(
            console, driver.progress, total=run.total, done_before=before, money=spent if prices else None, log=say
        ) as view:
            watching = asyncio.create_task(_watch(view, driver.progress, run.folder))
            try:
                return await driver.run()
            finally:
                watching.cancel()
    finally:
        for number in STOPPING:
            loop.remove_signal_handler(number)
        (run.folder / LIVE_FILE).unlink(missing_ok=True)
        say("end: " + view.line() + (f" · {driver.progress.stopped}" if driver.progress.stopped else ""))
        log.close()


async def _watch(view: BatchView, progress: Progress, folder: Path) -> None:
    written = 0.0
    while True:
        view.tick()
        if progress.seconds - written >= LIVE_EVERY:
            written = progress.seconds
            live = {
                "process": os.getpid(),
                "began": time.time() - progress.seconds,
                "line": view.line(),
                "running": progress.running,
                "pulse": progress.pulse.model_dump(),
            }
            with suppress(RunError):  # a full disk is told by what cannot do without it
                await asyncio.to_thread(write_atomically, folder / LIVE_FILE, json.dumps(live).encode())
        await asyncio.sleep(0.5)


def _finish(
    args: argparse.Namespace, run: Run, progress: Progress, prices: Prices | None, console: Console, concurrency: int
) -> int:
    out = Console(highlight=False, soft_wrap=True)
    entries = list(run.entries.values())
    finished = sum(entry.status == "finished" for entry in entries)
    failed = len(entries) - finished
    style = "green" if finished == run.total else "yellow"
    out.print(Text(f"{finished} of {run.total} sessions finished, {failed} failed, in {run.folder}/", style=style))
    pulse = progress.pulse
    console.print(
        Text(
            f"this time: {progress.finished} sessions, {pulse.turns} turns, {pulse.calls} calls, {pulse.retries} retries, "
            f"{pulse.prompt_tokens + pulse.completion_tokens:,} tokens ({pulse.cached_tokens:,} cached), "
            f"{duration(progress.seconds)}"
            + (f", {prices.cost(run.batch.configuration, pulse.tokens_by_role):.4g} spent" if prices else ""),
            style="dim",
        )
    )
    if pulse.calls and not pulse.prompt_tokens + pulse.completion_tokens:
        told = "the endpoint reports no token usage: tokens and costs are not known, and --max-tokens and --max-cost do not stop"
        errors().print(Text(told, style="yellow"))
    if progress.failures:
        errors().print(failures_table(progress.failures))
        errors().print("failed sessions keep their turns; take them up again with --retry-failed")
    if progress.stopped:
        errors().print(Text(f"stopped early: {progress.stopped}", style="yellow"))
        _hint(run, finished)
    if args.preview:
        _show_forecast(run, prices, console, concurrency)
    if progress.stopped == "stopped by hand":
        return 130
    return 0 if not progress.stopped and not failed else 1


def _hint(run: Run, finished: int) -> None:
    if finished < run.total:
        part = run.batch.shard
        folder = str(run.folder).removesuffix(f"-{part[0]}-of-{part[1]}") if part else str(run.folder)
        shard = f" --shard {part[0]}/{part[1]}" if part else ""
        errors().print(Text(f"go on with: python run.py generate --out {shlex.quote(folder)}{shard}"))


def _show_forecast(run: Run, prices: Prices | None, console: Console, concurrency: int) -> None:
    rows = forecast(run, list(run.entries.values()), prices)
    table = [
        (
            row.method,
            f"{row.sessions:,}",
            f"{row.calls:,.0f}",
            f"{row.prompt_tokens:,.0f}",
            f"{row.completion_tokens:,.0f}",
            duration(row.seconds),
            *([f"{row.cost:,.2f}"] if row.cost is not None else []),
        )
        for row in rows
    ]
    missing = [method for method in run.batch.methods if method not in {row.method for row in rows}]
    if missing:
        errors().print(
            Text(f"no finished session yet, so that nothing is told of {', '.join(missing)}", style="yellow")
        )
    if not rows:
        return
    console.print(f"\nthe whole batch, from {sum(row.sampled for row in rows)} finished sessions:")
    console.print(projection_table(table, prices is not None))
    lone = sum(row.sessions * row.seconds for row in rows)
    at_once = min(concurrency, sum(row.sessions for row in rows))
    told = f"one session after another: {duration(lone)}"
    if at_once > 1:
        told += f"; {at_once} at once, if the server keeps its pace: {duration(lone / at_once)}"
    console.print(told)


def _headline(run: Run, todo: int) -> str:
    batch = run.batch
    attitudes = ", ".join(batch.attitudes) if batch.attitudes else "own attitudes"
    part = f" · part {batch.shard[0]} of {batch.shard[1]}" if batch.shard else ""
    found = f" · {run.recovered} found again after a crash" if run.recovered else ""
    parts = [
        _counted(batch.profiles, "profile"),
        attitudes,
        ", ".join(batch.methods),
        _counted(len(batch.seeds), "seed") + part,
        f"{run.total} sessions, {todo} to do",
        f"{run.folder}/{found}",
    ]
    return " · ".join(parts)


def _counted(count: int, what: str) -> str:
    return f"{count} {what}{'' if count == 1 else 's'}"


def _roles(config: SessionConfig) -> list[str]:
    return ["plan", "router", "merge", "counselor", "client", *config.techniques]
