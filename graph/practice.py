"""A practice session, step by step: the practice graph up to the person's next turn, with a journal like any session's.

The journal says what was said (the person's updates stand under the part they took, `counselor` or `client`) and is what a
session is taken up from; the checkpoints serve the interrupts, and Studio. Words that are held back are in the checkpoint alone.
"""

import uuid
from collections.abc import Sequence
from contextlib import AbstractContextManager
from itertools import takewhile
from pathlib import Path
from typing import Any, Self

from langchain_core.runnables import RunnableConfig
from langgraph.checkpoint.base import BaseCheckpointSaver
from langgraph.types import Command
from langsmith import tracing_context

from counseling_sessions.graph.practice_graph import build_practice_graph
from counseling_sessions.graph.provenance import new_prompts
from counseling_sessions.graph.record import make_record
from counseling_sessions.graph.session import (
    INTERRUPT,
    OnEvent,
    SessionTask,
    follow,
    met,
    session_input,
    unknown_technique,
)
from counseling_sessions.graph.session_graph import recursion_limit
from counseling_sessions.models.chat import Models
from counseling_sessions.nodes.person import PASSING, Handover, PersonAnswer
from counseling_sessions.nodes.stopping import FINAL, RISK
from counseling_sessions.sessions.errors import JournalError
from counseling_sessions.sessions.journal import Journal
from counseling_sessions.sessions.journal_lines import SUFFIX, JournalContent, JournalUpdate, items_of
from counseling_sessions.sessions.journal_reading import fold, read_journal
from counseling_sessions.sessions.record import SessionRecord
from counseling_sessions.settings import SessionConfig
from counseling_sessions.state import Failure, Speaker, Utterance


