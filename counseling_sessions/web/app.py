"""The page's addresses: its files, what it asks, and the stream of a session. `guard` stands before all of them."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from types import MappingProxyType
from typing import Any, Protocol

from fastapi import APIRouter, FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import FileResponse, HTMLResponse, JSONResponse
from fastapi.sse import EventSourceResponse, ServerSentEvent
from pydantic import BaseModel, ConfigDict, Field

from counseling_sessions.errors import UserError
from counseling_sessions.inspection.page import FOLDER as TRACE_PAGE
from counseling_sessions.inspection.page import SCRIPTS
from counseling_sessions.practice.hint_text import answer_lines, hint_lines
from counseling_sessions.practice.keeping import KeptSession
from counseling_sessions.profiles.library import DEFAULT_ATTITUDE, DEFAULT_CLIENT, load_builtin
from counseling_sessions.profiles.schema import Attitude
from counseling_sessions.web.changing import RETRY, states
from counseling_sessions.web.exercises import Exercise
from counseling_sessions.web.rate import rating_router
from counseling_sessions.web.reading import read_router
from counseling_sessions.web.reviews import reviews_in
from counseling_sessions.web.runs import Runs
from counseling_sessions.web.seats import PageError, Seat, Seats
from counseling_sessions.web.views import Json, kept_view, seat_view, start_view

PAGE = Path(__file__).parent / "page"
FILES = {
    **{name: PAGE / name for name in ("web.css", "talk.js", "practise.js", "review.js", "reviews.js", "start.js")},
    **{name: PAGE / name for name in ("fetched.js", "read.js", "read.css", "rate.js", "rate.css")},
    **{name: PAGE / name for name in ("watch.css", "watch.js", "batch.js", "evaluate.js")},
    **{name: TRACE_PAGE / name for name in (*SCRIPTS, "trace.css")},
    "trace.js": TRACE_PAGE / "start.js",
}
"""The files of the page, by name: no other name leads to a file."""


class Part(Protocol):
    """A further part of the page: its name, its addresses under `/api`, and what is to be done when the server ends."""

    name: str

    def router(self, stopping: Callable[[], bool]) -> APIRouter: ...

    async def close(self) -> None: ...


class _Asked(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class NewPractice(_Asked):
    """A practice session to begin: with a built-in client, or an `exercise` that the server was started with."""

    client: str = Field(default=DEFAULT_CLIENT, max_length=200)
    exercise: str | None = Field(default=None, max_length=200)
    attitude: Attitude = DEFAULT_ATTITUDE
    turns: int | None = Field(default=None, ge=1, le=100)


class Said(_Asked):
    """What the person says; `closing`: as the goodbye."""

    text: str
    closing: bool = False


class Back(_Asked):
    """The turn whose message is taken back, with all after it."""

    turn: int = Field(ge=1)


def page_app(
    seats: Seats,
    runs: Runs,
    *,
    stopping: Callable[[], bool],
    exercises: Mapping[str, Exercise] = MappingProxyType({}),
    parts: Sequence[Part] = (),
) -> FastAPI:
    """The server of the page with its further `parts`; `stopping` says whether open streams have to end."""

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        yield
        await seats.close()
        for part in parts:
            await part.close()

    app = FastAPI(openapi_url=None, docs_url=None, redoc_url=None, lifespan=lifespan)
    app.add_exception_handler(UserError, _told)
    app.add_exception_handler(RequestValidationError, _misunderstood)
    app.include_router(_files(runs))
    app.include_router(_start(seats, runs, exercises, [part.name for part in parts]))
    app.include_router(read_router(runs, stopping))
    app.include_router(_practice(seats, stopping))
    app.include_router(_advice(seats))
    app.include_router(rating_router(runs.folder))
    for part in parts:
        app.include_router(part.router(stopping))
    return app


async def _told(_: Request, error: Exception) -> JSONResponse:
    return JSONResponse({"problem": str(error)}, 409 if isinstance(error, PageError) else 400)


async def _misunderstood(_: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)
    wrong = ", ".join(".".join(map(str, one["loc"][1:])) + f": {one['msg']}" for one in error.errors())
    return JSONResponse({"problem": f"That cannot be asked ({wrong[:300]})."}, 422)


def _files(runs: Runs) -> APIRouter:
    router = APIRouter()

    @router.get("/")
    async def index() -> FileResponse:
        return FileResponse(PAGE / "index.html")

    @router.get("/page/{name}")
    async def file(name: str) -> Any:
        if name not in FILES:
            return JSONResponse({"problem": "There is no such file."}, 404)
        return FileResponse(FILES[name])

    @router.get("/runs/{name}")
    async def run(name: str) -> HTMLResponse:
        page, policy = await asyncio.to_thread(runs.page, name)
        return HTMLResponse(page, headers={"content-security-policy": policy})

    return router


def _start(seats: Seats, runs: Runs, exercises: Mapping[str, Exercise], parts: Sequence[str]) -> APIRouter:
    router = APIRouter(prefix="/api")

    @router.get("/start")
    async def start() -> Json:
        return start_view(seats, await asyncio.to_thread(runs.listed), exercises) | {"parts": parts}

    @router.post("/practice")
    async def begin(asked: NewPractice) -> Json:
        if asked.exercise is None:
            seat = await seats.begin(load_builtin(asked.client), asked.attitude, asked.turns)
        elif exercise := exercises.get(asked.exercise):
            seat = await seats.begin(exercise.profile, exercise.attitude, exercise.turns, exercise)
        else:
            raise PageError("There is no such exercise.")
        return {"name": seat.name}

    @router.get("/reviews")
    async def reviews() -> Json:
        return {"reviews": await asyncio.to_thread(reviews_in, runs.folder)}

    return router


def _practice(seats: Seats, stopping: Callable[[], bool]) -> APIRouter:
    router = APIRouter(prefix="/api/practice/{name}")

    @router.get("/events", response_class=EventSourceResponse)
    async def events(name: str) -> AsyncIterator[ServerSentEvent]:
        shown = await seats.shown(name)
        if isinstance(shown, KeptSession):
            yield ServerSentEvent(data=kept_view(name, shown), event="state", retry=RETRY)
            return
        async for state in states(lambda: seats.seat(name), seat_view, stopping):
            yield state

    @router.get("")
    async def state(name: str) -> Json:
        shown = await seats.shown(name)
        return kept_view(name, shown) if isinstance(shown, KeptSession) else seat_view(shown)

    @router.post("/say")
    async def say(name: str, asked: Said) -> Json:
        return await _done(name, lambda seat: seat.say(asked.text, closing=asked.closing))

    @router.post("/back")
    async def back(name: str, asked: Back) -> Json:
        return await _done(name, lambda seat: seat.take_back(asked.turn))

    @router.post("/again")
    async def again(name: str) -> Json:
        return seat_view(await seats.seat(name, retry=True))

    async def _done(name: str, step: Callable[[Seat], None]) -> Json:
        seat = await seats.seat(name)
        step(seat)
        return seat_view(seat)

    return router


def _advice(seats: Seats) -> APIRouter:
    router = APIRouter(prefix="/api/practice/{name}")

    @router.post("/hint")
    async def hint(name: str) -> Json:
        seat = await seats.seat(name)
        return {"lines": hint_lines(await seat.asked("hint", seat.advisor.hint(seat.practice.dialogue)))}

    @router.post("/why")
    async def why(name: str) -> Json:
        seat = await seats.seat(name)
        return {"lines": await seat.asked("why", seat.advisor.why(seat.practice.dialogue))}

    @router.post("/magnet")
    async def magnet(name: str) -> Json:
        return await _magnet(await seats.seat(name))

    return router


async def _magnet(seat: Seat) -> Json:
    answer = await seat.asked("magnet", seat.advisor.answer())
    if answer.failure:
        raise PageError(f"MAGneT gave no answer: {answer.failure.message}")
    return {"lines": answer_lines(answer, seat.advisor.kept_hint(seat.practice.dialogue)), "said": answer.said}
