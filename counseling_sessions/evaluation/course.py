"""The course of a session against its plan: which steps were reached, whether the plan was revised, and how it closed."""

import math
from dataclasses import dataclass

from counseling_sessions.sessions import Session

CLOSING_TURNS = 2
"""Turns that a session which is brought to its end gives to its closing."""


@dataclass(frozen=True)
class PlanInForce:
    """A plan: how many steps it has, and which of them (1-based) the counselor worked on while it was in force."""

    steps: int
    reached: frozenset[int]


def plans_of(session: Session) -> list[PlanInForce]:
    """The session's plans in their order; none where no plan or no step is on record."""
    stepped = [(message.turn, message.step) for message in session.dialogue if message.step is not None]
    if not session.plan_steps or not stepped:
        return []
    plans = [(0, session.plan_steps), *session.revisions]
    ends = [*(turn for turn, _ in plans[1:]), math.inf]
    return [
        PlanInForce(steps, frozenset(step for turn, step in stepped if since <= turn < end and 0 < step <= steps))
        for (since, steps), end in zip(plans, ends, strict=True)
    ]


def steps_reached(session: Session) -> float | None:
    """The share of the steps of all its plans that were worked on, 0 to 1; None without a plan."""
    plans = plans_of(session)
    return sum(len(plan.reached) for plan in plans) / sum(plan.steps for plan in plans) if plans else None


def course_figures(session: Session) -> dict[str, float]:
    """The figures by which sessions are compared; what the file does not say is not in it.

    `plan_completed`: whether every step of the last plan was reached; `steps_left`: how many of them were not; `plans_revised`;
    `closes`: whether at least two turns belong to the closing.
    """
    figures: dict[str, float] = {}
    if plans := plans_of(session):
        left = plans[-1].steps - len(plans[-1].reached)
        figures |= {
            "plan_completed": float(not left),
            "steps_left": float(left),
            "plans_revised": float(len(plans) - 1),
        }
    if any(message.phase for message in session.dialogue):
        closing = {message.turn for message in session.dialogue if message.phase == "closing" and not message.closing}
        figures["closes"] = float(len(closing) >= CLOSING_TURNS)
    return figures
