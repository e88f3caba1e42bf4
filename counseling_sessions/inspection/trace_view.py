"""The trace of a session on a terminal: its facts, its time and tokens, its turns as trees; and the list of a run."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from itertools import groupby

from rich.console import Console, Group, RenderableType
from rich.table import Table
from rich.text import Text

from counseling_sessions.inspection.find import Overview
from counseling_sessions.inspection.trace_data import (
    PLAN_TURN,
    CallTrace,
    Prompts,
    SessionTrace,
    TechniqueUse,
    TurnTrace,
)
from counseling_sessions.inspection.trace_style import Axis, brief, has_color, role_name, scale, seconds, tokens
from counseling_sessions.inspection.trace_turn_view import LABEL, Look, plan_tree, turn_brief, turn_full
from counseling_sessions.inspection.transcript import ENDS
from counseling_sessions.sessions.errors import RunError
from counseling_sessions.sessions.record import Usage
from counseling_sessions.texts.harmless import harmless

SLOWEST = 5
"""The number of slowest calls in the list."""
SHORTEST_ID = 8
"""Characters of an id in the list at least; more if two sessions begin alike."""
WIDE = 100
"""Columns of a terminal from which a list of sessions has their times."""
KEPT = 22
"""Characters behind a technique's signs."""


def show_session(console: Console, trace: SessionTrace, *, full: bool = False, prompts: Prompts | None = None) -> None:
    """Print a session's trace with its turns in brief, or in `full` with optional prompts."""
    look = Look(console.width, has_color(console), prompts, digests=trace.mixed_prompts)
    for part in _session(trace, look):
        console.print(part)
    for turn in trace.turns:
        console.print()
        console.print(turn_full(turn, look) if full else turn_brief(turn))
    if prompts and prompts.problem:
        console.print(Text(f"\n{prompts.problem}", style="yellow"))


def show_turn(console: Console, trace: SessionTrace, number: int, prompts: Prompts | None = None) -> None:
    """Print one turn in full; 0 is the opening with the plan. Raises `RunError` if there is no such turn."""
    look = Look(console.width, has_color(console), prompts, digests=trace.mixed_prompts)
    turn = find_turn(trace, number)
    console.print(_head(trace))
    console.print()
    console.print(turn_full(turn, look) if turn else plan_tree(trace, look))
    if prompts and prompts.problem:
        console.print(Text(f"\n{prompts.problem}", style="yellow"))


def find_turn(trace: SessionTrace, number: int) -> TurnTrace | None:
    """A session's turn; None for 0, the opening with the plan. Raises `RunError` if there is no such turn."""
    turn = next((turn for turn in trace.turns if turn.turn == number), None)
    if turn is None and number != PLAN_TURN:
        last = f"to {trace.turns[-1].turn}" if trace.turns else "alone"
        closing = " (the closing)" if trace.turns and trace.turns[-1].closing else ""
        raise RunError(f"session {trace.session_id} has no turn {number}; it has 0 (opening and plan) {last}{closing}")
    return turn


def show_overview(console: Console, rows: Sequence[Overview]) -> None:
    """Print a line a session, with a number that names it in commands. The head line has what is the same for all."""
    names = ("attitude", "method")
    same = {name for name in names if len({getattr(row, name) for row in rows}) == 1}
    count = f"{len(rows):,} session{'s' * (len(rows) != 1)}"
    console.print(Text(count + "".join(f", {name} {getattr(rows[0], name)}" for name in sorted(same))))
    columns = [name for name in names if name not in same]
    heads = ["", "session", "client", *columns, "end", "turns", "tokens", *(["time"] if console.width >= WIDE else [])]
    ids = short_ids([row.session_id for row in rows])
    lines = [
        [
            *(str(number), ids[number - 1], row.profile_id),
            *(str(getattr(row, name)) for name in columns),
            (row.end_reason or "finished").replace("_", " ") if row.status == "finished" else row.status,
            *(str(row.turns), f"{row.tokens:,}", seconds(row.seconds)),
        ][: len(heads)]
        for number, row in enumerate(rows, 1)
    ]
    table = Table(box=None, pad_edge=False, header_style="bold")
    widths = [max(len(text) for text in column) for column in zip(heads, *lines, strict=True)]
    room = console.width - sum(widths) + widths[2] - 2 * len(widths)  # Only the client's id may be cut.
    for place, head in enumerate(heads):
        table.add_column(
            head,
            justify="right" if head in ("", "turns", "tokens", "time") else "left",
            no_wrap=True,
            overflow="ellipsis",
            width=max(8, min(room, widths[2])) if place == 2 else None,
            style="cyan" if head == "session" else "",
        )
    for row, texts in zip(rows, lines, strict=True):
        table.add_row(*map(Text, texts), style="" if row.status == "finished" else "red")
    console.print(table)


