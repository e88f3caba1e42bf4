"""`run.py train`: examples out of sessions, an adapter, its export, and how well it predicts held-out answers."""

from typing import TYPE_CHECKING

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.table import Table

from counseling_sessions.commands.parsing.training import (
    TrainDataRequest,
    TrainExportRequest,
    TrainLoraRequest,
    TrainReportRequest,
)
from counseling_sessions.commands.telling import errors, say, tell, tell_still_to_come
from counseling_sessions.generation.exports.splits import Splits
from counseling_sessions.settings import SettingsError
from counseling_sessions.store.atomic import write_named
from counseling_sessions.texts.console import HarmlessConsole
from counseling_sessions.training.data import DataReport, prepare
from counseling_sessions.training.errors import TrainingError, training_extra
from counseling_sessions.training.recipe import PRESETS, Recipe
from counseling_sessions.training.roles import COUNSELOR, chosen_roles

if TYPE_CHECKING:
    from counseling_sessions.training.loop import History


def write_examples(request: TrainDataRequest) -> int:
    """Write fine-tuning examples."""
    report = prepare(
        list(request.sources),
        request.out,
        chosen_roles(request.roles),
        splits=Splits.of(request.splits),
        seed=request.seed,
        as_embedded=request.as_embedded,
        skip_invalid=request.skip_invalid,
        with_risk=request.with_risk,
        overwrite=request.overwrite,
        how=request.reading.how(),
    )
    tell_still_to_come(request.sources)
    for problem in report.skipped:
        tell(f"left out: {problem}")
    if report.without_form and COUNSELOR not in report.roles:
        tell(f"sessions of others have examples of {COUNSELOR} and client: --roles {COUNSELOR},client takes both")
    HarmlessConsole().print(_counts(report))
    say(f"written: {request.out}")
    return 0


def _counts(report: DataReport) -> Table:
    splits = list(report.examples)
    table = Table("role", *splits, box=None, pad_edge=False)
    for role in report.roles:
        table.add_row(role, *(f"{report.examples[split].get(role, 0):,}" for split in splits))
    listed = {"sessions": report.sessions, "without a form": report.without_form, "clients": report.clients}
    for name, counts in listed.items():
        if name == "without a form" and not counts:
            continue
        table.add_row(name, *(f"{counts.get(split, 0):,}" for split in splits), style="bold")
    return table


def train_lora(request: TrainLoraRequest) -> int:
    """Train an adapter."""
    with training_extra():
        from counseling_sessions.training.adapter import train_adapter
        from counseling_sessions.training.loop import CHECKPOINT
        from counseling_sessions.training.loop import Progress as Done

    console = errors()
    recipe = recipe_of(request)
    roles = chosen_roles(request.roles) if request.roles else None
    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[more]}", markup=False),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console, disable=not console.is_terminal) as bar:
        task = bar.add_task("training", total=None, more="")

        def stage(name: str) -> None:
            bar.update(task, description=name)
            if not console.is_terminal:
                console.print(name)

        def step(done: Done) -> None:
            more = _lately(done.history)
            bar.update(task, completed=done.step, total=done.steps, more=more)
            if not console.is_terminal and (done.step % 10 == 0 or done.step == done.steps):
                console.print(f"step {done.step} of {done.steps}: {more}")

        try:
            with training_extra():
                card = train_adapter(
                    request.data,
                    request.out,
                    request.base,
                    recipe,
                    roles=roles,
                    offline=request.offline,
                    on_stage=stage,
                    on_step=step,
                )
        except KeyboardInterrupt:
            bar.stop()
            begun = (request.out / CHECKPOINT).exists()
            console.print(f"stopped{'; the same command goes on from the last checkpoint' * begun}")
            return 130
    history = card.history
    if history.stopped:
        say(f"stopped early: {history.stopped}")
    best = history.best
    loss = f", {best.loss:.3f} nats on the validation split after step {best.step}" if best else ""
    say(f"{len(history.steps)} steps, {history.tokens:,} tokens, {history.seconds / 60:.0f} minutes{loss}")
    say(f"written: {request.out}")
    return 0


def recipe_of(request: TrainLoraRequest) -> Recipe:
    """The preset with the options on top; for some roles alone, it takes all of their examples."""
    options = {name: value for name, value in vars(request.recipe).items() if value is not None}
    if request.qlora or request.no_qlora:
        options["four_bit"] = request.qlora
    recipe = PRESETS[request.preset or ("embedded-medium" if request.base == "embedded-medium" else "embedded-small")]
    # Shares and parts of an epoch balance all the roles within an hour.
    everything = {"shares": {}, "always": (), "epochs": max(1.0, recipe.epochs)} if request.roles else {}
    return Recipe.model_validate(recipe.model_dump() | everything | options)


def _lately(history: "History") -> str:
    lately = history.steps[-10:]
    rate = sum(step.tokens for step in lately) / max(1e-9, sum(step.seconds for step in lately))
    look = f", validation {history.looks[-1].loss:.3f}" if history.looks else ""
    return f"loss {sum(step.loss for step in lately) / len(lately):.3f}{look}, {rate:.0f} tokens/s"


def export_adapter(request: TrainExportRequest) -> int:
    """Export an adapter as GGUF, or merged into its base."""
    with training_extra():
        from counseling_sessions.training.gguf import export_gguf, export_merged, export_merged_gguf

    if not request.gguf and not request.folder:
        raise SettingsError("give --gguf FILE, or --folder FOLDER for the merged model")
    for place in filter(None, (request.gguf, request.folder)):
        if not request.overwrite and (place.is_file() or (place.is_dir() and any(place.iterdir()))):
            raise TrainingError(f"{place} is there already; give another place, or --overwrite")
    with training_extra():
        if request.gguf:
            size = (export_merged_gguf if request.merged else export_gguf)(request.adapter, request.gguf)
            say(f"written: {request.gguf} ({size / 1e6:.1f} MB)")
        if request.folder:
            export_merged(request.adapter, request.folder)
            say(f"written: {request.folder}")
    return 0


def report_adapter(request: TrainReportRequest) -> int:
    """Compare an adapter with its base, or with another, on held-out examples."""
    roles = chosen_roles(request.roles) if request.roles else None
    with training_extra():
        from counseling_sessions.training.report import compare_adapters, table

        report = compare_adapters(request.adapter, request.against, request.on, roles=roles, sessions=request.sessions)
    HarmlessConsole().print(table(report))
    if request.json:
        write_named(request.json, report.model_dump_json(indent=1) + "\n")
    return 0
