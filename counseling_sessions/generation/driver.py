"""The driver: hands the units of a batch to workers, until all are done, a budget is used up, or it must stop.

It sees workers only as `WorkerHandle`: in this process (`generation.worker`), in other processes (`generation.processes`), or
on the nodes of a Ray cluster (`generation.ray_workers`).
"""

import asyncio
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from typing import Protocol

from counseling_sessions.generation.batch import Unit
from counseling_sessions.generation.failures import OF_ONE_SESSION, FailureNames, shape_of
from counseling_sessions.generation.progress import Budget, Progress
from counseling_sessions.generation.room import Room
from counseling_sessions.generation.worker import AtLimit, Pulse, Suspended, total
from counseling_sessions.graph.trouble import LOG, InternalError, internal_failure
from counseling_sessions.sessions.entries import Entry
from counseling_sessions.sessions.errors import RunError
from counseling_sessions.state import Failure
from counseling_sessions.store.machine import shortage

DRAIN = 60.0
"""Seconds that sessions have, after a stop, to finish their turn."""
ABANDON = 15.0
"""Seconds that workers have to stop at once, until they are left to themselves."""
LOST, MOST_LOST = 3, 8
"""How many workers a unit may lose, the last of them while it ran there alone, and in all, until it counts as their killer."""
TICK = 0.2
"""Seconds between two looks at workers and budget, if nothing happens meanwhile."""


class WorkerLost(RuntimeError):
    """The worker has died before its unit ended."""


class WorkerHandle(Protocol):
    """A worker, wherever it runs.

    `run` raises `Suspended`, `AtLimit`, `WorkerLost`, `Shortage`, or an error that ends the batch (`RunError`); any
    other error is that one unit's failure.
    """

    async def run(self, unit: Unit) -> Entry: ...

    def pulse(self) -> Pulse: ...

    def capacity(self) -> int:
        """How many sessions it can run at once now."""

    def stop(self, *, now: bool = False) -> None: ...

    async def close(self) -> None: ...


