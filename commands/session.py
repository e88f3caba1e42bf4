"""`run.py session`: one session, live on the terminal, saved under runs/."""

import argparse
import asyncio
import shlex
import sqlite3
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.text import Text

from commands import Subparsers
from commands.options import errors, for_embedded, graph_options, model_options, session_config
from commands.trusted import naming_options, refuse_unnamed
from graph.checkpoints import checkpoints_path, open_checkpoints
from graph.journal import JournalContent, read_journal
from graph.methods import METHODS
from graph.practice import part_of
from graph.session import SessionTask, find_session, resume_session, run_session
from graph.store import keep, unfinished
from inspection.live import LiveView, show_summary
from inspection.transcript import transcript_markdown
from models.chat import Models
from models.errors import ModelError
from models.roles import Served, pinned, serving, serving_line
from nodes.examples import check_examples
from nodes.intake import DEFAULT_ATTITUDE, DEFAULT_CLIENT
from profiles.readers import find_profile
from profiles.schema import ATTITUDES
from settings import SettingsError
from state import SessionRecord
from texts.console import HarmlessConsole, escaped


def add(commands: Subparsers) -> argparse.ArgumentParser:
    """Tell the parser about this command."""
    parser = commands.add_parser("session", help="one session, live on the terminal, saved under runs/")
    parser.add_argument("--profile", default=DEFAULT_CLIENT, help=f"a built-in id or a file (default {DEFAULT_CLIENT})")
    parser.add_argument("--record", help="which record of the file: its number or its id")
    parser.add_argument("--attitude", choices=ATTITUDES, help=f"the profile's own, or {DEFAULT_ATTITUDE}")
    parser.add_argument("--method", choices=list(METHODS), help="default: magnet")
    graph_options(parser)
    parser.add_argument("--seed", type=int, help="default: another one each time")
    parser.add_argument("--out", help="folder for the session (default runs/<time>-<profile>-<attitude>)")
    parser.add_argument("--resume", metavar="FOLDER", help="take up the cut-off session in this folder (or journal)")
    parser.add_argument("--quiet", action="store_true", help="print only where the session was saved")
    parser.add_argument("--json", action="store_true", help="print the session record as JSON and nothing else")
    model_options(parser)
    parser.set_defaults(command=session)
    return parser


def session(args: argparse.Namespace) -> int:
    """One session, new or taken up again."""
    try:
        return asyncio.run(_session(args))
    except KeyboardInterrupt:
        return stopped(Path(args.resume or args.out or ""), naming_options(args))


def stopped(place: Path, options: str) -> int:
    """Say how the session that was stopped there is taken up, with which options; the exit code of a command that was."""
    told = errors()
    if place.is_file() or (place.is_dir() and place != Path() and unfinished(place)):
        told.print("\nstopped; nothing is lost but the turn in flight. Take it up with:")
        told.print(f"  python run.py session --resume {shlex.quote(str(_the_unfinished(place)))}{options}")
    else:
        told.print("stopped")
    return 130


async def conduct(
    args: argparse.Namespace,
    served: list[Served],
    task: SessionTask,
    folder: Path,
    start: Callable[..., Awaitable[SessionRecord]],
    before: JournalContent | None = None,
) -> int:
    """Run a session live on the terminal and keep its record; the command's exit code.

    `start` runs it, given `checkpointer`, `on_event` and `starts`; `before` is what there is of it already. Raises
    `ModelError` where a role is not served.
    """
    console = HarmlessConsole(quiet=args.quiet or args.json)
    for item in served:
        if item.problem:
            who = "" if len(served) == 1 else f"{', '.join(item.roles)}: "
            raise ModelError("configuration", who + item.problem)
    console.print(Text(serving_line(served), style="bold"))
    console.print(Text(_headline(task, folder), style="dim"))
    async with AsyncExitStack() as stack:
        saver = await _checkpointer(stack, console)
        with LiveView(console, task) as view:
            if before:
                view.replay(before)
            record = await start(checkpointer=saver, on_event=view, starts=True)
    return _finish(args, console, record, folder)


async def _session(args: argparse.Namespace) -> int:
    models = Models(offline=args.offline)
    try:
        if args.resume:
            journal = find_session(Path(args.resume))
            content = read_journal(journal)
            if part_of(content.updates):
                raise SettingsError(
                    f"{journal}: a practice session, in which a person takes part; take it up with: "
                    f"python run.py practice --resume {shlex.quote(args.resume)}"
                )
            head = content.head
            task = SessionTask(profile=head.profile, attitude=head.attitude, config=head.configuration)
            check_examples(task.config)
            refuse_unnamed(task.config, args, journal)
            served = await serving(models, task.config)
            return await conduct(args, served, task, journal.parent, partial(resume_session, journal, models), content)
        task, served, folder = await _new_task(args, models)
        return await conduct(args, served, task, folder, partial(run_session, task, folder, models))
    finally:
        await models.close()


async def _new_task(args: argparse.Namespace, models: Models) -> tuple[SessionTask, list[Served], Path]:
    profile = find_profile(args.profile, args.record)
    config = session_config(args)
    served = await serving(models, config)
    config = for_embedded(pinned(config, served), args, served)
    attitude = args.attitude or profile.attitude or DEFAULT_ATTITUDE
    task = SessionTask(profile=profile, attitude=attitude, config=config)
    args.out = args.out or f"runs/{datetime.now():%Y%m%d-%H%M%S}-{profile.id}-{attitude}"
    folder = Path(args.out)
    task.refuse_if_done(folder)
    return task, served, folder


def _finish(args: argparse.Namespace, console: Console, record: SessionRecord, folder: Path) -> int:
    shard = keep(record, folder)
    transcript = folder / f"{record.session_id}.md"
    transcript.write_text(transcript_markdown(record), encoding="utf-8")
    if args.json:
        print(escaped(record.model_dump_json(indent=2)))
    else:
        show_summary(console, record)
        (HarmlessConsole(soft_wrap=True) if args.quiet else console).print(Text(f"saved: {shard}"), soft_wrap=True)
    if record.failure:
        told = errors()
        told.print(Text(f"the session failed: {record.failure.message}", style="red"))
        place = shlex.quote(str(_the_unfinished(folder))) + naming_options(args)
        told.print(f"its finished turns are kept; take it up with: python run.py session --resume {place}")
    return 1 if record.failure else 0


def _the_unfinished(place: Path) -> Path:
    """What --resume is told: the folder, or the journal that was written last where the folder has several."""
    found = unfinished(place) if place.is_dir() else []
    return max(found, key=lambda path: path.stat().st_mtime) if len(found) > 1 else place


async def _checkpointer(stack: AsyncExitStack, console: Console) -> Any:
    try:
        return await stack.enter_async_context(open_checkpoints())
    except (OSError, sqlite3.Error) as error:
        console.print(Text(f"no checkpoints for Studio: {checkpoints_path()}: {error}", style="yellow"))
        return None


def _headline(task: SessionTask, folder: Path) -> str:
    config = task.config
    return (
        f"{task.profile.demographics.name} ({task.profile.id}), {task.attitude} · {config.method} · "
        f"up to {config.max_turns} turns · seed {config.seed} · {folder}/"
    )
