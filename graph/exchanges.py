"""The exchanges of a session with its models: what each role was asked, and what it answered, rebuilt from the record.

The nodes make the prompts from the state that the session had there: they are the session's as long as the prompt files are
the same (`prompts_unchanged`). After a refusal by the guards, the prompt here is the first one, without the remark.
"""

import json
from collections.abc import Container, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from langchain_core.messages import BaseMessage

from counseling_sessions.graph.provenance import provenance
from counseling_sessions.integrity.spoken import Marked
from counseling_sessions.nodes.attempts import ModelRequest
from counseling_sessions.nodes.client import ask_client
from counseling_sessions.nodes.context import ChatMessage, as_chat
from counseling_sessions.nodes.inner import fitting_state, next_state
from counseling_sessions.nodes.methods import METHODS
from counseling_sessions.nodes.pick_request import ask_pick
from counseling_sessions.nodes.plan import ask_plan
from counseling_sessions.nodes.protocol import ask_protocol, goes_on
from counseling_sessions.nodes.protocol.course import LEAVING
from counseling_sessions.nodes.protocol.noticing import CATEGORIES, ask_notice
from counseling_sessions.nodes.risk.check import ROLE as RISK_ROLE
from counseling_sessions.nodes.router import ask_closing, ask_merge
from counseling_sessions.nodes.single import ask_single
from counseling_sessions.nodes.specialist import ask_specialist
from counseling_sessions.sessions.prompt_sets import sets_of
from counseling_sessions.sessions.record import SessionRecord
from counseling_sessions.settings import SessionConfig
from counseling_sessions.state import (
    Appraisal,
    Call,
    Candidate,
    ClientState,
    ClientView,
    CounselorView,
    EndReason,
    Failure,
    Part,
    Pick,
    Plan,
    RiskEntry,
    Utterance,
)


@dataclass(frozen=True)
class Exchange:
    """What a role was asked in a turn (0: the plan), and its answer.

    `call` is the model's call that it came from; None where the answer was written, not asked for.
    """

    role: str
    turn: int
    messages: Sequence[BaseMessage]
    answer: str
    call: Call | None

    @property
    def prompt(self) -> list[ChatMessage]:
        return as_chat(self.messages)


_Answered = Plan | Pick | Candidate | RiskEntry | Utterance


def exchanges(record: SessionRecord) -> Iterator[Exchange]:
    """Every successful call of a session in the order of work.

    A client's reply has its markers again. Left out are parts that no model made, calls that the record
    contradicts, and what a fork has from its parent: the parent's configuration asked for that, and its record has it.
    """
    first = record.forked_from.turn if record.forked_from else 1
    state = _State(record)
    # What a fork has from another session comes first: a plan of its own was made after that.
    for turn, parts in sorted(record.steps, key=lambda step: not 0 < step[0] < first):
        if not 0 < turn < first:
            made = state.exchanges(turn, parts)
            yield from (item for item in made if item.call and (item.role != "plan" or _is_of(item.call, record)))
        state.take(parts)


def as_exchanges(record: SessionRecord, roles: Container[str] | None = None) -> Iterator[Exchange]:
    """Every part of a session with the prompts of today, whether a model made it or not, or those of some roles; for training.

    Picks by rules are left out, and candidates without a text.
    """
    state = _State(record, written=True)
    for turn, parts in record.steps:
        yield from state.exchanges(turn, [part for part in parts if roles is None or state.role_of(part) in roles])
        state.take(parts)


def prompts_unchanged(record: SessionRecord) -> bool:
    """Whether the program and the prompts a session was made with are those of today."""
    config = SessionConfig.model_validate(record.configuration)
    today, then = provenance(config), record.provenance
    names = {name for name in today.prompt_hashes.keys() | then.prompt_hashes.keys() if _used(name, config)}
    pairs = [(today.prompt_hashes.get(name), then.prompt_hashes.get(name)) for name in names]
    for hashes in sets_of(record).values():
        pairs += [
            (today.prompt_hashes[name], hashes[name]) for name in names & hashes.keys() & today.prompt_hashes.keys()
        ]
    pairs.append((today.packages.get("counseling-sessions"), then.packages.get("counseling-sessions")))
    return all(now == before for now, before in pairs)


