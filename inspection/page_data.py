"""What the trace page shows, as plain JSON: a row of the list for every session, and the whole of each with its turns' steps.

A session's turns have the keys of their addresses: "0" for the opening with the plan, "1" and on, and "closing".
"""

import base64
import zlib
from collections.abc import Iterator
from itertools import pairwise, product
from typing import Any

from langgraph.graph import END, START
from pydantic_core import to_json

from graph.methods import METHODS
from inspection.transcript import how_it_ended
from profiles.schema import counselor_information, counselor_reason
from settings import MethodName
from state import Call, SessionRecord, Usage

FIRST_MESSAGE = 300
"""Characters of the first messages that the list keeps to search in and show."""
LEVEL = 6
"""Of the compression: 9 takes twice as long for 1 % less."""

Json = dict[str, Any]
Stage = tuple[str, ...]


class Graphs:
    """The drawings that a page needs: each method with its techniques once, by its place."""

    def __init__(self) -> None:
        self._places: dict[tuple[MethodName, tuple[str, ...]], int] = {}

    def place(self, method: MethodName, techniques: tuple[str, ...]) -> int:
        known = method, techniques if METHODS[method].specialists else ()
        return self._places.setdefault(known, len(self._places))

    def __iter__(self) -> Iterator[tuple[MethodName, tuple[str, ...]]]:
        return iter(self._places)


def packed(value: Any) -> str:
    """JSON, compressed (raw deflate) and in base64: no text of a session can end the element that it stands in."""
    squeeze = zlib.compressobj(LEVEL, wbits=-zlib.MAX_WBITS)
    return base64.b64encode(squeeze.compress(to_json(value)) + squeeze.flush()).decode()


def row_of(record: SessionRecord, place: int) -> Json:
    """A session's line in the list; `place` is where the page keeps the session."""
    findings: dict[str, int] = {}
    for call in _calls(record):
        for finding in call.findings:
            findings[finding.kind] = findings.get(finding.kind, 0) + 1
    total = _total(record)
    return {
        "place": place,
        "id": record.session_id,
        "profile": record.profile_id,
        "name": record.profile.demographics.name,
        "attitude": record.attitude,
        "method": record.configuration["method"],
        "status": "unfinished" if _cut_off(record) else record.status,
        "end": record.end_reason,
        "failure": record.failure and record.failure.message,
        "turns": len(record.turns),
        "findings": findings,
        "calls": total.calls,
        "tokens": total.prompt_tokens + total.completion_tokens,
        "seconds": record.seconds,
        "first": [said.text[:FIRST_MESSAGE] for said in record.dialogue[:2]],
    }


def session_data(record: SessionRecord, graphs: Graphs) -> Json:
    """A session as the page shows it."""
    whole = record.model_dump(mode="json")
    config = record.configuration
    techniques = tuple(config.get("techniques", ()))
    turns, calls = _turns(record, whole), list[Json]()
    for part in turns:
        _take_calls(part, calls)
    profile = record.profile
    told = [line.partition(": ")[::2] for line in counselor_information(profile).splitlines()]
    return {
        "id": record.session_id,
        "name": profile.demographics.name,
        "attitude": record.attitude,
        "method": config["method"],
        "techniques": techniques,
        "graph": graphs.place(config["method"], techniques),
        "ended": "cut off before its end" if _cut_off(record) else how_it_ended(record),
        "started_at": record.started_at,
        "client": [["profile", record.profile_id], *told, ["reason for counseling", counselor_reason(profile)]],
        "facts": _facts(record),
        "turns": turns,
        "calls": calls,
        "nodes": [{"role": role, **usage} for role, usage in whole["usage"].items()],
        "configuration": whole["configuration"],
        "provenance": whole["provenance"],
    }


def _cut_off(record: SessionRecord) -> bool:
    return record.failure is not None and record.failure.kind == "unfinished"


def _facts(record: SessionRecord) -> list[tuple[str, str]]:
    config, total = record.configuration, _total(record)
    models = sorted({call.model for call in _calls(record) if call.model})
    return [
        ("method", METHODS[config["method"]].description),
        ("models", ", ".join(models)),
        ("seed", str(config.get("seed", ""))),
        ("turns", f"{len(record.turns)} of at most {config.get('max_turns', '?')}"),
        ("calls", f"{total.calls:,} with {total.attempts:,} answers in {total.requests:,} requests"),
        ("tokens in", f"{total.prompt_tokens:,} ({total.cached_tokens:,} cached)" if total.prompt_tokens else ""),
        ("tokens out", f"{total.completion_tokens:,}" if total.completion_tokens else ""),
        ("usage not reported", f"for {total.unreported:,} answers" if total.unreported else ""),
        ("time", f"{record.seconds:,.1f} s"),
        ("taken up again", f"{record.resumed} times" if record.resumed else ""),
        ("forked from", f"{fork.session_id} at turn {fork.turn}" if (fork := record.forked_from) else ""),
    ]