def short_ids(ids: Sequence[str]) -> list[str]:
    """The first characters of ids, as many as make them unique."""
    length = SHORTEST_ID
    while len({name[:length] for name in ids}) < len(set(ids)):
        length += 1
    return [name[:length] for name in ids]


def _session(trace: SessionTrace, look: Look) -> Iterator[RenderableType]:
    yield _head(trace)
    yield from _costs(trace)
    if trace.opening or trace.plan or trace.plan_call:
        yield Group(Text(), plan_tree(trace, look))
    if trace.busy:
        yield _timeline(trace, look)
    if trace.roles:
        yield _titled("What each node took", _roles(trace))
    if trace.techniques:
        yield _titled("Techniques over the turns", _techniques(trace, look))
    if trace.calls:
        yield _titled("Slowest calls", Group(*(Text(_slow(item)) for item in trace.slowest[:SLOWEST])))
    if troubles := _troubles(trace):
        yield _titled("Asked again, mended, failed", Group(*(Text(line) for line in troubles)))


def _head(trace: SessionTrace) -> RenderableType:
    lines = [
        Text.assemble((harmless(trace.name), "bold"), f", {trace.attitude} · {trace.method} · seed {trace.seed}"),
        Text(f"session {trace.session_id} · client {trace.profile_id}"),
        Text(_ended(trace), style="bold red" if trace.failure else ""),
    ]
    if trace.forked_from:
        fork = trace.forked_from
        edits = f", {' and '.join(fork.edits)} edited" if fork.edits else ""
        lines.append(Text(f"a fork of {fork.session_id} at turn {fork.turn}{edits}"))
    return Group(*lines)


def _ended(trace: SessionTrace) -> str:
    if trace.cut_off:
        return "unfinished: it was cut off, or is still running"
    if trace.failure:
        turn = f" in turn {trace.failure.turn}" if trace.failure.turn else ""
        return f"failed at {trace.failure.stage}{turn}: {harmless(trace.failure.message)}"
    return f"ended: {ENDS[trace.end_reason]}" if trace.end_reason in ENDS else "finished"


def _costs(trace: SessionTrace) -> Iterator[RenderableType]:
    used, turns = trace.total, sum(not turn.closing for turn in trace.turns)
    yield Text(f"{turns} turns, {used.calls:,} calls, {tokens(used)}")
    resumed = f", taken up again {trace.resumed} times" if trace.resumed else ""
    yield Text(
        f"{seconds(trace.seconds)} in all, {seconds(trace.busy)} of it in calls{resumed}, began {trace.started_at}"
    )
    if models := sorted({harmless(item.call.model) for item in trace.calls if item.call.model}):
        yield Text(f"models: {', '.join(models)}")
    if digests := Counter(trace.mixed_prompts.values()):
        counts = ", ".join(f"{count:,} calls with {digest}" for digest, count in digests.items())
        yield Text(f"its prompts changed: {counts}", style="yellow")
    if trace.cost is not None:
        yield Text(f"cost: {trace.cost:,.4g}")


def _titled(title: str, part: RenderableType) -> RenderableType:
    return Group(Text(), Text(title, style="bold"), part)


