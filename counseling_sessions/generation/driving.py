"""A batch at work: its driver, what is seen of it, and the notes that it leaves for `run.py status` and its log."""

import asyncio
import json
import os
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

from rich.console import Console

from counseling_sessions.generation.batch import Unit
from counseling_sessions.generation.driver import Driver, WorkerHandle
from counseling_sessions.generation.notices import Notices
from counseling_sessions.generation.progress import Budget, Progress
from counseling_sessions.generation.run import Run
from counseling_sessions.generation.view import BatchView
from counseling_sessions.generation.worker import Pulse
from counseling_sessions.graph.trouble import LOG, describe_internal
from counseling_sessions.models.prices import Prices
from counseling_sessions.sessions.entries import Entry
from counseling_sessions.sessions.errors import JournalError, RunError
from counseling_sessions.sessions.folder import RunFolder
from counseling_sessions.store.atomic import write_atomically
from counseling_sessions.store.lock import Lock

BY_HAND = "stopped by hand"
LIVE_EVERY = 5.0
"""Seconds between two writings of how a batch is doing, for `run.py status`."""


class Drive:
    """Works the units of a run off, once; the caller holds the run's `lock`. `warn` hears what spoils the batch without stopping it."""

    def __init__(
        self,
        run: Run,
        todo: Sequence[Unit],
        workers: Sequence[WorkerHandle],
        lock: Lock,
        console: Console,
        warn: Callable[[str], None],
        *,
        budget: Budget | None = None,
        prices: Prices | None = None,
    ) -> None:
        def spent(pulse: Pulse) -> float:
            assert prices
            return prices.cost(run.batch.configuration, pulse.tokens_by_role)

        money, budget = spent if prices else None, budget or Budget()
        self.run, self._lock, self._todo = run, lock, len(todo)
        self._driver = Driver(workers, todo, len(todo), budget=budget, cost=money, on_entry=self._note)
        self._notices = Notices(budget, warn)
        before = sum(entry.status == "finished" for entry in run.entries.values())
        self.view = BatchView(console, self.progress, total=run.total, done_before=before, money=money, log=LOG.info)

    @property
    def progress(self) -> Progress:
        """What has ended since this start."""
        return self._driver.progress

    def stop(self) -> None:
        """Stop after the turns in progress, and at once when it comes again."""
        self._driver.stop(BY_HAND, now=self.progress.draining)

    async def work(self, arguments: Sequence[str]) -> Progress:
        """Work until nothing is left, or it is stopped; `arguments` are what it was begun with, for the log.

        Raises `RunError`, `JournalError` or `OSError` if the disk fails, or the folder is moved.
        """
        live = RunFolder(self.run.folder).live
        live.unlink(missing_ok=True)  # of a process that was killed
        LOG.info("begin: %s sessions, %s", self._todo, " ".join(arguments))
        try:
            with self.view:
                return await self._work()
        finally:
            with suppress(OSError):  # it is of no use once the lock is free
                live.unlink(missing_ok=True)
            stopped = self.progress.stopped
            LOG.info("end: %s%s", self.view.line(), f" · {stopped}" if stopped else "")

    async def _work(self) -> Progress:
        watching = asyncio.create_task(self._watch())
        try:
            progress = await self._driver.run()
        except (RunError, JournalError, OSError) as error:
            if self._lock.gone:
                raise RunError(_moved(self.run.folder)) from error
            raise
        finally:
            watching.cancel()
            (ended,) = await asyncio.gather(watching, return_exceptions=True)
            self._notices.look(self.progress.pulse)
            if isinstance(ended, Exception):
                LOG.error("the view: %s", describe_internal(ended), exc_info=ended)
        if self._lock.gone:
            raise RunError(_moved(self.run.folder))
        return progress

    def _note(self, entry: Entry) -> None:
        self.run.entries[entry.session_id] = entry
        if failure := entry.failure:
            where = f"{entry.session_id} turn {failure.turn}: {failure.stage}: {failure.kind}"
            LOG.info("failed: %s: %s", where, failure.message[:300])

    async def _watch(self) -> None:
        progress, written, folder = self.progress, 0.0, self.run.folder
        while True:
            self.view.tick()
            self._notices.look(progress.pulse)
            if self._lock.gone and not progress.draining:
                self._driver.stop(_moved(folder), now=True)
            if progress.seconds - written >= LIVE_EVERY:
                written = progress.seconds
                live = {
                    "process": os.getpid(),
                    "began": time.time() - progress.seconds,
                    "line": self.view.line(),
                    "running": progress.running,
                    "pulse": progress.pulse.model_dump(),
                }
                with suppress(OSError):  # records need the disk too, and report a full one
                    await asyncio.to_thread(write_atomically, RunFolder(folder).live, json.dumps(live).encode())
            await asyncio.sleep(0.5)


def _moved(folder: Path) -> str:
    return f"{folder} is not there any more, or not the same: it was moved or removed while it was written; go on where it is now"
