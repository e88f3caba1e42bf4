"""Runs for the tests of reading, and the page's server over their folder."""

import asyncio
import json
import socket
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from starlette.testclient import TestClient

from counseling_sessions.sessions.record import SessionRecord
from counseling_sessions.sessions.writing import ShardWriter
from counseling_sessions.settings import SessionConfig
from counseling_sessions.web.app import page_app
from counseling_sessions.web.guard import Guard
from counseling_sessions.web.runs import Runs
from counseling_sessions.web.seats import Seats
from counseling_sessions.web.server import PageServer
from tests.inspection.page_sessions import many
from tests.scripted import Sensible, config, scripted_models

HOSTILE = "</script><img src=x onerror=\"document.title='taken'\"> <b>bold</b> & \u2028 {{style}} \U0001f642 '"
TOKEN = "token"


def guarded(folder: Path, origin: str, stopping: Callable[[], bool] = lambda: False) -> Guard:
    """The whole server, as the command makes it."""

    async def configure() -> SessionConfig:
        return config()

    models, _ = scripted_models(Sensible())
    return Guard(page_app(Seats(folder, models, configure), Runs(folder), stopping=stopping), TOKEN, [origin])


@contextmanager
def served_at(folder: Path) -> Iterator[str]:
    """The page's address, served for real from a thread."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        origin = f"http://127.0.0.1:{probe.getsockname()[1]}"
    port = int(origin.rpartition(":")[2])
    server = PageServer("127.0.0.1", port, lambda stopping: guarded(folder, origin, stopping))
    thread = threading.Thread(target=lambda: asyncio.run(server.run()))
    thread.start()
    while thread.is_alive():
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                break
        time.sleep(0.05)
    yield f"{origin}/{TOKEN}/"
    server.stop()
    thread.join(30)


def client(folder: Path, **options: Any) -> TestClient:
    return TestClient(guarded(folder, "http://testserver", **options), base_url=f"http://testserver/{TOKEN}/")


def keep(folder: Path, records: Iterable[SessionRecord]) -> Path:
    """A run's folder with these records."""
    store = ShardWriter(folder, "w0")
    for record in records:
        store.keep(record)
    return folder


def hostile_texts() -> SessionRecord:
    """A session whose texts and names are markup, as far as a record can hold it."""
    record = many(1)[0]
    first = record.turns[0]
    assert first.counselor
    assert first.client
    assert first.pick
    assert record.plan
    turn = first.model_copy(
        update={
            "counselor": first.counselor.model_copy(update={"text": HOSTILE}),
            "client": first.client.model_copy(update={"text": HOSTILE}),
            "pick": first.pick.model_copy(update={"reason": HOSTILE}),
            "candidates": tuple(one.model_copy(update={"text": HOSTILE}) for one in first.candidates),
        }
    )
    who = record.profile.demographics.model_copy(update={"name": HOSTILE})
    return record.model_copy(
        update={
            "session_id": "hostile",
            "profile_id": HOSTILE,
            "profile": record.profile.model_copy(update={"demographics": who}),
            "plan": record.plan.model_copy(update={"goal": HOSTILE}),
            "turns": (turn, *record.turns[1:]),
            "configuration": record.configuration | {"techniques": ["reflection", HOSTILE]},
        }
    )


def events_of(text: str) -> list[tuple[str, Any]]:
    """The events of a stream, each with its data."""
    found = []
    for block in text.split("\n\n"):
        fields = dict(line.split(": ", 1) for line in block.split("\n") if ": " in line and not line.startswith(":"))
        if "event" in fields:
            found.append((fields["event"], json.loads(fields["data"])))
    return found
