"""A page with simulated sessions on a scripted model, for the tests of watching."""

import asyncio
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from fastapi import FastAPI
from langchain_core.callbacks import AsyncCallbackManagerForLLMRun
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import BaseMessage
from langchain_core.outputs import ChatResult
from pydantic import PrivateAttr
from starlette.testclient import TestClient

from counseling_sessions.commands.evaluating import evaluate_into
from counseling_sessions.generation.batch import begun_batch
from counseling_sessions.generation.run import Run
from counseling_sessions.generation.worker import Worker
from counseling_sessions.models.chat import Models
from counseling_sessions.models.endpoints import Endpoint
from counseling_sessions.models.prices import Prices
from counseling_sessions.sessions.journal_lines import JournalContent
from counseling_sessions.settings import MethodName, ModelSettings, SessionConfig, SettingsError
from counseling_sessions.web.app import Part, page_app
from counseling_sessions.web.batches import Batches
from counseling_sessions.web.batching import Batching
from counseling_sessions.web.evaluating import Evaluate, Evaluating, Evaluation
from counseling_sessions.web.guard import Guard
from counseling_sessions.web.runs import Runs
from counseling_sessions.web.seats import Seats
from counseling_sessions.web.watch import Watch
from counseling_sessions.web.watching import Watching
from tests.scripted import ScriptedChat, config, role_of

ORIGIN = "http://testserver"


class Conducting:
    """Three turns with the scripted model, unless a test refuses to go on."""

    refused = ""

    async def new(self, method: MethodName, turns: int | None) -> SessionConfig:
        return config(method=method, max_turns=turns or 3)

    async def of_batch(self, turns: int | None) -> SessionConfig:
        return config(max_turns=turns or 3)

    async def of_run(self, folder: Path) -> SessionConfig:
        if self.refused:
            raise SettingsError(self.refused)
        return begun_batch(folder).configuration

    async def again(self, content: JournalContent, journal: Path) -> None:
        if self.refused:
            raise SettingsError(self.refused)


class HeldChat(ScriptedChat):
    """Answers nothing from the client's `turn`-th answer on until `go` is set; `held` says that it waits."""

    turn: int = 10**6
    _go: threading.Event = PrivateAttr(default_factory=threading.Event)
    _held: threading.Event = PrivateAttr(default_factory=threading.Event)

    @property
    def go(self) -> threading.Event:
        return self._go

    @property
    def held(self) -> threading.Event:
        return self._held

    async def _agenerate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: AsyncCallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        answered = sum(one.role == "client" for one in self.asked)
        if role_of(messages, kwargs) == "client" and answered + 1 >= self.turn:
            self._held.set()
            while not self._go.is_set():
                await asyncio.to_thread(self._go.wait, 0.02)
        return self._generate(messages, stop, None, **kwargs)


class Page:
    """The page in a test: `get` and `post` give data, and fail unless the status is as expected."""

    def __init__(self, client: TestClient, conducting: Conducting) -> None:
        self.client, self.conducting = client, conducting

    def get(self, address: str, status: int = 200) -> Any:
        answer = self.client.get(f"/token/{address}")
        assert answer.status_code == status, answer.text
        return answer.json()

    def post(self, address: str, body: Any = None, status: int = 200) -> Any:
        answer = self.client.post(f"/token/{address}", json=body or {}, headers={"origin": ORIGIN})
        assert answer.status_code == status, answer.text
        return answer.json()

    def until(self, name: str, reached: Callable[[Any], Any]) -> Any:
        """The session's state once it is so."""
        return waited(lambda: state if reached(state := self.get(f"api/watch/{name}")) else None)


def waited(look: Callable[[], Any], limit: float = 30.0) -> Any:
    """What a function gives once that is something."""
    until = time.monotonic() + limit
    while not (seen := look()):
        assert time.monotonic() < until
        time.sleep(0.01)
    return seen


def app_on(
    folder: Path,
    chat: ScriptedChat,
    stopping: Callable[[], bool],
    prices: Prices | None = None,
    evaluate: Evaluate = evaluate_into,
) -> tuple[FastAPI, Conducting]:
    """The page's server on a folder of runs, and what says how its sessions are conducted."""

    def make(endpoint: Endpoint, settings: ModelSettings) -> BaseChatModel:
        return chat

    models, conducting, runs = Models(make, backoff=0.0), Conducting(), Runs(folder)

    async def practised() -> SessionConfig:
        return config()

    def worker(run: Run) -> Worker:
        return Worker(run.folder, run.batch, Models(make, backoff=0.0), most=2)

    parts: list[Part] = [
        Watch(Watching(folder, runs, models, conducting, prices)),
        Batches(Batching(folder, runs, conducting, worker, prices), runs),
        Evaluation(Evaluating(runs, evaluate)),
    ]
    return page_app(Seats(folder, models, practised), runs, stopping=stopping, parts=parts), conducting


@contextmanager
def page_on(
    folder: Path, chat: ScriptedChat, prices: Prices | None = None, evaluate: Evaluate = evaluate_into
) -> Iterator[Page]:
    """A page on a folder of runs; leaving it stops the server."""
    app, conducting = app_on(folder, chat, lambda: False, prices, evaluate)
    with TestClient(Guard(app, "token", [ORIGIN])) as client:
        yield Page(client, conducting)
