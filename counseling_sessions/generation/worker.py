"""A worker: runs sessions, many at once, in this process, and keeps their records."""

import asyncio
import time
from collections import Counter
from collections.abc import Iterable
from itertools import count
from pathlib import Path
from typing import Any

from pydantic import BaseModel, Field

from counseling_sessions.generation.batch import PROFILES_FILE, Batch, Profiles, Unit, task_of
from counseling_sessions.graph.session import Event, SessionTask, resume_session, run_session
from counseling_sessions.graph.trouble import LOG
from counseling_sessions.models.chat import Models
from counseling_sessions.models.limits import START
from counseling_sessions.sessions.entries import Entry
from counseling_sessions.sessions.errors import DamagedJournal, RunError
from counseling_sessions.sessions.folder import RunFolder
from counseling_sessions.sessions.journal_lines import calls_of
from counseling_sessions.sessions.journal_reading import has_begun
from counseling_sessions.sessions.record import SessionRecord
from counseling_sessions.sessions.writing import ShardWriter
from counseling_sessions.state import PROMPT_CUT
from counseling_sessions.store.failing import failing_as
from counseling_sessions.store.machine import Shortage, shortage

LATELY = 60.0
"""Seconds for which the last trouble with an endpoint is shown."""


class Pulse(BaseModel):
    """How a worker is doing: counts since it began. Times are in seconds."""

    running: int = 0
    turns: int = 0
    calls: int = 0
    answered: int = 0
    unreported: int = 0
    """Calls with an answer but without token usage, of those `answered`."""
    cut_prompts: int = 0
    """Calls whose prompt the server seems to have cut without a word."""
    retries: int = 0
    prompt_tokens: int = 0
    cached_tokens: int = 0
    completion_tokens: int = 0
    tokens_by_role: dict[str, tuple[int, int, int]] = Field(default_factory=dict)
    """Prompt, cached and completion tokens of each role."""
    limit: int = 0
    in_flight: int = 0
    set_aside: int = 0
    """Damaged journals that were set aside; their sessions were begun anew."""
    trouble: str = ""
    """What went wrong lately with a request that is repeated."""


class Suspended(Exception):
    """The session was stopped; it can go on from its journal."""


class AtLimit(Exception):
    """The endpoint stays at its limit, in the words of this error; the session can go on from its journal."""


