"""Workers in processes of their own: one Python process drives only some hundred calls a second.

Parent and worker exchange units and entries over a pipe. A worker whose parent has died ends at once. A worker that dies
is replaced, and its units go on from their journals.
"""

import asyncio
import gc
import multiprocessing
import os
import signal
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection
from multiprocessing.context import ForkServerContext, SpawnContext
from pathlib import Path
from typing import Any

from counseling_sessions.generation.batch import Batch, Unit
from counseling_sessions.generation.driver import WorkerLost
from counseling_sessions.generation.log import log_unretrieved, logged
from counseling_sessions.generation.worker import AtLimit, Pulse, Suspended, Worker, total
from counseling_sessions.graph.provenance import refuse_other_prompts
from counseling_sessions.graph.trouble import LOG, InternalError, describe_internal
from counseling_sessions.models.chat import Models
from counseling_sessions.sessions.entries import Entry
from counseling_sessions.sessions.errors import RunError
from counseling_sessions.sessions.folder import RunFolder
from counseling_sessions.store.machine import Shortage, shortage
from counseling_sessions.store.system import STOPPING

PULSE_EVERY = 0.25
"""Seconds between two pulses of a worker."""
EXHAUSTED = 75
"""Exit status of a worker that could not begin, for a shortage."""
RESTARTS = 20
"""How often a worker is replaced."""

STARTING: SpawnContext | ForkServerContext = multiprocessing.get_context("spawn")
"""How a worker's process starts."""


@dataclass(frozen=True)
class WorkerSpec:
    """What a worker needs to begin, wherever it runs."""

    folder: Path
    batch: Batch
    name: str
    most: int
    offline: bool
    requests: int
    prompts: dict[str, str]
    """The prompts of the driver's process (`nodes.prompt_set`)."""

    def make(self) -> Worker:
        """The worker, in the calling process, which collects garbage less often from now on.

        With a thousand sessions in memory a collection takes long, and their memory is freed without it. Raises `RunError` in a
        process that has read other prompts than the driver's: a file was edited in between.
        """
        refuse_other_prompts(f"worker {self.name} cannot join: {self.folder}", [self.prompts], self.batch.configuration)
        gc.set_threshold(100_000, 50, 1000)
        models = Models(offline=self.offline, in_flight=self.most, requests=self.requests)
        return Worker(self.folder, self.batch, models, name=self.name, most=self.most)


class RemoteWorker:
    """A worker somewhere else, which is replaced when it dies: its counts go on."""

    def __init__(self, spec: WorkerSpec) -> None:
        self._spec = spec
        self._before = Pulse()
        self._pulse = Pulse()
        self._capacity = 1
        self._starts = 0

    def pulse(self) -> Pulse:
        return total([self._before, self._pulse])

    def _end_pulse(self) -> None:
        self._before = self.pulse().model_copy(update={"running": 0, "limit": 0, "in_flight": 0})
        self._pulse = Pulse()


class ProcessWorker(RemoteWorker):
    """A worker in a process of its own. Belongs to the event loop that it was made in."""

    def __init__(self, spec: WorkerSpec) -> None:
        super().__init__(spec)
        self._loop = asyncio.get_running_loop()
        self._waiting: dict[str, asyncio.Future[Entry]] = {}
        self._closing = False
        self._lame = False
        self._refused: RunError | None = None
        self._start()

    async def run(self, unit: Unit) -> Entry:
        if self._lame:
            raise self._refused or WorkerLost(f"worker {self._spec.name} is not there any more")
        answer: asyncio.Future[Entry] = self._loop.create_future()
        self._waiting[unit.session_id] = answer
        self._send("run", unit)
        return await answer

    def capacity(self) -> int:
        if self._refused:
            return 1  # who hands it a unit hears why it cannot begin
        return 0 if self._lame or not self._process.is_alive() else self._capacity

    def stop(self, *, now: bool = False) -> None:
        self._send("stop", now)

    async def close(self) -> None:
        self._closing = True
        self._send("close", None)
        await asyncio.to_thread(self._process.join, 10)
        if self._process.is_alive():
            self._process.kill()
            await asyncio.to_thread(self._process.join)

    def _start(self) -> None:
        self._pipe, theirs = STARTING.Pipe()
        self._process = STARTING.Process(target=_main, args=(theirs, self._spec), name=self._spec.name, daemon=True)
        self._process.start()
        theirs.close()  # else the end of the child would go unseen
        self._starts += 1
        threading.Thread(target=self._listen, args=(self._pipe,), daemon=True).start()

    def _send(self, what: str, about: Any) -> None:
        with suppress(OSError, ValueError):  # the worker has died; the listener notices
            self._pipe.send((what, about))

    def _listen(self, pipe: Connection) -> None:
        while True:
            try:
                what, about = pipe.recv()
            except (EOFError, OSError):
                break
            except Exception as error:  # the two are out of step: replace the worker
                LOG.error("worker %s: %s", self._spec.name, describe_internal(error), exc_info=error)
                self._process.kill()
                break
            self._later(self._receive, what, about)
        self._later(self._lost)

    def _later(self, call: Callable[..., None], *args: Any) -> None:
        with suppress(RuntimeError):  # the loop is closed
            self._loop.call_soon_threadsafe(call, *args)

    def _receive(self, what: str, about: Any) -> None:
        if what == "pulse":
            self._pulse, self._capacity = about
            return
        if what == "broken":  # it cannot begin
            self._lame = True
            self._refused = about if isinstance(about, RunError) else None
            self._give_up(about)
            return
        session_id, result = about
        answer = self._waiting.pop(session_id, None)
        if answer is None or answer.done():
            return
        if isinstance(result, BaseException):
            answer.set_exception(result)
        else:
            answer.set_result(result)

    def _lost(self) -> None:
        if self._closing:
            self._give_up(Suspended())
            return
        self._process.join(1)
        code = self._process.exitcode
        self._end_pulse()
        self._give_up(WorkerLost(f"worker {self._spec.name} ended with {_exit(code)}"))
        if self._starts <= RESTARTS and not self._lame:
            try:
                self._start()
            except (OSError, RuntimeError) as error:  # no process or thread is left: the other workers go on
                self._lame = True
                LOG.error("worker %s cannot be begun again: %s", self._spec.name, error)

    def _give_up(self, error: Exception) -> None:
        for answer in self._waiting.values():
            if not answer.done():
                answer.set_exception(error)
        self._waiting.clear()


