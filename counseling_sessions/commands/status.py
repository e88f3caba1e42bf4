"""`run.py status`: how a run stands."""

import json
import time

from rich.console import Group
from rich.live import Live
from rich.table import Table
from rich.text import Text

from counseling_sessions.commands.parsing.runs import StatusRequest
from counseling_sessions.commands.telling import tell, tell_left_out
from counseling_sessions.generation.state import RunState, StateReader
from counseling_sessions.generation.view import duration, failures_table
from counseling_sessions.models.prices import read_prices
from counseling_sessions.sessions.checking import refusal
from counseling_sessions.sessions.folder import RunFolder
from counseling_sessions.texts.console import HarmlessConsole
from counseling_sessions.texts.harmless import one_line

WATCH_EVERY = 2.0


def run(request: StatusRequest) -> int:
    """How a run stands; 1 where sessions are damaged, unless they are to be left out."""
    reader = StateReader(request.run, read_prices(request.prices) if request.prices else None)
    console = HarmlessConsole()
    state = reader.read()
    if request.watch and console.is_terminal and not request.json:
        with Live(picture(state), console=console, auto_refresh=False) as live:
            while state.live is not None:
                time.sleep(WATCH_EVERY)
                state = reader.read()
                live.update(picture(state), refresh=True)
        return _judged(request, state)
    while True:
        if request.json:
            print(json.dumps(state.as_json()), flush=True)
        else:
            console.print(picture(state))
        if not request.watch or state.live is None:
            return _judged(request, state)
        time.sleep(WATCH_EVERY)
        state = reader.read()


def _judged(request: StatusRequest, state: RunState) -> int:
    if not state.damaged:
        return 0
    if request.salvage:
        tell_left_out(state.damaged)
        return 0
    tell(f"error: {refusal(RunFolder(state.folder), state.damaged)}", "red")
    return 1


def picture(state: RunState) -> Group:
    """How a run stands, as a table."""
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
