"""`run.py status`, `merge` and `export`: a run directory, how it stands, its parts as one, and its data set."""

import json
import re
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from rich.console import Group
from rich.live import Live
from rich.table import Table
from rich.text import Text

from counseling_sessions.commands.parsing.runs import ExportRequest, MergeRequest, StatusRequest
from counseling_sessions.commands.telling import say, still_to_come, tell, tell_left_out, warn
from counseling_sessions.generation.exports import Splits, export
from counseling_sessions.generation.merging import merge
from counseling_sessions.generation.state import RunState, StateReader
from counseling_sessions.generation.view import failures_table
from counseling_sessions.models.prices import read_prices
from counseling_sessions.sessions.checking import refusal
from counseling_sessions.sessions.errors import RunError
from counseling_sessions.sessions.folder import RunFolder, run_folder, runs_inside
from counseling_sessions.sessions.ledger import Damage
from counseling_sessions.texts.console import HarmlessConsole
from counseling_sessions.texts.harmless import one_line
from counseling_sessions.texts.words import counted, duration

WATCH_EVERY = 2.0


def show_status(request: StatusRequest) -> int:
    """How a run stands; 1 where sessions are damaged, unless `salvage` leaves them out."""
    console = HarmlessConsole()
    states = _states(request)
    if request.watch and console.is_terminal and not request.json:
        with Live(console=console, auto_refresh=False) as live:
            for state in states:
                live.update(_picture(state), refresh=True)
    else:
        for state in states:
            if request.json:
                print(json.dumps(state.as_json()), flush=True)
            else:
                console.print(_picture(state))
    if not state.damaged:
        return 0
    if request.salvage:
        tell_left_out(state.damaged)
        return 0
    tell(f"error: {refusal(RunFolder(state.folder), state.damaged)}", "red")
    return 1


def _states(request: StatusRequest) -> Iterator[RunState]:
    """The state of a run now, and to watch it, again and again until the run is not at work any more."""
    reader = StateReader(request.run, read_prices(request.prices) if request.prices else None)
    yield (state := reader.read())
    while request.watch and state.live is not None:
        time.sleep(WATCH_EVERY)
        yield (state := reader.read())


def _picture(state: RunState) -> Group:
    """How a run stands, as a table."""
    table = Table(box=None, show_header=False, pad_edge=False)
    table.add_column(style="dim")
    table.add_column()
    at_work = "at work" if state.live is not None else "not at work"
    table.add_row("run", Text(f"{state.folder}/ · {at_work}"))
    live = state.live or {}
    damaged = f", {len(state.damaged):,} damaged" if state.damaged else ""
    done = f"{state.finished:,} of {state.total:,} finished, {state.failed:,} failed{damaged}, {state.left:,} to do"
    begun = f" ({state.begun} begun)" if state.begun else ""
    table.add_row("sessions", done + (f" ({live['running']} running)" if live.get("running") else begun))
    if len(state.batch.methods) > 1:
        table.add_row("by method", ", ".join(f"{name} {state.by_method[name]:,}" for name in state.batch.methods))
    if others := state.batch.provenance.other_prompts:
        table.add_row("prompts", f"{1 + len(others)} sets of prompt files were in use, one after another")
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
    if line := live.get("line"):
        table.add_row("now", Text(one_line(str(line))))
    if state.unlisted:
        table.add_row("ledger", f"does not know {state.unlisted:,} of the records yet; `generate` enters them")
    return Group(table, failures_table(state.failures)) if state.failures else Group(table)


def merge_parts(request: MergeRequest) -> int:
    """Put parts of a run together."""
    out = request.out or _common(request.parts)
    _, missing = merge(list(request.parts), out, other_prompts=request.other_prompts)
    if missing:
        warn(f"missing parts: {', '.join(map(str, missing))}; the merged run has their sessions to do")
    HarmlessConsole().print(_picture(StateReader(out).read()))
    return 1 if missing else 0


def _common(parts: tuple[Path, ...]) -> Path:
    names = {re.sub(r"-\d+-of-\d+$", "", str(part).rstrip("/")) for part in parts}
    if len(names) != 1 or names == {str(part) for part in parts}:
        raise RunError("say with --out where the merged run is to go")
    return Path(names.pop())


def export_run(request: ExportRequest) -> int:
    """Write a run as a data set."""
    folder = run_folder(request.run)
    if folder is None:
        raise RunError(f"{request.run} is not a run directory, and has no sessions{runs_inside(request.run)}")
    left_out: list[Damage] | None = [] if request.salvage else None
    unfinished = still_to_come(request.run)
    report = export(
        partial(folder.records, failed=True, left_out=left_out),
        request.format,
        request.out,
        licence=request.licence,
        splits=Splits.of(request.splits) if request.splits else None,
        seed=request.seed,
        overwrite=request.overwrite,
        unfinished=unfinished,
        damaged=left_out,
    )
    tell_left_out(left_out)
    parts = ", ".join(f"{name} {part.examples:,}" for name, part in report.splits.items())
    failed = f"; {counted(sum(report.failed.values()), 'failed session')} left out" if report.failed else ""
    if unfinished:
        warn(f"the run is not done: {unfinished:,} of its sessions are still to come, and are not in the export")
    if report.mixed_prompts:
        warn(
            f"the sessions were not all made with the same prompts: {len(report.mixed_prompts)} sets; the card counts them"
        )
    size = f"{counted(report.sessions, 'session')} of {counted(report.clients, 'client')}"
    say(f"{size}, {counted(report.examples, 'example')} ({parts}){failed}")
    say(f"written: {report.out}/, with its card in README.md")
    return 0
