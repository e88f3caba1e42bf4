"""A batch that the page begins, stops and goes on with, in this process: the same run directory as `run.py generate`."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import Protocol

from rich.console import Console

from counseling_sessions.errors import UserError
from counseling_sessions.generation.batch import begun_batch
from counseling_sessions.generation.driver import WorkerHandle
from counseling_sessions.generation.driving import Drive
from counseling_sessions.generation.forecast import Forecast, forecast
from counseling_sessions.generation.log import logged
from counseling_sessions.generation.run import Asked, Run, open_run
from counseling_sessions.graph.trouble import LOG, describe_internal
from counseling_sessions.models.prices import Prices
from counseling_sessions.profiles.library import builtin_ids
from counseling_sessions.sessions.folder import RunFolder, run_folder
from counseling_sessions.settings import SessionConfig
from counseling_sessions.store.lock import Lock
from counseling_sessions.web.changing import Changing
from counseling_sessions.web.runs import Runs
from counseling_sessions.web.seats import PageError

MOST_SESSIONS = 500
"""Sessions of a batch that the page begins; larger ones are for the command line."""
SEEN_EVERY = 1.0
"""Seconds between two states of a batch at work."""
PREFIX = "batch-"


class BatchConfigurations(Protocol):
    """How a batch is conducted: with the models that the command was started with."""

    async def of_batch(self, turns: int | None) -> SessionConfig:
        """The configuration of a new batch, once its models are there. Raises `UserError`."""

    async def of_run(self, folder: Path) -> SessionConfig:
        """The configuration with which a run goes on. Raises `UserError` where its servers are not those of the command."""


class Batching(Changing):
    """The one batch that may be at work. `name` is its run, `run` what is in it; both stay when it has ended.

    `problem` says why it could not go on, `warnings` what spoils it without stopping it.
    """

    def __init__(
        self,
        folder: Path,
        runs: Runs,
        configurations: BatchConfigurations,
        worker: Callable[[Run], WorkerHandle],
        prices: Prices | None = None,
    ) -> None:
        super().__init__()
        self.name, self.problem, self.warnings = "", "", list[str]()
        self.drive: Drive | None = None
        self._folder, self._runs, self._configurations = folder, runs, configurations
        self._worker, self._prices = worker, prices
        self._task: asyncio.Task[None] | None = None
        self._entering = asyncio.Lock()

    @property
    def at_work(self) -> bool:
        """Whether a batch runs."""
        return self._task is not None and not self._task.done()

    def forecast(self) -> list[Forecast]:
        """What the whole batch will take, as its finished sessions say; none yet without one."""
        return forecast(self.drive.run, list(self.drive.run.entries.values()), self._prices) if self.drive else []

    async def begin(self, asked: Asked, turns: int | None) -> None:
        """Begin a batch of built-in clients; the `configuration` of what is asked is not looked at.

        Raises `PageError` while another one runs, and other `UserError` for what cannot be begun.
        """
        async with self._entering:
            self._refuse_if_at_work()
            if run_folder(self._folder):
                raise PageError("This page shows one run alone. Start it with the folder that its runs lie in.")
            asked.configuration = await self._configurations.of_batch(turns)
            name = f"{PREFIX}{datetime.now():%Y%m%d-%H%M%S}"
            self._open(self._folder / name, name, asked, retry_failed=False)

    async def go_on(self, name: str) -> None:
        """Go on with a batch of the folder, failed sessions too. Raises `PageError` as `begin` does."""
        async with self._entering:
            self._refuse_if_at_work()
            place = self._runs.place(name)
            begun_batch(place)
            configuration = await self._configurations.of_run(place)
            self._open(place, name, Asked(configuration), retry_failed=True)

    def stop(self) -> None:
        """Stop after the turns in progress, and at once when it comes again."""
        if self.drive and self.at_work:
            self.drive.stop()
            self.changed()

    async def close(self) -> None:
        """Stop at once, and wait for it."""
        if self._task and self.at_work:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task

    def _refuse_if_at_work(self) -> None:
        if self.at_work:
            raise PageError(f"The batch {self.name} runs, and no other can meanwhile. Stop it, or wait.")

    def _open(self, place: Path, name: str, asked: Asked, *, retry_failed: bool) -> None:
        lock = RunFolder(place).lock()
        try:
            run = open_run(place, asked)
            todo = run.todo(retry_failed=retry_failed)
            self.name, self.problem, self.warnings = name, "", run.notes()
            quiet = Console(quiet=True)
            self.drive = Drive(run, todo, [self._worker(run)], lock, quiet, self._warn, prices=self._prices)
        except BaseException:
            lock.close()
            raise
        self._task = asyncio.create_task(self._work(self.drive, lock))
        self.changed()

    def _warn(self, text: str) -> None:
        self.warnings.append(text)
        self.changed()

    async def _work(self, drive: Drive, lock: Lock) -> None:
        showing = asyncio.create_task(self._show())
        try:
            with logged(RunFolder(drive.run.folder).log, alone=True):
                await drive.work(["on the page"])
        except (UserError, OSError) as error:
            self.problem = str(error)
        except Exception as error:  # nobody waits for this task: what is wrong would be lost
            self.problem = describe_internal(error)
            LOG.error("batch %s: %s", self.name, self.problem, exc_info=error)
        finally:
            showing.cancel()
            lock.close()
            asyncio.get_running_loop().call_soon(self.changed)  # once this task is done

    async def _show(self) -> None:
        while True:
            await asyncio.sleep(SEEN_EVERY)
            self.changed()


def batch_asked(
    clients: tuple[str, ...], attitudes: tuple[str, ...] | None, methods: tuple[str, ...], seeds: int
) -> Asked:
    """A batch of these built-in clients (none: all), attitudes (None: each client's own), methods and so many seeds.

    Raises `PageError` for a client that is not built in, and for more than `MOST_SESSIONS` sessions.
    """
    chosen = clients or builtin_ids()
    if strange := [name for name in chosen if name not in builtin_ids()]:
        raise PageError(f"There is no client {strange[0][:60]!r}.")  # nor is a client a path
    count = len(chosen) * len(attitudes or (None,)) * len(methods) * seeds
    if count > MOST_SESSIONS:
        raise PageError(
            f"These are {count:,} sessions; the page begins {MOST_SESSIONS} at most. Use python run.py generate for more."
        )
    return Asked(
        SessionConfig(),
        source=",".join(chosen),
        methods=methods,
        attitudes=attitudes,
        seeds=tuple(range(1, seeds + 1)),
    )
