"""From a record to the updates that made it, superstep by superstep: the inverse of `graph.record`."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from counseling_sessions.nodes.intake import taken_in
from counseling_sessions.nodes.methods import METHODS
from counseling_sessions.nodes.protocol.noticing import entry_update
from counseling_sessions.sessions.record import SessionRecord, Turn
from counseling_sessions.settings import SessionConfig
from counseling_sessions.state import Candidate, EndReason, Failure, Part, Pick, Plan, RiskEntry, replace, update


@dataclass(frozen=True)
class Superstep:
    """What nodes that ran at the same time gave to the state: of each its name and its update, plain JSON.

    Not `complete`: something is missing there, as the session was cut off, or not made by this version's graph.
    """

    turn: int
    updates: tuple[tuple[str, dict[str, Any]], ...]
    complete: bool = True


def replay(record: SessionRecord) -> list[Superstep]:
    """A session's supersteps in order: the intake and the plan (turn 0), the turns, the closing or the failure.

    A failure from outside the graph (stage `session`) is no node's, and left out. Raises `ValueError` for a configuration
    that this version does not know.
    """
    config = SessionConfig.model_validate(record.configuration)
    counselor = METHODS[config.method].counselor
    steps = [Superstep(0, (("intake", taken_in(record.profile, record.attitude, record.opening)),))]
    steps.append(_superstep(0, [record.plan], counselor))
    revised = {plan.turn: plan for plan in record.revisions}
    noticed = {entry.turn: entry for entry in record.risk}
    for turn in record.turns:
        entry = noticed.get(turn.turn)
        _end_with(entry.end if entry else None, steps)
        steps.append(_superstep(turn.turn, [entry], counselor))
        steps.append(_superstep(turn.turn, [revised.get(turn.turn)], counselor))
        steps += _of_turn(turn, config, "protocol" if entry and entry.steps else counselor)
    entry = noticed.get(record.after)
    by_counselor = record.end_reason in ("completed", "risk")
    taken_back = entry.end if entry else None
    _end_with(taken_back if taken_back or by_counselor else record.end_reason, steps)
    steps.append(_superstep(record.after, [entry], counselor))
    if record.closing:
        by_protocol = bool(entry and entry.steps)
        steps.append(_superstep(record.after, [record.closing], "protocol" if by_protocol else counselor))
        if by_counselor or by_protocol:  # the counselor ends the session with its closing words
            _end_with(record.end_reason, steps)
    while not steps[-1].updates:  # what is missing at the end is no gap
        steps.pop()
    if record.failure and record.failure.stage != "session":
        steps.append(_superstep(record.failure.turn, [record.failure], counselor))
    return [step for step in steps if step.updates or not step.complete]


def _end_with(reason: EndReason | None, steps: list[Superstep]) -> None:
    """Let the last update of a turn end the session, if there is a reason."""
    if reason and steps[-1].turn and steps[-1].updates:
        steps[-1].updates[0][1].update(update(end_reason=reason))


def _of_turn(turn: Turn, config: SessionConfig, counselor: str) -> Iterator[Superstep]:
    picked = turn.pick.techniques if turn.pick else ()
    wanted = set(config.techniques) if turn.pick and config.fan_out == "all" else set(picked)
    drafted = {candidate.technique for candidate in turn.candidates}
    yield _superstep(turn.turn, [turn.pick], counselor)
    yield _superstep(turn.turn, turn.candidates, counselor, complete=drafted == wanted)
    yield _superstep(turn.turn, [turn.counselor], counselor, complete=turn.counselor is not None)
    replied = _superstep(turn.turn, [turn.client], counselor, complete=turn.client is not None)
    if turn.client and turn.client_state:
        replied.updates[0][1].update(update(client_states=[turn.client_state]))
    yield replied


def _superstep(turn: int, parts: Iterable[Part | None], counselor: str, *, complete: bool = True) -> Superstep:
    return Superstep(turn, tuple(_change(part, counselor) for part in parts if part is not None), complete)


def _change(part: Part, counselor: str) -> tuple[str, dict[str, Any]]:
    """What a node gave: its name, and the update that carries this part."""
    if isinstance(part, Plan):
        return "plan", update(plan=part)
    if isinstance(part, Pick):
        return "router", update(picks=[part], candidates=replace([]))
    if isinstance(part, RiskEntry):
        return "notice", entry_update(part)
    if isinstance(part, Candidate):
        return part.technique, update(candidates=[part])
    if isinstance(part, Failure):
        return part.stage if part.stage in ("plan", "client") else counselor, update(failure=part)
    return counselor if part.speaker == "counselor" else part.speaker, update(utterances=[part])
