"""What people see while a model's file is fetched: a line before it begins, then a bar, or a line for each tenth without a terminal."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import (
    BarColumn,
    Progress,
    TextColumn,
    TimeRemainingColumn,
    TransferSpeedColumn,
)

from counseling_sessions.ladder.models import EmbeddedModel, ladder


def megabytes(size: int) -> str:
    """A number of bytes, for people."""
    return f"{size / 1e6:,.0f} MB"


def smaller(model: EmbeddedModel) -> str:
    """How to take the smallest model in place of this one; empty if none is smaller."""
    smallest = ladder()[0]
    if smallest.file.size >= model.file.size:
        return ""
    return f"For a small model take --embedded {smallest.size} ({megabytes(smallest.file.size)})."


def announce(console: Console, model: EmbeddedModel, here: int, place: str) -> None:
    """Say what is fetched from which place, how large it is and how long it may take, if so many bytes of it are here."""
    size = model.file.size
    time = f"{_in_words(model.speed.first_fetch * (size - here) / size)} at 10 MB a second"
    begin = f"Fetching {model.name} from {place}, once: {megabytes(size)}, {time}."
    on = f"Going on with {model.name}: {megabytes(here)} of {megabytes(size)} are here; for the rest, from {place}, {time}."
    console.print(f"{on if here else begin} {smaller(model)}".rstrip(), soft_wrap=True, highlight=False, markup=False)


def _in_words(seconds: float) -> str:
    if seconds < 90:
        return f"about {max(10, round(seconds, -1)):.0f} seconds"
    return f"about {seconds / 60:.0f} minutes"


@contextmanager
def progress(console: Console, model: EmbeddedModel, here: int) -> Iterator[Callable[[int], None]]:
    """A function for the number of bytes of the file that are here, to be called as they become more."""
    size = model.file.size
    if not console.is_terminal:
        yield _tenths(console, model, here)
        return
    columns = (
        BarColumn(bar_width=20),
        TextColumn("{task.fields[here]}", markup=False),
        TransferSpeedColumn(),
        TimeRemainingColumn(),
        TextColumn("left"),
    )
    with Progress(*columns, console=console, transient=True) as bar:
        task = bar.add_task("", total=size, completed=here, here="")

        def advance(done: int) -> None:
            bar.update(task, completed=done, here=f"{done / 1e6:,.0f} of {megabytes(size)}")

        advance(here)
        yield advance


def _tenths(console: Console, model: EmbeddedModel, here: int) -> Callable[[int], None]:
    """Print a line for every tenth that is here, and was not before."""
    size = model.file.size
    last = here * 10 // size

    def advance(done: int) -> None:
        nonlocal last
        if (tenth := done * 10 // size) > last:
            last = tenth
            console.print(f"{model.name}: {tenth}0 %, {megabytes(done)}", soft_wrap=True, highlight=False, markup=False)

    return advance
