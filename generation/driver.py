"""The driver: hands the units of a batch to workers, until all are done, a budget is used up, or it is told to stop.

It knows workers only by `WorkerHandle`: in this process, in processes of their own (`generation.processes`), or on the nodes
of a Ray cluster (`generation.ray_workers`).
"""

import asyncio
import time
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Protocol

from generation.batch import Unit
from generation.worker import Pulse, Suspended, Worker, total
from graph.journal import JournalError
from sessions.store import Entry, RunError
from state import Failure

DRAIN = 60.0
"""Seconds that sessions have, after a stop, to finish the turn they are at."""
LOST = 3
"""How many workers a unit may lose, until it is taken for what kills them."""
TICK = 0.2
"""Seconds between two looks at workers and budget, where nothing happens meanwhile."""


class WorkerLost(RuntimeError):
    """The worker has died; what it was handed has not come to an end."""


class WorkerHandle(Protocol):
    """A worker, wherever it runs. `run` raises `Suspended`, `WorkerLost`, or what ends the batch (`RunError`, `JournalError`)."""

    async def run(self, unit: Unit) -> Entry: ...

    def pulse(self) -> Pulse: ...

    def capacity(self) -> int:
        """How many sessions it can run at once, as things are."""

    def stop(self, *, now: bool = False) -> None: ...

    async def close(self) -> None: ...


class LocalWorker:
    """A worker in this process."""

    def __init__(self, worker: Worker) -> None:
        self._worker = worker

    async def run(self, unit: Unit) -> Entry:
        return await self._worker.run(unit)

    def pulse(self) -> Pulse:
        return self._worker.pulse()

    def capacity(self) -> int:
        return self._worker.capacity()

    def stop(self, *, now: bool = False) -> None:
        self._worker.stop(now=now)

    async def close(self) -> None:
        await self._worker.models.close()


@dataclass(frozen=True)
class Budget:
    """When a batch stops although units are left. `failures` is how many alike in a row stop it."""

    cost: float | None = None
    tokens: float | None = None
    hours: float | None = None
    failures: int = 10


@dataclass
class Progress:
    """How a batch is doing. `entries` has what has come to an end in this run of it, `stopped` why it stopped early."""

    todo: int
    began: float = field(default_factory=time.monotonic)
    finished: int = 0
    failed: int = 0
    failures: Counter[str] = field(default_factory=Counter)
    running: int = 0
    pulse: Pulse = field(default_factory=Pulse)
    stopped: str | None = None
    draining: bool = False

    @property
    def seconds(self) -> float:
        return time.monotonic() - self.began

    @property
    def left(self) -> int:
        return max(0, self.todo - self.finished - self.failed)


