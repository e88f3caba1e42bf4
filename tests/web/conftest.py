"""The page's server: in this process before a scripted model, with a client that has its token."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from counseling_sessions.sessions.journal_lines import JournalContent
from counseling_sessions.settings import SessionConfig
from counseling_sessions.web.app import page_app
from counseling_sessions.web.exercises import Exercise
from counseling_sessions.web.guard import Guard
from counseling_sessions.web.runs import Runs
from counseling_sessions.web.seats import Seats
from tests.scripted import Sensible, config, scripted_models

TOKEN = "a-token"
ORIGIN = "http://127.0.0.1:8765"

Serve = Callable[..., "Page"]


class Page(TestClient):
    """A browser, as it were: it knows the address with the token."""

    def __init__(self, app: Any, seats: Seats) -> None:
        super().__init__(app, base_url=f"{ORIGIN}/{TOKEN}", raise_server_exceptions=True)
        self.seats, self.left = seats, False

    def leave(self) -> None:
        """Stop the server."""
        self.left = True
        self.__exit__()

    def asks(self, address: str, **body: Any) -> dict[str, Any]:
        """The answer to a request that is done."""
        answer = self.post(f"{ORIGIN}/{TOKEN}/{address}", json=body)
        assert answer.status_code == 200, answer.text
        return dict(answer.json())

    def state(self, name: str) -> dict[str, Any]:
        """A session once nothing runs in it."""
        while True:
            state = self.get(f"{ORIGIN}/{TOKEN}/api/practice/{name}").json()
            if not state.get("busy"):
                return dict(state)

    def says(self, name: str, text: str, **more: Any) -> dict[str, Any]:
        self.asks(f"api/practice/{name}/say", text=text, **more)
        return self.state(name)


@dataclass
class Configured:
    """The configuration of every session, with these options; all may be taken up."""

    options: dict[str, Any]

    async def __call__(self) -> SessionConfig:
        return config(router="rules", **self.options)

    def allow(self, journal: Path, content: JournalContent) -> None:
        pass


@pytest.fixture
def serve(tmp_path: Path) -> Iterator[Serve]:
    """Starts a server of the same folder; a second one is the same after a restart."""
    pages: list[Page] = []

    def started(answer: Any = None, exercises: Mapping[str, Exercise] | None = None, **options: Any) -> Page:
        models, _ = scripted_models(answer or Sensible())
        seats = Seats(tmp_path / "runs", models, Configured(options))
        inner = page_app(seats, Runs(tmp_path / "runs"), stopping=lambda: False, exercises=exercises or {})
        app = Guard(inner, TOKEN, [ORIGIN])
        pages.append(Page(app, seats))
        pages[-1].__enter__()
        return pages[-1]

    yield started
    for page in pages:
        if not page.left:
            page.leave()
