"""Forking a session: the same past up to a turn, another future from there on.

The fork's journal begins with the other session's updates, rebuilt from its record, and the fork runs on from them. The other
session is only read.
"""

import hashlib
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from langgraph.checkpoint.base import BaseCheckpointSaver
from pydantic import BaseModel, ConfigDict

from counseling_sessions.graph.provenance import configuration_hash, provenance, refuse_other_prompts
from counseling_sessions.graph.replay import replay
from counseling_sessions.graph.session import OnEvent, SessionTask, run_journal
from counseling_sessions.models.chat import Models
from counseling_sessions.nodes.context import UTTERANCE_LIMIT
from counseling_sessions.nodes.methods import METHODS
from counseling_sessions.nodes.picking import placed
from counseling_sessions.nodes.progress import progress_of
from counseling_sessions.nodes.prompt_set import prompts_digest
from counseling_sessions.nodes.protocol.course import LEAVING
from counseling_sessions.nodes.router import policy_of
from counseling_sessions.profiles.schema import Attitude, clean
from counseling_sessions.sessions.ids import SESSIONS
from counseling_sessions.sessions.journal import Journal
from counseling_sessions.sessions.journal_lines import (
    SUFFIX,
    JournalContent,
    JournalHead,
    JournalPast,
    JournalUpdate,
    calls_of,
)
from counseling_sessions.sessions.prompt_sets import digest_of, sets_of
from counseling_sessions.sessions.record import Fork, ForkEdit, SessionRecord, Turn
from counseling_sessions.settings import SessionConfig, SettingsError
from counseling_sessions.state import CounselorView, EndReason, Pick, Plan, Utterance, replace, update

REASON = "Chosen by hand."
"""The reason of a person's pick, for the merge."""


class ForkError(SettingsError):
    """A fork that cannot be made; the message says why and what can be done."""


