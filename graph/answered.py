"""The prompts of a finished session, got back from its record by the session's own nodes.

Each node is run again on the view it had, with models that answer nothing and give back what they are asked. So the
prompts are those of the session as long as the prompt files are (`prompts_unchanged`), and cannot drift from the nodes.
An answer that guards had refused at first was asked for again with a remark; the prompt here is the one without it.
"""

import json
from collections.abc import Coroutine, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Never

from langchain_core.messages import BaseMessage

from counseling_sessions.graph.methods import METHODS
from counseling_sessions.graph.provenance import provenance
from counseling_sessions.models.chat import Models
from counseling_sessions.nodes.client import client
from counseling_sessions.nodes.plan import plan
from counseling_sessions.nodes.reminders import reminder_of
from counseling_sessions.nodes.router import router
from counseling_sessions.nodes.single import single
from counseling_sessions.nodes.specialist import specialist
from counseling_sessions.profiles.schema import counselor_information, counselor_reason
from counseling_sessions.settings import SessionConfig
from counseling_sessions.state import Call, Candidate, ClientView, CounselorView, Pick, SessionRecord, Turn, Utterance


@dataclass(frozen=True)
class Answered:
    """A part of a session and its prompt: which role it is, in which turn (0: the plan), what is asked, and the answer.

    `call` is the model's call that it came from; None where it was written, not asked for.
    """

    role: str
    turn: int
    messages: list[BaseMessage]
    answer: str
    call: Call | None


def answered(record: SessionRecord) -> Iterator[Answered]:
    """Every successful call of a session in the order of work.

    A client's reply that ended the session has its end marker again. Picks by rules, candidates that could not be had and
    utterances that no model wrote have no call, and are not given. Of a forked session, what it has from another is that one's:
    it was asked for under that one's configuration, and stands in its record.
    """
    first = record.forked_from.turn if record.forked_from else 1
    for item in _Session(record).parts(first):
        if item.call and (item.role != "plan" or _own(item.call, record)):
            yield item


def parts(record: SessionRecord) -> Iterator[Answered]:
    """Every part of a session as if it had been asked for with the prompts of today, whoever made it and however; for training.

    Picks by rules, which nobody is asked for, are not given, nor candidates that could not be had.
    """
    return _Session(record, written=True).parts(1)


def prompts_unchanged(record: SessionRecord) -> bool:
    """Whether the program and the prompts a session was made with are those of today."""
    config = SessionConfig.model_validate(record.configuration)
    today, then = provenance(config), record.provenance
    names = {name for name in today.prompt_hashes.keys() | then.prompt_hashes.keys() if _used(name, config)}
    same = all(today.prompt_hashes.get(name) == then.prompt_hashes.get(name) for name in names)
    program = "counseling-sessions"
    return same and today.packages.get(program) == then.packages.get(program)


