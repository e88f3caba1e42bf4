"""The addresses of batches, and what they show: how many sessions there are, how they do, and what the whole will take."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from dataclasses import asdict, dataclass

from fastapi import APIRouter
from fastapi.sse import EventSourceResponse, ServerSentEvent
from pydantic import BaseModel, ConfigDict, Field

from counseling_sessions.errors import UserError
from counseling_sessions.generation.run import Asked
from counseling_sessions.generation.state import StateReader
from counseling_sessions.nodes.methods import METHODS
from counseling_sessions.profiles.library import builtin_ids, load_builtin
from counseling_sessions.profiles.schema import ATTITUDES, Attitude
from counseling_sessions.sessions.folder import RunFolder
from counseling_sessions.settings import MethodName
from counseling_sessions.texts.words import duration
from counseling_sessions.web.batching import MOST_SESSIONS, Batching, batch_asked
from counseling_sessions.web.changing import states
from counseling_sessions.web.runs import Runs
from counseling_sessions.web.views import Json

MOST_LISTED = 20
"""Batches whose state is read for the list, the latest."""


class _Asked(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class NewBatch(_Asked):
    """A batch to begin: built-in clients (none: all), attitudes (none: each client's own), methods and so many seeds."""

    clients: tuple[str, ...] = Field(default=(), max_length=MOST_SESSIONS)
    attitudes: tuple[Attitude, ...] = Field(default=(), max_length=len(ATTITUDES))
    methods: tuple[MethodName, ...] = Field(default=("magnet",), min_length=1, max_length=len(METHODS))
    seeds: int = Field(default=1, ge=1, le=MOST_SESSIONS)
    turns: int | None = Field(default=None, ge=1, le=100)

    def asked(self) -> Asked:
        """The same for the run. Raises `PageError`."""
        unique = [tuple(dict.fromkeys(chosen)) for chosen in (self.clients, self.attitudes, self.methods)]
        return batch_asked(unique[0], unique[1] or None, unique[2], self.seeds)


class Which(_Asked):
    """The run that goes on."""

    name: str = Field(max_length=300)


@dataclass(frozen=True)
class Batches:
    """The part of the page in which a batch is begun and seen at work."""

    name = "batch"

    batching: Batching
    runs: Runs

    def router(self, stopping: Callable[[], bool]) -> APIRouter:
        """The addresses under `/api/batch`."""
        batching = self.batching
        router = APIRouter(prefix="/api/batch")

        async def now() -> Batching:
            return batching

        @router.get("/events", response_class=EventSourceResponse)
        async def events() -> AsyncIterator[ServerSentEvent]:
            async for state in states(now, batch_view, stopping):
                yield state

        @router.get("")
        async def state() -> Json:
            return batch_view(batching)

        @router.post("")
        async def begin(asked: NewBatch) -> Json:
            await batching.begin(asked.asked(), asked.turns)
            return batch_view(batching)

        @router.post("/stop")
        async def stop() -> Json:
            batching.stop()
            return batch_view(batching)

        @router.post("/on")
        async def go_on(which: Which) -> Json:
            await batching.go_on(which.name)
            return batch_view(batching)

        router.include_router(self._form())
        return router

    def _form(self) -> APIRouter:
        router = APIRouter()

        @router.get("/start")
        async def start() -> Json:
            return {
                "clients": [{"id": name, "name": load_builtin(name).demographics.name} for name in builtin_ids()],
                "attitudes": list(ATTITUDES),
                "methods": [{"name": one.name, "description": one.description} for one in METHODS.values()],
                "unfinished": await asyncio.to_thread(unfinished, self.runs),
            }

        @router.post("/preview")
        async def preview(asked: NewBatch) -> Json:
            return {"text": preview_text(asked.asked())}

        return router

    async def close(self) -> None:
        """Stop what runs; it can go on later."""
        await self.batching.close()


def preview_text(asked: Asked) -> str:
    """What a batch would be, before it is begun."""
    clients, attitudes = (asked.source or "").split(","), asked.attitudes or ("own",)
    methods, seeds = asked.methods or (), asked.seeds or ()
    parts = [(clients, "client"), (attitudes, "attitude"), (methods, "method"), (seeds, "seed")]
    total = len(clients) * len(attitudes) * len(methods) * len(seeds)
    product = " × ".join(f"{len(items)} {name}{'' if len(items) == 1 else 's'}" for items, name in parts)
    return f"{product} = {total} session{'' if total == 1 else 's'}"


def unfinished(runs: Runs) -> list[Json]:
    """The latest batches of the folder that have sessions left or failed, as their ledgers say; unreadable ones are left out."""
    names = [one["name"] for one in runs.listed()]
    planned = [(name, place) for name in names if RunFolder(place := runs.place(name)).planned]
    rows = []
    for name, place in planned[:MOST_LISTED]:
        with suppress(UserError):
            state = StateReader(place).read(by_ledger=True)
            if state.left or state.failed:
                rows.append({"name": name, "total": state.total, "finished": state.finished, "failed": state.failed})
    return rows


def batch_view(batching: Batching) -> Json:
    """The batch as every tab shows it; without one that was begun or gone on with, its `name` is empty."""
    shown: Json = {"name": batching.name, "number": batching.number, "state": "none"}
    if not (drive := batching.drive):
        return shown
    progress, run = drive.progress, drive.run
    finished = sum(entry.status == "finished" for entry in run.entries.values())
    failed = sum(entry.status != "finished" for entry in run.entries.values())
    state = ("stopping" if progress.draining else "running") if batching.at_work else "ended"
    rows = [
        asdict(row) | {"seconds": round(row.seconds, 1), "lone": duration(row.sessions * row.seconds)}
        for row in batching.forecast()
    ]
    return shown | {
        "state": state,
        "line": drive.view.line(),
        "total": run.total,
        "finished": finished,
        "failed": failed,
        "left": run.total - finished,
        "failures": progress.failures.most_common(5),
        "forecast": rows,
        "stopped": progress.stopped or "",
        "problem": batching.problem,
        "warnings": batching.warnings,
        "folder": str(run.folder),
    }
