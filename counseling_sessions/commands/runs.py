"""`run.py status`, `merge` and `export`: what stands in run directories, and what is made of it."""

import argparse
import json
import re
import time
from pathlib import Path

from rich.console import Group
from rich.live import Live
from rich.table import Table
from rich.text import Text

from counseling_sessions.commands import Subparsers
from counseling_sessions.commands.options import errors, salvage_option, salvaged, tell_left_out
from counseling_sessions.commands.unfinished import still_to_come
from counseling_sessions.generation.exports import FORMATS, ExportReport, Splits, export
from counseling_sessions.generation.merging import merge
from counseling_sessions.generation.state import RunState, StateReader
from counseling_sessions.generation.view import duration, failures_table
from counseling_sessions.models.prices import read_prices
from counseling_sessions.sessions.checking import refusal
from counseling_sessions.sessions.errors import RunError
from counseling_sessions.sessions.folder import RunFolder, run_folder
from counseling_sessions.texts.console import HarmlessConsole
from counseling_sessions.texts.harmless import one_line

WATCH_EVERY = 2.0


def add(commands: Subparsers) -> None:
    """Tell the parser about these commands."""
    parser = commands.add_parser("status", help="how a run stands: done, failed and why, rates, tokens, time left")
    parser.add_argument("run", metavar="FOLDER", help="run directory")
    parser.add_argument("--watch", action="store_true", help="go on showing it until the run is not at work any more")
    parser.add_argument("--json", action="store_true", help="print it as JSON")
    parser.add_argument("--prices", metavar="FILE", help="YAML with prices per model, for costs")
    salvage_option(parser)
    parser.set_defaults(command=status)
    merging = commands.add_parser("merge", help="put parts of a run (--shard) together")
    merging.add_argument("parts", nargs="+", metavar="FOLDER", help="run directories of one batch")
    merging.add_argument("--out", metavar="FOLDER", help="default: the parts' common name, without -I-of-N")
    merging.set_defaults(command=merge_runs)
    exporting = commands.add_parser("export", help="a run as a data set, with its card")
    exporting.add_argument("run", metavar="FOLDER", help="a run's folder")
    exporting.add_argument("--format", choices=list(FORMATS), required=True)
    exporting.add_argument("--out", required=True, metavar="FOLDER")
    exporting.add_argument(
        "--splits",
        metavar="A/B/C",
        help="train/validation/test by client, such as 80/10/10 (default: one)",
    )
    exporting.add_argument("--seed", type=int, default=0, help="of the splits (default 0)")
    exporting.add_argument("--licence", metavar="ID", help="for the card, such as cc-by-4.0")
    exporting.add_argument("--overwrite", action="store_true", help="replace an export that is there")
    salvage_option(exporting)
    exporting.set_defaults(command=export_run)


def status(args: argparse.Namespace) -> int:
    """How a run stands; 1 where sessions are damaged, unless they are to be left out."""
    reader = StateReader(Path(args.run), read_prices(Path(args.prices)) if args.prices else None)
    console = HarmlessConsole()
    state = reader.read()
    if args.watch and console.is_terminal and not args.json:
        with Live(_picture(state), console=console, auto_refresh=False) as live:
            while state.live is not None:
                time.sleep(WATCH_EVERY)
                state = reader.read()
                live.update(_picture(state), refresh=True)
        return _judged(args, state)
    while True:
        if args.json:
            print(json.dumps(state.as_json()), flush=True)
        else:
            console.print(_picture(state))
        if not args.watch or state.live is None:
            return _judged(args, state)
        time.sleep(WATCH_EVERY)
        state = reader.read()


def _judged(args: argparse.Namespace, state: RunState) -> int:
    if not state.damaged:
        return 0
    if args.salvage:
        tell_left_out(state.damaged)
        return 0
    errors().print(Text(f"error: {refusal(RunFolder(state.folder), state.damaged)}", style="red"))
    return 1


