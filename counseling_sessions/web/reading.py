"""What the page reads of a run: its sessions as a list, one of them, two side by side, and a search in all their texts."""

import time
from collections.abc import Callable, Iterator
from dataclasses import asdict
from itertools import islice
from typing import Annotated

from fastapi import APIRouter, Query, Response
from fastapi.responses import HTMLResponse
from fastapi.sse import EventSourceResponse, ServerSentEvent
from pydantic_core import to_json

from counseling_sessions.errors import UserError
from counseling_sessions.inspection.page import SCRIPTS, served_page
from counseling_sessions.inspection.page_data import Json
from counseling_sessions.inspection.searching import Search
from counseling_sessions.web.run_rows import SECONDS
from counseling_sessions.web.runs import Runs
from counseling_sessions.web.seats import PageError

STYLES = ("trace.css", "read.css")
MOST_HITS = 2000
"""Hits after which a search stops."""
MOST_OF_ONE = 20
"""Hits that are shown of one session; the others are counted."""

Words = Annotated[str, Query(min_length=1, max_length=200)]
SessionName = Annotated[str, Query(max_length=200)]


def read_router(runs: Runs, stopping: Callable[[], bool]) -> APIRouter:
    """The addresses of reading; `stopping` says whether open streams have to end."""
    router = APIRouter()

    @router.get("/read/{name}")
    def read(name: str) -> HTMLResponse:
        runs.run(name)
        scripts = (*SCRIPTS, "talk.js", "fetched.js", "read.js", "trace.js")
        return HTMLResponse(served_page(name, *([f"../page/{one}" for one in files] for files in (STYLES, scripts))))

    @router.get("/api/runs/{name}/rows")
    def rows(name: str) -> Response:
        listing = runs.rows(name)
        return _plain({"rows": listing.listed()})

    @router.get("/api/runs/{name}/more", response_class=EventSourceResponse)
    def more(name: str) -> Iterator[ServerSentEvent]:
        yield from _told(_more(runs, name, stopping))

    @router.get("/api/runs/{name}/session")
    def session(name: str, id: SessionName) -> Response:
        return _plain(runs.session(name, id))

    @router.get("/api/runs/{name}/compare")
    def compare(name: str, a: SessionName, b: SessionName) -> Response:
        return _plain(runs.difference(name, a, b))

    @router.get("/api/runs/{name}/search", response_class=EventSourceResponse)
    def search(name: str, q: Words) -> Iterator[ServerSentEvent]:
        yield from _told(_search(runs, name, q, stopping))

    return router


def _plain(value: Json) -> Response:
    return Response(to_json(value, inf_nan_mode="null"), media_type="application/json")


def _event(event: str, value: Json) -> ServerSentEvent:
    return ServerSentEvent(raw_data=to_json(value, inf_nan_mode="null").decode(), event=event)


def _told(events: Iterator[ServerSentEvent]) -> Iterator[ServerSentEvent]:
    """The events; a stream cannot answer with a status any more, so that an error is its last event."""
    try:
        yield from events
    except UserError as error:
        yield _event("done", {"problems": [str(error)]})


def _more(runs: Runs, name: str, stopping: Callable[[], bool]) -> Iterator[ServerSentEvent]:
    listing = runs.rows(name)
    for piece in listing.pieces():
        if stopping():
            return
        yield _event("rows", {"rows": piece})
    yield _event("done", {"problems": listing.damage})


def _search(runs: Runs, name: str, query: str, stopping: Callable[[], bool]) -> Iterator[ServerSentEvent]:
    """Sessions with their hits as they are found, and how many sessions were read."""
    if not query.strip():
        raise PageError("Say what is to be searched for.")
    sought, hits = Search(query), 0
    sessions: list[Json] = []
    until = time.monotonic() + SECONDS
    for record in runs.records(name, sought.may_be_in):
        there = sought.hits_in(record)
        shown = [asdict(hit) for hit in islice(there, MOST_OF_ONE)]
        if shown:
            hidden = sum(1 for _ in there)
            hits += len(shown) + hidden
            sessions.append({"id": record.session_id, "hits": shown, "hidden": hidden})
        if time.monotonic() >= until:
            yield _event("hits", {"read": sought.looked_at, "sessions": sessions})
            sessions, until = [], time.monotonic() + SECONDS
            if stopping():
                return
        if hits >= MOST_HITS:
            break
    yield _event("hits", {"read": sought.looked_at, "sessions": sessions})
    yield _event("done", {"problems": [], "stopped": hits >= MOST_HITS})
