"""The trace of a session: every step of every turn with its calls, times and tokens, from the record alone.

A session that was cut off or failed also has a trace. The costs of its calls add up to the record's `usage`.
"""

from collections.abc import Iterable, Sequence
from dataclasses import fields, is_dataclass
from datetime import datetime
from typing import Any

from pydantic import BaseModel

from counseling_sessions.graph.record import usage_of
from counseling_sessions.inspection.survival import Kept, survival
from counseling_sessions.inspection.trace_data import (
    CallTrace,
    CandidateTrace,
    Message,
    PickTrace,
    PlanTrace,
    Prompts,
    RoleUse,
    SaidTrace,
    SessionTrace,
    TechniqueUse,
    TurnTrace,
    timed,
)
from counseling_sessions.models.prices import Prices
from counseling_sessions.nodes.context import phase_of
from counseling_sessions.sessions.record import SessionRecord, Turn, Usage
from counseling_sessions.settings import SessionConfig
from counseling_sessions.state import Call, Candidate, Phase, Pick, Plan, Utterance


def trace_session(record: SessionRecord, prices: Prices | None = None) -> SessionTrace:
    """The trace of a session. Raises `SettingsError` if prices lack one of its models."""
    calls = _Calls(record)
    roles = _roles(record, calls.all, prices)
    turns = _turns(record, calls)
    unchanged = SessionRecord.model_fields.keys() & {field.name for field in fields(SessionTrace)} - {"turns"}
    return SessionTrace(
        **{name: getattr(record, name) for name in unchanged},
        name=record.profile.demographics.name,
        method=str(record.configuration.get("method")),
        seed=int(record.configuration.get("seed", 0)),
        plan_call=calls.of_plan(),
        turns=turns,
        calls=calls.all,
        roles=roles,
        techniques=_techniques(turns),
        total=total([role.usage for role in roles]),
        busy=union_seconds(calls.all),
        cost=sum(role.cost or 0.0 for role in roles) if prices else None,
    )


def union_seconds(calls: Iterable[CallTrace]) -> float:
    """Seconds in which at least one of the calls ran."""
    busy, until = 0.0, float("-inf")
    for begin, end in timed(calls):
        busy += max(0.0, end - max(begin, until))
        until = max(until, end)
    return busy


def span_seconds(calls: Iterable[CallTrace]) -> float:
    """Seconds from the start of the first call to the end of the last."""
    times = timed(calls)
    return max(end for _, end in times) - times[0][0] if times else 0.0


def total(usages: Sequence[Usage]) -> Usage:
    """The sum of usages."""
    return Usage(**{name: sum(getattr(item, name) for item in usages) for name in Usage.model_fields})


class _Calls:
    """The calls of a record in order of time."""

    def __init__(self, record: SessionRecord) -> None:
        calls = sorted(record.calls, key=lambda item: item[1].started)
        started = [call.started for _, call in calls if call.started]
        start = min([*started, datetime.fromisoformat(record.started_at).timestamp()])
        self.all = tuple(
            CallTrace(number, turn, node_of(call), call.started - start if call.started else None, call)
            for number, (turn, call) in enumerate(calls)
        )
        self._by_call = {id(item.call): item for item in self.all}

    def of(self, item: Plan | Pick | Candidate | Utterance | None) -> CallTrace | None:
        return self._by_call[id(item.call)] if item is not None and item.call is not None else None

    def of_plan(self) -> CallTrace | None:
        return next((item for item in self.all if item.node == "plan" and not item.turn), None)

    def of_turn(self, turn: int) -> tuple[CallTrace, ...]:
        return tuple(item for item in self.all if item.turn == turn)


def node_of(call: Call) -> str:
    """The graph's node that makes a call. The router both picks (`router`) and merges (`merge`)."""
    return {"merge": "router", "risk": "notice"}.get(call.role, call.role)


def _turns(record: SessionRecord, calls: _Calls) -> tuple[TurnTrace, ...]:
    dialogue, traces = record.dialogue, []
    over = record.closing is not None or record.end_reason is not None
    revised = {plan.turn: plan for plan in record.revisions}
    states = {turn.turn: turn.client_state for turn in record.turns}
    noticed = {entry.turn: entry for entry in record.risk if entry.steps}
    first_new = record.forked_from.turn if record.forked_from else 0
    for place, turn in enumerate(_parts(record)):
        before = [item.text for item in dialogue if item.speaker == "client" and item.turn < turn.turn]
        turn_calls, failure = calls.of_turn(turn.turn), record.failure
        candidates, counselor = _merged(turn, calls)
        step, plan = turn.pick.step if turn.pick else turn.step, record.plan_at(turn.turn)
        steps, made = plan.steps if plan else (), revised.get(turn.turn)
        traces.append(
            TurnTrace(
                turn=turn.turn,
                phase=turn.phase,
                closing=over and place >= len(record.turns),
                inherited=turn.turn < first_new,
                saw=before[-1] if before else "",
                revised=PlanTrace(made, calls.of(made)) if made else None,
                step=step,
                step_text=steps[step - 1] if step and step <= len(steps) else "",
                progress=turn.pick.progress if turn.pick else turn.progress,
                risk=noticed.get(turn.turn),
                pick=PickTrace(turn.pick, calls.of(turn.pick)) if turn.pick else None,
                candidates=candidates,
                counselor=counselor,
                client_state=turn.client_state,
                state_before=states.get(turn.turn - 1),
                client=SaidTrace(turn.client, calls.of(turn.client)) if turn.client else None,
                failure=failure if failure and failure.turn == turn.turn and failure.stage != "plan" else None,
                calls=turn_calls,
                seconds=span_seconds(turn_calls),
                overlap=_overlap(turn_calls),
            )
        )
    return tuple(traces)