def merge_runs(args: argparse.Namespace) -> int:
    """Put parts of a run together."""
    parts = [Path(part) for part in args.parts]
    out = Path(args.out) if args.out else _common(parts)
    _, missing = merge(parts, out)
    if missing:
        errors().print(
            Text(
                f"missing parts: {', '.join(map(str, missing))}; the merged run has their sessions to do",
                style="yellow",
            )
        )
    HarmlessConsole().print(_picture(StateReader(out).read()))
    return 1 if missing else 0


def export_run(args: argparse.Namespace) -> int:
    """Write a run as a data set."""
    place, left_out = Path(args.run), salvaged(args)
    folder = run_folder(place)
    if folder is None:
        raise RunError(f"{place} is not a run directory, and has no sessions")
    unfinished = still_to_come(place)
    report = export(
        lambda: folder.records(failed=True, left_out=left_out),
        args.format,
        Path(args.out),
        licence=args.licence,
        splits=Splits.of(args.splits) if args.splits else None,
        seed=args.seed,
        overwrite=args.overwrite,
        unfinished=unfinished,
        damaged=left_out,
    )
    tell_left_out(left_out)
    _tell_export(report)
    return 0


def _tell_export(report: ExportReport) -> None:
    console = HarmlessConsole(soft_wrap=True)
    parts = ", ".join(f"{name} {part.examples:,}" for name, part in report.splits.items())
    failed = f"; {sum(report.failed.values()):,} failed sessions left out" if report.failed else ""
    if report.unfinished:
        message = (
            f"the run is not done: {report.unfinished:,} of its sessions are still to come, and are not in the export"
        )
        errors().print(Text(message, style="yellow"))
    console.print(
        Text(
            f"{report.sessions:,} sessions of {report.clients:,} clients, {report.examples:,} examples ({parts}){failed}"
        )
    )
    console.print(Text(f"written: {report.out}/, with its card in README.md"))


def _common(parts: list[Path]) -> Path:
    names = {re.sub(r"-\d+-of-\d+$", "", str(part).rstrip("/")) for part in parts}
    if len(names) != 1 or names == {str(part) for part in parts}:
        raise RunError("say with --out where the merged run is to go")
    return Path(names.pop())


def _picture(state: RunState) -> Group:
    table = Table(box=None, show_header=False, pad_edge=False)
    table.add_column(style="dim")
    table.add_column()
    at_work = "at work" if state.live is not None else "not at work"
    table.add_row("run", Text(f"{state.folder}/ · {at_work}"))
    running = (state.live or {}).get("running", 0)
    damaged = f", {len(state.damaged):,} damaged" if state.damaged else ""
    done = f"{state.finished:,} of {state.total:,} finished, {state.failed:,} failed{damaged}, {state.left:,} to do"
    table.add_row(
        "sessions", done + (f" ({running} running)" if running else f" ({state.begun} begun)" if state.begun else "")
    )
    if len(state.batch.methods) > 1:
        table.add_row("by method", ", ".join(f"{name} {state.by_method[name]:,}" for name in state.batch.methods))
    if state.by_end:
        table.add_row("ended", ", ".join(f"{name} {count:,}" for name, count in state.by_end.most_common()))
    tokens = state.prompt_tokens + state.completion_tokens
    cached = f", {state.cached_tokens / state.prompt_tokens:.0%} of the prompts cached" if state.prompt_tokens else ""
    table.add_row("used", f"{state.turns:,} turns, {state.calls:,} calls, {tokens:,} tokens{cached}, by ended sessions")
    if state.cost is not None:
        table.add_row("cost", f"{state.cost:,.4g}")
    if state.sessions_per_hour:
        left = f", {duration(state.hours_left * 3600)} left" if state.hours_left else ""
        table.add_row("rate", f"{state.sessions_per_hour:,.0f} sessions an hour{left}")
    if line := (state.live or {}).get("line"):
        table.add_row("now", Text(one_line(str(line))))
    if state.unlisted:
        table.add_row("ledger", f"does not know {state.unlisted:,} of the records yet; `generate` enters them")
    return Group(table, failures_table(state.failures)) if state.failures else Group(table)
