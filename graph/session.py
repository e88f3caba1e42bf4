"""One session, from an intake form to a record: the graph is run, its updates are journaled, the record is made.

`run_session` knows neither a terminal nor where records are kept; its caller shows what it likes with `on_event`.
"""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from weakref import WeakKeyDictionary

from langchain_core.runnables import RunnableConfig
from langgraph.checkpoint.base import BaseCheckpointSaver
from langgraph.types import Command
from pydantic import BaseModel

from counseling_sessions.graph.provenance import configuration_hash, new_prompts, provenance, session_id
from counseling_sessions.graph.record import make_record
from counseling_sessions.graph.session_graph import SessionGraph, build_session_graph, recursion_limit
from counseling_sessions.graph.tracing import start_tracing
from counseling_sessions.graph.trouble import LOG, InternalError, internal_failure
from counseling_sessions.models.chat import Models
from counseling_sessions.nodes.techniques import techniques
from counseling_sessions.profiles.schema import Attitude, ClientProfile
from counseling_sessions.sessions.errors import DamagedJournal, JournalError
from counseling_sessions.sessions.folder import RunFolder
from counseling_sessions.sessions.journal import Journal
from counseling_sessions.sessions.journal_lines import SUFFIX, JournalContent, JournalHead
from counseling_sessions.sessions.journal_reading import fold
from counseling_sessions.sessions.record import SessionRecord
from counseling_sessions.settings import MethodName, SessionConfig
from counseling_sessions.state import Failure, SessionInput
from counseling_sessions.store.machine import shortage


@dataclass(frozen=True)
class Event:
    """What happened in a session: a node gave its update to the state, or (with `starts`) it started."""

    node: str
    update: dict[str, Any] | None = None


OnEvent = Callable[[Event], None]
INTERRUPT = "__interrupt__"
"""LangGraph's name for an interrupt among a graph's updates."""


class SessionTask(BaseModel):
    """A session to be run: who comes, how they are today, and how the session is conducted."""

    profile: ClientProfile
    attitude: Attitude
    config: SessionConfig

    @property
    def session_id(self) -> str:
        return session_id(self.profile.id, self.attitude, self.config)

    def head(self, **more: Any) -> JournalHead:
        """The first line of this session's journal, as it starts now; `more` are fields with another value."""
        usual = {
            "session_id": self.session_id,
            "profile": self.profile,
            "attitude": self.attitude,
            "configuration": self.config,
            "provenance": provenance(self.config),
            "started_at": datetime.now(UTC).isoformat(timespec="milliseconds"),
        }
        return JournalHead(**usual | more)

    def journal_path(self, folder: Path) -> Path:
        return folder / f"{self.session_id}{SUFFIX}"

    def difference(self, head: JournalHead) -> str | None:
        """The field in which a journal's head differs from this task, as it is another session's; None without one."""
        pairs: dict[str, tuple[Any, Any]] = {
            "session_id": (head.session_id, self.session_id),
            "profile": (head.profile, self.profile),
            "attitude": (head.attitude, self.attitude),
            "configuration": (configuration_hash(head.configuration), configuration_hash(self.config)),
            "configuration.seed": (head.configuration.seed, self.config.seed),
        }
        return next((f"{name}: not that of {self.session_id}" for name, (a, b) in pairs.items() if a != b), None)

    def refuse_if_done(self, folder: Path) -> None:
        """Raise `RunError` if the run's folder has this session already, finished or not, or is a batch's."""
        run = RunFolder(folder)
        run.refuse_batch()
        if any(path.name == self.journal_path(folder).name for path in run.unfinished()):
            raise JournalError(f"this session is in {folder} already, unfinished; take it up with: --resume {folder}")
        if self.session_id in run.entries():
            raise JournalError(f"this session is in {folder} already; give another --seed or another --out")


def find_session(place: Path) -> Path:
    """The journal of the one unfinished session in a folder, or the journal itself. Raises `JournalError` otherwise."""
    if not place.exists():
        raise JournalError(f"{place} is not there; runs are folders, such as runs/<time>-<profile>-<attitude>")
    if not place.is_dir():
        return place
    run = RunFolder(place)
    if run.planned:
        raise JournalError(f"{place} is a run directory; go on with it by: python run.py generate --out {place}")
    paths = run.unfinished()
    if not paths:
        raise JournalError(f"{place} has no unfinished session")
    if len(paths) > 1:
        raise JournalError(f"{place} has {len(paths)} unfinished sessions; name one: " + ", ".join(map(str, paths[:5])))
    return paths[0]


def unknown_technique(head: JournalHead) -> str | None:
    """The problem of a journal's head whose configuration names an unknown technique; None without one."""
    unknown = [name for name in head.configuration.techniques if name not in techniques()]
    if not unknown:
        return None
    return f"line 1: configuration.techniques: there is no technique {unknown[0][:40]!r}; there are {', '.join(techniques())}"


async def run_session(
    task: SessionTask,
    folder: Path,
    models: Models,
    *,
    checkpointer: BaseCheckpointSaver[Any] | None = None,
    on_event: OnEvent | None = None,
    starts: bool = False,
    new_folder: bool = True,
) -> SessionRecord:
    """Run a new session to its end, with its journal in `folder`, which without `new_folder` must be there.

    Returns the record; the journal stays until `sessions.writing.keep` has kept that. Trouble of the session itself makes a failed
    record. Raises `JournalError` where the journal cannot be kept.
    """
    head = task.head()
    journal = Journal.create(task.journal_path(folder), head, new_folder=new_folder)
    return await run_journal(journal, JournalContent(head), models, checkpointer, on_event, starts)


