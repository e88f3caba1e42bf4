"""Workers on the nodes of a Ray cluster (`pip install -e '.[ray]'`): one asynchronous actor each, running many sessions.

The run directory must be on a file system that all nodes share: journals, shards and ledgers survive the death of an actor,
of a node and of the driver. An actor that dies is replaced, wherever there is room, and its units go on from their journals.
"""

import asyncio
import re
import socket
from contextlib import suppress
from importlib import import_module
from typing import Any, cast

from counseling_sessions.generation.batch import Unit
from counseling_sessions.generation.driver import WorkerLost
from counseling_sessions.generation.log import LogFile
from counseling_sessions.generation.processes import PULSE_EVERY, RESTARTS, RemoteWorker, WorkerSpec, result_of
from counseling_sessions.generation.worker import Pulse, Worker
from counseling_sessions.graph.trouble import LOG, describe_internal
from counseling_sessions.sessions.entries import Entry
from counseling_sessions.sessions.errors import RunError
from counseling_sessions.sessions.folder import RunFolder
from counseling_sessions.texts.harmless import one_line

MOST_CALLS = 10_000
"""Calls of an actor's methods at once: a session is one, for as long as it runs."""


def connect(address: str | None) -> None:
    """Join a Ray cluster, or start one on this machine. Raises `RunError`."""
    try:
        import ray
    except ImportError:
        raise RunError("--engine ray needs Ray: pip install -e '.[ray]'") from None
    if ray.is_initialized():
        return
    try:
        if address and (place := re.fullmatch(r"(?:ray://)?([^:/]+):(\d+)", address)):
            # Ray itself goes on trying for minutes.
            socket.create_connection((place[1], int(place[2])), timeout=10).close()
        ray.init(address=address, log_to_driver=False, include_dashboard=False, configure_logging=False)
    except Exception as error:  # a cluster that is not there raises one of several
        reason = one_line(str(error))[:300]
        raise RunError(f"no Ray cluster at {address or 'this machine'}: {reason}") from error


class _Actor:
    """What runs on a node."""

    def __init__(self, spec: WorkerSpec) -> None:
        LOG.addHandler(LogFile(RunFolder(spec.folder).log))
        try:
            self._worker: Worker | RunError = spec.make()
        except RunError as error:  # each unit gets it as its answer: Ray would take a raised one for a lost actor
            LOG.error("worker %s: %s", spec.name, error)
            self._worker = error

    async def run(self, unit: Unit) -> tuple[Entry | Exception, Pulse, int]:
        if isinstance(self._worker, RunError):
            return self._worker, *await self.pulse()
        return await result_of(self._worker, unit), *await self.pulse()  # Ray would wrap an error that is raised

    async def pulse(self) -> tuple[Pulse, int]:
        if isinstance(self._worker, RunError):
            return Pulse(), 1
        return self._worker.pulse(), self._worker.capacity()

    async def stop(self, now: bool) -> None:
        if isinstance(self._worker, Worker):
            self._worker.stop(now=now)


class RayWorker(RemoteWorker):
    """A worker on a Ray cluster. Belongs to the event loop that it was made in."""

    def __init__(self, spec: WorkerSpec) -> None:
        super().__init__(spec)
        self._ray: Any = import_module("ray")  # its types know no actors of several methods
        self._start()
        self._watching = asyncio.create_task(self._watch())

    async def run(self, unit: Unit) -> Entry:
        actor = self._actor
        try:
            result, self._pulse, self._capacity = await actor.run.remote(unit)
        except self._ray.exceptions.RayError as error:
            self._lost(actor)
            raise WorkerLost(f"actor {self._spec.name}: {type(error).__name__}") from error
        if isinstance(result, Exception):
            raise result
        return cast(Entry, result)

    def capacity(self) -> int:
        return self._capacity if self._starts <= RESTARTS else 0

    def stop(self, *, now: bool = False) -> None:
        self._actor.stop.remote(now)

    async def close(self) -> None:
        self._watching.cancel()
        await asyncio.gather(self._watching, return_exceptions=True)
        with suppress(self._ray.exceptions.RayError, ValueError):  # it is gone
            self._ray.kill(self._actor)

    def _start(self) -> None:
        # Restarts are ours, so that we notice the loss. The first start reserves a core; a replacement goes wherever it can,
        # since the lost actor's node may not come back.
        options = {"num_cpus": 0 if self._starts else 1, "max_restarts": 0, "max_concurrency": MOST_CALLS}
        self._actor: Any = self._ray.remote(scheduling_strategy="SPREAD", **options)(_Actor).remote(self._spec)
        self._starts += 1

    def _lost(self, actor: Any) -> None:
        if actor is not self._actor:
            return  # another session has noticed
        self._end_pulse()
        self._start()

    async def _watch(self) -> None:
        while True:
            try:
                self._pulse, self._capacity = await self._actor.pulse.remote()
            except self._ray.exceptions.RayError:
                pass  # its sessions notice
            except Exception as error:
                LOG.warning("worker %s: %s", self._spec.name, describe_internal(error), exc_info=error)
            await asyncio.sleep(PULSE_EVERY)
