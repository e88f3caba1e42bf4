"""`run.py train`: fine-tuning data, adapters, their export and their report."""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.table import Table

from counseling_sessions.commands import Subparsers
from counseling_sessions.commands.options import errors
from counseling_sessions.commands.unfinished import tell_still_to_come
from counseling_sessions.generation.exports.splits import Splits
from counseling_sessions.settings import EMBEDDED, SettingsError
from counseling_sessions.store.atomic import write_named
from counseling_sessions.texts.console import HarmlessConsole
from counseling_sessions.training.data import DataReport, chosen_roles, prepare, role_names
from counseling_sessions.training.errors import TrainingError, training_extra
from counseling_sessions.training.recipe import PRESETS, Recipe

if TYPE_CHECKING:
    from counseling_sessions.training.loop import History

_FIELDS = {
    "rank": int,
    "alpha": int,
    "dropout": float,
    "learning_rate": float,
    "epochs": float,
    "packs_per_step": int,
    "pack_tokens": int,
    "max_length": int,
    "seed": int,
}


def add(commands: Subparsers) -> None:
    """Tell the parser about this command."""
    parser = commands.add_parser("train", help="fine-tuning data, LoRA adapters, their export and report")
    what = parser.add_subparsers(metavar="what", required=True)
    _add_data(what)
    _add_lora(what)
    _add_export(what)
    _add_report(what)


def _add_data(what: Subparsers) -> None:
    parser = what.add_parser("data", help="fine-tuning examples from any sessions, ours or imported")
    parser.add_argument("sources", nargs="+", metavar="SESSIONS", help="run directories, folders or files of sessions")
    parser.add_argument("--out", required=True, metavar="FOLDER")
    parser.add_argument("--roles", default="all", help=f"all, or some of {', '.join(role_names())}")
    parser.add_argument("--splits", default="80/10/10", help="shares of clients for train, validation and test")
    parser.add_argument("--seed", type=int, default=0, help="which clients are in which split")
    parser.add_argument(
        "--as-embedded",
        action="store_true",
        help="with the prompts of the embedded model's sessions: reminders, no reasons",
    )
    parser.add_argument(
        "--skip-invalid", "--salvage", action="store_true", help="leave out what cannot be read, and count it"
    )
    parser.add_argument("--overwrite", action="store_true", help="replace examples that lie there")
    parser.set_defaults(command=data)


def _add_lora(what: Subparsers) -> None:
    parser = what.add_parser("lora", help="train an adapter on a folder of examples; again: goes on where it was")
    parser.add_argument("data", metavar="DATA", help="a folder made by train data")
    parser.add_argument(
        "--base", default=EMBEDDED, help="embedded (default), an id of the Hub, a folder or a GGUF file"
    )
    parser.add_argument("--out", required=True, metavar="FOLDER")
    parser.add_argument("--roles", help="only examples of these roles, and all of them (one adapter per agent)")
    parser.add_argument(
        "--preset",
        choices=list(PRESETS),
        default="embedded",
        help="embedded: within an hour on two cores; paper: MAGneT's",
    )
    parser.add_argument("--qlora", action="store_true", help="keep the base in 4 bits (a GPU and bitsandbytes)")
    parser.add_argument("--no-qlora", action="store_true", help="the paper's preset on a whole base")
    for name, kind in _FIELDS.items():
        parser.add_argument(f"--{name.replace('_', '-')}", type=kind, help=Recipe.model_fields[name].description)
    parser.add_argument("--offline", action="store_true", help="never fetch the embedded model")
    parser.set_defaults(command=lora)


def _add_export(what: Subparsers) -> None:
    parser = what.add_parser("export", help="an adapter as GGUF for llama.cpp, or merged into its base")
    parser.add_argument("adapter", metavar="ADAPTER", help="a folder made by train lora")
    parser.add_argument("--gguf", metavar="FILE", help="write a GGUF: the adapter, or with --merged the whole model")
    parser.add_argument("--merged", action="store_true", help="the whole model, in Q8_0, in place of the adapter")
    parser.add_argument("--folder", metavar="FOLDER", help="write the merged model as transformers and vLLM read it")
    parser.add_argument("--overwrite", action="store_true", help="replace what lies there")
    parser.set_defaults(command=export)


def _add_report(what: Subparsers) -> None:
    parser = what.add_parser("report", help="how well an adapter predicts held-out answers, against its base")
    parser.add_argument("adapter", metavar="ADAPTER")
    parser.add_argument(
        "--against", default="base", metavar="base|ADAPTER", help="what it is compared with (default base)"
    )
    parser.add_argument(
        "--on", default="corpus:test", metavar="DATA", help="corpus:test (default), plain:test, or a file of examples"
    )
    parser.add_argument("--roles", help="only these roles")
    parser.add_argument("--sessions", type=int, metavar="N", help="only the first N sessions")
    parser.add_argument("--json", metavar="FILE", help="write the figures too")
    parser.set_defaults(command=report)


