"""`run.py generate`: many sessions, from profiles × attitudes × methods × seeds, into a run directory."""

import argparse
import asyncio
import json
import os
import signal
import sys
import time
from contextlib import AsyncExitStack, suppress
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.text import Text

from counseling_sessions.commands import Subparsers
from counseling_sessions.commands.generate_options import CONCURRENCY, generate_options, slurm_shard
from counseling_sessions.commands.generate_report import BY_HAND, headline, report
from counseling_sessions.commands.options import errors, for_embedded, given_options, session_config
from counseling_sessions.commands.trusted import refuse_unnamed
from counseling_sessions.generation.batch import read_batch
from counseling_sessions.generation.driver import Driver, LocalWorker, WorkerHandle
from counseling_sessions.generation.log import log_unretrieved, logged
from counseling_sessions.generation.processes import ProcessWorker, WorkerSpec
from counseling_sessions.generation.progress import Budget, Progress
from counseling_sessions.generation.ray_workers import RayWorker, connect
from counseling_sessions.generation.run import Asked, Run, open_run
from counseling_sessions.generation.view import BatchView
from counseling_sessions.generation.worker import Pulse
from counseling_sessions.graph.trouble import LOG, describe_internal
from counseling_sessions.models.chat import Models
from counseling_sessions.models.errors import ModelError
from counseling_sessions.models.prices import Prices, read_prices
from counseling_sessions.models.roles import pinned, serving, serving_line
from counseling_sessions.sessions.entries import Entry
from counseling_sessions.sessions.errors import JournalError, RunError
from counseling_sessions.sessions.folder import RunFolder
from counseling_sessions.sessions.shards import RUN_FILE
from counseling_sessions.settings import ModelSettings, SessionConfig
from counseling_sessions.store.atomic import write_atomically
from counseling_sessions.store.lock import Lock
from counseling_sessions.texts.console import HarmlessConsole

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
    with RunFolder(folder).lock() as lock, logged(RunFolder(folder).log) as log:
        code = asyncio.run(_generate(args, folder, prices, lock))
        if log.problem:
            errors().print(Text(log.problem, style="yellow"))
        return code


async def _generate(args: argparse.Namespace, folder: Path, prices: Prices | None, lock: Lock) -> int:
    log_unretrieved(asyncio.get_running_loop())
    console = HarmlessConsole(quiet=args.quiet)
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
        console.print(Text(headline(run, len(todo)), style="dim"))
        if args.preview:
            todo = todo[: args.preview]
        wanted = [unit.session_id for unit in todo] if args.preview else None
        if prices:
            prices.cost(configuration, dict.fromkeys(_roles(configuration), (0, 0, 0)))  # raises where one is missing
        concurrency = 1 if embedded else args.concurrency or CONCURRENCY
        workers = _workers(args, run, concurrency)
        progress = await _drive(args, run, todo, workers, prices, console, lock)
    return report(args, run, progress, prices, console, concurrency, wanted)


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
        refuse_unnamed(config, args, folder / RUN_FILE)
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
    lock: Lock,
) -> Progress:
    def say(line: str) -> None:
        LOG.info("%s", line)

    def note(entry: Entry) -> None:
        run.entries[entry.session_id] = entry
        if failure := entry.failure:
            where = f"{entry.session_id} turn {failure.turn}: {failure.stage}: {failure.kind}"
            say(f"failed: {where}: {failure.message[:300]}")

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
    RunFolder(run.folder).live.unlink(missing_ok=True)  # of a process that was killed
    say(f"begin: {len(todo)} sessions, {' '.join(sys.argv[1:])}")
    loop = asyncio.get_running_loop()

    def interrupt() -> None:
        driver.stop(BY_HAND, now=driver.progress.draining)

    for number in STOPPING:
        loop.add_signal_handler(number, interrupt)
    before = sum(entry.status == "finished" for entry in run.entries.values())
    try:
        with BatchView(
            console, driver.progress, total=run.total, done_before=before, money=spent if prices else None, log=say
        ) as view:
            watching = asyncio.create_task(_watch(view, driver, run.folder, lock))
            try:
                progress = await driver.run()
            except (RunError, JournalError, OSError) as error:
                if lock.gone:
                    raise RunError(_moved(run.folder)) from error
                raise
            finally:
                watching.cancel()
                (ended,) = await asyncio.gather(watching, return_exceptions=True)
                if isinstance(ended, Exception):
                    LOG.error("the view: %s", describe_internal(ended), exc_info=ended)
            if lock.gone:
                raise RunError(_moved(run.folder))
            return progress
    finally:
        for number in STOPPING:
            loop.remove_signal_handler(number)
        with suppress(OSError):  # it is of no use once the lock is free
            RunFolder(run.folder).live.unlink(missing_ok=True)
        say("end: " + view.line() + (f" · {driver.progress.stopped}" if driver.progress.stopped else ""))


def _moved(folder: Path) -> str:
    return f"{folder} is not there any more, or not the same: it was moved or removed while it was written; go on where it is now"


async def _watch(view: BatchView, driver: Driver, folder: Path, lock: Lock) -> None:
    progress, written = driver.progress, 0.0
    while True:
        view.tick()
        if lock.gone and not progress.draining:
            driver.stop(_moved(folder), now=True)
        if progress.seconds - written >= LIVE_EVERY:
            written = progress.seconds
            live = {
                "process": os.getpid(),
                "began": time.time() - progress.seconds,
                "line": view.line(),
                "running": progress.running,
                "pulse": progress.pulse.model_dump(),
            }
            with suppress(OSError):  # a full disk is told by what cannot do without it
                await asyncio.to_thread(write_atomically, RunFolder(folder).live, json.dumps(live).encode())
        await asyncio.sleep(0.5)


def _roles(config: SessionConfig) -> list[str]:
    return ["plan", "router", "merge", "counselor", "client", *config.techniques]
