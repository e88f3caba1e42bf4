"""`run.py session`: one session, live on the terminal, saved under runs/."""

import asyncio
import shlex
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path

from rich.console import Console
from rich.text import Text

from counseling_sessions.commands.build import (
    checked,
    names_models,
    naming_options,
    noticed_by,
    opened_models,
    refuse_unnamed,
    serve,
    serve_new,
    session_config,
    set_fields,
)
from counseling_sessions.commands.parsing.inspection import ReplayRequest
from counseling_sessions.commands.parsing.session import SessionRequest
from counseling_sessions.commands.telling import tell, tell_of_risk, warn
from counseling_sessions.generation.log import log_unretrieved, logged
from counseling_sessions.graph.checkpoints import spared_checkpoints
from counseling_sessions.graph.practice import part_of
from counseling_sessions.graph.provenance import refuse_other_prompts
from counseling_sessions.graph.session import SessionTask, find_session, resume_session, run_session
from counseling_sessions.graph.trouble import LOG
from counseling_sessions.inspection.live import LiveView, show_summary
from counseling_sessions.inspection.transcript import keep_readable
from counseling_sessions.models.roles import Served, serving_line
from counseling_sessions.profiles.library import DEFAULT_ATTITUDE
from counseling_sessions.profiles.readers import find_profile
from counseling_sessions.profiles.schema import Attitude, ClientProfile
from counseling_sessions.sessions.folder import RunFolder, single_name
from counseling_sessions.sessions.journal_lines import JournalContent
from counseling_sessions.sessions.journal_reading import read_journal
from counseling_sessions.sessions.record import SessionRecord
from counseling_sessions.settings import SettingsError
from counseling_sessions.texts.console import HarmlessConsole, escaped, print_json
from counseling_sessions.texts.harmless import one_line


def run(request: SessionRequest) -> int:
    """One session, new or taken up again."""
    place = request.resume or request.out or Path()
    try:
        if request.resume:
            return asyncio.run(_resume(request, request.resume))
        profile = find_profile(request.profile, request.record, request.at_risk or ())
        tell_of_risk(request.at_risk)
        attitude = request.attitude or profile.attitude or DEFAULT_ATTITUDE
        place = request.out or Path("runs") / single_name(profile.id, attitude)
        return asyncio.run(_begin(request, profile, attitude, place))
    except KeyboardInterrupt:
        return stopped(place, naming_options(request.models))


def stopped(place: Path, options: str) -> int:
    """Say how to take up the session that stopped at this place; returns the exit code of a stopped command."""
    if place.is_file() or (place.is_dir() and place != Path() and RunFolder(place).unfinished()):
        tell("\nstopped; nothing is lost but the turn in flight. Take it up with:")
        tell(f"  python run.py session --resume {shlex.quote(str(_the_unfinished(place)))}{options}")
    else:
        tell("stopped")
    return 130


async def conduct(
    request: SessionRequest | ReplayRequest,
    served: list[Served],
    task: SessionTask,
    folder: Path,
    start: Callable[..., Awaitable[SessionRecord]],
    before: JournalContent | None = None,
) -> int:
    """Run a session live on the terminal and keep its record; the command's exit code.

    `start` runs it, given `checkpointer`, `on_event` and `starts`; `before` is its past.
    """
    console = HarmlessConsole(quiet=request.quiet or request.json)
    console.print(Text(serving_line(served), style="bold"))
    console.print(Text(_headline(task, folder), style="dim"))
    log_unretrieved(asyncio.get_running_loop())
    with logged(RunFolder(folder).log, private=True):
        async with spared_checkpoints(tell_once) as saver:
            with LiveView(console, task) as view:
                if before:
                    view.replay(before)
                record = await start(checkpointer=saver, on_event=view, starts=True)
        return _finish(request, console, record, folder)


def tell_once(trouble: str) -> None:
    """Say trouble that costs a session nothing: on the terminal, and in its log."""
    LOG.warning("%s; the session goes on without them", trouble)
    warn(f"{one_line(trouble)}; the session goes on without them")


