"""`run.py session`: one session, live on the terminal, saved under runs/."""

import argparse
import asyncio
import shlex
from collections.abc import Awaitable, Callable
from datetime import datetime
from functools import partial
from pathlib import Path

from rich.console import Console
from rich.text import Text

from counseling_sessions.commands import Subparsers
from counseling_sessions.commands.options import errors, for_embedded, graph_options, model_options, session_config
from counseling_sessions.commands.trusted import naming_options, refuse_unnamed
from counseling_sessions.generation.log import log_unretrieved, logged
from counseling_sessions.graph.checkpoints import spared_checkpoints
from counseling_sessions.graph.methods import METHODS
from counseling_sessions.graph.practice import part_of
from counseling_sessions.graph.session import SessionTask, find_session, resume_session, run_session
from counseling_sessions.graph.trouble import LOG
from counseling_sessions.inspection.live import LiveView, show_summary
from counseling_sessions.inspection.transcript import transcript_markdown
from counseling_sessions.models.chat import Models
from counseling_sessions.models.errors import ModelError
from counseling_sessions.models.roles import Served, pinned, serving, serving_line
from counseling_sessions.nodes.examples import check_examples
from counseling_sessions.nodes.intake import DEFAULT_ATTITUDE, DEFAULT_CLIENT
from counseling_sessions.profiles.readers import find_profile
from counseling_sessions.profiles.schema import ATTITUDES
from counseling_sessions.sessions.folder import RunFolder
from counseling_sessions.sessions.journal_lines import JournalContent
from counseling_sessions.sessions.journal_reading import read_journal
from counseling_sessions.sessions.writing import keep
from counseling_sessions.settings import SettingsError
from counseling_sessions.state import SessionRecord
from counseling_sessions.store.atomic import write_atomically
from counseling_sessions.texts.console import HarmlessConsole, escaped
from counseling_sessions.texts.harmless import one_line


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
    if place.is_file() or (place.is_dir() and place != Path() and RunFolder(place).unfinished()):
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
    log_unretrieved(asyncio.get_running_loop())
    with logged(RunFolder(folder).log, private=True):
        async with spared_checkpoints(told_once) as saver:
            with LiveView(console, task) as view:
                if before:
                    view.replay(before)
                record = await start(checkpointer=saver, on_event=view, starts=True)
        return _finish(args, console, record, folder)


def told_once(trouble: str) -> None:
    """Trouble that costs a session nothing: on the terminal, and in its log."""
    LOG.warning("%s; the session goes on without them", trouble)
    errors().print(Text(f"{one_line(trouble)}; the session goes on without them", style="yellow"))


async def _session(args: argparse.Namespace) -> int:
    models = Models(offline=args.offline)
    try:
        if args.resume:
            journal = find_session(Path(args.resume))
            content = read_journal(journal)
            if content.unreadable > 1:  # a crash leaves one line cut, the last
                message = f"{journal}: {content.unreadable} lines cannot be read; the session goes on from before them"
                errors().print(Text(message, style="yellow"))
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
            folder = RunFolder.of_journal(journal).folder
            return await conduct(args, served, task, folder, partial(resume_session, journal, models), content)
        task, served, folder = await _new_task(args, models)
        return await conduct(args, served, task, folder, partial(run_session, task, RunFolder(folder).journals, models))
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
    typed = any(said.author == "human" for said in record.dialogue)
    write_atomically(folder / f"{record.session_id}.md", transcript_markdown(record).encode(), private=typed)
    if args.json:
        print(escaped(record.model_dump_json(indent=2)))
    else:
        show_summary(console, record)
        (HarmlessConsole(soft_wrap=True) if args.quiet else console).print(Text(f"saved: {shard}"), soft_wrap=True)
    if record.failure:
        told = errors()
        told.print(Text(f"the session failed: {one_line(record.failure.message)}", style="red"))
        if record.failure.kind == "internal":
            told.print(Text(f"where: {RunFolder(folder).log}"))
        place = shlex.quote(str(_the_unfinished(folder))) + naming_options(args)
        told.print(f"its finished turns are kept; take it up with: python run.py session --resume {place}")
    return 1 if record.failure else 0


def _the_unfinished(place: Path) -> Path:
    """What --resume is told: the folder, or the journal that was written last where the folder has several."""
    run = RunFolder(place)
    found = run.unfinished() if place.is_dir() else []
    return max(found, key=lambda path: path.stat().st_mtime) if len(found) > 1 or run.planned else place


def _headline(task: SessionTask, folder: Path) -> str:
    config = task.config
    return (
        f"{task.profile.demographics.name} ({task.profile.id}), {task.attitude} · {config.method} · "
        f"up to {config.max_turns} turns · seed {config.seed} · {folder}/"
    )
