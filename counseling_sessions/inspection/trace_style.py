"""The look of a trace's parts on a terminal: times, tokens, bars, marked words, with and without color."""

from collections.abc import Sequence
from itertools import pairwise
from math import inf

from rich.console import Console
from rich.text import Text

from counseling_sessions.inspection.trace_data import CallTrace, timed
from counseling_sessions.sessions.record import Usage
from counseling_sessions.texts.harmless import harmless, one_line

SPEAKERS = {"counselor": ("Counselor", "bold cyan"), "client": ("Client", "bold yellow")}
COLORS = ("green", "magenta", "blue", "red", "cyan", "yellow")
"""The colors of the candidates, in order."""
_RAISED = str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹")

Mark = tuple[int, int, int]
"""A piece of a text by its first character and the one after its last, and the number of its candidate."""


def has_color(console: Console) -> bool:
    """Whether color can mark words."""
    return console.color_system is not None and not console.no_color


def brief(text: str, limit: int) -> str:
    """A text in one line of at most so many characters."""
    line = one_line(text)
    return line if len(line) <= limit else line[: limit - 1].rstrip() + "…"


def marked(text: str, marks: Sequence[Mark], *, color: bool) -> Text:
    """A text with marks on the words of candidates: underlined in the candidate's color, or between «» without color. The
    candidate's number follows."""
    out, place = Text(), 0
    for start, end, number in sorted(marks):
        raised = str(number).translate(_RAISED)
        out.append(harmless(text[place:start]))
        if color:
            color_name = COLORS[(number - 1) % len(COLORS)]
            out.append(harmless(text[start:end]), style=f"bold underline {color_name}").append(raised, style=color_name)
        else:
            out.append(f"«{harmless(text[start:end])}»{raised}")
        place = end
    return out.append(harmless(text[place:]))


def seconds(value: float) -> str:
    """A time for a person: "40 ms", "0.84 s", "12.3 s", "4:05 min", "1:12:09 h"."""
    if value < 0.1:
        return f"{value * 1000:.0f} ms"
    if value < 60:
        return f"{value:.2f} s" if value < 10 else f"{value:.1f} s"
    minutes, rest = divmod(round(value), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02} h" if hours else f"{minutes}:{rest:02} min"


def tokens(usage: Usage) -> str:
    """The tokens of a usage: "812 tokens in (600 cached), 45 out"."""
    if not usage.prompt_tokens and not usage.completion_tokens:
        return "tokens not reported" if usage.unreported else "no tokens"
    cached = f" ({usage.cached_tokens:,} cached)" if usage.cached_tokens else ""
    missing = f", not reported for {usage.unreported:,} answers" if usage.unreported else ""
    return f"{usage.prompt_tokens:,} tokens in{cached}, {usage.completion_tokens:,} out{missing}"


def role_name(role: str) -> str:
    """A role's name for people: the router picks and merges."""
    return {"router": "router (pick)", "merge": "router (merge)"}.get(role, role)


class Axis:
    """The time in which calls ran, as a line of characters. It leaves out idle time, for example while a person thinks."""

    def __init__(self, calls: Sequence[CallTrace], width: int) -> None:
        self.width = max(1, width)
        self._pieces: list[tuple[float, float]] = []
        until = 0.0
        for begin, end in timed(calls):
            if end > max(begin, until):
                self._pieces.append((max(begin, until), end))
                until = end
        self.seconds = self._busy(inf)

    def bar(self, calls: Sequence[CallTrace]) -> str:
        """A line with a block in each character whose time one of these calls touches."""
        if not self.seconds:
            return ""
        line = [" "] * self.width
        for begin, end in timed(calls):
            first = min(self.width - 1, int(self._busy(begin) / self.seconds * self.width))
            last = self._busy(end) / self.seconds * self.width
            for place in range(first, max(first + 1, min(self.width, round(last)))):
                line[place] = "█"
        return "".join(line)

    def _busy(self, at: float) -> float:
        """Seconds in which calls ran until `at`."""
        return sum(min(at, end) - start for start, end in self._pieces if start < at)


def scale(turns: Sequence[int]) -> str:
    """The numbers of the first and every fifth turn, over the turns' columns."""
    line = [" "] * len(turns)
    shown = [place for place, turn in enumerate(turns) if turn % 5 == 0 or place == 0]
    for place, after in pairwise([*shown, len(turns) + 3]):
        number = str(turns[place])
        if place + len(number) < after:
            line[place : place + len(number)] = number
    return "".join(line).rstrip()