async def _begin(request: SessionRequest, profile: ClientProfile, attitude: Attitude, folder: Path) -> int:
    risk = noticed_by(request.session, request.at_risk)
    fields = set_fields(request.session, method=request.method, seed=request.seed, risk=risk)
    config = session_config(request.models, fields)
    async with opened_models(offline=request.models.offline, on_wait=warn) as models:
        config, served = await serve_new(models, config, fields)
        task = SessionTask(profile=profile, attitude=attitude, config=config)
        task.refuse_if_done(folder)
        start = partial(run_session, task, RunFolder(folder).journals, models)
        return await conduct(request, served, task, folder, start)


async def _resume(request: SessionRequest, place: Path) -> int:
    journal = find_session(place)
    content = read_journal(journal)
    if content.unreadable > 1:  # a crash leaves one line cut, the last
        warn(f"{journal}: {content.unreadable} lines cannot be read; the session goes on from before them")
    if part_of(content.updates):
        raise SettingsError(
            f"{journal}: a practice session, in which a person takes part; take it up with: "
            f"python run.py practice --resume {shlex.quote(str(place))}"
        )
    if _outgrew(content) and not names_models(request.models):
        raise SettingsError(
            f"{journal}: the session is too long for its model and would fail alike; nothing was sent. If its server has a longer "
            f"context now, name it: python run.py session --resume {shlex.quote(str(place))} --base-url URL. Else begin another "
            "session with fewer --turns or another --model"
        )
    head = content.head
    task = SessionTask(profile=head.profile, attitude=head.attitude, config=checked(head.configuration))
    refuse_unnamed(task.config, request.models, request.arguments, journal)
    if not request.other_prompts:
        refuse_other_prompts(journal, content.prompts_on_record, head.configuration)
    async with opened_models(offline=request.models.offline, on_wait=warn) as models:
        served = await serve(models, task.config)
        start = partial(resume_session, journal, models)
        return await conduct(request, served, task, RunFolder.of_journal(journal).folder, start, content)


def _outgrew(content: JournalContent) -> bool:
    """Whether the session failed because its prompt was too long for the model."""
    failure = content.updates[-1].update.get("failure") if content.updates else None
    return isinstance(failure, dict) and failure.get("kind") == "context"


def _finish(request: SessionRequest | ReplayRequest, console: Console, record: SessionRecord, folder: Path) -> int:
    shard, readable = keep_readable(record, folder)
    if request.json:
        print_json(escaped(record.model_dump_json(indent=2)))
    else:
        show_summary(console, record)
        if not request.quiet:
            console.print(Text(f"to read: {readable}"), soft_wrap=True)
            console.print(Text(f"step by step: python run.py trace {shlex.quote(str(folder))}"), soft_wrap=True)
        (HarmlessConsole(soft_wrap=True) if request.quiet else console).print(Text(f"saved: {shard}"), soft_wrap=True)
    if record.failure:
        tell(f"the session failed: {one_line(record.failure.message)}", "red")
        if record.failure.kind == "internal":
            tell(f"where: {RunFolder(folder).log}")
        place = shlex.quote(str(_the_unfinished(folder))) + naming_options(request.models)
        when = " once the server has a longer context" if record.failure.kind == "context" else ""
        tell(f"its finished turns are kept; take it up{when} with: python run.py session --resume {place}")
    return 1 if record.failure else 0


def _the_unfinished(place: Path) -> Path:
    """The place for --resume: the folder, or its latest journal if it has several."""
    run = RunFolder(place)
    journals = run.unfinished() if place.is_dir() else []
    return max(journals, key=lambda path: path.stat().st_mtime) if len(journals) > 1 or run.planned else place


def _headline(task: SessionTask, folder: Path) -> str:
    config = task.config
    return (
        f"{task.profile.demographics.name} ({task.profile.id}), {task.attitude} · {config.method} · "
        f"up to {config.max_turns} turns · seed {config.seed} · {folder}/"
    )
