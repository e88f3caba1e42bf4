"""`run.py read`: what is understood of anybody's sessions, before anything is computed."""

from itertools import chain
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from counseling_sessions.commands.parsing.reading import ReadRequest
from counseling_sessions.commands.telling import tell_assumed
from counseling_sessions.profiles.problems import Note
from counseling_sessions.sessions import Session, read_sessions
from counseling_sessions.sessions.foreign import USUAL, shapes
from counseling_sessions.sessions.foreign.understood import Field, Kind, LeftOut, Understood, understand
from counseling_sessions.texts.console import HarmlessConsole, json_text, print_json
from counseling_sessions.texts.harmless import one_line
from counseling_sessions.texts.words import counted

SHOWN_VALUES = 4
SHOWN_TEXT = 60
SHOWN_LINE = 160
MOST_FIELDS = 25
MOST_REASONS = 20


def show(request: ReadRequest) -> int:
    """Show what is understood; 2 where some record could not be read, 1 where nothing could."""
    how = request.reading.how()
    notes: list[Note] = []
    items = (read_sessions(path, failed=True, how=how, notes=notes) for path in request.sources)
    understood = understand(chain.from_iterable(items))
    tell_assumed({}, notes)
    if request.json:
        print_json(json_text(_data(understood, request.lines)))
    else:
        console = HarmlessConsole()
        if request.shapes:
            console.print(_shapes())
        for name, kind in understood.kinds.items():
            _show_kind(console, name, kind, request.lines)
        _show_left_out(console, understood)
    if not understood.sessions:
        return 1
    return 2 if understood.lost else 0


def _shapes() -> Table:
    table = Table("shape", "what it is", "recognised by", box=None)
    for shape in sorted(shapes(), key=lambda shape: shape.name):
        by = "its name alone (--shape)" if shape.only_by_name else ", ".join(shape.has)
        table.add_row(shape.name, f"{shape.title}: {shape.about}", by)
    return table


def _show_kind(console: Console, name: str, kind: Kind, lines: int) -> None:
    title = next((shape.title for shape in (*shapes(), USUAL) if shape.name == name), name)
    console.print(Text(f"{title}", style="bold"), Text(f"({name})" if name != title else ""))
    said = ", ".join(f"{count:,} {speaker}" for speaker, count in sorted(kind.messages.items(), reverse=True))
    turns = sorted(kind.turns)
    span = f"{turns[0]}" if turns[0] == turns[-1] else f"{turns[0]} to {turns[-1]}"
    facts = Table.grid(padding=(0, 2))
    facts.add_row(
        "sessions", f"{kind.sessions:,} in {counted(len(kind.files), 'file')}, {counted(len(kind.clients), 'client')}"
    )
    facts.add_row("messages", f"{said}; turns a session: {span}")
    if kind.speakers:
        facts.add_row(
            "sides", Text(", ".join(f"{_short(who, 40)} → {side}" for (who, side), _ in kind.speakers.most_common(8)))
        )
    for what, count in kind.passed_over.most_common():
        facts.add_row("no speech", f"{count:,} × {what}")
    for what, count in kind.assumed.most_common():
        facts.add_row(Text("note", style="yellow"), Text(f"{what} ({counted(count, 'session')})", style="yellow"))
    console.print(facts)
    _show_fields(console, kind)
    console.print(Text(f"first session, {_short(kind.first.id, SHOWN_TEXT)}:", style="dim"))
    for message in kind.first.dialogue[:lines]:
        console.print(
            Text(f"  {message.turn:>2} {message.speaker:<9} {_short(message.text, SHOWN_LINE)}"), soft_wrap=True
        )
    console.print()


def _show_fields(console: Console, kind: Kind) -> None:
    if not kind.fields and not kind.codes:
        return
    table = Table("field", "of", "in", "values", box=None, padding=(0, 1))
    for of, fields in (("sessions", kind.fields), ("messages", kind.codes)):
        for path, entry in list(fields.items())[:MOST_FIELDS]:
            table.add_row(_short(path, SHOWN_TEXT), of, f"{entry.count:,}", _values(entry))
        if len(fields) > MOST_FIELDS:
            table.add_row("…", of, "", f"{len(fields) - MOST_FIELDS} more (--json lists them)")
    console.print(table)


def _values(entry: Field) -> str:
    if entry.values is None or (entry.count > SHOWN_VALUES and max(entry.values.values()) == 1):
        return "many different ones"
    shown = [f"{_short(value, SHOWN_TEXT)} ({count:,})" for value, count in entry.values.most_common(SHOWN_VALUES)]
    more = len(entry.values) - SHOWN_VALUES
    return ", ".join(shown) + (f" and {more} more" if more > 0 else "")


def _show_left_out(console: Console, understood: Understood) -> None:
    for item in list(understood.left_out.values())[:MOST_REASONS]:
        console.print(_left_out(item), soft_wrap=True)
    if len(understood.left_out) > MOST_REASONS:
        console.print(f"… and {len(understood.left_out) - MOST_REASONS} more reasons (--json lists them)")
    asides = sum(item.count for item in understood.left_out.values() if item.aside)
    console.print(
        f"read {counted(understood.sessions, 'session')}, left out {counted(understood.lost, 'record')}"
        + (f", passed over as no session: {counted(asides, 'record')}" if asides else "")
    )


def _left_out(item: LeftOut) -> Text:
    where = one_line(item.first.file) + (f", record {item.first.record}" if item.first.record is not None else "")
    more = f" (and {item.count - 1:,} more like it)" if item.count > 1 else ""
    return Text(f"{where}: {one_line(item.reason)}{more}", style="dim" if item.aside else "red")


def _short(text: str, most: int) -> str:
    line = " ".join(text.split())
    return line if len(line) <= most else f"{line[: most - 1]}…"


def _data(understood: Understood, lines: int) -> dict[str, Any]:
    return {
        "sessions": understood.sessions,
        "left_out": [
            {"count": item.count, "aside": item.aside, "reason": item.reason, "first": str(item.first)}
            for item in understood.left_out.values()
        ],
        "kinds": {name: _kind_data(kind, lines) for name, kind in understood.kinds.items()},
    }


def _kind_data(kind: Kind, lines: int) -> dict[str, Any]:
    fields = {
        of: {path: {"count": entry.count, "values": entry.values} for path, entry in listed.items()}
        for of, listed in (("fields", kind.fields), ("codes", kind.codes))
    }
    return {
        "sessions": kind.sessions,
        "files": len(kind.files),
        "clients": len(kind.clients),
        "messages": kind.messages,
        "turns": {str(turns): count for turns, count in sorted(kind.turns.items())},
        "speakers": dict(list(kind.speakers)),
        "passed_over": kind.passed_over,
        "assumed": kind.assumed,
        **fields,
        "first": _first(kind.first, lines),
    }


def _first(session: Session, lines: int) -> dict[str, Any]:
    said = [{"turn": item.turn, "speaker": item.speaker, "text": item.text} for item in session.dialogue[:lines]]
    return {"id": session.id, "client": session.client, "messages": said}
