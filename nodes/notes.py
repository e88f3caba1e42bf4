"""The notes at the end of the counselor's prompts: where the turn stands, and what its message has to do.

All calls of a turn but the pick begin their note with the same lines, which a server's prefix cache computes once.
"""

from counseling_sessions.nodes.progress import Progress, progress_of
from counseling_sessions.profiles.schema import clean
from counseling_sessions.prompts import prompt
from counseling_sessions.settings import SessionConfig
from counseling_sessions.state import CounselorView

MEMORY = 3
"""Turns whose techniques the router sees when it picks."""


def where(view: CounselorView, config: SessionConfig, step: int | None = None) -> str:
    """Where the turn stands: phase, focus, step, the pick and its reason, a special job, and whether a question is wanted.

    `step` is the plan's step in work where another source than the dialogue says it.
    """
    now, pick = progress_of(view, config), view.pick
    # Until it is clear what the hour is for, the plan has to wait.
    at = "" if now.phase == "opening" else step_line(view, step or now.step)
    lines = [prompt("counselor/turn", "phase", phase=now.phase), _focus(now), at]
    # The reason of a pick by rules is the same in every session, and says no more than the drafts.
    if pick and (pick.source in ("llm", "human") or (pick.source == "rules" and config.fan_out == "all")):
        names = ", ".join(pick.techniques)
        lines.append(prompt("counselor/turn", "picked", techniques=names, reason=clean(pick.reason, 200)))
    lines.append(prompt("counselor/turn", now.act) if now.act else "")
    asks = pick.asks if pick else False if now.listens else None
    lines.append("" if asks is None else prompt("counselor/turn", "asks" if asks else "asks_nothing"))
    return "\n".join(filter(None, lines))


def clock(view: CounselorView, now: Progress, config: SessionConfig) -> str:
    """The clock and the memory of a pick: turn, phase and step with the turns they began in, and the techniques of late."""
    said = prompt("counselor/turn", "clock", turn=now.turn, most=config.max_turns, phase=now.phase, since=now.since)
    step = prompt("counselor/turn", "step_clock", step=now.step, since=now.step_since) if view.plan and now.step else ""
    turns = [f"{pick.turn} {', '.join(pick.techniques)}" for pick in view.picks[-MEMORY:]]
    lately = prompt("counselor/turn", "lately", turns="; ".join(turns)) if turns else ""
    return " ".join(filter(None, (said, step, _focus(now), lately)))


def step_line(view: CounselorView, number: int | None) -> str:
    """The plan's step in work as a line of a prompt; empty without a plan."""
    if view.plan is None or number is None:
        return ""
    steps = view.plan.steps
    number = min(number, len(steps))
    return prompt("counselor/step", number=number, count=len(steps), step=clean(steps[number - 1]))


def _focus(now: Progress) -> str:
    return prompt("counselor/turn", "focus", focus=clean(now.focus, 200)) if now.focus else ""