class Edits(BaseModel):
    """What a person puts in place at the turn that is played anew.

    `client` is what the client had said last, `pick` the techniques of the turn, `counselor` its utterance. None: no edit.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    client: str | None = None
    pick: tuple[str, ...] | None = None
    counselor: str | None = None

    @property
    def made(self) -> tuple[ForkEdit, ...]:
        """The names of the edits."""
        names: tuple[ForkEdit, ...] = ("client", "pick", "counselor")
        return tuple(name for name in names if getattr(self, name) is not None)


class ForkTask(SessionTask):
    """A fork to be run: the session that it branches off from, the first turn of its own, and what is edited there."""

    parent: SessionRecord
    turn: int
    edits: Edits = Edits()

    @property
    def session_id(self) -> str:
        """A UUID that follows from the session forked, the turn, the configuration with its seed, and the edits."""
        return str(uuid.uuid5(SESSIONS, f"{_changes(self)}/{self.config.seed}"))

    @property
    def plan(self) -> Plan | None:
        """The parent's plan, if the fork's method has one."""
        return self.parent.plan if METHODS[self.config.method].plan else None

    @property
    def closes(self) -> bool:
        """Whether the turn is the closing one: the past is as long as the session may be."""
        return self.turn > self.config.max_turns


def fork_task(
    parent: SessionRecord,
    turn: int,
    config: SessionConfig | None = None,
    *,
    attitude: Attitude | None = None,
    seed: int | None = None,
    edits: Edits | None = None,
) -> ForkTask:
    """A fork of a session at a turn, which is played anew with this configuration (default: the session's own).

    The turn after the last one is the closing, or the next turn if `max_turns` allows more. Without a `seed` it follows from
    everything else: chance falls differently than in the session, and the same way for the same fork. Raises `ForkError`, and
    `ValidationError` for a bad seed.
    """
    config = config or SessionConfig.model_validate(parent.configuration)
    edits, attitude = _cleaned(edits or Edits()), attitude or parent.attitude
    task = ForkTask(profile=parent.profile, attitude=attitude, config=config, parent=parent, turn=turn, edits=edits)
    if any(said.author == "human" and said.turn < turn for said in parent.dialogue):
        raise ForkError(
            "a person has taken part in this session: what models would have said from there is another session"
        )
    _check_turn(task)
    _check_edits(task)
    if seed is None:
        seed = int.from_bytes(hashlib.sha256(_changes(task).encode()).digest()[:4], "big") >> 1
    seeded = SessionConfig.model_validate(config.model_dump() | {"seed": seed})
    return task.model_copy(update={"config": seeded})


def fork_head(task: ForkTask) -> JournalHead:
    """The head of the fork's journal, which carries its past."""
    now = datetime.now(UTC).timestamp()
    updates = [*(named for step in replay(_past(task)) for named in step.updates), *_edited(task)]
    others = _inherited_prompts(task)
    made = provenance(task.config).model_copy(update={"other_prompts": others})
    if began := task.parent.provenance.prompt_hashes:  # calls of earlier versions do not say what they were made with
        for call in (call for _, change in updates for call in calls_of(change)):
            call.setdefault("prompts", digest_of(task.parent.configuration["techniques"], began))
    past = JournalPast(
        forked_from=Fork(session_id=task.parent.session_id, turn=task.turn, edits=task.edits.made),
        phases=tuple(turn.phase for turn in _before(task)),
        steps=tuple(turn.step for turn in _before(task)),
        progress=tuple(turn.progress for turn in _before(task)),
        updates=tuple(JournalUpdate(node=node, at=round(now, 3), update=change) for node, change in updates),
    )
    return task.head(past=past, provenance=made)


def refuse_mixed_prompts(task: ForkTask) -> None:
    """Raise `RunError` for a fork whose past was made with other prompts than those of today."""
    if sets := sets_of(_past(task)) if _past(task).calls else {}:
        began = SessionConfig.model_validate(task.parent.configuration)
        refuse_other_prompts(f"session {task.parent.session_id}", list(sets.values()), began)


def _inherited_prompts(task: ForkTask) -> dict[str, dict[str, str]]:
    """The prompts that the calls of the fork's past were made with, by digest, but for those of today."""
    past = _past(task)
    sets = sets_of(past) if past.calls else {}
    return {digest: dict(hashes) for digest, hashes in sets.items() if digest != prompts_digest(task.config)}


async def run_fork(
    head: JournalHead,
    folder: Path,
    models: Models,
    *,
    checkpointer: BaseCheckpointSaver[Any] | None = None,
    on_event: OnEvent | None = None,
    starts: bool = False,
) -> SessionRecord:
    """Run a fork (`fork_head`) to its end, as `run_session`. Its record has the past as the parent's record has it."""
    journal = Journal.create(folder / f"{head.session_id}{SUFFIX}", head)
    return await run_journal(journal, JournalContent.begun(head), models, checkpointer, on_event, starts)


def _changes(task: ForkTask) -> str:
    """All that makes a fork what it is, but for its seed."""
    changes = (task.attitude, configuration_hash(task.config), task.edits.model_dump_json())
    return "/".join(("fork", task.parent.session_id, str(task.turn), *changes))


def _cleaned(edits: Edits) -> Edits:
    texts = {
        name: text for name, text in (("client", edits.client), ("counselor", edits.counselor)) if text is not None
    }
    for name, text in texts.items():
        if not clean(text, UTTERANCE_LIMIT) or len(text) > UTTERANCE_LIMIT:
            raise ForkError(f"what the {name} says must have 1 to {UTTERANCE_LIMIT} characters")
    pick = None if edits.pick is None else tuple(dict.fromkeys(edits.pick))
    return Edits(pick=pick, **{name: clean(text, UTTERANCE_LIMIT) for name, text in texts.items()})


def _check_turn(task: ForkTask) -> None:
    complete = sum(turn.client is not None for turn in task.parent.turns)
    if not 1 <= task.turn <= complete + 1:
        last = "its closing, or what comes next" if task.parent.closing else "the first that is missing"
        raise ForkError(
            f"session {task.parent.session_id} cannot be forked at turn {task.turn}: it has {complete} whole turns, "
            f"so that a turn from 1 to {complete + 1} ({last}) can be played anew"
        )
    if task.turn > task.config.max_turns + 1:
        raise ForkError(
            f"turn {task.turn} cannot be played in a session of at most {task.config.max_turns} turns; allow more"
        )


def _check_edits(task: ForkTask) -> None:
    edits, config = task.edits, task.config
    if edits.client is not None and task.turn == 1 and not task.parent.opening:
        raise ForkError("the client has said nothing before turn 1 that could be edited: the session has no opening")
    if edits.pick is None:
        return
    if edits.counselor is not None:
        raise ForkError("give the counselor's utterance or the pick: with the one there is no use for the other")
    if task.closes:
        raise ForkError(f"turn {task.turn} is the closing one, in which nothing is picked")
    if not METHODS[config.method].specialists or policy_of(config) == "every":
        raise ForkError(f"nothing is picked with the method {config.method} and the router {policy_of(config)}")
    unknown = [name for name in edits.pick if name not in config.techniques]
    if unknown or not edits.pick:
        raise ForkError(
            f"the pick must be of {', '.join(config.techniques)}" + f", not {', '.join(unknown)}" * bool(unknown)
        )


def _before(task: ForkTask) -> tuple[Turn, ...]:
    return task.parent.turns[: task.turn - 1]


def _past(task: ForkTask) -> SessionRecord:
    """The session up to the turn that is played anew, with a person's edit of the client's words."""
    parent, opening, turns = task.parent, list(task.parent.opening), list(_before(task))
    as_before = bool(turns) and turns[-1] is parent.turns[-1]
    if task.edits.client is not None and not turns:
        opening[-1] = _edit(opening[-1], task.edits.client)
    elif task.edits.client is not None and (said := turns[-1].client):
        turns[-1] = turns[-1].model_copy(update={"client": _edit(said, task.edits.client)})
    taken_back = _taken_back(task)
    end = taken_back or (parent.end_reason if as_before else None) or "turn_limit"
    revisions = tuple(plan for plan in parent.revisions if task.plan and plan.turn < task.turn)
    changes: dict[str, Any] = {"attitude": task.attitude, "opening": tuple(opening), "turns": tuple(turns)}
    noticed = tuple(entry for entry in parent.risk if entry.turn < task.turn)
    changes |= {"plan": task.plan, "revisions": revisions, "risk": noticed}
    # An end for which the parent closed is open again, as long as there are turns to come.
    going = taken_back if taken_back in LEAVING else None
    over = {"end_reason": end if task.closes else going, "closing": None, "failure": None}
    return parent.model_copy(update=changes | over)


def _taken_back(task: ForkTask) -> EndReason | None:
    """The end that the parent took back at the turn that is played anew; None where a person's edit decides how it goes on."""
    if task.edits.made:
        return None
    return next((entry.end for entry in task.parent.risk if entry.turn == task.turn), None)


def _edited(task: ForkTask) -> Iterator[tuple[str, dict[str, Any]]]:
    """What a person put in place of the turn that is played anew."""
    edits, config = task.edits, task.config
    if edits.pick is not None:
        past = _past(task)
        picks = tuple(turn.pick for turn in past.turns if turn.pick)
        plan = past.plan_at(task.turn)
        view = CounselorView(plan=plan, utterances=tuple(past.dialogue), picks=picks)
        pick = Pick(**placed(progress_of(view, config)), techniques=edits.pick, reason=REASON, source="human")
        yield "router", update(picks=[pick], candidates=replace([]))
    if edits.counselor is not None:
        said = Utterance(turn=task.turn, speaker="counselor", text=edits.counselor, closing=task.closes, author="human")
        yield METHODS[config.method].counselor, update(utterances=[said])


def _edit(said: Utterance, text: str) -> Utterance:
    return Utterance(turn=said.turn, speaker=said.speaker, text=text, author="human")
