"""`run.py studio`: LangGraph Studio's server, with the sessions of a run as threads and the methods as assistants."""

import asyncio
import os
import signal
from collections.abc import Sequence
from contextlib import suppress
from itertools import islice
from pathlib import Path

from rich.text import Text

from counseling_sessions.commands.parsing.inspection import MOST, StudioRequest
from counseling_sessions.commands.telling import tell, tell_left_out, warn
from counseling_sessions.graph.served import VARIABLE as MODELS
from counseling_sessions.inspection.find import find_one, find_records, overview, status_of
from counseling_sessions.inspection.studio import (
    connect,
    create_assistants,
    create_threads,
    method_assistants,
    server,
    wait_for_end,
    write_checkpoints,
)
from counseling_sessions.models.models_file import read_models
from counseling_sessions.sessions.errors import RunError
from counseling_sessions.sessions.ledger import Damage
from counseling_sessions.sessions.record import SessionRecord
from counseling_sessions.settings import ModelSettings
from counseling_sessions.texts.console import HarmlessConsole

STUDIO = "https://smith.langchain.com/studio/?baseUrl="


def run(request: StudioRequest) -> int:
    """Import sessions, start the server, wait until it is stopped."""
    console = HarmlessConsole(soft_wrap=True)
    if request.assistants:
        changed = asyncio.run(create_assistants(connect(request.url), method_assistants()))
        console.print(f"{len(method_assistants())} assistants on {request.url}, {changed} of them new or changed")
        return 0
    path = request.models_file or (Path(named) if (named := os.environ.get(MODELS)) else None)
    models = read_models(path) if path else {}
    left_out: list[Damage] | None = [] if request.salvage else None
    records = _wanted(request.place, request.sessions, left_out) if request.place else []
    tell_left_out(left_out)
    done = asyncio.run(write_checkpoints(records, fresh=request.fresh)) if records else {}
    threads = [record for record in records if done[record.session_id] in ("imported", "there already")]
    for record in records:
        if record not in threads:
            warn(f"session {record.session_id} {done[record.session_id]}")
    if records and not threads:
        raise RunError(f"{request.place}: none of the sessions can be imported")
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with server(request.port, browser=not request.no_browser, models=path) as (url, process, log):
        asyncio.run(_tell_server(url, threads, models))
        for record in threads:
            console.print(Text(_line(record, done[record.session_id])))
        console.print(f"server: {url} (log: {log})\nStudio: {STUDIO}{url}\nCtrl-C stops it.")
        with suppress(KeyboardInterrupt):
            raise RunError(f"langgraph dev ended by itself with status {wait_for_end(process)}; see {log}")
    return 0


async def _tell_server(url: str, threads: list[SessionRecord], models: dict[str, ModelSettings]) -> None:
    client = connect(url)
    await create_assistants(client, method_assistants())
    await create_threads(client, threads, models)


def _wanted(place: Path, names: Sequence[str], left_out: list[Damage] | None) -> list[SessionRecord]:
    """The sessions that are named, or the first ones. Raises `RunError` or `JournalError`."""
    if names:
        named = [find_one(place, name, left_out=None if left_out is None else []) for name in names]
        return list({record.session_id: record for record in named}.values())
    overview(place, left_out=left_out)  # says what is damaged, wherever it lies
    first = list(islice(find_records(place, left_out=[]), MOST + 1))
    if not first:
        raise RunError(f"{place} has no sessions yet")
    if len(first) > MOST:
        tell(f"the first {MOST} sessions are imported; name others by their ids")
    return first[:MOST]


def _line(record: SessionRecord, done: str) -> str:
    config = record.configuration
    what = f"{config['method']}  seed {config['seed']}  {len(record.turns)} turns"
    return f"{record.session_id}  {status_of(record)}  {what}  {record.profile_id}, {record.attitude}  ({done})"