class Driver:
    """Drives one batch. `cost` is the cost of a pulse; `on_entry` gets every session that ended."""

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
        pause: float = 1.0,
    ) -> None:
        self.progress = Progress(todo)
        self._workers = list(workers)
        self._units: Iterator[Unit] = iter(units)
        self._again: deque[Unit] = deque()
        self._lost: Counter[str] = Counter()
        self._rooms = [Room(worker.capacity, pause) for worker in self._workers]
        self._budget = budget or Budget()
        self._cost = cost
        self._on_entry = on_entry
        self._drain = drain
        self._names = FailureNames()
        self._row: tuple[tuple[str, ...], int] = ((), 0)
        self._events: asyncio.Queue[None] = asyncio.Queue()
        self._tasks: set[asyncio.Task[None]] = set()
        self._error: Exception | None = None
        self._deadline: asyncio.TimerHandle | None = None
        self._abandoned = False

    async def run(self) -> Progress:
        """Drive the batch to its end. Raises `RunError` or `OSError` if the disk fails, after a drain."""
        try:
            while not self._abandoned:
                waits = self._hand_out()
                if not self._tasks and not waits:
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
            closed = await asyncio.gather(*(worker.close() for worker in self._workers), return_exceptions=True)
            for error in (item for item in closed if isinstance(item, Exception)):
                LOG.warning("a worker could not be closed: %s", error, exc_info=error)
        self._look()
        if self._error:
            raise self._error
        if self.progress.left and not self.progress.stopped:
            self.progress.stopped = f"{self.progress.left} sessions have come to no end"
        return self.progress

    def stop(self, reason: str, *, now: bool = False) -> None:
        """Start nothing more, and let every session finish its turn, for a bounded time; or stop `now`."""
        progress = self.progress
        progress.stopped = progress.stopped or reason
        progress.draining = True
        for worker in self._workers:
            worker.stop(now=now)
        if not now and self._deadline is None:
            loop = asyncio.get_running_loop()
            self._deadline = loop.call_later(self._drain, lambda: self.stop(reason, now=True))
        elif now:
            if self._deadline:
                self._deadline.cancel()
            self._deadline = asyncio.get_running_loop().call_later(ABANDON, self._abandon)

    def _abandon(self) -> None:
        self._abandoned = True
        LOG.warning("%d sessions did not end in time; they are left as their journals say", len(self._tasks))

    def _hand_out(self) -> bool:
        """Hand out units while there is room; returns whether units wait for a moment, after a shortage."""
        while not self.progress.draining:
            # Before the look at the room: a pause that ends in between would look like neither room nor wait.
            pausing = any(room.pausing for room in self._rooms) and self.progress.left > 0
            room = max(self._rooms, key=Room.free)
            if room.free() < 1:
                if not self._tasks and not pausing:
                    self.stop("no worker is left")
                return pausing
            unit = self._again.popleft() if self._again else next(self._units, None)
            if unit is None:
                return False
            task = asyncio.create_task(self._run(self._rooms.index(room), unit, room.hand()))
            self._tasks.add(task)
            task.add_done_callback(self._done)
        return False

    def _done(self, task: "asyncio.Task[None]") -> None:
        self._tasks.discard(task)
        self._events.put_nowait(None)

    async def _run(self, number: int, unit: Unit, handed: int) -> None:
        """Run a unit, and count how it ended. `handed` is from `Room.hand`."""
        room = self._rooms[number]
        try:
            entry = await self._workers[number].run(unit)
            if entry.session_id != unit.session_id:
                raise RuntimeError(f"session {entry.session_id} came back in place of {unit.session_id}")
            self._note(entry)
            room.grow()
        except Suspended:
            pass
        except AtLimit as error:
            self.stop(str(error))
        except WorkerLost as error:
            self._lost[unit.session_id] = lost = self._lost[unit.session_id] + 1
            if (room.shrink(handed, pause=False) and lost >= LOST) or lost >= MOST_LOST:
                what = f"the session has lost its worker {lost} times: {error}"
                self._break(unit, Failure(stage="session", kind="internal", message=what))
            else:
                self._again.append(unit)
        except Exception as error:
            self._met(room, unit, handed, error)
        finally:
            room.take_back()

    def _met(self, room: Room, unit: Unit, handed: int, error: Exception) -> None:
        """Handle an error that is no end of a unit: a shortage, the disk's, or one that nobody foresaw."""
        if short := shortage(error):
            what = f"the machine has run out of {short}"
            self._again.append(unit)
            self.progress.exhausted[what] += 1
            room.shrink(handed)
            LOG.warning("%s: %d sessions at once from now on", what, room.most)
            if room.hopeless:
                self.stop(what)
        elif isinstance(error, (RunError, OSError)):
            self._error = self._error or error
            self.stop(str(error))
        else:
            failure = internal_failure(error)
            if not isinstance(error, InternalError):  # another process has logged it
                LOG.error("session %s: %s", unit.session_id, failure.message, exc_info=error)
            self._break(unit, failure)

    def _break(self, unit: Unit, failure: Failure) -> None:
        """Count and log a unit that cannot be run. It gets no record, and the next start tries it again."""
        self.progress.broken += 1
        LOG.error("failed: %s, without a record: %s", unit.session_id, failure.message)
        self._count(failure)

    def _note(self, entry: Entry) -> None:
        if entry.status == "finished":
            self.progress.finished += 1
            self._row = ((), 0)
        else:
            self._count(entry.failure)
        self._on_entry(entry)

    def _count(self, failure: Failure | None) -> None:
        progress = self.progress
        progress.failed += 1
        what = self._names.name(failure)
        progress.failures[what] += 1
        if failure and failure.kind in OF_ONE_SESSION:
            return
        shape = shape_of(failure)
        self._row = (shape, self._row[1] + 1 if self._row[0] == shape else 1)
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
