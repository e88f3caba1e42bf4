"""Two sessions side by side on a terminal: in two columns if there is room, else one below the other."""

from collections.abc import Iterator, Sequence
from itertools import groupby

from rich.console import Console, Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from counseling_sessions.inspection.diff import Difference, Pair, Row, Span
from counseling_sessions.inspection.trace_style import has_color

COLUMNS_FROM = 100
"""Characters of a terminal from which there is room for two columns."""
TITLES = {"plan": "Plan", "counselor": "Counselor", "pick": "Picked", "client": "Client"}
SIDES = (("A", "red", "[-", "-]"), ("B", "green", "{+", "+}"))
"""The two sides: name, color of the words that only this side has, and their marks on a terminal without color."""


def show_difference(console: Console, difference: Difference, names: tuple[str, str], *, alike: bool = False) -> None:
    """Print two sessions' differences; `names` are their places. Pairs that are alike are one line, unless `alike`."""
    for (name, color, *_), place, record in zip(SIDES, names, (difference.a, difference.b), strict=True):
        client = f"{record.profile.demographics.name}, {record.attitude}, {record.configuration.get('method')}"
        console.print(Text.assemble((f"{name} ", f"bold {color}"), f"{place} · {record.session_id[:8]} · {client}"))
    if difference.relation:
        console.print(Text(difference.relation))
    _show_settings(console, difference)
    if not any(pair.alike for pair in difference.pairs):
        console.print(Text("\nThey share nothing: the dialogues differ from the first words.", style="bold"))
    if any(not pair.alike for pair in difference.pairs):
        console.print(Text.assemble("\nWords that one side alone has are marked: ", *_legend(console)))
    for same, pairs in groupby(difference.pairs, key=lambda pair: pair.alike):
        run = list(pairs)
        if same:
            console.print(Text(f"\n{_names(run)} alike", style="bold green"))
        if not same or alike:
            for pair in run:
                _show_pair(console, pair)


def _show_settings(console: Console, difference: Difference) -> None:
    if not difference.settings:
        console.print(Text("\nTheir settings are alike.", style="dim"))
        return
    table = Table(box=None, pad_edge=False, header_style="bold", expand=True)
    table.add_column("what differs", style="cyan", ratio=2, overflow="fold")
    for name, color, *_ in SIDES:
        table.add_column(Text(name, style=color), ratio=3, overflow="fold")
    for item in difference.settings:
        table.add_row(Text(item.name), Text(item.a or "–"), Text(item.b or "–"))
    console.print(Padding(table, (1, 0, 0, 0)))


def _show_pair(console: Console, pair: Pair) -> None:
    console.print()
    console.rule(Text(pair.name, style="bold"), align="left", style="dim", characters="─")
    for row in pair.rows:
        both = Text.assemble((f"{TITLES[row.what]} (both)  ", "bold"), (row.a or "", "dim"))
        console.print(both if row.alike else _apart(console, row))


def _apart(console: Console, row: Row) -> RenderableType:
    sides = [_side(console, row, side) for side in range(2)]
    if console.width < COLUMNS_FROM:
        return Group(*sides)
    table = Table.grid(padding=(0, 3), expand=True)
    table.add_column(ratio=1)
    table.add_column(ratio=1)
    table.add_row(*sides)
    return table


def _side(console: Console, row: Row, side: int) -> RenderableType:
    name, color, *_ = SIDES[side]
    title = Text.assemble((f"{name} ", f"bold {color}"), (TITLES[row.what], "bold"))
    if (row.a, row.b)[side] is None:
        text = Text("nothing", style="dim italic")
    else:
        text = Text(" ").join(_marked(console, row.words[side], side))
    return Group(title, Padding(text, (0, 0, 0, 2)))


def _marked(console: Console, spans: Sequence[Span], side: int) -> Iterator[Text]:
    """The words of a side, with marks around those that the other side lacks, unless it lacks them all."""
    _, color, start, end = SIDES[side]
    all_changed = all(span.changed for span in spans)
    for span in spans:
        if not span.changed or all_changed:
            yield Text(span.text)
        elif has_color(console):
            yield Text(span.text, style=f"bold {color}")
        else:
            yield Text(f"{start}{span.text}{end}")


def _legend(console: Console) -> list[Text]:
    spans = [[Span("", False), Span(f"so in {name}", True)] for name, *_ in SIDES]
    first, second = (Text("").join(_marked(console, spans[side], side)) for side in range(2))
    return [first, Text(", "), second]


def _names(pairs: Sequence[Pair]) -> str:
    """The names of consecutive pairs: "plan, opening and turns 1–6"."""
    turns = [pair.turn for pair in pairs if pair.turn]
    names = list(dict.fromkeys("turns" if pair.turn else pair.name for pair in pairs))
    spanned = f"turns {turns[0]}–{turns[-1]}" if len(turns) > 1 else f"turn {turns[0]}" if turns else ""
    names = [spanned if name == "turns" else name for name in names]
    listed = " and ".join([", ".join(names[:-1]), names[-1]]) if len(names) > 1 else names[0]
    return listed[0].upper() + listed[1:]
