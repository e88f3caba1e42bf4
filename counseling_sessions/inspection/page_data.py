"""The data of the trace page, as plain JSON: a row of the list for every session, and each session with its turns' steps.

A turn's key is its address: "0" (the opening with the plan), "1" and on, or "closing". The session's calls are in one list, in
order of time; other parts refer to a call by its place there.
"""

import base64
import zlib
from collections import Counter
from collections.abc import Sequence
from itertools import pairwise, product
from typing import Any

from langgraph.graph import END, START
from pydantic import BaseModel
from pydantic_core import to_json

from counseling_sessions.inspection.client_state import state_facts
from counseling_sessions.inspection.find import status_of
from counseling_sessions.inspection.graph_picture import node_title
from counseling_sessions.inspection.risk_line import risk_line
from counseling_sessions.inspection.survival import Span
from counseling_sessions.inspection.trace_data import CallTrace, CandidateTrace, SaidTrace, SessionTrace, TurnTrace
from counseling_sessions.inspection.transcript import how_it_ended
from counseling_sessions.nodes.methods import METHODS
from counseling_sessions.profiles.schema import ClientProfile, counselor_information, counselor_reason
from counseling_sessions.sessions.entries import Entry
from counseling_sessions.sessions.record import SessionRecord
from counseling_sessions.settings import MethodName

FIRST_MESSAGE = 300
"""Characters of the first messages that the list shows and searches."""
LATELY = 3
"""Turns whose techniques the router sees when it picks (`nodes.notes.MEMORY`)."""
LEVEL = 6
"""The compression's level: 9 takes twice as long for 1 % less."""

Json = dict[str, Any]
Stage = tuple[str, ...]
Drawing = tuple[MethodName, tuple[str, ...]]


def drawing_of(trace: SessionTrace) -> Drawing | None:
    """The drawing of a session's graph: its method and techniques; None for a foreign method."""
    method = METHODS.get(trace.method)
    techniques = tuple(trace.configuration.get("techniques", ()))
    return (method.name, techniques if method.specialists else ()) if method else None


def packed(value: Any) -> str:
    """JSON, compressed (raw deflate) and in base64, so that no text of a session can end its HTML element."""
    squeeze = zlib.compressobj(LEVEL, wbits=-zlib.MAX_WBITS)
    return base64.b64encode(squeeze.compress(to_json(value)) + squeeze.flush()).decode()


def row_of(record: SessionRecord) -> Json:
    """A session's line in the list."""
    return {
        "id": record.session_id,
        "profile": record.profile_id,
        "name": record.profile.demographics.name,
        "attitude": record.attitude,
        "method": str(record.configuration.get("method")),
        "status": status_of(record),
        "end": record.end_reason,
        "failure": record.failure and record.failure.message,
        "turns": len(record.turns),
        "findings": Counter(finding.kind for _, call in record.calls for finding in call.findings),
        "calls": sum(used.calls for used in record.usage.values()),
        "tokens": sum(used.prompt_tokens + used.completion_tokens for used in record.usage.values()),
        "seconds": record.seconds,
        "risk": record.has_risk,
        "first": [utterance.text[:FIRST_MESSAGE] for utterance in record.dialogue[:2]],
    }


def row_of_entry(entry: Entry) -> Json:
    """A session's line as far as the ledger has it: None for findings and risk, and the client's id for its name."""
    return {
        "id": entry.session_id,
        "profile": entry.profile_id,
        "name": entry.profile_id,
        "attitude": entry.attitude,
        "method": entry.method,
        "status": entry.status,
        "end": entry.end_reason,
        "failure": entry.failure and entry.failure.message,
        "turns": entry.turns,
        "findings": None,
        "calls": entry.calls,
        "tokens": entry.tokens,
        "seconds": entry.seconds,
        "risk": None,
        "first": [],
    }