def _timeline(trace: SessionTrace, look: Look) -> RenderableType:
    """A bar a turn for the time of its calls, on the axis of all calls."""
    axis, lines = Axis(trace.calls, look.width - 20), []
    closing = {turn.turn for turn in trace.turns if turn.closing}
    for number, group in groupby(sorted(trace.calls, key=lambda item: item.turn), key=lambda item: item.turn):
        calls = list(group)
        name = "plan" if number == PLAN_TURN else "closing" if number in closing else f"turn {number}"
        bar, time = f"{axis.bar(calls):<{axis.width}}", f" {seconds(Axis(calls, 1).seconds):>9}"
        lines.append(Text.assemble(f"{name:<9}", (bar, "cyan"), time))
    return _titled(f"Timeline of the {seconds(axis.seconds)} in which calls ran", Group(*lines))


def _roles(trace: SessionTrace) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("node", overflow="fold", style="cyan")
    names = ["calls", "again", "in", "cached", "out", "time", "longest"]
    for name in [*names, "cost"] if trace.cost is not None else names:
        table.add_column(name, justify="right", no_wrap=True)
    for role in trace.roles:
        table.add_row(role_name(role.role), *_figures(role.usage), seconds(role.longest), *_cost(role.cost))
    if len(trace.roles) > 1:
        longest = max(role.longest for role in trace.roles)
        cells = ["total", *_figures(trace.total), seconds(longest), *_cost(trace.cost)]
        table.add_row(*(Text(cell, style="bold") for cell in cells))
    return table


def _figures(used: Usage) -> list[str]:
    cached = f"{used.cached_tokens / used.prompt_tokens:.0%}" if used.prompt_tokens else "–"
    numbers = [f"{used.prompt_tokens:,}", cached, f"{used.completion_tokens:,}"]
    return [str(used.calls), str(max(0, used.attempts - used.calls)), *numbers, seconds(used.seconds)]


def _cost(cost: float | None) -> list[str]:
    return [] if cost is None else [f"{cost:.3g}"]


def _techniques(trace: SessionTrace, look: Look) -> RenderableType:
    """A line a technique with a sign for each turn; a long session has several blocks."""
    turns = [turn.turn for turn in trace.turns if not turn.closing]
    room = max(10, look.width - LABEL - KEPT)
    lines = [Text("■ picked  □ drafted, not picked  × gave no draft; at the end: words kept", style="dim")]
    for start in range(0, len(turns), room):
        block = turns[start : start + room]
        lines.append(Text(" " * LABEL + scale(block), style="dim"))
        for use in trace.techniques:
            signs = "".join(_sign(use, turn) for turn in block)
            last = f"  {_kept_share(use)}" if start + room >= len(turns) else ""
            lines.append(Text.assemble((f"{brief(use.technique, LABEL - 1):<{LABEL}}", "cyan"), signs, (last, "dim")))
    return Group(*lines)


def _sign(use: TechniqueUse, turn: int) -> str:
    if turn in use.lost:
        return "×"
    if turn in use.picked:
        return "■"
    return "□" if turn in use.drafted else "·"


def _kept_share(use: TechniqueUse) -> str:
    return f"{use.kept / use.words:.0%} of {use.words:,}" if use.words else ""


def _slow(item: CallTrace) -> str:
    place = "plan" if item.turn == PLAN_TURN else f"turn {item.turn}"
    again = f", {item.call.attempts} answers" if item.regenerations else ""
    failed = f", {len(item.call.errors)} requests failed" if item.call.errors else ""
    out = f", {item.call.completion_tokens:,} tokens out" if item.call.completion_tokens is not None else ""
    return f"{seconds(item.call.seconds):>9}  {place:<8} {role_name(item.call.role)}{out}{again}{failed}"


def _troubles(trace: SessionTrace) -> list[str]:
    """The guards' findings and the failed requests, by kind and node."""
    by_kind: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for item in trace.calls:
        kinds = [finding.kind for finding in item.call.findings] + ["requests failed"] * len(item.call.errors)
        for kind in kinds:
            by_kind[kind][role_name(item.call.role)] += 1
    lines = [
        f"{kind}: {', '.join(f'{role} {count}' for role, count in roles.most_common())}"
        for kind, roles in by_kind.items()
    ]
    fallbacks = [turn.turn for turn in trace.turns if turn.pick and turn.pick.pick.fallback]
    if fallbacks:
        lines.append(f"picks that the rules had to make: turns {', '.join(map(str, fallbacks))}")
    return lines
