"""What a batch shows while it runs: on a terminal of 80 columns, and as one line."""

import io
import re

from rich.console import Console

from counseling_sessions.generation.progress import Progress
from counseling_sessions.generation.view import BatchView
from counseling_sessions.generation.worker import Pulse


def shown(progress: Progress) -> list[str]:
    console = Console(file=io.StringIO(), width=80, force_terminal=True, color_system=None)
    with BatchView(console, progress, total=40, done_before=10) as view:
        view.tick()
        lines = console.file.getvalue().splitlines()  # type: ignore[attr-defined]
        assert view.line().startswith("13 of 40 sessions · 1 failed · 5 running")
    return [re.sub(r"\x1b\[[?0-9]*[A-Za-z]", "", line).strip() for line in lines]


def test_the_view_is_a_bar_and_lines_below_it() -> None:
    progress = Progress(todo=30)
    progress.finished, progress.failed, progress.running = 3, 1, 5
    progress.pulse = Pulse(calls=9, prompt_tokens=800, cached_tokens=400, completion_tokens=100, in_flight=4, limit=8)
    progress.failures["client: timeout"] = 1
    lines = shown(progress)
    bar = next(number for number, line in enumerate(lines) if "━" in line)
    assert set(lines[bar].strip()) <= set("━╸╺")
    assert lines[bar + 1].startswith("14 of 40 sessions · 1 failed · 5 running")
    assert lines[bar + 3] == "4 of 8 calls in flight · 0 retries · 900 tokens, 50% of the prompts cached"
    assert lines[bar + 4] == "1 × client: timeout"