class Worker:
    """Runs units of a batch, at most `most` at once; `name` is in the names of its files."""

    def __init__(self, folder: Path, batch: Batch, models: Models, *, name: str = "w0", most: int = 64) -> None:
        self.name = name
        self.batch = batch
        self.models = models
        self.most = most
        self.profiles = Profiles(folder / PROFILES_FILE)
        self.journals = RunFolder(folder).journals
        self.stopping = False
        self._writer = ShardWriter(folder, name)
        self._tasks: set[asyncio.Task[Any]] = set()
        self._pulse = Pulse()

    async def run(self, unit: Unit) -> Entry:
        """Run a unit to its end, new or from its journal, and keep its record.

        A damaged journal is set aside, under another name, and its session is begun anew; the log says so. Raises
        `Suspended` if the worker is stopped meanwhile, `AtLimit` if the endpoint stays at its limit, `Shortage` if the machine has
        run out of something, and `RunError` or `JournalError` if the disk fails.
        """
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        self._pulse.running += 1
        try:
            return await self._run(unit)
        except asyncio.CancelledError:
            raise Suspended from None
        except Exception as error:
            if what := shortage(error):
                raise Shortage(what) from error
            raise
        finally:
            self._pulse.running -= 1
            self._tasks.discard(task)

    async def _run(self, unit: Unit) -> Entry:
        task = task_of(self.batch, self.profiles, unit)
        journal = task.journal_path(self.journals)
        record = await self._resumed(task, journal)
        if record is None:
            record = await run_session(task, self.journals, self.models, on_event=self._note, new_folder=False)
        if record.failure and record.failure.kind == "limit":
            raise AtLimit(record.failure.message)
        # In a thread, since it waits for the disk.
        entry = await asyncio.shield(asyncio.to_thread(self._writer.keep, record))
        if entry.status == "finished":
            journal.unlink(missing_ok=True)
        return entry

    async def _resumed(self, task: SessionTask, journal: Path) -> SessionRecord | None:
        """The record of a session that went on from its journal; None if there is no journal to go on from."""
        try:
            if not has_begun(journal):
                return None
            return await resume_session(journal, self.models, on_event=self._note, task=task)
        except DamagedJournal as error:
            aside = _set_aside(journal)
            self._pulse.set_aside += 1
            LOG.warning("%s; set aside as %s, the session is begun anew", error, aside.name)
            return None

    def pulse(self) -> Pulse:
        """How it is doing now."""
        limits = list(self.models.limits.values())
        limit, in_flight = sum(item.limit for item in limits), sum(item.in_flight for item in limits)
        at, trouble = self.models.trouble or (0.0, "")
        lately = trouble if trouble and time.monotonic() - at < LATELY else ""
        return self._pulse.model_copy(
            update={"limit": limit, "in_flight": in_flight, "retries": self.models.retries, "trouble": lately}
        )

    def capacity(self) -> int:
        """How many sessions it can run at once now: a few more than the endpoints bear calls.

        More sessions would wait for one another, and push one another's prompts out of the server's prefix cache.
        """
        limit = sum(item.limit for item in self.models.limits.values()) or START
        return min(self.most, limit + max(1, limit // 4))

    def stop(self, *, now: bool = False) -> None:
        """Stop every session after its current turn, or `now`."""
        self.stopping = True
        if now:
            for task in self._tasks:
                task.cancel()

    async def close(self) -> None:
        """Close the connections to the models."""
        await self.models.close()

    def _note(self, event: Event) -> None:
        if event.update is None:
            return
        for call in calls_of(event.update):
            self._count(call)
        if event.node == "client":
            self._pulse.turns += 1
        if self.stopping and event.node in ("plan", "client") and (task := asyncio.current_task()):
            task.cancel()  # the turn is in the journal

    def _count(self, call: dict[str, Any]) -> None:
        pulse = self._pulse
        used = tuple(call.get(f"{kind}_tokens") or 0 for kind in ("prompt", "cached", "completion"))
        pulse.calls += 1
        pulse.answered += bool(call.get("attempts"))
        pulse.unreported += bool(call.get("attempts")) and call.get("prompt_tokens") is None
        pulse.cut_prompts += any(finding["kind"] == PROMPT_CUT for finding in call.get("findings") or ())
        pulse.prompt_tokens += used[0]
        pulse.cached_tokens += used[1]
        pulse.completion_tokens += used[2]
        before = pulse.tokens_by_role.get(call["role"], (0, 0, 0))
        pulse.tokens_by_role[call["role"]] = (before[0] + used[0], before[1] + used[1], before[2] + used[2])


def _set_aside(journal: Path) -> Path:
    """Give a damaged journal a name that no journal has. Raises `RunError`."""
    names = (f"{journal.name}.damaged{'' if number == 1 else f'-{number}'}" for number in count(1))
    aside = next(path for path in map(journal.with_name, names) if not path.exists())
    with failing_as(RunError, f"{journal} is damaged, and cannot be set aside"):
        journal.rename(aside)
    return aside


def total(pulses: Iterable[Pulse]) -> Pulse:
    """Several workers' pulses as one."""
    sums: Counter[str] = Counter()
    trouble = ""
    roles: dict[str, tuple[int, int, int]] = {}
    for pulse in pulses:
        sums.update(pulse.model_dump(exclude={"tokens_by_role", "trouble"}))
        trouble = pulse.trouble or trouble
        for role, (prompt, cached, completion) in pulse.tokens_by_role.items():
            before = roles.get(role, (0, 0, 0))
            roles[role] = (before[0] + prompt, before[1] + cached, before[2] + completion)
    return Pulse(**{**sums, "tokens_by_role": roles, "trouble": trouble})
