"""The practice sessions that are open on the page. A seat is one of them: its steps run one at a time, and its tabs see the same."""

import asyncio
from collections.abc import Coroutine
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Protocol, TypeVar

from langgraph.checkpoint.memory import InMemorySaver

from counseling_sessions.errors import UserError
from counseling_sessions.graph.practice import Practice, part_of
from counseling_sessions.graph.session import Event, SessionTask
from counseling_sessions.models.chat import Models
from counseling_sessions.nodes.person import PersonAnswer, too_long
from counseling_sessions.practice.advice import Advisor
from counseling_sessions.practice.keeping import KeptSession, keep_practice, kept_in
from counseling_sessions.profiles.schema import Attitude, ClientProfile
from counseling_sessions.sessions.folder import RunFolder
from counseling_sessions.sessions.journal_lines import JournalContent
from counseling_sessions.sessions.journal_reading import read_journal
from counseling_sessions.settings import SessionConfig
from counseling_sessions.web.changing import Changing
from counseling_sessions.web.exercises import Exercise, Help, keep_exercise, kept_exercise

MOST_OPEN = 20
"""Sessions that may be open at once."""
PREFIX = "practice-"

T = TypeVar("T")


class Configure(Protocol):
    """How the sessions of the page are conducted, and with which models."""

    async def __call__(self) -> SessionConfig:
        """The configuration of a new session, once its models are there. Raises `UserError`."""

    def allow(self, journal: Path, content: JournalContent) -> None:
        """Raise `UserError` for a session that would reach servers which nobody has named, or that other prompts have begun."""


class PageError(UserError):
    """What a request asks for cannot be done; its words are for the person at the page."""


class Seat(Changing):
    """A session in which a person is the counselor; `doing` are the running nodes."""

    def __init__(self, name: str, practice: Practice, models: Models, exercise: Exercise | None) -> None:
        super().__init__()
        self.name, self.practice, self.exercise = name, practice, exercise
        self.advisor = Advisor(practice, models)
        self.doing: list[str] = []
        self.pending = ""
        self.kept: KeptSession | None = None
        self._models = models
        self._task: asyncio.Task[None] | None = None
        self._advising = asyncio.Lock()
        practice.on_event = self._on_event

    @property
    def busy(self) -> bool:
        """Whether a step runs."""
        return self._task is not None and not self._task.done()

    def begin(self) -> None:
        """Run to the person's turn."""
        self._run(self.practice.start())

    def say(self, text: str, *, closing: bool = False) -> None:
        """Say something; `closing`: it is the goodbye. Raises `PageError` for what cannot be said, or not now."""
        if not text.strip():
            raise PageError("Nothing was typed.")
        if problem := too_long(text):
            raise PageError(f"That was not said: {problem}.")
        if closing and not any(one.speaker == "client" for one in self.practice.dialogue):
            raise PageError("The client has not spoken yet, so there is no session to close.")
        self._refuse_unless_waiting()
        self.pending = text
        self._run(self.practice.answer(PersonAnswer(text=text, ends="turn_limit" if closing else None)))

    def take_back(self, turn: int) -> None:
        """Go back to before the person's message of a turn. Raises `PageError` where there is none, or not now."""
        self._refuse_without("back")
        self._refuse_unless_waiting()
        if not any(one.author == "human" and one.turn == turn for one in self.practice.dialogue):
            raise PageError(f"You have said nothing in turn {turn}.")
        self._run(self._take_back(turn))

    async def _take_back(self, turn: int) -> None:
        while any(one.author == "human" and one.turn >= turn for one in self.practice.dialogue):
            before = len(self.practice.dialogue)
            await self.practice.answer(PersonAnswer(undo=True))
            if len(self.practice.dialogue) >= before:
                return

    async def asked(self, what: Help, advice: Coroutine[Any, Any, T]) -> T:
        """What is advised, while nothing else runs. Raises `PageError` where it is not the person's turn, or the exercise has none."""
        try:
            self._refuse_without(what)
            self._refuse_unless_waiting()
        except PageError:
            advice.close()
            raise
        async with self._advising:
            return await advice

    def _refuse_without(self, what: Help) -> None:
        if self.exercise and what not in self.exercise.help:
            raise PageError("This exercise goes without that help.")

    def _refuse_unless_waiting(self) -> None:
        if self.busy:
            raise PageError("Wait for the client's answer first.")
        if self.practice.waiting is None:
            raise PageError("This session is over.")

    def _run(self, step: Coroutine[Any, Any, None]) -> None:
        self._task = asyncio.create_task(self._step(step))
        self.changed()

    async def _step(self, step: Coroutine[Any, Any, None]) -> None:
        try:
            await step
        finally:
            self.doing, self.pending = [], ""
            if self.practice.waiting is None and self.practice.failure is None:
                self.kept = keep_practice(self.practice)
            self.changed()

    def _on_event(self, event: Event) -> None:
        if event.update is None:
            self.doing.append(event.node)
        elif event.node in self.doing:
            self.doing.remove(event.node)
        self.changed()

    async def leave(self) -> None:
        """Stop what runs, and leave the session where it stands."""
        if self._task and not self._task.done():
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task
        self.practice.close()


