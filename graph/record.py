"""From a journal's updates to the record of a session: every turn with all that led to it, and what it cost."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from itertools import zip_longest
from typing import Any

from counseling_sessions.nodes.progress import Progress, course
from counseling_sessions.sessions.channels import Channels, Misfit, channels_of
from counseling_sessions.sessions.errors import JournalError
from counseling_sessions.sessions.journal_lines import JournalContent, JournalHead, JournalPast, JournalUpdate
from counseling_sessions.sessions.prompt_sets import digest_of
from counseling_sessions.sessions.record import Provenance, SessionRecord, Turn, Usage
from counseling_sessions.state import Call, Candidate, Failure, Pick, Utterance


def make_record(content: JournalContent, failure: Failure | None = None) -> SessionRecord:
    """The record of a session whose journal says this; failed if it has no closing utterance, `failure` saying why.

    Raises `JournalError` for an update that no node gives.
    """
    head = content.head
    changes = [_channels(head, item) for item in content.updates]
    said = [utterance for change in changes for utterance in change.utterances]
    closing = next((utterance for utterance in said if utterance.closing), None)
    plans = {change.plan.turn: change.plan for change in changes if change.plan}
    failure = failure or next((change.failure for change in changes if change.failure), None)
    if closing is None and failure is None:
        failure = Failure(stage="session", kind="unfinished", message="the session was cut off")
    record = SessionRecord(
        session_id=head.session_id,
        status="failed" if failure else "finished",
        end_reason=next((one.end_reason for one in reversed(changes) if "end_reason" in one.model_fields_set), None),
        failure=failure,
        profile_id=head.profile.id,
        profile=head.profile,
        attitude=head.attitude,
        configuration=head.configuration.model_dump(mode="json"),
        provenance=_provenance(content),
        started_at=head.started_at,
        finished_at=datetime.now(UTC).isoformat(timespec="milliseconds"),
        seconds=_busy_seconds(content),
        resumed=content.resumed,
        forked_from=head.past.forked_from if head.past else None,
        opening=tuple(utterance for utterance in said if utterance.turn == 0),
        plan=plans.pop(0, None),
        revisions=tuple(plans[turn] for turn in sorted(plans)),
        turns=_turns(head, changes, said),
        closing=closing,
        risk=tuple(entry for change in changes for entry in change.risk),
    )
    return record.model_copy(update={"usage": usage_of(call for _, call in record.calls)})


def usage_of(calls: Iterable[Call]) -> dict[str, Usage]:
    """Calls and tokens by role, in the order in which the roles first appear."""
    totals: dict[str, dict[str, Any]] = {}
    for call in calls:
        total = totals.setdefault(call.role, dict.fromkeys(Usage.model_fields, 0))
        total["calls"] += 1
        total["unreported"] += call.attempts > 0 and call.prompt_tokens is None
        for name in ("requests", "attempts", "prompt_tokens", "cached_tokens", "completion_tokens", "seconds"):
            total[name] += getattr(call, name) or 0
    return {role: Usage(**{**total, "seconds": round(total["seconds"], 3)}) for role, total in totals.items()}


def _provenance(content: JournalContent) -> Provenance:
    """What the session began with, and the prompts that it was resumed with."""
    made, techniques = content.head.provenance, content.head.configuration.techniques
    since = {digest_of(techniques, hashes): hashes for hashes in content.other_prompts}
    return made.model_copy(update={"other_prompts": made.other_prompts | since})


def _channels(head: JournalHead, item: JournalUpdate) -> Channels:
    try:
        return channels_of(item)
    except Misfit as error:
        raise JournalError(f"session {head.session_id}, an update of {item.node[:40]}: {error}") from None


def _turns(head: JournalHead, changes: Sequence[Channels], said: Sequence[Utterance]) -> tuple[Turn, ...]:
    picks = {pick.turn: pick for change in changes for pick in change.picks}
    states = {state.turn: state for change in changes for state in change.client_states}
    drafted: defaultdict[int, list[Candidate]] = defaultdict(list)
    for candidate in (candidate for change in changes for candidate in change.candidates):
        drafted[candidate.turn].append(candidate)
    numbers = sorted({u.turn for u in said if u.turn and not u.closing} | picks.keys())
    plans = [change.plan for change in changes if change.plan]
    stood = list(course(said, tuple(picks.values()), plans, head.configuration, max(numbers, default=0)))
    turns = (_turn(stood[number - 1], picks.get(number), drafted[number], said) for number in numbers)
    inherited = _inherited(head.past)
    return tuple(
        turn.model_copy(update={"client_state": states.get(turn.turn)} | inherited.get(turn.turn, {})) for turn in turns
    )


def _inherited(past: JournalPast | None) -> dict[int, dict[str, Any]]:
    """Where the turns stood that come from another session, by number: whatever the length and the plan of this one."""
    if past is None:
        return {}
    stood = zip_longest(past.phases, past.steps, past.progress)
    names = ("phase", "step", "progress")
    return {
        number: {name: value for name, value in zip(names, values, strict=True) if value is not None}
        | {"step": values[1]}
        for number, values in enumerate(stood, 1)
    }


def _turn(stood: Progress, pick: Pick | None, drafted: list[Candidate], said: Sequence[Utterance]) -> Turn:
    number = stood.turn
    by = {u.speaker: u for u in said if u.turn == number and not u.closing}
    order = {name: place for place, name in enumerate(pick.techniques)} if pick else {}
    drafted = sorted(drafted, key=lambda candidate: order.get(candidate.technique, len(order)))
    return Turn(
        turn=number,
        phase=pick.phase if pick else stood.phase,
        step=None if pick else stood.step,
        progress="" if pick else stood.reason,
        pick=pick,
        candidates=tuple(drafted),
        counselor=by.get("counselor"),
        client=by.get("client"),
    )


def _busy_seconds(content: JournalContent) -> float:
    if not content.updates:
        return 0.0
    started = datetime.fromisoformat(content.head.started_at).timestamp()
    return round(max(0.0, content.updates[-1].at - started - content.paused), 3)