def session_data(record: SessionRecord, trace: SessionTrace) -> Json:
    """A session as the page shows it."""
    config = trace.configuration
    turns = _turns(trace)
    parts = {number: turn for turn in turns for number in turn["calls"]}
    return {
        "id": trace.session_id,
        "name": trace.name,
        "attitude": trace.attitude,
        "method": trace.method,
        "techniques": config.get("techniques", ()),
        "ended": "cut off before its end" if trace.cut_off else how_it_ended(record),
        "started_at": trace.started_at,
        "client": _client(record.profile),
        "facts": _facts(trace, len(record.turns)),
        "turns": turns,
        "calls": [_call(item, parts.get(item.number, turns[-1])) for item in trace.calls],
        "nodes": [
            {
                **role.usage.model_dump(),
                "role": role.role,
                "node": role.node,
                "longest": role.longest,
                "cost": role.cost,
            }
            for role in trace.roles
        ],
        "configuration": config,
        "provenance": trace.provenance.model_dump(mode="json"),
    }


def _client(profile: ClientProfile) -> list[tuple[str, str]]:
    lines = [line.partition(": ") for line in counselor_information(profile).splitlines()]
    facts = [("profile", profile.id), *((name.lower(), value) for name, _, value in lines)]
    return [*facts, ("reason for counseling", counselor_reason(profile))]


def _facts(trace: SessionTrace, turns: int) -> list[tuple[str, str]]:
    config, total, method = trace.configuration, trace.total, METHODS.get(trace.method)
    digests = Counter(trace.mixed_prompts.values())
    return [
        ("method", method.description if method else trace.method),
        ("models", ", ".join(sorted({item.call.model for item in trace.calls if item.call.model}))),
        ("seed", str(trace.seed)),
        ("turns", f"{turns} of at most {config.get('max_turns', '?')}"),
        ("calls", f"{total.calls:,} with {total.attempts:,} answers in {total.requests:,} requests"),
        ("tokens in", f"{total.prompt_tokens:,} ({total.cached_tokens:,} cached)" if total.prompt_tokens else ""),
        ("tokens out", f"{total.completion_tokens:,}" if total.completion_tokens else ""),
        ("usage not reported", f"for {total.unreported:,} answers" if total.unreported else ""),
        ("cost", "" if trace.cost is None else f"{trace.cost:,.4f}"),
        ("time", f"{trace.seconds:,.1f} s, in {trace.busy:,.1f} s of which calls ran"),
        ("taken up again", f"{trace.resumed} times" if trace.resumed else ""),
        ("prompts changed", ", ".join(f"{count:,} calls with {digest}" for digest, count in digests.items())),
        ("forked from", f"{fork.session_id} at turn {fork.turn}" if (fork := trace.forked_from) else ""),
    ]


def _turns(trace: SessionTrace) -> list[Json]:
    """The opening, the turns and the closing, each with its calls and its way through the graph."""
    parts = [_opening(trace)]
    lately: list[Sequence[str]] = []
    for turn in trace.turns:
        parts.append(_turn(turn, lately))
        if turn.pick:
            lately.append(turn.pick.pick.techniques)
    _place_failure(parts, trace)
    hub = "router" if trace.method in METHODS and METHODS[trace.method].specialists else "counselor"
    before: Stage = ()
    for part in parts:
        stages = _stages(part, hub)
        part["path"] = [edge for pair in pairwise([before, *stages]) for edge in product(*pair)]
        part["path_text"] = " → ".join(", ".join(map(node_title, stage)) for stage in stages)
        before = stages[-1]
    return parts


def _opening(trace: SessionTrace) -> Json:
    plan = _with_call(trace.plan, trace.plan_call) if trace.plan else None
    calls = [item.number for item in trace.calls if item.turn == 0]
    utterances = [_utterance(SaidTrace(utterance, None)) for utterance in trace.opening]
    return _part("0", "Opening", utterances, calls) | {"plan": plan}


