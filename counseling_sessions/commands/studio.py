"""`run.py studio`: LangGraph Studio's server, with the sessions of a run as threads and the methods as assistants."""

import argparse
import asyncio
import os
import signal
import subprocess
from itertools import islice
from pathlib import Path
from types import FrameType

from rich.text import Text

from counseling_sessions.commands import Subparsers
from counseling_sessions.commands.options import errors, salvage_option, salvaged, tell_left_out
from counseling_sessions.graph.served import VARIABLE as MODELS
from counseling_sessions.inspection.find import find_one, find_records, overview
from counseling_sessions.inspection.studio import (
    connect,
    create_assistants,
    create_threads,
    method_assistants,
    server,
    status_of,
    write_checkpoints,
)
from counseling_sessions.models.models_file import read_models
from counseling_sessions.sessions.errors import RunError
from counseling_sessions.sessions.ledger import Damage
from counseling_sessions.settings import ModelSettings
from counseling_sessions.state import SessionRecord
from counseling_sessions.texts.console import HarmlessConsole

MOST = 50
"""Sessions that are imported unless named: each takes one or two megabytes of the checkpoints' file."""
STUDIO = "https://smith.langchain.com/studio/?baseUrl="
SERVER = "http://127.0.0.1:2024"


def add(commands: Subparsers) -> None:
    """Tell the parser about this command."""
    parser = commands.add_parser(
        "studio", help="sessions in LangGraph Studio: step through them, fork them, run them on"
    )
    parser.add_argument(
        "place", nargs="?", metavar="PLACE", help="run directory, folder of single sessions, or journal"
    )
    parser.add_argument(
        "sessions", nargs="*", metavar="SESSION", help=f"ids, how they begin, or numbers (default: the first {MOST})"
    )
    parser.add_argument("--port", type=int, help="of the server (default 2024, or a free one where that is taken)")
    parser.add_argument("--models", metavar="FILE", help="YAML with the models that the server may use, per role")
    parser.add_argument("--no-browser", action="store_true", help="do not open Studio in the browser")
    parser.add_argument(
        "--fresh", action="store_true", help="import again what is there, without what was forked in it"
    )
    parser.add_argument("--assistants", action="store_true", help="only create an assistant for each method, on --url")
    parser.add_argument("--url", default=SERVER, help=f"a LangGraph server, for --assistants (default {SERVER})")
    salvage_option(parser)
    parser.set_defaults(command=studio)


def studio(args: argparse.Namespace) -> int:
    """Import sessions, start the server, wait until it is stopped."""
    console = HarmlessConsole(soft_wrap=True)
    if args.assistants:
        changed = asyncio.run(create_assistants(connect(args.url), method_assistants()))
        console.print(f"{len(method_assistants())} assistants on {args.url}, {changed} of them new or changed")
        return 0
    path = args.models or os.environ.get(MODELS)
    models = read_models(Path(path)) if path else {}
    left_out = salvaged(args)
    records = _wanted(Path(args.place), args.sessions, left_out) if args.place else []
    tell_left_out(left_out)
    done = asyncio.run(write_checkpoints(records, fresh=args.fresh)) if records else {}
    for record in records:
        if done[record.session_id] not in ("imported", "there already"):
            errors().print(Text(f"session {record.session_id} {done[record.session_id]}", style="yellow"))
    threads = [record for record in records if done[record.session_id] in ("imported", "there already")]
    if records and not threads:
        raise RunError(f"{args.place}: none of the sessions can be imported")
    signal.signal(signal.SIGTERM, _interrupt)
    with server(args.port, browser=not args.no_browser, models=Path(path) if path else None) as (url, process, log):
        asyncio.run(_tell_server(url, threads, models))
        for record in threads:
            console.print(Text(_line(record, done[record.session_id])))
        console.print(f"server: {url} (log: {log})\nStudio: {STUDIO}{url}\nCtrl-C stops it.")
        _wait(process, log)
    return 0


async def _tell_server(url: str, threads: list[SessionRecord], models: dict[str, ModelSettings]) -> None:
    client = connect(url)
    await create_assistants(client, method_assistants())
    await create_threads(client, threads, models)


def _wait(process: subprocess.Popen[bytes], log: Path) -> None:
    try:
        status = process.wait()
    except KeyboardInterrupt:
        return
    raise RunError(f"langgraph dev ended by itself with status {status}; see {log}")


def _interrupt(number: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def _wanted(place: Path, names: list[str], left_out: list[Damage] | None) -> list[SessionRecord]:
    """The sessions that are named, or the first ones. Raises `RunError` or `JournalError`."""
    if names:
        named = [find_one(place, name, left_out=None if left_out is None else []) for name in names]
        return list({record.session_id: record for record in named}.values())
    overview(place, left_out=left_out)  # what is damaged is told, wherever it lies
    first = list(islice(find_records(place, left_out=[]), MOST + 1))
    if not first:
        raise RunError(f"{place} has no sessions yet")
    if len(first) > MOST:
        errors().print(f"the first {MOST} sessions are imported; name others by their ids")
    return first[:MOST]


def _line(record: SessionRecord, done: str) -> str:
    config = record.configuration
    who = f"{record.profile_id}, {record.attitude}"
    turns = f"{len(record.turns)} turns"
    return (
        f"{record.session_id}  {status_of(record)}  {config['method']}  seed {config['seed']}  {turns}  {who}  ({done})"
    )
