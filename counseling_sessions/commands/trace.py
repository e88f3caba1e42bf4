"""`run.py trace`: what happened in a session, step by step, on the terminal or as a page."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

from rich.console import Console

from counseling_sessions.commands.parsing.inspection import TraceRequest
from counseling_sessions.commands.telling import say, tell_left_out
from counseling_sessions.inspection.find import Overview, find_one, overview
from counseling_sessions.inspection.trace import as_json, prompts_of, trace_session
from counseling_sessions.inspection.trace_data import Prompts, SessionTrace
from counseling_sessions.inspection.trace_view import find_turn, show_overview, show_session, show_turn
from counseling_sessions.models.prices import read_prices
from counseling_sessions.sessions.errors import RunError
from counseling_sessions.sessions.ledger import Damage
from counseling_sessions.store.system import WINDOWS
from counseling_sessions.texts.console import HarmlessConsole, json_text, print_json

NOT_ON_A_PAGE = ("full", "prompts", "prices", "list", "json")
"""Options of the terminal's trace alone."""


def run(request: TraceRequest) -> int:
    """Show a session's trace, or which sessions there are."""
    left_out: list[Damage] | None = [] if request.salvage else None
    if request.html:
        return _write_page(request, request.html, left_out)
    # A person who asks for details means one session.
    one = request.session or request.turn is not None or request.full or request.prompts
    rows = overview(request.place, left_out=left_out) if request.list or not one else []
    tell_left_out(left_out)
    if request.list or len(rows) > 1:
        return _list(request, rows)
    record = find_one(request.place, request.session, left_out=None if left_out is None else [])
    traced = trace_session(record, read_prices(request.prices) if request.prices else None)
    prompts = prompts_of(record, traced) if request.prompts else None
    if request.json:
        print_json(json_text(_shown(request, traced, prompts)))
        return 0
    with _paged() as console:
        if request.turn is not None:
            show_turn(console, traced, request.turn, prompts)
        else:
            show_session(console, traced, full=request.full or request.prompts, prompts=prompts)
    return 0


def _write_page(request: TraceRequest, page: Path, left_out: list[Damage] | None) -> int:
    from counseling_sessions.inspection.page import write_page

    others = {"turn": request.turn is not None} | {name: getattr(request, name) for name in NOT_ON_A_PAGE}
    if unused := [f"--{name}" for name, value in others.items() if value]:
        raise RunError(f"{', '.join(unused)} has no effect on a page, which shows every turn; leave it out")
    write_page(request.place, request.session, page, left_out=left_out)
    tell_left_out(left_out)
    say(f"written: {page}")
    return 0


def _list(request: TraceRequest, rows: list[Overview]) -> int:
    if request.json:
        print_json(json_text([asdict(row) for row in rows]))
    elif rows:
        with _paged() as console:
            show_overview(console, rows)
    else:
        say(f"{request.place} has no sessions yet")
    return 0


def _shown(request: TraceRequest, traced: SessionTrace, prompts: Prompts | None) -> dict[str, Any]:
    data = as_json(traced)
    if request.turn is not None:
        find_turn(traced, request.turn)
        data["turns"] = [turn for turn in data["turns"] if turn["turn"] == request.turn]
        data["calls"] = [call for call in data["calls"] if call["turn"] == request.turn]
    if prompts:
        shown = {call["number"] for call in data["calls"]}
        sent = {number: item for number, item in prompts.by_call.items() if number in shown}
        data["prompts"] = {number: [asdict(message) for message in item] for number, item in sent.items()}
        data["prompts_problem"] = prompts.problem
    return data


@contextmanager
def _paged() -> Iterator[Console]:
    """A console whose output goes through a pager, where a person is looking at it."""
    console = HarmlessConsole()
    if not (console.is_terminal and sys.stdin.isatty()):
        yield console
        return
    # As git does it: shorter output than the terminal is just printed, colors stay. The pager of Windows would show their codes.
    os.environ.setdefault("LESS", "FRX")
    with console.pager(styles=not WINDOWS):
        yield console