class Practice:
    """A practice session in progress.

    `waiting` is what the person gets; None before `start` and after the end. `help` is what a person has to see who may be at risk,
    also where a step fails. The steps raise `JournalError` where the journal cannot be kept; trouble of the session itself becomes
    its failure.
    """

    def __init__(
        self,
        journal: Journal,
        content: JournalContent,
        models: Models,
        checkpointer: BaseCheckpointSaver[Any],
        part: Speaker,
        country: str = "",
        on_event: OnEvent | None = None,
    ) -> None:
        self.journal, self.content, self.part, self.country = journal, content, part, country
        self.on_event = on_event
        self.waiting: Handover | None = None
        self.help = ""
        self._checkpointer = checkpointer
        self._failure: Failure | None = None
        self._graph = build_practice_graph(checkpointer, specialists=self.config.techniques, models=models)

    @classmethod
    def begin(
        cls,
        task: SessionTask,
        part: Speaker,
        folder: Path,
        models: Models,
        checkpointer: BaseCheckpointSaver[Any],
        *,
        country: str = "",
        on_event: OnEvent | None = None,
    ) -> Self:
        """A new session, with its journal in `folder`. Its id is drawn: no seed makes a person say the same again."""
        head = task.head(session_id=str(uuid.uuid4()))
        journal = Journal.create(folder / f"{head.session_id}{SUFFIX}", head, private=True)
        return cls(journal, JournalContent(head), models, checkpointer, part, country, on_event)

    @classmethod
    def resume(
        cls,
        path: Path,
        models: Models,
        checkpointer: BaseCheckpointSaver[Any],
        *,
        country: str = "",
        on_event: OnEvent | None = None,
    ) -> Self:
        """Take up a session that was left or cut off, where it stood, with words that had no answer yet.

        Raises `JournalError`, also for a session without a person, or one that was stopped, or left at a question about risk.
        """
        before = read_journal(path).updates
        part = part_of(before)
        if part is None:
            raise JournalError(f"{path} is no practice session; take it up with: run.py session --resume {path.parent}")
        if kinds := FINAL & {(item.update.get("failure") or {}).get("kind") for item in before}:
            why = "stopped for risk" if RISK in kinds else "stopped by the person"
            raise JournalError(f"{path}: this session was {why}, and is not taken up again")
        if any(not question.get("denied") for question in fold(before).get("questions", ())):
            raise JournalError(f"{path}: this session was left at a question about risk, and is not taken up again")
        journal, content = Journal.resume(path, unknown_technique, new_prompts)
        journal.make_private()
        kept = _standing(before)
        for item in kept[len(content.updates) :]:
            content.updates.append(journal.add(item.node, item.update))
        return cls(journal, content, models, checkpointer, part, country, on_event)

    @property
    def config(self) -> SessionConfig:
        """How the session is conducted."""
        return self.content.head.configuration

    @property
    def state(self) -> dict[str, Any]:
        """The channels as they stand, plain JSON."""
        return fold(self.content.updates)

    @property
    def dialogue(self) -> tuple[Utterance, ...]:
        """All that has been said and not taken back."""
        return tuple(map(Utterance.model_validate, self.state.get("utterances", ())))

    @property
    def failure(self) -> Failure | None:
        """Why the session cannot go on, if it cannot."""
        recorded = self.state.get("failure")
        return self._failure or (Failure.model_validate(recorded) if recorded else None)

    @property
    def risk(self) -> bool:
        """Whether the session was stopped because the person's message counts as risk."""
        return self.failure is not None and self.failure.kind == RISK

    @property
    def is_final(self) -> bool:
        """Whether the session was stopped, for risk or by the person, so that it is not taken up again."""
        return self.failure is not None and self.failure.kind in FINAL

    async def start(self) -> None:
        """Run to the person's first turn, or to the end of a session that needs none."""
        head = self.content.head
        # An older thread of this id would get this state on top of its own.
        await self._checkpointer.adelete_thread(head.session_id)
        begin = {**session_input(head.session_id, head.profile, head.attitude), "part": self.part}
        state, country = self.state, {"country": self.country}
        if not any(said.get("closing") for said in state.get("utterances", ())):
            await self._run(Command(update={**begin, **state, **country}) if state else {**begin, **country})

    async def answer(self, answer: PersonAnswer) -> None:
        """Give the person's answer, and run to their next turn or to the end. Of one that stops the session nothing is kept."""
        await self._run(Command(resume=answer.model_dump(mode="json")))
        if self.is_final:
            await self._checkpointer.adelete_thread(self.content.head.session_id)

    def record(self) -> SessionRecord:
        """The session's record as it stands: finished once it is closed, else failed."""
        return make_record(self.content, self._failure)

    def close(self) -> None:
        """Leave the session where it stands; its journal is there to take it up again."""
        self.journal.close()

    async def _run(self, begin: Any) -> None:
        head = self.content.head
        options: RunnableConfig = {
            "recursion_limit": recursion_limit(self.config.max_turns),
            "configurable": {"thread_id": head.session_id},
            "metadata": {"profile_id": head.profile.id, "attitude": head.attitude, "part": self.part},
            "run_name": "practice",
        }
        self.waiting = None
        stream = self._graph.astream(
            begin, options, context=self.config, stream_mode=["updates", "tasks"], durability="sync"
        )
        with untraced():
            self._failure = await met(head, follow(stream, self._take, self.on_event))

    def _take(self, node: str, change: Any) -> None:
        if node == INTERRUPT:
            self.waiting = Handover.model_validate(change[0].value)
            return
        self.help = change.get("help", "")
        if node == "person" and isinstance(change.get("utterances"), dict):
            self.journal.take_back(self.content, self._before_last())
        elif kept := {name: value for name, value in change.items() if name not in PASSING}:
            self.content.updates.append(self.journal.add(self.part if node == "person" else node, kept))

    def _before_last(self) -> int:
        """How many updates there were before the person's last message."""
        return max(
            place
            for place, item in enumerate(self.content.updates)
            if any(said.get("author") == "human" for said in items_of(item.update.get("utterances")))
        )


def untraced() -> AbstractContextManager[Any]:
    """A context in which nothing goes to LangSmith: what a person types goes to the configured model and nowhere else."""
    return tracing_context(enabled=False)


def part_of(updates: Sequence[JournalUpdate]) -> Speaker | None:
    """The part that a person takes in the session of a journal; None where there is no person."""
    return next((item.update["part"] for item in updates if "part" in item.update), None)


def _standing(updates: list[JournalUpdate]) -> list[JournalUpdate]:
    """The updates up to the last words that were said, or taken back, before anything failed."""
    kept = list(takewhile(lambda item: "failure" not in item.update, updates))
    while kept and kept[-1].node not in ("intake", "plan") and "utterances" not in kept[-1].update:
        kept.pop()
    return kept
