"""Sessions written by hand: a YAML file with all words and thoughts becomes a session record, as a run makes it.

A file of `corpus/sessions/` or `corpus/plain/sessions/` names the client, the attitude and the plan. Each turn has the router's
reason and pick, the specialists' drafts, and both utterances. Then follow the closing utterance and the reason of the end.
"""

import uuid
from pathlib import Path
from typing import Any, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from counseling_sessions.graph.provenance import configuration_hash
from counseling_sessions.nodes.context import phase_of
from counseling_sessions.nodes.intake import opening_of
from counseling_sessions.nodes.router import MOST_PICKED
from counseling_sessions.profiles.library import builtin_ids, load_builtin
from counseling_sessions.profiles.readers import read_profiles
from counseling_sessions.profiles.schema import Attitude, ClientProfile
from counseling_sessions.sessions.ids import SESSIONS
from counseling_sessions.sessions.record import Provenance, SessionRecord, Turn
from counseling_sessions.settings import SessionConfig, read_yaml, validation_message
from counseling_sessions.state import Act, Candidate, CBTTechnique, EndReason, Phase, Pick, Plan, Utterance
from counseling_sessions.training.errors import WrittenError

WRITTEN_AT = "2026-11-24T00:00:00+00:00"
"""The time in all records of the corpus, so that each build gives the same bytes."""


class _Written(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class WrittenPlan(_Written):
    """The CBT technique, its goal here, the steps of the session, and what keeps the problem going; why, if it is a revised one."""

    technique: CBTTechnique
    goal: str = Field(min_length=10, max_length=200)
    steps: tuple[str, ...] = Field(min_length=3, max_length=5)
    formulation: str = Field(default="", max_length=300)
    reason: str = Field(default="", max_length=160)


class WrittenTurn(_Written):
    """A turn: the router's reason and pick, the drafts of these techniques and of others, and both utterances.

    A `plan` is in force from this turn on. Without a `phase` the rules say which it is.
    """

    plan: WrittenPlan | None = None
    phase: Phase | None = None
    act: Act | None = None
    focus: str = Field(default="", max_length=200)
    progress: str = Field(default="", max_length=160)
    revise: str = Field(default="", max_length=160)
    reason: str = Field(min_length=5, max_length=160)
    pick: tuple[str, ...] = Field(min_length=1, max_length=MOST_PICKED)
    step: int = Field(ge=1)
    drafts: dict[str, str]
    counselor: str = Field(min_length=1)
    client: str = Field(min_length=1)

    @model_validator(mode="after")
    def _drafted(self) -> Self:
        if missing := [name for name in self.pick if name not in self.drafts]:
            raise ValueError(f"no draft of {', '.join(missing)}")
        if self.phase and len(self.pick) == 1 and self.counselor != self.drafts[self.pick[0]]:
            raise ValueError("counselor: a single draft is said as it is")
        return self


class WrittenSession(_Written):
    """A session as written. `max_turns` is the plan; the session may end earlier."""

    client: str
    attitude: Attitude
    max_turns: int = Field(ge=4, le=60)
    techniques: tuple[str, ...] = Field(min_length=1)
    plan: WrittenPlan
    turns: tuple[WrittenTurn, ...] = Field(min_length=4)
    end: EndReason
    closing: str = Field(min_length=1)

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        plan = self.plan
        for number, turn in enumerate(self.turns):
            if turn.plan and not (number and turn.plan.reason and self.turns[number - 1].revise):
                raise ValueError(f"turns.{number}.plan: a plan is revised for a reason, which the turn before names")
            plan = turn.plan or plan
            if turn.step > len(plan.steps):
                raise ValueError(f"turns.{number}.step: the plan has {len(plan.steps)} steps")
            if unknown := [name for name in turn.drafts if name not in self.techniques]:
                raise ValueError(f"turns.{number}.drafts: {', '.join(unknown)} take no part in this session")
        if (self.end == "turn_limit") != (len(self.turns) == self.max_turns):
            raise ValueError("end: turn_limit is what a session of max_turns ends with, and no other")
        return self


def read_written(path: Path, clients: Path, collection: str = "corpus") -> SessionRecord:
    """The record of a written session; its client is a profile of the folder, or a built-in one.

    `collection` is part of the session's id. Raises `WrittenError`, `ProfileError` and `SettingsError`.
    """
    try:
        written = WrittenSession.model_validate(read_yaml(path))
    except ValidationError as error:
        raise WrittenError(f"{path}: {validation_message(error)}") from None
    return record_of(written, find_client(written.client, clients), collection)


def find_client(name: str, clients: Path) -> ClientProfile:
    """The client of this id: from the folder, or a built-in one. Raises `ProfileError`."""
    file = clients / f"{name}.yaml"
    return load_builtin(name) if name in builtin_ids() or not file.exists() else read_profiles(file).profiles[0]


def record_of(written: WrittenSession, profile: ClientProfile, collection: str) -> SessionRecord:
    """The record of a run with these words, without calls of a model."""
    config = SessionConfig(
        techniques=written.techniques,
        max_turns=written.max_turns,
        min_turns=min(SessionConfig.model_fields["min_turns"].default, written.max_turns),
    )
    place = "written" if collection == "corpus" else f"written/{collection}"
    return SessionRecord(
        session_id=str(uuid.uuid5(SESSIONS, f"{place}/{profile.id}/{written.attitude}")),
        status="finished",
        end_reason=written.end,
        profile_id=profile.id,
        profile=profile,
        attitude=written.attitude,
        configuration=config.model_dump(mode="json"),
        provenance=Provenance(
            configuration_hash=configuration_hash(config), prompt_hashes={}, packages={}, python="", platform="written"
        ),
        started_at=WRITTEN_AT,
        finished_at=WRITTEN_AT,
        seconds=0.0,
        opening=opening_of(profile),
        plan=Plan(**written.plan.model_dump()),
        revisions=tuple(
            Plan(**turn.plan.model_dump(), turn=number) for number, turn in enumerate(written.turns, 1) if turn.plan
        ),
        turns=tuple(_turn(number, turn, config) for number, turn in enumerate(written.turns, 1)),
        closing=Utterance(turn=len(written.turns) + 1, speaker="counselor", text=written.closing, closing=True),
    )


def _turn(number: int, written: WrittenTurn, config: SessionConfig) -> Turn:
    place: dict[str, Any] = {"turn": number, "phase": written.phase or phase_of(number, config.max_turns)}
    said = {name: getattr(written, name) for name in ("step", "reason", "act", "focus", "progress", "revise")}
    asks = any(mark in written.counselor for mark in "?？") if written.phase else None
    drafts = written.drafts.items()
    return Turn(
        **place,
        pick=Pick(**place, **said, techniques=written.pick, asks=asks, source="llm"),
        candidates=tuple(Candidate(turn=number, technique=name, text=text) for name, text in drafts),
        counselor=Utterance(turn=number, speaker="counselor", text=written.counselor),
        client=Utterance(turn=number, speaker="client", text=written.client),
    )
