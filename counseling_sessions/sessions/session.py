"""A session as evaluation reads it, ours or anybody's."""

import hashlib
from dataclasses import dataclass
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, SkipValidation

from counseling_sessions.profiles.schema import Attitude, ClientProfile
from counseling_sessions.sessions.prompt_sets import PromptHashes, sets_of
from counseling_sessions.sessions.record import SessionRecord, Turn
from counseling_sessions.state import PROMPT_CUT, CBTTechnique, EndReason, Phase, RiskEntry, Speaker, Utterance
from counseling_sessions.texts.words import normalized


@dataclass(frozen=True, slots=True)
class SessionKey:
    """What identifies a session: its id, the place it was read from, and its kind (as in `Session`)."""

    session: str
    source: str
    method: str | None
    client: str
    attitude: Attitude | None
    seed: int | None


class Message(BaseModel):
    """A message as it stands in the file; its text may be empty.

    A counselor's message begins a turn; turn 0 is the opening. Only in our sessions a counselor's message has phase, picked
    techniques and 1-based step of the plan in force, and a client's the level up to which it may tell its form (`openness`);
    `closing` is the counselor's goodbye. `codes` are what others' files say of a message, a value for each annotator.
    """

    model_config = ConfigDict(frozen=True)

    turn: int
    speaker: Speaker
    text: str
    closing: bool = False
    phase: Phase | None = None
    techniques: tuple[str, ...] = ()
    step: int | None = None
    openness: int | None = None
    codes: dict[str, tuple[str, ...]] = Field(default_factory=dict)


class Session(BaseModel):
    """A session. What its file does not say is None; `profile_problem` says why its form cannot be
    read.

    `cbt_technique` and `cbt_plan` are texts as the file has them. Only our records have `method`, `seed`,
    `configuration_hash` and the fields after them; if a person took part, `method` says as whom. `plan_steps` counts the
    first plan's steps, `revisions` has those after it, each with the turn from which on it is in force and the count of its
    steps. `prompts` has the prompts that it was made with (`prompt_sets.sets_of`); `cut_prompts` counts the calls whose
    prompt the server seems to have cut without a word. `risk` is what the counselor's side noticed of a risk, turn by turn.

    Only others' sessions have the fields after it: `client_id` as their file names the client, `metadata` by its path there,
    `passed_over` what was no speech, by its kind, `speakers` their file's names of the two sides, `assumed` what it does not say and
    was taken for granted, and the `shape` that they were read as.
    """

    model_config = ConfigDict(frozen=True)

    id: str
    source: str
    dialogue: tuple[Message, ...]
    profile: ClientProfile | None = None
    profile_problem: str | None = None
    attitude: Attitude | None = None
    cbt_technique: str | None = None
    cbt_plan: str | None = None
    method: str | None = None
    seed: int | None = None
    configuration_hash: str | None = None
    models: tuple[str, ...] = ()
    language: str | None = None
    end_reason: EndReason | None = None
    failed: bool = False
    plan_steps: int | None = None
    revisions: tuple[tuple[int, int], ...] = ()
    max_turns: int | None = None
    prompts: SkipValidation[dict[str, PromptHashes]] = Field(default_factory=dict)
    cut_prompts: int = 0
    risk: tuple[RiskEntry, ...] = ()
    client_id: str | None = None
    metadata: dict[str, str | int | float | bool] = Field(default_factory=dict)
    passed_over: dict[str, int] = Field(default_factory=dict)
    assumed: tuple[str, ...] = ()
    speakers: dict[str, Speaker] = Field(default_factory=dict)
    shape: str | None = None

    @property
    def client(self) -> str:
        """The client, whatever the attitude: `client_group`, else as its file names it, else a client of this session alone."""
        if self.profile:
            return client_group(self.profile)
        if self.client_id:
            return f"client {self.client_id} of {Path(self.source).parent}"
        return f"session {self.id} of {self.source}"

    @property
    def key(self) -> SessionKey:
        """What identifies it."""
        return SessionKey(self.id, self.source, self.method, self.client, self.attitude, self.seed)

    @property
    def turns(self) -> int:
        """How many turns there are, without opening and closing."""
        return len({message.turn for message in self.dialogue if message.turn and not message.closing})


def client_group(profile: ClientProfile) -> str:
    """The client: 16 hexadecimal digits of a hash of the form's name and reason for counseling.

    Case, spacing and punctuation do not count. Nor do id and attitude: a CACTUS form comes once per attitude, each time
    under another id. An edited form stays the same client. The name alone is not enough: CACTUS gives some names to several clients.
    """
    who = f"{normalized(profile.demographics.name)}\n{normalized(profile.reason_for_counseling)}"
    return hashlib.sha256(who.encode()).hexdigest()[:16]


def session_of(record: SessionRecord, source: str) -> Session:
    """One of our records as a session."""
    plan, config = record.plan, record.configuration
    turns = {turn.turn: turn for turn in record.turns}
    dialogue = (_message(said, turns.get(said.turn)) for said in record.dialogue)
    calls = [said.call for said in record.dialogue if said.call]
    return Session(
        id=record.session_id,
        source=source,
        dialogue=tuple(dialogue),
        profile=record.profile,
        attitude=record.attitude,
        cbt_technique=plan.technique.value if plan else None,
        cbt_plan="\n".join([plan.goal, *plan.steps]) if plan else None,
        method=_method(record),
        seed=config.get("seed"),
        configuration_hash=record.provenance.configuration_hash,
        models=tuple(sorted({call.model for call in calls if call.model})),
        language=config.get("language"),
        end_reason=record.end_reason,
        failed=record.status == "failed",
        plan_steps=len(plan.steps) if plan else None,
        revisions=tuple((revised.turn, len(revised.steps)) for revised in record.revisions),
        max_turns=config.get("max_turns"),
        prompts=sets_of(record),
        cut_prompts=sum(finding.kind == PROMPT_CUT for _, call in record.calls for finding in call.findings),
        risk=tuple(entry for entry in record.risk if entry.steps),
    )


def _message(said: Utterance, turn: Turn | None) -> Message:
    message = Message(turn=said.turn, speaker=said.speaker, text=said.text, closing=said.closing)
    if turn is None:
        return message
    if said.speaker == "client":
        state = turn.client_state
        return message.model_copy(update={"openness": state.openness}) if state else message
    led = {"techniques": turn.pick.techniques, "step": turn.pick.step} if turn.pick else {"step": turn.step}
    return message.model_copy(update={"phase": turn.phase, **led})


def _method(record: SessionRecord) -> str | None:
    """The record's method; a session with a person is no session of a method."""
    people = sorted({said.speaker for said in record.dialogue if said.author == "human"})
    return f"person as {' and '.join(people)}" if people else record.configuration.get("method")


def named_technique(text: str | None) -> CBTTechnique | None:
    """The one CBT technique that a text names; None if it names none, or several."""
    said = normalized(text or "")
    named = {technique for technique in CBTTechnique if normalized(technique.value) in said}
    return named.pop() if len(named) == 1 else None