def _exit(code: int | None) -> str:
    if code is not None and code < 0:
        name = signal.Signals(-code).name
        return f"signal {name}" + (" (out of memory?)" if name == "SIGKILL" else "")
    return "nothing left of memory, threads or files" if code == EXHAUSTED else f"status {code}"


def _main(pipe: Connection, spec: WorkerSpec) -> None:
    """The worker's process. Its errors go to the run's log, not to the terminal."""
    gc.freeze()  # what was imported is no garbage
    for number in STOPPING:
        signal.signal(number, signal.SIG_IGN)  # the parent gets Ctrl-C, and passes it on
    with logged(RunFolder(spec.folder).log):
        try:
            asyncio.run(_Child(pipe, spec.make()).run())
        except Exception as error:
            LOG.error("worker %s: %s", spec.name, describe_internal(error), exc_info=error)
            if shortage(error):
                os._exit(EXHAUSTED)
            with suppress(OSError):  # the parent has died
                pipe.send(("broken", _for_driver(error)))


async def result_of(worker: Worker, unit: Unit) -> Entry | Exception:
    """Run a unit for a driver in another process; returns the entry, or the error that the driver raises."""
    try:
        return await worker.run(unit)
    except Exception as error:
        result = _for_driver(error)
        if isinstance(result, InternalError):
            LOG.error("session %s: %s", unit.session_id, result, exc_info=error)
        return result


def _for_driver(error: Exception) -> Exception:
    """The error itself if the driver handles its kind, else one that describes it in a line."""
    if isinstance(error, (Suspended, AtLimit, Shortage, RunError, InternalError)):
        return error
    if isinstance(error, OSError) and not shortage(error):
        return RunError(f"{error.filename or 'a file of the run'} cannot be used: {error.strerror or error}")
    return InternalError(describe_internal(error))


class _Child:
    def __init__(self, pipe: Connection, worker: Worker) -> None:
        self._pipe = pipe
        self._worker = worker
        self._sending = threading.Lock()
        self._closed = asyncio.Event()
        self._tasks: set[asyncio.Task[None]] = set()

    async def run(self) -> None:
        loop = asyncio.get_running_loop()
        log_unretrieved(loop)
        threading.Thread(target=self._listen, args=(loop,), daemon=True).start()
        while not self._closed.is_set():
            self._send("pulse", (self._worker.pulse(), self._worker.capacity()))
            with suppress(TimeoutError):
                await asyncio.wait_for(self._closed.wait(), PULSE_EVERY)
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._worker.close()

    def _listen(self, loop: asyncio.AbstractEventLoop) -> None:
        while True:
            try:
                what, about = self._pipe.recv()
            except (EOFError, OSError):
                os._exit(1)  # the parent has died: another one may already be at work on the run
            loop.call_soon_threadsafe(self._receive, what, about)

    def _receive(self, what: str, about: Any) -> None:
        if what == "run":
            task = asyncio.create_task(self._run(about))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        elif what == "stop":
            self._worker.stop(now=about)
        else:
            self._closed.set()

    async def _run(self, unit: Unit) -> None:
        result = await result_of(self._worker, unit)
        self._send("pulse", (self._worker.pulse(), self._worker.capacity()))
        self._send("end", (unit.session_id, result))

    def _send(self, what: str, about: Any) -> None:
        try:
            with self._sending:
                self._pipe.send((what, about))
        except OSError:
            os._exit(1)