@dataclass
class _Session:
    """A session on its way again: what has been said and picked so far. With `written`, parts without a call count too."""

    record: SessionRecord
    written: bool = False
    said: list[Utterance] = field(default_factory=list)
    picks: list[Pick] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.config = SessionConfig.model_validate(self.record.configuration)
        self.said += self.record.opening

    def parts(self, first: int) -> Iterator[Answered]:
        """Every part that counts from a turn on, and the plan."""
        record = self.record
        self.pass_over(record.turns[: first - 1])
        if record.plan and self._counts(record.plan.call):
            fields = record.plan.model_dump(mode="json", include={"technique", "goal", "steps"})
            view = self.counselor_view(planned=False)
            yield Answered("plan", 0, _prompt(plan(_LISTENING, view, self.config)), _json(fields), record.plan.call)
        for turn in record.turns[first - 1 :]:
            yield from self.turn(turn)
        if record.closing:
            yield from self.says(record.closing, self.counselor_view(end_reason=record.end_reason))

    def _counts(self, call: Call | None) -> bool:
        return self.written or call is not None

    def counselor_view(self, *, planned: bool = True, **more: Any) -> CounselorView:
        return CounselorView(
            session_id=self.record.session_id,
            client_information=counselor_information(self.record.profile),
            reason_for_counseling=counselor_reason(self.record.profile),
            plan=self.record.plan if planned else None,
            utterances=tuple(self.said),
            picks=tuple(self.picks),
            **more,
        )

    def pass_over(self, turns: Sequence[Turn]) -> None:
        self.picks += [self._by_policy(turn.pick) for turn in turns if turn.pick]
        self.said += [said for turn in turns for said in (turn.counselor, turn.client) if said]

    def turn(self, turn: Turn) -> Iterator[Answered]:
        if turn.pick:
            yield from self._picks(turn.pick)
            self.picks.append(self._by_policy(turn.pick))
        for drafted in turn.candidates:
            if drafted.text and self._counts(drafted.call):
                asked = specialist(_LISTENING, drafted.technique, self.counselor_view(), self.config)
                yield Answered(drafted.technique, turn.turn, _prompt(asked), drafted.text, drafted.call)
        if turn.counselor:
            yield from self.says(turn.counselor, self.counselor_view(candidates=_as_merged(turn, self.config)))
            self.said.append(turn.counselor)
        if turn.client:
            yield from self._replies(turn.client, last=turn is self.record.turns[-1])
            self.said.append(turn.client)

    def says(self, utterance: Utterance, view: CounselorView) -> Iterator[Answered]:
        if not self._counts(utterance.call):
            return
        merged = METHODS[self.config.method].specialists
        role, node = ("merge", router) if merged else ("counselor", single)
        asked = self.config.model_copy(update={"merge": "llm"})
        prompt = _prompt(node(_LISTENING, view, asked))
        yield Answered(role, utterance.turn, prompt, utterance.text, utterance.call)

    def _picks(self, pick: Pick) -> Iterator[Answered]:
        if pick.source == "llm" and self._counts(pick.call):
            fields = {"reason": pick.reason, "techniques": list(pick.techniques)}
            answer = _json(fields | ({"step": pick.step} if pick.step is not None else {}))
            asked = self.config.model_copy(update={"router": "llm"})
            prompt = _prompt(router(_LISTENING, self.counselor_view(), asked))
            yield Answered("router", pick.turn, prompt, answer, pick.call)

    def _by_policy(self, pick: Pick) -> Pick:
        """The pick as the nodes after it see it: a written one, where rules pick, as if they had made it."""
        return pick.model_copy(update={"source": "rules"}) if self.written and self.config.router == "rules" else pick

    def _replies(self, reply: Utterance, *, last: bool) -> Iterator[Answered]:
        if not self._counts(reply.call):
            return
        record = self.record
        view = ClientView(
            session_id=record.session_id,
            profile=record.profile,
            attitude=record.attitude,
            utterances=tuple(self.said),
        )
        ended = last and record.end_reason in ("resolved", "left")
        answer = f"{reply.text} [END: {record.end_reason}]" if ended else reply.text
        # A written reply follows from no reminder: it is given the one that it would have followed from.
        reminded = reminder_of(view, reply.text) if self.written else None
        asked = client(_LISTENING, view, self.config, reminded=reminded if self.config.reminders else None)
        yield Answered("client", reply.turn, _prompt(asked), answer, reply.call)


class _AskedError(Exception):
    """What a node asks its model."""

    def __init__(self, messages: Sequence[BaseMessage]) -> None:
        super().__init__()
        self.messages = list(messages)


class _Listening(Models):
    """Models that answer nothing: the first request comes back as an exception."""

    async def ask(self, role: str, settings: Any, messages: Sequence[BaseMessage], **options: Any) -> Never:
        raise _AskedError(messages)


_LISTENING = _Listening()


def _prompt(node: Coroutine[Any, Any, Any]) -> list[BaseMessage]:
    """What a node asks first. Nothing in a node waits before that, so no event loop is needed."""
    try:
        node.send(None)
    except _AskedError as asked:
        return asked.messages
    except StopIteration:
        pass
    finally:
        node.close()
    raise RuntimeError(f"{node} asked no model, or waited before it did")


def _as_merged(turn: Turn, config: SessionConfig) -> tuple[Candidate, ...]:
    """The candidates that the merge saw, in its order: the graph joins parallel nodes by name.

    Where only picked techniques run, a draft of another one was written beside the session, and never seen.
    """
    seen = [
        drafted
        for drafted in turn.candidates
        if config.fan_out == "all" or turn.pick is None or drafted.technique in turn.pick.techniques
    ]
    return tuple(sorted(seen, key=lambda candidate: candidate.technique))


def _own(call: Call, record: SessionRecord) -> bool:
    """Whether a call is the session's own, and not of the one that it was forked from."""
    return record.forked_from is None or call.started >= datetime.fromisoformat(record.started_at).timestamp()


def _used(prompt: str, config: SessionConfig) -> bool:
    """Whether a prompt can be part of what is given back: no remark on a refusal, no technique that took no part."""
    folder, _, name = prompt.partition("/")
    return name in config.techniques if folder == "techniques" else prompt != "retry"


def _json(fields: dict[str, Any]) -> str:
    return json.dumps(fields, ensure_ascii=False)
