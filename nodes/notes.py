"""The notes at the end of the counselor's prompts: where the turn stands, and what its message has to do.

All calls of a turn but the pick begin their note with the same lines, which a server's prefix cache computes once.
"""

from itertools import takewhile

from counseling_sessions.nodes.progress import Progress, must_close, progress_of, turns_left
from counseling_sessions.profiles.schema import clean
from counseling_sessions.prompts import prompt
from counseling_sessions.settings import SessionConfig
from counseling_sessions.state import CounselorView
from counseling_sessions.texts.questions import asks_last
from counseling_sessions.texts.words import counted

MEMORY = 3
"""Turns whose techniques the router sees when it picks."""
SOON = 3
"""Turns before the closing from which on the clock says how many are left."""


def where(view: CounselorView, config: SessionConfig, step: int | None = None) -> str:
    """Where the turn stands: phase, focus, step, the pick and its reason, a special job, and whether a question is wanted.

    `step` is the plan's step in work where another source than the dialogue says it.
    """
    now, pick = progress_of(view, config), view.pick
    # Until it is clear what the hour is for, the plan has to wait; and it does not lead where it is over or no longer fits.
    leads = now.phase in ("exploring", "working") and not (pick and pick.revise)
    at = step_line(view, step or now.step) if leads else ""
    lines = [prompt("counselor/turn", "phase", phase=now.phase), _focus(now), at]
    # The reason of a pick by rules is the same in every session, and says no more than the drafts.
    if pick and (pick.source in ("llm", "human") or (pick.source == "rules" and config.fan_out == "all")):
        names = ", ".join(pick.techniques)
        lines.append(prompt("counselor/turn", "picked", techniques=names, reason=clean(pick.reason, 200)))
    lines.append(prompt("counselor/turn", now.act) if now.act else "")
    asks = pick.asks if pick else False if now.listens else None
    lines.append("" if asks is None else prompt("counselor/turn", "asks" if asks else "asks_nothing"))
    return "\n".join(filter(None, lines))


def clock(view: CounselorView, before: Progress, now: Progress, config: SessionConfig) -> str:
    """The clock and the memory of a pick: where the turn before stood, what rules would change, and what was said of late."""
    stood = now if now.turn == 1 or (view.plan and view.plan.turn == now.turn) else before
    said = prompt(
        "counselor/turn", "clock", turn=now.turn, most=config.max_turns, phase=before.phase, since=before.since
    )
    step = prompt("counselor/turn", "step_clock", step=stood.step, since=stood.step_since) if view.plan else ""
    turns = [f"{pick.turn} {', '.join(pick.techniques)}" for pick in view.picks[-MEMORY:]]
    lately = prompt("counselor/turn", "lately", turns="; ".join(turns)) if turns else ""
    parts = (said, step, _suggested(view, stood, now, config), _left(now, config), _focus(before), lately, _asked(view))
    return " ".join(filter(None, parts))


def _suggested(view: CounselorView, stood: Progress, now: Progress, config: SessionConfig) -> str:
    """What the clock or the rules would change, with the reason: a fact only where the time is up."""
    if must_close(now.turn, config):
        return prompt("counselor/turn", "time")
    changes: list[str] = [now.phase] if now.phase != now.before else []
    if view.plan and now.step != stood.step:
        changes.append(prompt("counselor/turn", "to_step", step=now.step))
    reason = clean(now.reason, 80)
    return prompt("counselor/turn", "suggested", change=", ".join(changes), reason=reason) if changes else ""


def _left(now: Progress, config: SessionConfig) -> str:
    """How few turns are left before the closing, when they are few."""
    left = turns_left(now.turn, config)
    is_near = 0 < left <= SOON and now.phase != "closing"
    return prompt("counselor/turn", "soon", left=counted(left, "turn")) if is_near else ""


def _asked(view: CounselorView) -> str:
    """How many messages in a row have asked, from `MEMORY` on."""
    said = [one.text for one in view.utterances if one.speaker == "counselor" and one.turn]
    count = sum(1 for _ in takewhile(asks_last, reversed(said)))
    return prompt("counselor/turn", "asked", count=count) if count >= MEMORY else ""


def step_line(view: CounselorView, number: int | None) -> str:
    """The plan's step in work as a line of a prompt; empty without a plan."""
    if view.plan is None or number is None:
        return ""
    steps = view.plan.steps
    number = min(number, len(steps))
    return prompt("counselor/step", number=number, count=len(steps), step=clean(steps[number - 1]))


def _focus(now: Progress) -> str:
    return prompt("counselor/turn", "focus", focus=clean(now.focus, 200)) if now.focus else ""
