"""Simulated sessions that the page begins, watches, stops and goes on with: the same journal, record and files as `run.py session`."""

import asyncio
from contextlib import suppress
from pathlib import Path
from typing import Protocol

from counseling_sessions.errors import UserError
from counseling_sessions.generation.log import logged
from counseling_sessions.graph.checkpoints import spared_checkpoints
from counseling_sessions.graph.practice import part_of
from counseling_sessions.graph.provenance import new_prompts
from counseling_sessions.graph.record import make_record
from counseling_sessions.graph.session import Event, SessionTask, find_session, run_journal, unknown_technique
from counseling_sessions.graph.trouble import LOG, describe_internal
from counseling_sessions.inspection.find import find_one
from counseling_sessions.inspection.transcript import keep_readable
from counseling_sessions.models.chat import Models
from counseling_sessions.models.prices import Prices
from counseling_sessions.profiles.library import load_builtin
from counseling_sessions.profiles.schema import Attitude
from counseling_sessions.sessions.folder import RunFolder, run_folder, single_name
from counseling_sessions.sessions.journal import Journal
from counseling_sessions.sessions.journal_lines import JournalContent
from counseling_sessions.sessions.journal_reading import has_begun, read_journal
from counseling_sessions.sessions.record import SessionRecord
from counseling_sessions.settings import MethodName, SessionConfig
from counseling_sessions.web.changing import Changing
from counseling_sessions.web.runs import Runs
from counseling_sessions.web.seats import PageError

MOST_AT_WORK = 4
"""Sessions that the page runs at once."""


class Configurations(Protocol):
    """How sessions are conducted: with the models that the command was started with, whatever a request or a file says."""

    async def new(self, method: MethodName, turns: int | None) -> SessionConfig:
        """The configuration of a new session, once its models are there. Raises `UserError`."""

    async def again(self, content: JournalContent, journal: Path) -> None:
        """Raise `UserError` for a session that must not go on: its servers are not those of the command, or its prompts changed."""


class Watched(Changing):
    """A session that is watched. `doing` are the running nodes, `problem` says why its files could not be kept.

    What it says is in its `record`, as far as it has come.
    """

    def __init__(self, name: str, run: RunFolder, models: Models) -> None:
        super().__init__()
        self.name, self.run = name, run
        self.doing: list[str] = []
        self.problem = ""
        self._models = models
        self._content: JournalContent | None = None
        self._record: tuple[int, SessionRecord] | None = None
        self._sizes = _sizes(run)
        self._journal: Journal | None = None
        self._task: asyncio.Task[None] | None = None

    @property
    def at_work(self) -> bool:
        """Whether the session runs."""
        return self._task is not None and not self._task.done()

    @property
    def record(self) -> SessionRecord:
        """The session as far as it has come; of one at rest, what its folder says. Raises `UserError` for a damaged one."""
        if self._record is None or self._record[0] != self.number:
            made = make_record(self._content) if self._content else single_record(self.run)
            self._record = self.number, made
        return self._record[1]

    def look(self) -> None:
        """Notice what another process has written, such as `run.py session` on the terminal."""
        if not self.at_work and (sizes := _sizes(self.run)) != self._sizes:
            self._sizes = sizes
            self.changed()

    def begin(self, task: SessionTask) -> None:
        """Run a new session. Raises `JournalError` where the journal cannot be begun."""
        head = task.head()
        self._work(Journal.create(task.journal_path(self.run.journals), head), JournalContent(head))

    async def go_on(self, configurations: Configurations) -> None:
        """Run on after the last finished turn. Raises `UserError` for a session that is over, or must not go on."""
        path = find_session(self.run.folder)
        content = read_journal(path)
        await configurations.again(content, path)
        if self.at_work:
            raise PageError("The session runs already.")
        self._work(*Journal.resume(path, unknown_technique, new_prompts))

    async def stop(self) -> None:
        """Stop at once; nothing is lost but the turn in flight. A session at rest stays so."""
        if self._task and self.at_work:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task
        if self._journal:  # a task that was stopped before it began has closed nothing
            self._journal.close()

    def _work(self, journal: Journal, content: JournalContent) -> None:
        self._journal, self._content, self.problem = journal, content, ""
        self._task = asyncio.create_task(self._conduct(journal, content))
        self.changed()

    async def _conduct(self, journal: Journal, content: JournalContent) -> None:
        try:
            with logged(self.run.log, private=True, alone=True):
                async with spared_checkpoints(lambda trouble: LOG.warning("%s", trouble)) as saver:
                    record = await run_journal(journal, content, self._models, saver, self._on_event, starts=True)
            keep_readable(record, self.run.folder)
        except (UserError, OSError) as error:
            self.problem = str(error)
        except Exception as error:  # nobody waits for this task: what is wrong would be lost
            self.problem = describe_internal(error)
            LOG.error("session %s: %s", content.head.session_id, self.problem, exc_info=error)
        finally:
            # From here on its folder says what the session is.
            self.doing, self._content = [], None
            self.changed()

    def _on_event(self, event: Event) -> None:
        if event.update is None:
            self.doing.append(event.node)
        elif event.node in self.doing:
            self.doing.remove(event.node)
        self.changed()