def _turn(turn: TurnTrace, lately: Sequence[Sequence[str]]) -> Json:
    key, label = ("closing", "Closing") if turn.closing else (str(turn.turn), f"Turn {turn.turn}")
    utterances = [_utterance(item) for item in (turn.counselor, turn.client) if item]
    part = _part(key, label, utterances, [item.number for item in turn.calls])
    pick = _with_call(turn.pick.pick, turn.pick.call) if turn.pick else None
    used = [name.replace("_", " ") for names in reversed(lately[-LATELY:]) for name in names]
    saw = [
        ("phase", turn.phase),
        ("why", turn.progress),
        ("used lately", ", ".join(dict.fromkeys(used)) or "nothing yet"),
        ("the client’s last words", turn.saw),
    ]
    return part | {
        "phase": turn.phase,
        "step": turn.step,
        "progress": turn.progress,
        "risk": risk_line(turn.risk) if turn.risk else None,
        "plan": _with_call(turn.revised.plan, turn.revised.call) if turn.revised else None,
        "client_state": state_facts(turn.client_state, turn.state_before) if turn.client_state else None,
        "inherited": turn.inherited,
        "pick": pick,
        "saw": saw if pick else [],
        "drafts": [_draft(item) for item in turn.candidates],
        "seconds": turn.seconds,
        "overlap": turn.overlap,
    }


def _part(key: str, label: str, utterances: list[Json], calls: list[int]) -> Json:
    empty: Json = {"saw": [], "drafts": []}
    empty |= dict.fromkeys(("plan", "pick", "failure", "phase", "step", "progress", "risk", "client_state"))
    return {"key": key, "label": label, "said": utterances, "calls": calls, **empty}


def _utterance(item: SaidTrace) -> Json:
    spans = [_span(item.utterance.text, origin) | {"place": origin.candidate} for origin in item.origins]
    return _with_call(item.utterance, item.call) | {"kept": spans}


def _draft(item: CandidateTrace) -> Json:
    text, kept = item.candidate.text, item.kept
    spans = [_span(text, span) for span in kept.spans] if kept else []
    figures = {"picked": item.picked, "kept": spans, "share": kept.share if kept else None}
    return _with_call(item.candidate, item.call) | figures


def _span(text: str, span: Span) -> Json:
    """A span's place in UTF-16 units, as the browser counts."""
    if text.isascii():
        return {"start": span.start, "end": span.end}
    start, length = (len(part.encode("utf-16-le")) // 2 for part in (text[: span.start], text[span.start : span.end]))
    return {"start": start, "end": start + length}


def _call(item: CallTrace, part: Json) -> Json:
    at = {"turn": part["key"], "place": part["label"], "node": item.node, "offset": item.offset}
    return item.call.model_dump(mode="json") | at


def _with_call(data: BaseModel, call: CallTrace | None) -> Json:
    """A model's fields as JSON, with the number of its call in the session's list in place of the call."""
    return data.model_dump(mode="json", exclude={"call"}) | {"call": call.number if call else None}


def _place_failure(parts: list[Json], trace: SessionTrace) -> None:
    """Put a failure into its turn. A session that was cut off does not name one: its last turn gets the failure."""
    failure = trace.failure
    if failure is None:
        return
    key = "0" if failure.stage == "plan" else str(failure.turn)
    part = next((part for part in parts if part["key"] == key), parts[-1])
    if failure.stage == "session" or (part["key"] == "0" and failure.stage != "plan"):
        part = parts[-1]
    call = next((item for item in trace.calls if item.call is failure.call), None)
    part["failure"] = _with_call(failure, call)


def _stages(part: Json, hub: str) -> list[Stage]:
    """The nodes that ran, in order; those of one stage ran at the same time."""
    failed = part["failure"] and part["failure"]["stage"]
    if part["key"] == "0":
        planned = part["plan"] or failed == "plan"
        stages: list[Stage] = [(START,), ("intake",), *([("plan",)] if planned else [])]
        return [*stages, (END,)] if failed not in (None, "session") else stages
    speakers = [utterance["speaker"] for utterance in part["said"]]
    drafts = tuple(draft["technique"] for draft in part["drafts"])
    speaks: list[Stage] = [("notice",), ("protocol",)] if part["risk"] else [(hub,)]
    stages = [("plan",), *speaks] if part["plan"] else [*speaks]
    if drafts:
        stages += [drafts, (hub,)] if speakers or failed not in (None, "session") else [drafts]
    if "client" in speakers or failed == "client":
        stages.append(("client",))
    return [*stages, (END,)] if part["key"] == "closing" or failed not in (None, "session") else stages
