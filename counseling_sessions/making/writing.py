"""Writing a set of new clients: many forms at a time, each until no guard objects, every answer's fate on the disk at once."""

import asyncio
import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from counseling_sessions.making.folder import Entry, Plan, line_of
from counseling_sessions.making.form import SCHEMA, form_request, profile_of_answer
from counseling_sessions.making.guards import Objection, objections
from counseling_sessions.making.likeness import Likeness
from counseling_sessions.making.sampling import Sketch
from counseling_sessions.making.tables import Tables
from counseling_sessions.models.chat import Models
from counseling_sessions.models.errors import ModelError
from counseling_sessions.models.requests import Reply
from counseling_sessions.models.structured import MalformedAnswer, read_object
from counseling_sessions.models.thinking import more_room, speechless, took_the_limit
from counseling_sessions.settings import ModelSettings
from counseling_sessions.store.log import Log

ROLE = "writer"
"""The role whose model writes forms."""
FAILURES_IN_A_ROW = 5
"""After so many calls without an answer the writing stops."""


@dataclass
class Writer:
    """A set at work. `attempts` bounds the answers for one client in this run; `entries` are all fates so far, earlier runs' included.

    `on_entry` hears of each fate. `stopped` says why the writing ended early; empty while it goes on, and if it came to the end.
    """

    plan: Plan
    tables: Tables
    models: Models
    settings: ModelSettings
    log: Log
    attempts: int
    entries: list[Entry]
    on_entry: Callable[[Entry], None] = lambda _: None
    stopped: str = ""
    failed: int = 0
    _failures: int = 0
    _others: Likeness = field(init=False)
    _tasks: list[asyncio.Task[None]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._others = Likeness(self.plan.meaning)
        for entry in self.entries:
            if entry.profile:
                self._others.add(entry.profile)

    def left(self, sketches: Sequence[Sketch]) -> list[Sketch]:
        """The clients that are still to be written."""
        written = {entry.number for entry in self.entries if entry.profile}
        return [sketch for sketch in sketches if sketch.number not in written]

    async def write(self, sketches: Sequence[Sketch], concurrency: int) -> None:
        """Write those that are left, so many at a time. Raises `OSError` where the log cannot be written."""
        waiting = iter(self.left(sketches))  # which all workers share
        self._tasks = [asyncio.create_task(self._work(waiting)) for _ in range(concurrency)]
        try:
            done = await asyncio.gather(*self._tasks, return_exceptions=True)
        finally:
            self.stop("")
        for error in done:
            if isinstance(error, Exception):
                raise error

    def stop(self, why: str) -> None:
        """End all calls; what was answered is on the disk."""
        self.stopped = self.stopped or why
        for task in self._tasks:
            task.cancel()

    async def _work(self, waiting: Iterator[Sketch]) -> None:
        for sketch in waiting:
            await self._client(sketch)
            if self.stopped:
                return

    async def _client(self, sketch: Sketch) -> None:
        before = [entry for entry in self.entries if entry.number == sketch.number]
        wrong: Sequence[Objection] = before[-1].refused if before else ()
        settings = self.settings
        for attempt in range(len(before) + 1, len(before) + 1 + self.attempts):
            messages = form_request(self.tables, sketch, self.plan.language, [(one.kind, one.detail) for one in wrong])
            seed = random.Random(f"{self.plan.seed}/{sketch.number}/{attempt}").randrange(2**31)
            try:
                reply = await self.models.ask(ROLE, settings, messages, seed=seed, schema=SCHEMA)
            except ModelError as error:
                self._heard_nothing(error)
                return
            self._failures = 0
            if took_the_limit(reply):
                settings = more_room(settings) or settings
            entry = self._judged(sketch, attempt, reply)
            self.log.append(line_of(entry), sync=True)
            self.entries.append(entry)
            if entry.profile:
                self._others.add(entry.profile)
            self.on_entry(entry)
            if entry.profile or self.stopped:
                return
            wrong = entry.refused

    def _judged(self, sketch: Sketch, attempt: int, reply: Reply) -> Entry:
        """The fate of an answer. Nothing waits in here, so that no other client is added meanwhile."""
        entry = Entry(
            number=sketch.number,
            attempt=attempt,
            requests=reply.requests,
            prompt_tokens=reply.prompt_tokens or 0,
            cached_tokens=reply.cached_tokens or 0,
            completion_tokens=reply.completion_tokens or 0,
            unreported=int(reply.prompt_tokens is None),
        )
        source = f"written by {self.plan.model} for `profiles make`, seed {self.plan.seed}"
        try:
            answer = read_object(reply.text)
            profile = profile_of_answer(self.tables, sketch, answer, seed=self.plan.seed, source=source)
        except MalformedAnswer as error:
            why = speechless(reply, self.settings.max_tokens) or str(error)
            return entry.model_copy(update={"refused": (Objection("malformed", why),)})
        wrong = objections(self.tables, sketch, profile, self._others, english=self.plan.language == "English")
        near = {"words": self._others.by_words(profile).cosine, "meaning": self._others.by_meaning(profile).cosine}
        return entry.model_copy(update=near | ({"refused": tuple(wrong)} if wrong else {"profile": profile}))

    def _heard_nothing(self, error: ModelError) -> None:
        self._failures += 1
        self.failed += 1
        if error.hopeless or self._failures >= FAILURES_IN_A_ROW:
            self.stop(str(error))