def _parts(record: SessionRecord) -> list[Turn]:
    """The record's turns, with the closing as a turn, or a turn that failed before its first utterance."""
    parts = list(record.turns)
    closing, failure = record.closing, record.failure
    most = int(record.configuration.get("max_turns", 0))
    if closing:
        parts.append(Turn(turn=closing.turn, phase="closing", counselor=closing))
    elif failure and failure.turn > (parts[-1].turn if parts else 0) and failure.stage != "plan":
        phase: Phase = "closing" if record.end_reason else phase_of(failure.turn, most)
        parts.append(Turn(turn=failure.turn, phase=phase))
    return parts


def _overlap(calls: Sequence[CallTrace]) -> float:
    together = sum(item.call.seconds for item in calls if item.offset is not None)
    return round(max(0.0, together - union_seconds(calls)), 6)


def _merged(turn: Turn, calls: _Calls) -> tuple[tuple[CandidateTrace, ...], SaidTrace | None]:
    """A turn's candidates and its utterance, with the words that they share."""
    picked = turn.pick.techniques if turn.pick else ()
    compared = survival(turn.counselor.text, [item.text for item in turn.candidates]) if turn.counselor else None
    survivors: Sequence[Kept | None] = compared.kept if compared else [None] * len(turn.candidates)
    candidates = tuple(
        CandidateTrace(item, item.technique in picked, calls.of(item), kept if item.text else None)
        for item, kept in zip(turn.candidates, survivors, strict=True)
    )
    if turn.counselor is None or compared is None:
        return candidates, None
    return candidates, SaidTrace(turn.counselor, calls.of(turn.counselor), compared.origins, compared.total)


def _roles(record: SessionRecord, calls: Sequence[CallTrace], prices: Prices | None) -> tuple[RoleUse, ...]:
    config = SessionConfig.model_validate(record.configuration) if prices else None
    rows = []
    for role, used in usage_of(item.call for item in calls).items():
        role_calls = [item.call for item in calls if item.call.role == role]
        tokens = used.prompt_tokens, used.cached_tokens, used.completion_tokens
        rows.append(
            RoleUse(
                role=role,
                node=node_of(role_calls[0]),
                usage=used,
                longest=max(call.seconds for call in role_calls),
                findings=sum(len(call.findings) for call in role_calls),
                retries=sum(len(call.errors) for call in role_calls),
                cost=prices.cost(config, {role: tokens}) if prices and config else None,
            )
        )
    return tuple(rows)


def _techniques(turns: Sequence[TurnTrace]) -> tuple[TechniqueUse, ...]:
    """The techniques that were picked, in order of their first pick, then those that only drafted."""
    names = [name for turn in turns if turn.pick for name in turn.pick.pick.techniques]
    names += [item.candidate.technique for turn in turns for item in turn.candidates]
    uses = []
    for name in dict.fromkeys(names):
        drafts = [(turn.turn, item) for turn in turns for item in turn.candidates if item.candidate.technique == name]
        survivors = [item.kept for _, item in drafts if item.kept]
        uses.append(
            TechniqueUse(
                technique=name,
                picked=tuple(turn.turn for turn in turns if turn.pick and name in turn.pick.pick.techniques),
                drafted=tuple(number for number, item in drafts if item.candidate.text),
                lost=tuple(number for number, item in drafts if not item.candidate.text),
                words=sum(item.total for item in survivors),
                kept=sum(item.words for item in survivors),
                given=sum(item.given for item in survivors),
            )
        )
    return tuple(uses)


def prompts_of(record: SessionRecord, trace: SessionTrace) -> Prompts:
    """The prompts of a session, made again by its own nodes; `trace` is the session's.

    There are none if prompts or program have changed since. A call's prompt is the first one; when guards refuse an answer, the
    next prompt has a remark at its end. Calls without an answer, a fork's calls of its parent, and calls that contradict the
    record have none.
    """
    from counseling_sessions.graph.exchanges import exchanges, prompts_unchanged

    if not prompts_unchanged(record):
        return Prompts({}, "the prompts cannot be shown: the prompt files or the program have changed since")
    numbers = {(item.turn, item.call): item.number for item in trace.calls}
    by_call: dict[int, tuple[Message, ...]] = {}
    for item in exchanges(record):
        assert item.call is not None
        messages = tuple(Message(message["role"], message["content"]) for message in item.prompt)
        by_call[numbers[item.turn, item.call]] = messages
    return Prompts(by_call)


def as_json(trace: SessionTrace) -> dict[str, Any]:
    """A session's trace as plain JSON. `calls` has every call once; other parts refer to it by its number."""
    calls = [
        {"number": item.number, "turn": item.turn, "node": item.node, "offset": item.offset} | _plain(item.call)
        for item in trace.calls
    ]
    return {**_plain(trace), "calls": calls}


def _plain(value: Any) -> Any:
    if isinstance(value, CallTrace):
        return value.number
    if isinstance(value, BaseModel):
        return value.model_dump(mode="json", exclude={"call"})
    if is_dataclass(value):
        return {field.name: _plain(getattr(value, field.name)) for field in fields(value)}
    return [_plain(item) for item in value] if isinstance(value, tuple) else value
