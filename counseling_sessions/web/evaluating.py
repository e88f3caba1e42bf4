"""The evaluation of a run, in a process of its own, one at a time; its page is a file in the run's folder."""

import asyncio
import multiprocessing
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from multiprocessing.connection import Connection
from multiprocessing.context import SpawnProcess
from pathlib import Path

from fastapi import APIRouter
from fastapi.responses import HTMLResponse
from fastapi.sse import EventSourceResponse, ServerSentEvent

from counseling_sessions.web.changing import Changing, states
from counseling_sessions.web.runs import Runs
from counseling_sessions.web.seats import PageError
from counseling_sessions.web.views import Json

REPORT = "evaluation.html"
"""The page's name in the run's folder."""
POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; img-src data:; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'; sandbox allow-popups"
)
"""A report has no script, and what lies in its place gets none."""

Evaluate = Callable[[Connection, Path, Path], None]
"""Evaluates a place into a file in another process. The connection gets (stage, sessions done, of how many), and a string at the end:
what was wrong, or nothing."""


class Evaluating(Changing):
    """The one evaluation that may be at work. `name` is its run, `stage`, `done` and `of` (sessions) how far it is.

    `problem` says why it came to no end.
    """

    def __init__(self, runs: Runs, evaluate: Evaluate) -> None:
        super().__init__()
        self.name, self.stage, self.problem = "", "", ""
        self.done = self.of = 0
        self._runs, self._evaluate = runs, evaluate
        self._process: SpawnProcess | None = None
        self._task: asyncio.Task[None] | None = None

    @property
    def at_work(self) -> bool:
        """Whether a run is being evaluated."""
        return self._task is not None and not self._task.done()

    def report(self, name: str) -> Path | None:
        """The page of a listed run; None where there is none yet. Raises `PageError` for any other name."""
        path = self._runs.place(name) / REPORT
        return path if path.is_file() and not path.is_symlink() else None

    def begin(self, name: str) -> None:
        """Evaluate a listed run. Raises `PageError` while another one is evaluated."""
        place = self._runs.place(name)
        if self.at_work:
            raise PageError(f"{self.name} is being evaluated, and one run is at a time. Stop it, or wait.")
        self.name, self.stage, self.problem, self.done, self.of = name, "", "", 0, 0
        context = multiprocessing.get_context("spawn")
        heard, said = context.Pipe(duplex=False)
        self._process = context.Process(target=self._evaluate, args=(said, place, place / REPORT))
        self._process.start()
        said.close()  # so that the end of the process is the end of the pipe
        self._task = asyncio.create_task(self._work(self._process, heard))
        self.changed()

    async def stop(self) -> None:
        """Stop what is at work; an earlier page stays."""
        if self._task and self._process and self.at_work:
            self.problem = "It was stopped."
            self._process.terminate()
            await self._task

    async def _work(self, process: SpawnProcess, heard: Connection) -> None:
        try:
            ended = await asyncio.to_thread(self._follow, heard, asyncio.get_running_loop())
            await asyncio.to_thread(process.join)
            self.problem = self.problem or ended
        finally:
            heard.close()
            asyncio.get_running_loop().call_soon(self.changed)  # once this task is done

    def _follow(self, heard: Connection, loop: asyncio.AbstractEventLoop) -> str:
        """Take in what the process says, until its end; what was wrong."""
        while True:
            try:
                news = heard.recv()
            except EOFError:
                return "The evaluation ended before its time; the terminal of the server says why."
            if isinstance(news, str):
                return news
            loop.call_soon_threadsafe(self._progress, *news)

    def _progress(self, stage: str, done: int, of: int) -> None:
        self.stage, self.done, self.of = stage, done, of
        self.changed()


@dataclass(frozen=True)
class Evaluation:
    """The part of the page in which a run is evaluated."""

    name = "evaluate"

    evaluating: Evaluating

    def router(self, stopping: Callable[[], bool]) -> APIRouter:
        """The addresses under `/api/evaluate`, and the report at `/reports/{name}`."""
        evaluating = self.evaluating
        router = APIRouter()

        async def now() -> Evaluating:
            return evaluating

        @router.get("/api/evaluate/{name}/events", response_class=EventSourceResponse)
        async def events(name: str) -> AsyncIterator[ServerSentEvent]:
            async for state in states(now, lambda one: evaluation_view(one, name), stopping):
                yield state

        @router.get("/api/evaluate/{name}")
        async def state(name: str) -> Json:
            return evaluation_view(evaluating, name)

        @router.post("/api/evaluate/{name}")
        async def begin(name: str) -> Json:
            evaluating.begin(name)
            return evaluation_view(evaluating, name)

        @router.post("/api/evaluate/{name}/stop")
        async def stop(name: str) -> Json:
            if name == evaluating.name:
                await evaluating.stop()
            return evaluation_view(evaluating, name)

        @router.get("/reports/{name}")
        async def report(name: str) -> HTMLResponse:
            path = evaluating.report(name)
            if path is None:
                raise PageError("This run has no report yet.")
            page = await asyncio.to_thread(path.read_text, encoding="utf-8")
            return HTMLResponse(page, headers={"content-security-policy": POLICY})

        return router

    async def close(self) -> None:
        """Stop what is at work."""
        await self.evaluating.stop()


def evaluation_view(evaluating: Evaluating, name: str) -> Json:
    """How the evaluation of a run stands. Raises `PageError` for a name that is not listed."""
    mine = name == evaluating.name
    return {
        "name": name,
        "number": evaluating.number,
        "at_work": mine and evaluating.at_work,
        "stage": evaluating.stage if mine else "",
        "done": evaluating.done if mine else 0,
        "of": evaluating.of if mine else 0,
        "problem": evaluating.problem if mine else "",
        "report": evaluating.report(name) is not None,
    }
