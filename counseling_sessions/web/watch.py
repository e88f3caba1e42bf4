"""The addresses of watched sessions, and what they show: a session's trace as it grows."""

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass

from fastapi import APIRouter
from fastapi.sse import EventSourceResponse, ServerSentEvent
from pydantic import BaseModel, ConfigDict, Field

from counseling_sessions.inspection.find import status_of
from counseling_sessions.inspection.graph_picture import graph_svg
from counseling_sessions.inspection.live import DOING
from counseling_sessions.inspection.page_data import drawing_of, session_data
from counseling_sessions.inspection.trace import trace_session
from counseling_sessions.models.prices import Prices
from counseling_sessions.nodes.methods import METHODS
from counseling_sessions.practice.hint_text import title
from counseling_sessions.practice.review import course_of
from counseling_sessions.practice.review_text import review_texts
from counseling_sessions.profiles.library import DEFAULT_ATTITUDE
from counseling_sessions.profiles.schema import Attitude
from counseling_sessions.sessions.record import SessionRecord
from counseling_sessions.settings import MethodName, SessionConfig
from counseling_sessions.web.changing import states
from counseling_sessions.web.views import Json
from counseling_sessions.web.watching import Watched, Watching

SHOWN = ("client", "facts", "turns", "name", "attitude", "method", "ended", "started_at")
"""What a page of a growing session has of the trace; calls and prompts are on the trace page."""


class NewSession(BaseModel):
    """A simulated session to begin."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    client: str = Field(max_length=200)
    attitude: Attitude = DEFAULT_ATTITUDE
    method: MethodName = "magnet"
    turns: int | None = Field(default=None, ge=1, le=100)


@dataclass(frozen=True)
class Watch:
    """The part of the page in which simulated sessions are begun and watched."""

    name = "watch"

    watching: Watching

    def router(self, stopping: Callable[[], bool]) -> APIRouter:
        """The addresses under `/api/watch`."""
        watching = self.watching
        router = APIRouter(prefix="/api/watch")

        @router.get("")
        async def start() -> Json:
            return {
                "methods": [{"name": one.name, "description": one.description} for one in METHODS.values()],
                "sessions": await asyncio.to_thread(lambda: list(map(row_of_watched, watching.unfinished()))),
            }

        @router.post("")
        async def begin(asked: NewSession) -> Json:
            watched = await watching.begin(asked.client, asked.attitude, asked.method, asked.turns)
            return {"name": watched.name}

        router.include_router(self._session(stopping))
        return router

    async def close(self) -> None:
        """Stop what runs; it can go on later."""
        await self.watching.close()

    def _session(self, stopping: Callable[[], bool]) -> APIRouter:
        watching = self.watching
        router = APIRouter(prefix="/{name}")

        def view(watched: Watched) -> Json:
            return watched_view(watched, watching.prices)

        @router.get("/events", response_class=EventSourceResponse)
        async def events(name: str) -> AsyncIterator[ServerSentEvent]:
            async for state in states(lambda: watching.session(name), view, stopping):
                yield state

        @router.get("")
        async def state(name: str) -> Json:
            return view(await watching.session(name))

        @router.get("/graph")
        async def graph(name: str) -> Json:
            drawing = drawing_of(trace_session((await watching.session(name)).record))
            return {"svg": graph_svg(*drawing) if drawing else None}

        @router.post("/stop")
        async def stop(name: str) -> Json:
            watched = await watching.session(name)
            await watched.stop()
            return view(watched)

        @router.post("/on")
        async def go_on(name: str) -> Json:
            return view(await watching.go_on(name))

        return router


def row_of_watched(watched: Watched) -> Json:
    """A line of the list of sessions that run or can go on."""
    record = watched.record
    return {
        "name": watched.name,
        "client": record.profile.demographics.name,
        "turns": len(record.turns),
        "state": _state(watched),
    }


def watched_view(watched: Watched, prices: Prices | None) -> Json:
    """A session as every tab that watches it shows it: its trace so far, the nodes at work, and what can be done."""
    record = watched.record
    trace = trace_session(record, prices if prices and _priced(record, prices) else None)
    data, state = session_data(record, trace), _state(watched)
    return {
        **{key: data[key] for key in SHOWN},
        "client_name": data["name"],
        "name": watched.name,
        "number": watched.number,
        "turn": max((one.turn for one in record.dialogue), default=0),
        "turns_at_most": int(record.configuration.get("max_turns", 0)),
        "state": state,
        "nodes": list(dict.fromkeys(watched.doing)),
        "doing": [DOING.get(node, title(node)) for node in dict.fromkeys(watched.doing)],
        "path": data["turns"][-1]["path"],
        "texts": review_texts(),
        "course": [point.model_dump(mode="json") for point in course_of(record)],
        "problem": watched.problem,
        "folder": str(watched.run.folder),
    }


def _state(watched: Watched) -> str:
    """`running`, or `finished`, `failed` or `unfinished` at rest."""
    return "running" if watched.at_work else status_of(watched.record)


def _priced(record: SessionRecord, prices: Prices) -> bool:
    """Whether there is a price for every model of the session: it may be of other models than those of the command."""
    config = SessionConfig.model_validate(record.configuration)
    return all(prices.of_role(config, role) for role in record.usage)
