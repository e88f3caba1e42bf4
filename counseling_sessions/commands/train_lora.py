"""`run.py train lora`: an adapter is trained."""

from typing import TYPE_CHECKING

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from counseling_sessions.commands.parsing.training import TrainLoraRequest
from counseling_sessions.commands.telling import errors, say
from counseling_sessions.training.errors import training_extra
from counseling_sessions.training.recipe import PRESETS, Recipe
from counseling_sessions.training.roles import chosen_roles

if TYPE_CHECKING:
    from counseling_sessions.training.loop import History


def run(request: TrainLoraRequest) -> int:
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
    best = (
        f", {history.best.loss:.3f} nats on the validation split after step {history.best.step}" if history.best else ""
    )
    if history.stopped:
        say(f"stopped early: {history.stopped}")
    say(f"{len(history.steps)} steps, {history.tokens:,} tokens, {history.seconds / 60:.0f} minutes{best}")
    say(f"written: {request.out}")
    return 0


def recipe_of(request: TrainLoraRequest) -> Recipe:
    """The preset with what was given over it; for some roles alone, all of their examples."""
    given = {name: value for name, value in vars(request.recipe).items() if value is not None}
    if request.qlora or request.no_qlora:
        given["four_bit"] = request.qlora
    recipe = PRESETS[request.preset]
    # Shares and parts of an epoch are there to balance all the roles of an hour.
    whole = {"shares": {}, "always": (), "epochs": max(1.0, recipe.epochs)} if request.roles else {}
    return Recipe.model_validate(recipe.model_dump() | whole | given)


def _lately(history: "History") -> str:
    lately = history.steps[-10:]
    rate = sum(step.tokens for step in lately) / max(1e-9, sum(step.seconds for step in lately))
    look = f", validation {history.looks[-1].loss:.3f}" if history.looks else ""
    return f"loss {sum(step.loss for step in lately) / len(lately):.3f}{look}, {rate:.0f} tokens/s"
