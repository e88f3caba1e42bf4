"""A batch while it runs: a live view on a terminal, else a plain line a minute; and the tables of previews and states."""

import time
from collections import Counter
from collections.abc import Callable, Iterable

from rich.console import Console
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from counseling_sessions.generation.progress import Progress
from counseling_sessions.generation.worker import Pulse

LINE_EVERY = 60.0
"""Seconds between two lines where there is no terminal."""
RATES_OVER = 60.0
"""Seconds over which rates are taken."""


class BatchView:
    """Shows how a batch is doing. `money` says what a pulse has cost, if prices are known."""

    def __init__(
        self,
        console: Console,
        progress: Progress,
        *,
        total: int,
        done_before: int = 0,
        money: Callable[[Pulse], float] | None = None,
        log: Callable[[str], None] = lambda line: None,
    ) -> None:
        self._console = console
        self._progress = progress
        self._total = total
        self._before = done_before
        self._money = money
        self._log = log
        self._history: list[tuple[float, int, int, int]] = []
        self._live: Live | None = None
        self._last_line = time.monotonic()

    def __enter__(self) -> "BatchView":
        if self._console.is_terminal and not self._console.is_dumb_terminal and not self._console.quiet:
            self._live = Live(console=self._console, transient=True, auto_refresh=False)
            self._live.start()
        return self

    def __exit__(self, *unused: object) -> None:
        if self._live:
            self._live.stop()

    def tick(self) -> None:
        """Show how things are now; to be called a few times a second."""
        progress, now = self._progress, time.monotonic()
        tokens = progress.pulse.prompt_tokens + progress.pulse.completion_tokens
        self._history.append((now, progress.finished + progress.failed, progress.pulse.turns, tokens))
        while len(self._history) > 2 and now - self._history[1][0] > RATES_OVER:
            self._history.pop(0)
        if self._live:
            self._live.update(self._picture(), refresh=True)
        if now - self._last_line >= LINE_EVERY:
            self._last_line = now
            self._log(self.line())
            if not self._live:
                self._print()

    def _print(self) -> None:
        try:
            self._console.print(self.line(), soft_wrap=True, highlight=False)
        except (OSError, SystemExit):  # rich leaves the program when the reader of its output has gone; a batch goes on
            self._console.quiet = True
            self._log("nobody reads the output any more; going on without it")

    def line(self) -> str:
        """How things are, in one line."""
        progress = self._progress
        sessions, turns, tokens = self._rates()
        parts = [
            f"{self._before + progress.finished} of {self._total} sessions",
            f"{progress.failed} failed",
            f"{progress.running} running",
            f"{sessions * 60:.1f} sessions/min, {turns:.1f} turns/s, {tokens:,.0f} tokens/s",
            f"{progress.pulse.in_flight} of {progress.pulse.limit} calls in flight",
            f"{progress.pulse.retries} retries",
            f"{progress.pulse.prompt_tokens + progress.pulse.completion_tokens:,} tokens",
        ]
        if self._money:
            parts.append(f"{self._money(progress.pulse):.2f} spent")
        parts.append(f"{left} left" if (left := self._time_left()) else f"{duration(progress.seconds)} so far")
        if progress.pulse.trouble:
            parts.append(f"lately: {progress.pulse.trouble}")
        if progress.draining:
            parts.append("stopping: " + (progress.stopped or ""))
        return " · ".join(parts)

    def _rates(self) -> tuple[float, float, float]:
        if len(self._history) < 2:
            return 0.0, 0.0, 0.0
        first, last = self._history[0], self._history[-1]
        seconds = max(last[0] - first[0], 1e-6)
        return (last[1] - first[1]) / seconds, (last[2] - first[2]) / seconds, (last[3] - first[3]) / seconds

    def _time_left(self) -> str:
        progress = self._progress
        done = progress.finished + progress.failed
        # The rate of the whole run: that of the last minute says little of long sessions, which end in waves.
        return duration(progress.left * progress.seconds / done) if done and progress.left else ""

    def _picture(self) -> Table:
        progress, total = self._progress, self._total
        done = self._before + progress.finished + progress.failed
        sessions, turns, tokens = self._rates()
        pulse = progress.pulse
        width = max(10, min(60, self._console.width - 2))
        spent = f" · {self._money(pulse):.2f} spent" if self._money else ""
        cached = (
            f", {pulse.cached_tokens / pulse.prompt_tokens:.0%} of the prompts cached" if pulse.prompt_tokens else ""
        )
        left = self._time_left()
        rows = [
            Text(
                f"{done} of {total} sessions · {progress.failed} failed · {progress.running} running"
                + (f" · {left} left" if left else "")
            ),
            Text(
                f"{sessions * 60:.1f} sessions/min · {turns:.1f} turns/s · {tokens:,.0f} tokens/s · "
                f"{duration(progress.seconds)}",
                style="dim",
            ),
            Text(
                f"{pulse.in_flight} of {pulse.limit} calls in flight · {pulse.retries} retries · "
                f"{pulse.prompt_tokens + pulse.completion_tokens:,} tokens{cached}{spent}",
                style="dim",
            ),
        ]
        if pulse.trouble:
            rows.append(Text(f"lately: {pulse.trouble}", style="yellow", overflow="ellipsis", no_wrap=True))
        rows += [Text(f"{count} × {what}", style="red") for what, count in progress.failures.most_common(3)]
        if progress.draining:
            rows.append(Text(f"stopping: {progress.stopped}; Ctrl-C again stops at once", style="yellow"))
        grid = Table.grid()  # the bar by itself does not end its line
        grid.add_row(ProgressBar(total=total, completed=done, width=width))
        for row in rows:
            grid.add_row(row)
        return grid


def duration(seconds: float) -> str:
    """Seconds as people read them."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02} min"


def failures_table(failures: Counter[str]) -> Table:
    """Failures by stage, kind and message."""
    table = Table("failed", "why", box=None, header_style="bold")
    for what, count in failures.most_common():
        table.add_row(str(count), Text(what))
    return table


def projection_table(rows: Iterable[tuple[str, ...]], money: bool) -> Table:
    """What the whole of a batch will take, by method."""
    table = Table("method", "sessions", "calls", "prompt tokens", "answer tokens", "session time", box=None)
    if money:
        table.add_column("cost")
    for number, column in enumerate(table.columns):
        column.justify = "left" if number == 0 else "right"
    for row in rows:
        table.add_row(*row)
    return table