class Driver:
    """Drives one batch. `cost` says what a pulse has cost; `on_entry` hears of every session that came to an end."""

    def __init__(
        self,
        workers: Sequence[WorkerHandle],
        units: Iterable[Unit],
        todo: int,
        *,
        budget: Budget | None = None,
        cost: Callable[[Pulse], float] | None = None,
        on_entry: Callable[[Entry], None] = lambda entry: None,
        drain: float = DRAIN,
    ) -> None:
        self.progress = Progress(todo)
        self._workers = list(workers)
        self._units: Iterator[Unit] = iter(units)
        self._again: deque[Unit] = deque()
        self._lost: Counter[str] = Counter()
        self._handed: Counter[int] = Counter()
        self._budget = budget or Budget()
        self._cost = cost
        self._on_entry = on_entry
        self._drain = drain
        self._row: tuple[str, int] = ("", 0)
        self._events: asyncio.Queue[None] = asyncio.Queue()
        self._tasks: set[asyncio.Task[None]] = set()
        self._error: BaseException | None = None
        self._deadline: asyncio.TimerHandle | None = None

    async def run(self) -> Progress:
        """Drive the batch to its end. Raises `RunError` or `JournalError` where the disk fails, after a drain."""
        try:
            while True:
                self._hand_out()
                if not self._tasks:
                    break
                with suppress(TimeoutError):
                    await asyncio.wait_for(self._events.get(), TICK)
                self._check_budget()
        finally:
            if self._deadline:
                self._deadline.cancel()
            for task in self._tasks:
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)
            await asyncio.gather(*(worker.close() for worker in self._workers), return_exceptions=True)
        self._look()
        if self._error:
            raise self._error
        return self.progress

    def stop(self, reason: str, *, now: bool = False) -> None:
        """Start nothing more, and let every session finish the turn it is at, for a bounded time; or `now`."""
        progress = self.progress
        progress.stopped = progress.stopped or reason
        progress.draining = True
        for worker in self._workers:
            worker.stop(now=now)
        if not now and self._deadline is None:
            loop = asyncio.get_running_loop()
            self._deadline = loop.call_later(self._drain, lambda: self.stop(reason, now=True))

    def _hand_out(self) -> None:
        room = {number: worker.capacity() - self._handed[number] for number, worker in enumerate(self._workers)}
        while not self.progress.draining:
            number = max(room, key=lambda number: room[number])
            if room[number] < 1:
                if not self._tasks:
                    self.stop("no worker is left")
                return
            unit = self._again.popleft() if self._again else next(self._units, None)
            if unit is None:
                return
            room[number] -= 1
            self._handed[number] += 1
            task = asyncio.create_task(self._run(number, unit))
            self._tasks.add(task)
            task.add_done_callback(self._done)

    def _done(self, task: "asyncio.Task[None]") -> None:
        self._tasks.discard(task)
        self._events.put_nowait(None)

    async def _run(self, number: int, unit: Unit) -> None:
        try:
            entry = await self._workers[number].run(unit)
        except Suspended:
            return
        except WorkerLost as error:
            self._lost[unit.session_id] += 1
            if self._lost[unit.session_id] >= LOST:
                self._fail(RunError(f"session {unit.session_id} has lost its worker {LOST} times: {error}"))
            else:
                self._again.append(unit)
            return
        except (RunError, JournalError, OSError, MemoryError) as error:
            self._fail(error)
            return
        finally:
            self._handed[number] -= 1
        self._note(entry)

    def _fail(self, error: BaseException) -> None:
        self._error = self._error or error
        self.stop(str(error))

    def _note(self, entry: Entry) -> None:
        progress = self.progress
        self._on_entry(entry)
        if entry.status == "finished":
            progress.finished += 1
            self._row = ("", 0)
            return
        progress.failed += 1
        what = describe(entry.failure)
        progress.failures[what] += 1
        self._row = (what, self._row[1] + 1 if self._row[0] == what else 1)
        if self._row[1] >= self._budget.failures and not progress.draining:
            self.stop(f"{self._row[1]} sessions in a row failed alike: {what}")

    def _look(self) -> None:
        self.progress.pulse = total(worker.pulse() for worker in self._workers)
        self.progress.running = len(self._tasks)

    def _check_budget(self) -> None:
        self._look()
        progress, budget = self.progress, self._budget
        if progress.draining:
            return
        used = progress.pulse.prompt_tokens + progress.pulse.completion_tokens
        if budget.hours is not None and progress.seconds >= budget.hours * 3600:
            self.stop(f"{budget.hours:g} hours are over")
        elif budget.tokens is not None and used >= budget.tokens:
            self.stop(f"{used:,} tokens are used, of {budget.tokens:,.0f} allowed")
        elif budget.cost is not None and self._cost and (spent := self._cost(progress.pulse)) >= budget.cost:
            self.stop(f"{spent:.2f} are spent, of {budget.cost:.2f} allowed")


def describe(failure: Failure | None) -> str:
    """A failure's stage, kind and message, without what differs from one session to the next."""
    if failure is None:
        return "unknown"
    return f"{failure.stage}: {failure.kind}: {failure.message[:160]}"