class Watching:
    """The watched sessions of a folder; one of its single sessions that is not open is read from there."""

    def __init__(
        self, folder: Path, runs: Runs, models: Models, configurations: Configurations, prices: Prices | None = None
    ) -> None:
        self.prices = prices
        self._folder, self._runs, self._models, self._configurations = folder, runs, models, configurations
        self._open: dict[str, Watched] = {}
        self._entering = asyncio.Lock()

    async def begin(self, client: str, attitude: Attitude, method: MethodName, turns: int | None) -> Watched:
        """A new session. Raises `PageError`, or another `UserError` for a model that is not there or a client that is unknown."""
        async with self._entering:
            self._refuse_if_full()
            if run_folder(self._folder):
                raise PageError("This page shows one run alone. Start it with the folder that its runs lie in.")
            profile, config = load_builtin(client), await self._configurations.new(method, turns)
            name = single_name(profile.id, attitude)
            taken = sum(path.name.startswith(name) for path in self._folder.iterdir()) if self._folder.is_dir() else 0
            name = f"{name}-{taken + 1}" if taken else name  # two began in one second
            watched = Watched(name, RunFolder(self._folder / name), self._models)
            watched.begin(SessionTask(profile=profile, attitude=attitude, config=config))
            self._open[name] = watched
            return watched

    async def session(self, name: str) -> Watched:
        """The session of this name. Raises `PageError` where there is none, and other `UserError` for a damaged one."""
        if name not in self._open:
            run = RunFolder(self._runs.place(name))
            watched = Watched(name, run, self._models)
            _ = watched.record
            self._open[name] = watched
        self._open[name].look()
        return self._open[name]

    async def go_on(self, name: str) -> Watched:
        """Go on with a session that was stopped, cut off or has failed. Raises `UserError` where that cannot be."""
        async with self._entering:
            watched = await self.session(name)
            if not watched.at_work:
                self._refuse_if_full()
                await watched.go_on(self._configurations)
            return watched

    def unfinished(self) -> list[Watched]:
        """The sessions of the folder that run, or can go on, the latest first; those that cannot be read are left out."""
        sessions = []
        for one in self._runs.listed():
            run = RunFolder(self._runs.place(one["name"]))
            if not run.planned and run.journal_files():
                with suppress(UserError):
                    watched = self._open.get(one["name"]) or Watched(one["name"], run, self._models)
                    if watched.record.status != "finished":
                        sessions.append(watched)
        return sessions

    async def close(self) -> None:
        """Stop all sessions."""
        for watched in self._open.values():
            await watched.stop()

    def _refuse_if_full(self) -> None:
        if sum(watched.at_work for watched in self._open.values()) >= MOST_AT_WORK:
            raise PageError(f"{MOST_AT_WORK} sessions run, and no more can at once. Stop one of them, or wait.")


def single_record(run: RunFolder) -> SessionRecord:
    """The one simulated session of a folder, as far as its journal or its record says.

    Raises `PageError` for a folder with another kind of sessions, and other `UserError` for one that is damaged.
    """
    journals = [path for path in run.journal_files() if has_begun(path)]
    if run.planned or len(journals) > 1:
        raise PageError("These are several sessions; the list of runs has them.")
    if not journals:
        return find_one(run.folder)
    content = read_journal(journals[0])
    if part_of(content.updates):
        raise PageError("A person takes part in this session: go on with it from the start page.")
    made, filed = make_record(content), run.record(content.head.session_id)
    # Only the filed record says why a session failed that failed outside its nodes; the journal may have gone on since.
    return filed if filed and len(filed.turns) >= len(made.turns) else made


def _sizes(run: RunFolder) -> dict[Path, int]:
    """The files of a single session that grow, and how large they are."""
    files = [*run.journal_files(), *run.ledgers.glob("*")]
    return {path: path.stat().st_size for path in files if path.exists()}
