"""A batch while it runs: a live view on a terminal, else a plain line a minute; and tables of previews and states."""

import time
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import KW_ONLY, dataclass, field

from rich.console import Console
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from counseling_sessions.generation.progress import Progress
from counseling_sessions.generation.worker import Pulse
from counseling_sessions.texts.words import duration

LINE_EVERY = 60.0
"""Seconds between two lines without a terminal."""
RATES_OVER = 60.0
"""Seconds that rates are taken over."""


@dataclass
class BatchView:
    """Shows how a batch is doing. `money` is the cost of a pulse, if there are prices; `log` gets the lines."""

    console: Console
    progress: Progress
    _: KW_ONLY
    total: int
    done_before: int = 0
    money: Callable[[Pulse], float] | None = None
    log: Callable[[str], None] = lambda line: None
    _history: list[tuple[float, int, int, int]] = field(init=False, default_factory=list)
    _live: Live | None = field(init=False, default=None)
    _last_line: float = field(init=False, default_factory=time.monotonic)

    def __enter__(self) -> "BatchView":
        if self.console.is_terminal and not self.console.is_dumb_terminal and not self.console.quiet:
            self._live = Live(console=self.console, transient=True, auto_refresh=False)
            self._live.start()
        return self

    def __exit__(self, *unused: object) -> None:
        if self._live:
            self._live.stop()

    def tick(self) -> None:
        """Show the progress; to be called a few times a second."""
        progress, now = self.progress, time.monotonic()
        tokens = progress.pulse.prompt_tokens + progress.pulse.completion_tokens
        self._history.append((now, progress.finished + progress.failed, progress.pulse.turns, tokens))
        while len(self._history) > 2 and now - self._history[1][0] > RATES_OVER:
            self._history.pop(0)
        if self._live:
            self._live.update(self._picture(), refresh=True)
        if now - self._last_line >= LINE_EVERY:
            self._last_line = now
            self.log(self.line())
            if not self._live:
                self._print()

    def _print(self) -> None:
        try:
            self.console.print(self.line(), soft_wrap=True, highlight=False)
        except (OSError, SystemExit):  # rich exits when nobody reads its output; a batch goes on
            self.console.quiet = True
            self.log("nobody reads the output any more; going on without it")

    def line(self) -> str:
        """The progress in one line."""
        progress = self.progress
        parts = [
            self._counts(self.done_before + progress.finished),
            ", ".join(self._rates()),
            self._use(),
            *self._spent(),
        ]
        parts.append(f"{left} left" if (left := self._time_left()) else f"{duration(progress.seconds)} so far")
        if progress.pulse.trouble:
            parts.append(f"lately: {progress.pulse.trouble}")
        if progress.draining:
            parts.append("stopping: " + (progress.stopped or ""))
        return " · ".join(parts)

    def _counts(self, done: int) -> str:
        return f"{done} of {self.total} sessions · {self.progress.failed} failed · {self.progress.running} running"

    def _rates(self) -> list[str]:
        first, last = (self._history[0], self._history[-1]) if self._history else ((0.0, 0, 0, 0),) * 2
        seconds = max(last[0] - first[0], 1e-6)
        sessions, turns, tokens = ((end - start) / seconds for start, end in zip(first[1:], last[1:], strict=True))
        return [f"{sessions * 60:.1f} sessions/min", f"{turns:.1f} turns/s", f"{tokens:,.0f} tokens/s"]

    def _use(self) -> str:
        pulse = self.progress.pulse
        calls = f"{pulse.in_flight} of {pulse.limit} calls in flight · {pulse.retries} retries"
        return f"{calls} · {pulse.prompt_tokens + pulse.completion_tokens:,} tokens"

    def _spent(self) -> list[str]:
        return [f"{self.money(self.progress.pulse):.2f} spent"] if self.money else []

    def _time_left(self) -> str:
        progress = self.progress
        done = progress.finished + progress.failed
        # The rate of the whole run: that of the last minute says little of long sessions, which end in waves.
        return duration(progress.left * progress.seconds / done) if done and progress.left else ""

    def _picture(self) -> Table:
        progress, pulse = self.progress, self.progress.pulse
        done = self.done_before + progress.finished + progress.failed
        cached = (
            f", {pulse.cached_tokens / pulse.prompt_tokens:.0%} of the prompts cached" if pulse.prompt_tokens else ""
        )
        left = self._time_left()
        rows = [
            Text(self._counts(done) + (f" · {left} left" if left else "")),
            Text(" · ".join([*self._rates(), duration(progress.seconds)]), style="dim"),
            Text(" · ".join([self._use() + cached, *self._spent()]), style="dim"),
        ]
        if pulse.trouble:
            rows.append(Text(f"lately: {pulse.trouble}", style="yellow", overflow="ellipsis", no_wrap=True))
        rows += [Text(f"{count} × {what}", style="red") for what, count in progress.failures.most_common(3)]
        if progress.draining:
            rows.append(Text(f"stopping: {progress.stopped}; Ctrl-C again stops at once", style="yellow"))
        grid = Table.grid()  # the bar by itself does not end its line
        width = max(10, min(60, self.console.width - 2))
        grid.add_row(ProgressBar(total=self.total, completed=done, width=width))
        for row in rows:
            grid.add_row(row)
        return grid


def failures_table(failures: Counter[str]) -> Table:
    """Failures by stage, kind and message."""
    table = Table("failed", "why", box=None, header_style="bold")
    for what, count in failures.most_common():
        table.add_row(str(count), Text(what))
    return table


def projection_table(rows: Iterable[tuple[str, ...]], money: bool) -> Table:
    """What a batch will take, by method."""
    table = Table("method", "sessions", "calls", "prompt tokens", "answer tokens", "session time", box=None)
    if money:
        table.add_column("cost")
    for number, column in enumerate(table.columns):
        column.justify = "left" if number == 0 else "right"
    for row in rows:
        table.add_row(*row)
    return table