class _State:
    """The state of a session after some steps. With `written`, parts count that no model made."""

    def __init__(self, record: SessionRecord, *, written: bool = False) -> None:
        self.record, self.written = record, written
        self.config = SessionConfig.model_validate(record.configuration)
        self.plan: Plan | None = None
        self.said = [*record.opening]
        self.picks: list[Pick] = []
        self.drafts: list[Candidate] = []
        self.risk: list[RiskEntry] = []

    def take(self, parts: Sequence[Part]) -> None:
        """Add the parts of a step."""
        for part in parts:
            if isinstance(part, Plan):
                self.plan = part
            elif isinstance(part, Pick):
                # Where rules pick, a written pick is seen as if they had made it.
                by_rules = self.written and self.config.router == "rules"
                self.picks.append(part.model_copy(update={"source": "rules"}) if by_rules else part)
                self.drafts = []
            elif isinstance(part, Candidate):
                self.drafts.append(part)
            elif isinstance(part, RiskEntry):
                self.risk.append(part)
            elif isinstance(part, Utterance):
                self.said.append(part)

    def exchanges(self, turn: int, parts: Sequence[Part]) -> Iterator[Exchange]:
        """The requests for the parts of a step, with the parts as answers."""
        for part in parts:
            if isinstance(part, Failure) or not (self.written or part.call) or self._is_draft(part):
                continue
            if request := self._request(part):
                yield Exchange(request.role, turn, request.messages, self._answer(part), part.call)

    def role_of(self, part: Part) -> str:
        """The role that makes such a part."""
        if isinstance(part, Plan):
            return "plan"
        if isinstance(part, Pick):
            return "router"
        if isinstance(part, Candidate):
            return part.technique
        if isinstance(part, RiskEntry):
            return RISK_ROLE
        if isinstance(part, Utterance) and part.speaker == "client":
            return "client"
        return METHODS[self.config.method].speaker

    def _is_draft(self, part: _Answered) -> bool:
        """Whether an utterance is the only draft of its turn, said as it is: nobody merged it."""
        drafts = self._counselor_view(part).candidates
        return isinstance(part, Utterance) and not part.call and [draft.text for draft in drafts] == [part.text]

    def _request(self, part: _Answered) -> ModelRequest | None:
        view, config = self._counselor_view(part), self.config
        if isinstance(part, Plan):
            return ask_plan(view, config)
        if isinstance(part, Pick):
            return ask_pick(view, config) if part.source == "llm" else None
        if isinstance(part, Candidate):
            return ask_specialist(view, config, part.technique) if part.text else None
        if isinstance(part, RiskEntry):
            return ask_notice(view, config)
        return self._client_request(part) if part.speaker == "client" else self._counselor_request(view)

    def _counselor_request(self, view: CounselorView) -> ModelRequest | None:
        config = self.config
        if goes_on(view):
            return ask_protocol(view, config)
        if not METHODS[config.method].specialists:
            return ask_single(view, config)
        return ask_closing(view, config, "merge") if view.end_reason else ask_merge(view, config)

    def _counselor_view(self, part: Part) -> CounselorView:
        picked, seen = self.picks[-1].techniques if self.picks else (), self.drafts
        if (
            self.config.fan_out == "selected"
        ):  # drafts of other techniques were written beside the session, and never seen
            seen = [draft for draft in seen if draft.technique in picked]
        return CounselorView.of(
            self.record.profile,
            session_id=self.record.session_id,
            plan=self.plan,
            utterances=tuple(self.said),
            picks=tuple(self.picks),
            risk=tuple(self.risk),
            # The graph joins parallel nodes by name.
            candidates=tuple(sorted(seen, key=lambda draft: draft.technique)),
            end_reason=self.record.end_reason if part is self.record.closing else None,
        )

    def _client_request(self, reply: Utterance) -> ModelRequest:
        return ask_client(self._client_view(), self.config, self._state_of(reply))

    def _client_view(self) -> ClientView:
        record = self.record
        return ClientView(
            session_id=record.session_id,
            profile=record.profile,
            attitude=record.attitude,
            utterances=tuple(self.said),
            client_states=tuple(turn.client_state for turn in record.turns if turn.client_state),
        )

    def _state_of(self, reply: Utterance) -> ClientState:
        """The state that a reply followed from: the one on record, or for a written reply one that fits it, or as rules have it."""
        turn = next((turn for turn in self.record.turns if turn.client is reply), None)
        if turn and turn.client_state:
            return turn.client_state
        view = self._client_view()
        if not self.written:
            return next_state(view, self.config)
        return fitting_state(view, self.config, reply.text, self._end_with(reply))

    def _end_with(self, reply: Utterance) -> EndReason | None:
        """The end that the client declares with a reply, whether the session ended there or not; None for most."""
        record = self.record
        ends = [entry.end for entry in record.risk if entry.turn == reply.turn + 1]
        if record.turns and reply is record.turns[-1].client:
            ends.append(record.end_reason)
        return next((end for end in ends if end in LEAVING), None)

    def _answer(self, part: _Answered) -> str:
        if isinstance(part, Plan):
            formulation = {"formulation": part.formulation} if part.formulation else {}
            return _json(formulation | part.model_dump(mode="json", include={"technique", "goal", "steps"}))
        if isinstance(part, Pick):
            return _json(_picked(part))
        if isinstance(part, RiskEntry):
            seen = "" if part.source == "routine" else part.category
            return _json({"risk": next((kind for kind, name in CATEGORIES.items() if name == seen), "none")})
        if isinstance(part, Candidate) or part.speaker == "counselor":
            return part.text
        return Marked(part.text, self._end_with(part), self._heard_with(part)).with_markers(part.text)

    def _heard_with(self, reply: Utterance) -> tuple[Appraisal, ...] | None:
        """What the counselor's message was to the client, if its model says so with a reply."""
        if self.config.appraisal == "rules":
            return None
        state = self._state_of(reply)
        return state.heard if self.written and state.reading is None else state.reading


def _picked(pick: Pick) -> dict[str, Any]:
    """A pick as a model answers, in the order of its schema (`nodes.pick_request`); what is not on record is left out."""
    fields: dict[str, Any] = {
        "reason": pick.reason,
        "phase": pick.phase,
        "act": pick.act or "none",
        "techniques": list(pick.techniques),
    }
    if pick.asks is not None:
        fields["asks"] = pick.asks
    fields["focus"] = pick.focus
    return fields | ({"step": pick.step, "revise": pick.revise} if pick.step is not None else {})


def _is_of(call: Call, record: SessionRecord) -> bool:
    """Whether this session made the call, and not the one that it was forked from."""
    return record.forked_from is None or call.started >= datetime.fromisoformat(record.started_at).timestamp()


def _used(prompt: str, config: SessionConfig) -> bool:
    """Whether a prompt can be part of an exchange: no remark on a refusal, no technique that took no part."""
    folder, _, name = prompt.partition("/")
    return name in config.techniques if folder == "techniques" else prompt != "retry"


def _json(fields: dict[str, Any]) -> str:
    return json.dumps(fields, ensure_ascii=False)