async def resume_session(
    path: Path,
    models: Models,
    *,
    checkpointer: BaseCheckpointSaver[Any] | None = None,
    on_event: OnEvent | None = None,
    starts: bool = False,
    task: SessionTask | None = None,
) -> SessionRecord:
    """Take up a session that was cut off or has failed, after its last finished turn, and run it to its end.

    `task` says how its models are reached, whatever the journal says of servers and keys. Prompts that have changed are on record
    from here on (`provenance.refuse_other_prompts` is the caller's). Raises `DamagedJournal` for a journal without a session, or
    with another one than `task`.
    """
    journal, content = Journal.resume(path, unknown_technique, new_prompts)
    if task and (problem := task.difference(content.head)):
        journal.close()
        raise DamagedJournal(f"{path} is the journal of another session, line 1: {problem}")
    if task:
        content.head = content.head.model_copy(update={"configuration": task.config})
    if content.unreadable > 1:  # a crash leaves one line cut, the last
        LOG.warning("%s: %d lines cannot be read; the session goes on from before them", path, content.unreadable)
    return await run_journal(journal, content, models, checkpointer, on_event, starts)


async def run_journal(
    journal: Journal,
    content: JournalContent,
    models: Models,
    checkpointer: BaseCheckpointSaver[Any] | None,
    on_event: OnEvent | None,
    starts: bool,
) -> SessionRecord:
    """Run a session on from what its journal says, to its end. Raises `JournalError` where the journal cannot be kept."""
    with closing(journal):
        start_tracing()
        head, state = content.head, fold(content.updates)
        if checkpointer:
            # An older thread of this id would get this state on top of its own.
            await checkpointer.adelete_thread(head.session_id)
        if any(said.get("closing") for said in state.get("utterances", ())):
            return make_record(content)
        begin = session_input(head.session_id, head.profile, head.attitude)
        # Only the graph of all methods leads from the intake past a plan that is made already.
        method = None if state else head.configuration.method
        stream = _graph(checkpointer, method, head.configuration.techniques, models).astream(
            # The graph's input takes only what starts a session: one taken up again gives its whole state as a command.
            Command(update={**begin, **state}) if state else begin,
            run_options(head.session_id, head.profile.id, head.attitude, head.configuration),
            context=head.configuration,
            stream_mode=["updates", "tasks"] if starts else ["updates"],
            durability="sync" if checkpointer else None,
        )

        def take(node: str, change: dict[str, Any]) -> None:
            content.updates.append(journal.add(node, change))

        failure = await met(head, follow(stream, take, on_event))
    return make_record(content, failure)


async def follow(stream: AsyncIterator[Any], take: Callable[[str, Any], None], on_event: OnEvent | None) -> None:
    """Give every update of a running graph to `take`, and what happens to `on_event`; an interrupt is no event."""
    async for mode, chunk in stream:
        if mode == "updates":
            for node, change in chunk.items():
                take(node, change or {})
                if on_event and node != INTERRUPT:
                    on_event(Event(node, change or {}))
        elif on_event and "input" in chunk:  # a task that starts; finished ones carry a result instead
            on_event(Event(chunk["name"]))


async def met(head: JournalHead, running: Awaitable[None]) -> Failure | None:
    """The unexpected exception that ended a running session, as its failure. Raises trouble of the machine."""
    try:
        await running
    except Exception as error:  # whatever a node raises ends this session alone, and is on record
        if isinstance(error, (JournalError, OSError, MemoryError)) or shortage(error):
            raise  # the machine's trouble, not the session's: the journal is there to go on from
        failure = internal_failure(error)
        if not isinstance(error, InternalError):  # what a node raised is in the log already
            LOG.error("session %s: %s", head.session_id, failure.message, exc_info=error)
        return failure
    return None


def session_input(session_id: str, profile: ClientProfile, attitude: Attitude) -> SessionInput:
    """What the graph is started with."""
    form = profile.model_dump(mode="json")
    return {"session_id": session_id, "profile_id": profile.id, "profile": form, "attitude": attitude}


def run_options(session_id: str, profile_id: str, attitude: Attitude, config: SessionConfig) -> RunnableConfig:
    """How the graph is run: its thread and limit, and what tells the session in a trace. Every call inherits the metadata."""
    return {
        "recursion_limit": recursion_limit(config.max_turns),
        "configurable": {"thread_id": session_id},
        "run_name": "session",
        "tags": [config.method, attitude],
        "metadata": {
            "session_id": session_id,
            "profile_id": profile_id,
            "attitude": attitude,
            "method": config.method,
            "seed": config.seed,
        },
    }


def _graph(
    checkpointer: BaseCheckpointSaver[Any] | None,
    method: MethodName | None,
    techniques: tuple[str, ...],
    models: Models,
) -> SessionGraph:
    if checkpointer:
        return build_session_graph(checkpointer, method=method, specialists=techniques, models=models)
    # Compiling one takes longer than running it through a turn, and a batch runs thousands of sessions through it.
    built = _GRAPHS.setdefault(models, {})
    if (method, techniques) not in built:
        built[method, techniques] = build_session_graph(method=method, specialists=techniques, models=models)
    return built[method, techniques]


_GRAPHS: WeakKeyDictionary[Models, dict[tuple[MethodName | None, tuple[str, ...]], SessionGraph]] = WeakKeyDictionary()