def _turns(record: SessionRecord, whole: Json) -> list[Json]:
    """The opening, the turns and the closing, each with its calls in order of time and its way through the graph."""
    hub = "router" if METHODS[record.configuration["method"]].specialists else "counselor"
    parts = [_part("0", "Opening", whole["opening"], plan=whole["plan"])]
    for turn in whole["turns"]:
        said = [turn[speaker] for speaker in ("counselor", "client") if turn[speaker]]
        label = f"Turn {turn['turn']}"
        parts.append(_part(str(turn["turn"]), label, said, turn["pick"], turn["candidates"], phase=turn["phase"]))
    if record.closing:
        parts.append(_part("closing", "Closing", [whole["closing"]]))
    if record.failure:
        _add_failure(parts, whole["failure"])
    before: Stage = ()
    for part in parts:
        stages = _stages(part, hub)
        way = [before, *stages]
        part["path"] = [edge for sources, targets in pairwise(way) for edge in product(sources, targets)]
        part["path_text"] = " → ".join(", ".join(map(_shown, stage)) for stage in stages)
        before = way[-1]
    return parts


def _part(
    key: str,
    label: str,
    said: list[Json],
    pick: Json | None = None,
    drafts: list[Json] | None = None,
    **more: Any,
) -> Json:
    for draft in drafts or []:
        draft |= {"picked": bool(pick and draft["technique"] in pick["techniques"]), "kept": [], "share": None}
    for one in said:
        one["kept"] = []
    part: Json = {"key": key, "label": label, "phase": None, "pick": pick, "drafts": drafts or [], "said": said}
    return part | {"saw": [], "failure": None, "calls": [], **more}


def _take_calls(part: Json, calls: list[Json]) -> None:
    """Put a part's calls into the session's list, in order of time, and their places there where they stood."""
    asked = [part.get("plan"), part["pick"], *part["drafts"], *part["said"], part["failure"]]
    for item in sorted((item for item in asked if item and item["call"]), key=lambda item: item["call"]["started"]):
        calls.append({**item["call"], "turn": part["key"], "place": part["label"]})
        item["call"] = len(calls) - 1
        part["calls"].append(item["call"])


def _add_failure(parts: list[Json], failure: Json) -> None:
    """Put a failure where it happened: a turn in which nothing was said yet gets a part of its own."""
    # A session that was cut off is not said to be in any turn: it was in its last.
    key = parts[-1]["key"] if failure["stage"] == "session" else str(failure["turn"])
    part = next((part for part in parts if part["key"] == key), None)
    if part is None or (part["key"] == "0" and failure["stage"] not in ("plan", "session")):
        part = _part(key, f"Turn {key}", [])
        parts.append(part)
    part["failure"] = failure


def _stages(part: Json, hub: str) -> list[Stage]:
    """The nodes that ran, one after the other; those of a stage ran side by side."""
    failed = part["failure"] and part["failure"]["stage"]
    if part["key"] == "0":
        planned = part["plan"] or failed == "plan"
        stages: list[Stage] = [(START,), ("intake",), *([("plan",)] if planned else [])]
        return [*stages, (END,)] if failed not in (None, "session") else stages
    speakers = [said["speaker"] for said in part["said"]]
    drafts = tuple(draft["technique"] for draft in part["drafts"])
    stages = [(hub,)]
    if drafts:
        stages += [drafts, (hub,)] if speakers or failed not in (None, "session") else [drafts]
    if "client" in speakers or failed == "client":
        stages.append(("client",))
    return [*stages, (END,)] if part["key"] == "closing" or failed not in (None, "session") else stages


def _shown(node: str) -> str:
    return {START: "start", END: "end"}.get(node, node.replace("_", " "))


def _calls(record: SessionRecord) -> Iterator[Call]:
    drawn = [item for turn in record.turns for item in (turn.pick, *turn.candidates)]
    items: list[Any] = [record.plan, *drawn, *record.dialogue, record.failure]
    return (item.call for item in items if item is not None and item.call is not None)


def _total(record: SessionRecord) -> Usage:
    """All roles' usage together; the seconds of calls that ran side by side are added up."""
    usage = record.usage.values()
    return Usage(**{name: sum(getattr(item, name) for item in usage) for name in Usage.model_fields})
