"""`run.py trace`: what happened in a session, step by step, on the terminal or as a page."""

import argparse
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.text import Text

from counseling_sessions.commands import Subparsers
from counseling_sessions.commands.options import salvage_option, salvaged, tell_left_out
from counseling_sessions.inspection.find import Overview, find_one, overview
from counseling_sessions.inspection.trace import as_json, trace_session
from counseling_sessions.inspection.trace_data import SessionTrace
from counseling_sessions.inspection.trace_prompts import Prompts, prompts_of
from counseling_sessions.inspection.trace_view import find_turn, show_overview, show_session, show_turn
from counseling_sessions.models.prices import read_prices
from counseling_sessions.sessions.errors import RunError
from counseling_sessions.sessions.ledger import Damage
from counseling_sessions.texts.console import HarmlessConsole, json_text

NOT_ON_A_PAGE = ("full", "prompts", "prices", "list", "json")
"""Options of the terminal's trace alone."""


def add(commands: Subparsers) -> None:
    """Tell the parser about this command."""
    parser = commands.add_parser("trace", help="what happened in a session, step by step")
    parser.add_argument(
        "place", metavar="PLACE", help="run directory, folder of single sessions, journal, or file of records"
    )
    parser.add_argument(
        "session",
        nargs="?",
        metavar="SESSION",
        help="its id, how that begins, or its number in the list (default: the only one, or the list)",
    )
    parser.add_argument("--turn", type=int, metavar="N", help="one turn in full; 0 is the opening with the plan")
    parser.add_argument("--full", action="store_true", help="every turn in full")
    parser.add_argument("--prompts", action="store_true", help="in full, with the prompts that were sent")
    parser.add_argument("--html", metavar="FILE", help="write a page to look at in a browser: of SESSION, or of all")
    parser.add_argument("--prices", metavar="FILE", help="YAML with prices per model, for costs")
    parser.add_argument("--list", action="store_true", help="only list the sessions")
    parser.add_argument("--json", action="store_true", help="print it as JSON")
    salvage_option(parser)
    parser.set_defaults(command=trace)


def trace(args: argparse.Namespace) -> int:
    """Show a session's trace, or which sessions there are."""
    place, left_out = Path(args.place), salvaged(args)
    if args.html:
        return _write_page(args, place, left_out)
    rows = overview(place, left_out=left_out) if args.list or not (args.session or _one_wanted(args)) else []
    tell_left_out(left_out)
    if args.list or len(rows) > 1:
        return _list(args, rows)
    record = find_one(place, args.session, left_out=None if left_out is None else [])
    traced = trace_session(record, read_prices(Path(args.prices)) if args.prices else None)
    prompts = prompts_of(record, traced) if args.prompts else None
    if args.json:
        print(json_text(_told(args, traced, prompts)))
        return 0
    with _paged() as console:
        if args.turn is not None:
            show_turn(console, traced, args.turn, prompts)
        else:
            show_session(console, traced, full=args.full or args.prompts, prompts=prompts)
    return 0


def _write_page(args: argparse.Namespace, place: Path, left_out: list[Damage] | None) -> int:
    from counseling_sessions.inspection.page import write_pages

    others = {"turn": args.turn is not None} | {name: getattr(args, name) for name in NOT_ON_A_PAGE}
    if unused := [f"--{name}" for name, given in others.items() if given]:
        raise RunError(f"{', '.join(unused)} has no effect on a page, which shows every turn; leave it out")
    written = write_pages(place, args.session, Path(args.html), left_out=left_out)
    tell_left_out(left_out)
    for path in written:
        HarmlessConsole(soft_wrap=True).print(Text(f"written: {path}"))
    return 0


def _one_wanted(args: argparse.Namespace) -> bool:
    """Whether the options are about one session, so that it has to be named where there are several."""
    return args.turn is not None or args.full or args.prompts


def _list(args: argparse.Namespace, rows: list[Overview]) -> int:
    if args.json:
        print(json_text([asdict(row) for row in rows]))
    elif rows:
        with _paged() as console:
            show_overview(console, rows)
    else:
        HarmlessConsole(soft_wrap=True).print(f"{args.place} has no sessions yet")
    return 0


def _told(args: argparse.Namespace, traced: SessionTrace, prompts: Prompts | None) -> dict[str, Any]:
    told = as_json(traced)
    if args.turn is not None:
        find_turn(traced, args.turn)
        told["turns"] = [turn for turn in told["turns"] if turn["turn"] == args.turn]
        told["calls"] = [call for call in told["calls"] if call["turn"] == args.turn]
    if prompts:
        shown = {call["number"] for call in told["calls"]}
        sent = {number: item for number, item in prompts.by_call.items() if number in shown}
        told["prompts"] = {number: [asdict(message) for message in item] for number, item in sent.items()}
        told["prompts_problem"] = prompts.problem
    return told


@contextmanager
def _paged() -> Iterator[Console]:
    """A console whose output goes through a pager, where a person is looking at it."""
    console = HarmlessConsole()
    if not (console.is_terminal and sys.stdin.isatty()):
        yield console
        return
    # As git does it: shorter output than the terminal is just printed, colors stay.
    os.environ.setdefault("LESS", "FRX")
    with console.pager(styles=True):
        yield console
