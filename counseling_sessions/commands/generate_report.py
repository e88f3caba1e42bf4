"""What `run.py generate` says of a batch: before it begins, and how it went."""

import shlex

from rich.console import Console
from rich.text import Text

from counseling_sessions.commands.build import naming_options
from counseling_sessions.commands.parsing.generate import GenerateRequest
from counseling_sessions.commands.telling import errors, say, tell, warn
from counseling_sessions.generation.driving import BY_HAND
from counseling_sessions.generation.forecast import forecast
from counseling_sessions.generation.notices import cut_note, usage_note
from counseling_sessions.generation.progress import Progress
from counseling_sessions.generation.run import Run
from counseling_sessions.generation.view import failures_table, projection_table
from counseling_sessions.models.prices import Prices
from counseling_sessions.sessions.entries import Entry
from counseling_sessions.texts.harmless import one_line
from counseling_sessions.texts.words import duration

PERMANENT = frozenset({"refused", "configuration", "filtered", "context"})
"""Kinds of failures that asking again does not mend (`models.errors`)."""


def headline(run: Run, todo: int) -> str:
    """What a run is, in one line; `todo` is how many sessions are to be run now."""
    batch = run.batch
    attitudes = ", ".join(batch.attitudes) if batch.attitudes else "own attitudes"
    part = f" · part {batch.shard[0]} of {batch.shard[1]}" if batch.shard else ""
    recovered = f" · {run.recovered.listed} found again after a crash" if run.recovered.listed else ""
    what = f"{_counted(batch.profiles, 'profile')} · {attitudes} · {', '.join(batch.methods)}"
    seeds = _counted(len(batch.seeds), "seed") + part
    return f"{what} · {seeds} · {run.total} sessions, {todo} to do · {run.folder}/{recovered}"


def _counted(count: int, what: str) -> str:
    return f"{count} {what}{'' if count == 1 else 's'}"


def report(
    request: GenerateRequest,
    run: Run,
    progress: Progress,
    prices: Prices | None,
    console: Console,
    concurrency: int,
    wanted: list[str] | None,
) -> int:
    """Say how it went. Done is a batch whose every unit (of a preview, every one `wanted`) has a finished record."""
    open_units = run.todo(retry_failed=True)
    failed = [run.entries[unit.session_id] for unit in open_units if unit.session_id in run.entries]
    finished = run.total - len(open_units)
    style = "yellow" if open_units else "green"
    say(f"{finished} of {run.total} sessions finished, {len(failed)} failed, in {run.folder}/", style)
    _tell_usage(run, progress, prices, console)
    if progress.failures:
        errors().print(failures_table(progress.failures))
    if progress.broken:
        count = _counted(progress.broken, "session")
        tell(f"{count} without a record: see run.log; the next start runs them again", "red")
    if progress.pulse.set_aside:
        count = _counted(progress.pulse.set_aside, "damaged journal")
        warn(f"{count} set aside, their sessions begun anew; run.log says which and why")
    for what, times in progress.exhausted.items():
        warn(f"{what} ({times} times): fewer sessions ran at once for a while")
    if progress.stopped:
        warn(f"stopped early: {one_line(progress.stopped)}")
    if not request.work.preview or progress.stopped:
        _hint(run, len(open_units) - len(failed), failed, naming_options(request.models))
    if request.work.preview:
        _show_forecast(run, prices, console, concurrency)
    if progress.stopped == BY_HAND:
        return 130
    left = {unit.session_id for unit in open_units}
    return 1 if progress.stopped or (left if wanted is None else left & set(wanted)) else 0


def _tell_usage(run: Run, progress: Progress, prices: Prices | None, console: Console) -> None:
    pulse = progress.pulse
    tokens = pulse.prompt_tokens + pulse.completion_tokens
    spent = f", {prices.cost(run.batch.configuration, pulse.tokens_by_role):.4g} spent" if prices else ""
    done = f"{progress.finished} sessions, {pulse.turns} turns, {pulse.calls} calls, {pulse.retries} retries"
    used = f"{tokens:,} tokens ({pulse.cached_tokens:,} cached), {duration(progress.seconds)}{spent}"
    console.print(Text(f"this time: {done}, {used}", style="dim"))
    if pulse.unreported:
        warn(f"{usage_note(pulse)}: tokens and costs lack them, and --max-tokens and --max-cost did not count them")
    if pulse.cut_prompts:
        warn(cut_note(pulse))


def _hint(run: Run, unended: int, failed: list[Entry], options: str) -> None:
    """How to go on, with which options, where something is left; `--retry-failed` only where trying again can help."""
    part = run.batch.shard
    folder = str(run.folder).removesuffix(f"-{part[0]}-of-{part[1]}") if part else str(run.folder)
    shard = f" --shard {part[0]}/{part[1]}" if part else ""
    command = f"python run.py generate --out {shlex.quote(folder)}{shard}{options}"
    if unended:
        tell(f"go on with: {command}")
    if outgrown := sum(bool(entry.failure and entry.failure.kind == "context") for entry in failed):
        what = "they are taken up if you name a server with a longer context (--base-url) beside --retry-failed"
        tell(f"{_counted(outgrown, 'session')} too long for the model: {what}; another run can have fewer --turns")
    if any(entry.failure is None or entry.failure.kind not in PERMANENT for entry in failed):
        tell(f"failed sessions keep their turns; take them up again with: {command} --retry-failed")
    elif failed:
        why = "what the endpoint refused stays refused until it is put right"
        tell(f"{why}; then: {command} --retry-failed")


def _show_forecast(run: Run, prices: Prices | None, console: Console, concurrency: int) -> None:
    rows = forecast(run, list(run.entries.values()), prices)
    table = [
        (
            row.method,
            f"{row.sessions:,}",
            f"{row.calls:,.0f}",
            f"{row.prompt_tokens:,.0f}",
            f"{row.completion_tokens:,.0f}",
            duration(row.seconds),
            *([f"{row.cost:,.2f}"] if row.cost is not None else []),
        )
        for row in rows
    ]
    missing = [method for method in run.batch.methods if method not in {row.method for row in rows}]
    if missing:
        warn(f"no finished session yet, so there is no projection for {', '.join(missing)}")
    if not rows:
        return
    console.print(f"\nthe whole batch, from {sum(row.sampled for row in rows)} finished sessions:")
    console.print(projection_table(table, prices is not None))
    lone = sum(row.sessions * row.seconds for row in rows)
    at_once = min(concurrency, sum(row.sessions for row in rows))
    pace = f"one session after another: {duration(lone)}"
    if at_once > 1:
        pace += f"; {at_once} at once, if the server keeps its pace: {duration(lone / at_once)}"
    console.print(pace)
