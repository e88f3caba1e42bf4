"""`run.py train data`: fine-tuning examples out of sessions."""

from rich.table import Table

from counseling_sessions.commands.parsing.training import TrainDataRequest
from counseling_sessions.commands.telling import say, tell, tell_still_to_come
from counseling_sessions.generation.exports.splits import Splits
from counseling_sessions.texts.console import HarmlessConsole
from counseling_sessions.training.data import DataReport, prepare
from counseling_sessions.training.roles import chosen_roles


def run(request: TrainDataRequest) -> int:
    """Write fine-tuning examples."""
    made = prepare(
        list(request.sources),
        request.out,
        chosen_roles(request.roles),
        splits=Splits.of(request.splits),
        seed=request.seed,
        as_embedded=request.as_embedded,
        skip_invalid=request.skip_invalid,
        overwrite=request.overwrite,
    )
    tell_still_to_come(request.sources)
    for problem in made.skipped:
        tell(f"left out: {problem}")
    HarmlessConsole().print(_counts(made))
    say(f"written: {request.out}")
    return 0


def _counts(made: DataReport) -> Table:
    splits = list(made.examples)
    shown = Table("role", *splits, box=None, pad_edge=False)
    for role in made.roles:
        shown.add_row(role, *(f"{made.examples[split].get(role, 0):,}" for split in splits))
    shown.add_row("sessions", *(f"{made.sessions.get(split, 0):,}" for split in splits), style="bold")
    shown.add_row("clients", *(f"{made.clients.get(split, 0):,}" for split in splits), style="bold")
    return shown