@dataclass(frozen=True)
class Left:
    """A session in the folder that was left, and can be taken up again."""

    name: str
    client: str
    turns: int


class Seats:
    """All open sessions, in folders of their own in `folder`. One that the server does not have open is taken up from there."""

    def __init__(self, folder: Path, models: Models, configure: Configure) -> None:
        self._folder, self._models, self._configure = folder, models, configure
        self._open: dict[str, Seat] = {}
        self._entering = asyncio.Lock()

    async def begin(
        self, profile: ClientProfile, attitude: Attitude, turns: int | None, exercise: Exercise | None = None
    ) -> Seat:
        """A new session. Raises `PageError`, or another `UserError` for a model that is not there."""
        async with self._entering:
            if sum(seat.kept is None for seat in self._open.values()) >= MOST_OPEN:
                raise PageError(f"{MOST_OPEN} sessions are open, and no more can be. End one of them first.")
            config = await self._configure()
            if turns:
                fields = config.model_dump() | {"max_turns": turns, "min_turns": min(config.min_turns, turns)}
                config = SessionConfig.model_validate(fields)
            name = f"{PREFIX}{datetime.now():%Y%m%d-%H%M%S-%f}-{profile.id}"
            run = RunFolder(self._folder / name)
            run.folder.mkdir(parents=True, mode=0o700)
            if exercise:
                keep_exercise(exercise, run.folder)
            task = SessionTask(profile=profile, attitude=attitude, config=config)
            practice = Practice.begin(task, "counselor", run.journals, self._models, InMemorySaver())
            return self._seat(name, practice)

    async def seat(self, name: str, *, retry: bool = False) -> Seat:
        """The session of this name, taken up again where it is not open; `retry`: also one that has failed.

        Raises `PageError` where there is none.
        """
        if (seat := self._standing(name, retry=retry)) is not None:  # whoever begins another one is not waited for
            return seat
        async with self._entering:
            if (seat := self._standing(name, retry=retry)) is not None:
                return seat
            if broken := self._open.get(name):
                await broken.leave()
            return await self._taken_up(name)

    def _standing(self, name: str, *, retry: bool) -> Seat | None:
        seat = self._open.get(name)
        failed = seat is not None and seat.practice.failure is not None and not seat.busy
        return None if retry and failed else seat

    async def shown(self, name: str) -> Seat | KeptSession:
        """The session of this name to look at: as `seat`, or as it was kept, if it was over before this server began."""
        if name not in self._open and name in self._names():
            folder = self._folder / name
            if not RunFolder(folder).journal_files() and (kept := await asyncio.to_thread(kept_in, folder)):
                return kept
        return await self.seat(name)

    async def close(self) -> None:
        """Leave all sessions."""
        for seat in self._open.values():
            await seat.leave()

    def left(self) -> list[Left]:
        """The sessions of the folder that can be taken up, the latest first."""
        return [one for name in self._names() if (one := self._left(name))]

    def _names(self) -> list[str]:
        if not self._folder.is_dir():
            return []
        names = (path.name for path in self._folder.iterdir() if path.name.startswith(PREFIX) and path.is_dir())
        return sorted(names, reverse=True)

    def _left(self, name: str) -> Left | None:
        run = RunFolder(self._folder / name)
        journals = run.journal_files()
        if len(journals) != 1:
            return None
        with suppress(UserError):
            content = read_journal(journals[0])
            if part_of(content.updates) == "counselor":
                said = [
                    one
                    for item in content.updates
                    for one in item.update.get("utterances", ())
                    if isinstance(one, dict)
                ]
                turns = max((one.get("turn", 0) for one in said), default=0)
                return Left(name, content.head.profile.demographics.name, turns)
        return None

    async def _taken_up(self, name: str) -> Seat:
        # Only a name of this list leads to a file: no request says where to look.
        if name not in self._names():
            raise PageError("There is no such session.")
        journals = RunFolder(self._folder / name).journal_files()
        if len(journals) != 1 or part_of(read_journal(journals[0]).updates) != "counselor":
            raise PageError("This session is over; the list of sessions has it.")
        self._configure.allow(journals[0], read_journal(journals[0]))
        await self._configure()
        return self._seat(name, Practice.resume(journals[0], self._models, InMemorySaver()))

    def _seat(self, name: str, practice: Practice) -> Seat:
        seat = self._open[name] = Seat(name, practice, self._models, kept_exercise(self._folder / name))
        seat.begin()
        return seat