def data(args: argparse.Namespace) -> int:
    """Write fine-tuning examples."""
    made = prepare(
        [Path(source) for source in args.sources],
        Path(args.out),
        chosen_roles(args.roles),
        splits=Splits.of(args.splits),
        seed=args.seed,
        as_embedded=args.as_embedded,
        skip_invalid=args.skip_invalid,
        overwrite=args.overwrite,
    )
    tell_still_to_come(map(Path, args.sources))
    for problem in made.skipped:
        errors().print(f"left out: {problem}")
    console = HarmlessConsole()
    console.print(_counts(made))
    console.print(f"written: {args.out}", soft_wrap=True)
    return 0


def lora(args: argparse.Namespace) -> int:
    """Train an adapter."""
    with training_extra():
        from counseling_sessions.training.adapter import train_adapter
        from counseling_sessions.training.loop import CHECKPOINT
        from counseling_sessions.training.loop import Progress as Done

    console = errors()
    recipe = recipe_of(args)
    roles = chosen_roles(args.roles) if args.roles else None
    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[told]}", markup=False),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console, disable=not console.is_terminal) as bar:
        task = bar.add_task("training", total=None, told="")

        def stage(told: str) -> None:
            bar.update(task, description=told)
            if not console.is_terminal:
                console.print(told)

        def step(done: Done) -> None:
            told = _told(done.history)
            bar.update(task, completed=done.step, total=done.steps, told=told)
            if not console.is_terminal and (done.step % 10 == 0 or done.step == done.steps):
                console.print(f"step {done.step} of {done.steps}: {told}")

        try:
            with training_extra():
                card = train_adapter(
                    Path(args.data),
                    Path(args.out),
                    args.base,
                    recipe,
                    roles=roles,
                    offline=args.offline,
                    on_stage=stage,
                    on_step=step,
                )
        except KeyboardInterrupt:
            bar.stop()
            begun = (Path(args.out) / CHECKPOINT).exists()
            console.print(f"stopped{'; the same command goes on from the last checkpoint' * begun}")
            return 130
    history = card.history
    best = (
        f", {history.best.loss:.3f} nats on the validation split after step {history.best.step}" if history.best else ""
    )
    out = HarmlessConsole(soft_wrap=True)
    if history.stopped:
        out.print(f"stopped early: {history.stopped}")
    out.print(f"{len(history.steps)} steps, {history.tokens:,} tokens, {history.seconds / 60:.0f} minutes{best}")
    out.print(f"written: {args.out}")
    return 0


def export(args: argparse.Namespace) -> int:
    """Export an adapter."""
    with training_extra():
        from counseling_sessions.training.gguf import export_gguf, export_merged, export_merged_gguf

    adapter = Path(args.adapter)
    out = HarmlessConsole(soft_wrap=True)
    if not args.gguf and not args.folder:
        raise SettingsError("give --gguf FILE, or --folder FOLDER for the merged model")
    for there in [Path(name) for name in (args.gguf, args.folder) if name]:
        if not args.overwrite and (there.is_file() or (there.is_dir() and any(there.iterdir()))):
            raise TrainingError(f"{there} is there already; give another place, or --overwrite")
    with training_extra():
        if args.gguf:
            path = Path(args.gguf)
            size = (export_merged_gguf if args.merged else export_gguf)(adapter, path)
            out.print(f"written: {path} ({size / 1e6:.1f} MB)")
        if args.folder:
            export_merged(adapter, Path(args.folder))
            out.print(f"written: {args.folder}")
    return 0


def report(args: argparse.Namespace) -> int:
    """Compare an adapter with its base, or with another, on held-out examples."""
    roles = chosen_roles(args.roles) if args.roles else None
    with training_extra():
        from counseling_sessions.training.report import compare_adapters, table

        found = compare_adapters(Path(args.adapter), args.against, args.on, roles=roles, sessions=args.sessions)
    HarmlessConsole().print(table(found))
    if args.json:
        write_named(Path(args.json), found.model_dump_json(indent=1) + "\n")
    return 0


def recipe_of(args: argparse.Namespace) -> Recipe:
    """The preset with what was given over it; for some roles alone, all of their examples."""
    given = {name: value for name in _FIELDS if (value := getattr(args, name)) is not None}
    if args.qlora or args.no_qlora:
        given["four_bit"] = args.qlora
    recipe = PRESETS[args.preset]
    # Shares and parts of an epoch are there to balance all the roles of an hour.
    whole = {"shares": {}, "always": (), "epochs": max(1.0, recipe.epochs)} if args.roles else {}
    return Recipe.model_validate(recipe.model_dump() | whole | given)


def _told(history: "History") -> str:
    lately = history.steps[-10:]
    rate = sum(step.tokens for step in lately) / max(1e-9, sum(step.seconds for step in lately))
    look = f", validation {history.looks[-1].loss:.3f}" if history.looks else ""
    return f"loss {sum(step.loss for step in lately) / len(lately):.3f}{look}, {rate:.0f} tokens/s"


def _counts(made: DataReport) -> Table:
    splits = list(made.examples)
    shown = Table("role", *splits, box=None, pad_edge=False)
    for role in made.roles:
        shown.add_row(role, *(f"{made.examples[split].get(role, 0):,}" for split in splits))
    shown.add_row("sessions", *(f"{made.sessions.get(split, 0):,}" for split in splits), style="bold")
    shown.add_row("clients", *(f"{made.clients.get(split, 0):,}" for split in splits), style="bold")
    return shown
