"""A session as a text to read."""

from pathlib import Path

from counseling_sessions.inspection.risk_line import risk_line
from counseling_sessions.sessions.record import SessionRecord
from counseling_sessions.sessions.writing import keep
from counseling_sessions.state import Plan
from counseling_sessions.store.atomic import write_atomically
from counseling_sessions.texts.harmless import harmless

ENDS = {
    "resolved": "the client felt ready to stop",
    "left": "the client left",
    "turn_limit": "the time was up",
    "completed": "the counselor brought it to its end",
    "risk": "a person takes over, because of a risk",
}


def keep_readable(record: SessionRecord, folder: Path) -> tuple[Path, Path]:
    """Keep the record of a single session (`keep`) with its transcript beside it; the shard and the transcript's file.

    If a person typed in it, only the owner can read them. Raises `JournalError`, and `OSError` for the transcript.
    """
    shard, readable = keep(record, folder), folder / f"{record.session_id}.md"
    typed = any(said.author == "human" for said in record.dialogue)
    write_atomically(readable, transcript_markdown(record).encode(), private=typed)
    return shard, readable


def transcript_markdown(record: SessionRecord) -> str:
    """The session as Markdown: the client, the plan, and the dialogue with the pick of each turn."""
    name = record.profile.demographics.name
    models = sorted({u.call.model for u in record.dialogue if u.call and u.call.model})
    lines = [
        f"# {name}, {record.attitude} attitude",
        "",
        "A simulated session with an invented client. Not for care.",
        "",
        f"{record.configuration['method']} · {', '.join(models)} · seed {record.configuration['seed']} · {record.session_id}",
    ]
    if record.plan:
        lines += _plan(record.plan, "Plan")
    lines += [""]
    revised = {plan.turn: plan for plan in record.revisions}
    noticed = {entry.turn: entry for entry in record.risk if entry.steps}
    picks = {turn.turn: turn.pick for turn in record.turns if turn.pick}
    for item in record.dialogue:
        pick = picks.get(item.turn) if item.speaker == "counselor" and not item.closing else None
        if item.speaker == "counselor" and (plan := revised.get(item.turn)):
            lines += [*_plan(plan, "Revised plan"), ""]
        if item.speaker == "counselor" and (entry := noticed.get(item.turn)):
            lines += [f"*turn {item.turn}, risk: {risk_line(entry)}*", ""]
        if pick:
            lines += [f"*turn {item.turn}, {pick.phase}: {' + '.join(pick.techniques)} — {pick.reason}*", ""]
        lines += [f"**{'Counselor' if item.speaker == 'counselor' else name}:** {item.text}", ""]
    lines.append(f"*{how_it_ended(record)}*")
    return harmless("\n".join(lines) + "\n")


def _plan(plan: Plan, name: str) -> list[str]:
    texts = " ".join(filter(None, (plan.reason, plan.formulation, plan.goal)))
    return ["", f"**{name}: {plan.technique}.** {texts}", "", *(f"{n}. {step}" for n, step in enumerate(plan.steps, 1))]


def how_it_ended(record: SessionRecord) -> str:
    """One sentence on the end of a session."""
    if record.failure:
        failure = record.failure
        return f"failed at {failure.stage} in turn {failure.turn}: {failure.message}"
    return f"ended: {ENDS[record.end_reason or 'turn_limit']}"
