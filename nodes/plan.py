"""The CBT agent: before the dialogue goes on, it chooses a CBT technique and plans the steps of this one session.

The plan is a hypothesis. Where the client contradicts it, it is revised before the next turn (`nodes.progress` says when).
"""

import re
from typing import Any

from counseling_sessions.models.chat import Models
from counseling_sessions.models.structured import AnswerSchema
from counseling_sessions.nodes.attempts import Unusable
from counseling_sessions.nodes.context import counselor_messages
from counseling_sessions.nodes.progress import progress_of, turns_left
from counseling_sessions.nodes.speaking import DecisionRequest, decide
from counseling_sessions.profiles.schema import FIELD_LIMIT, clean
from counseling_sessions.prompts import prompt
from counseling_sessions.settings import SessionConfig
from counseling_sessions.state import CBTTechnique, CounselorView, Plan, update
from counseling_sessions.texts.words import words

STEPS = (3, 5)
"""How few and how many steps a plan for one session has."""

SCHEMA = AnswerSchema(
    "plan",
    {
        # What keeps the problem going comes first: a technique follows from that, not the other way round.
        "formulation": {"type": "string", "minLength": 10, "maxLength": 240},
        "technique": {"type": "string", "enum": [technique.value for technique in CBTTechnique]},
        "goal": {"type": "string", "minLength": 10, "maxLength": 200},
        "steps": {
            "type": "array",
            "items": {"type": "string", "minLength": 10, "maxLength": 200},
            "minItems": STEPS[0],
            "maxItems": STEPS[1],
        },
    },
)

LEAST_WORDS = 4
"""Words that a formulation has at least."""

_NUMBER = re.compile(r"^(?:step )?\d{1,2} ?[.:)](?!\d)\s*", re.IGNORECASE)
"""A number that a model put in front of a step, which is numbered when it is shown."""

_CIRCLE = re.compile(r"\b(\w+(?:[ ,]+\w+){0,3}?)(?:[ ,]+\1\b){2,}", re.IGNORECASE)
"""Up to four words three times in a row: a small model that goes round in circles until it is cut off."""


def ask_plan(view: CounselorView, config: SessionConfig) -> DecisionRequest[Plan]:
    """The request for the plan, or for one in place of the plan that no longer fits."""
    task = prompt("plan", techniques=prompt("plan", "techniques"))
    if before := view.plan:
        reason, goal = clean(_why(view, config)), clean(before.goal)
        left = turns_left(view.turn, config)
        again = prompt("plan", "revise", technique=before.technique, goal=goal, reason=reason, left=left)
        task = f"{again}\n\n{task}"
    messages = counselor_messages(view, config, task, "plan")
    return DecisionRequest("plan", view.turn, view.session_id, config, messages, SCHEMA, _read)


async def plan(models: Models, view: CounselorView, config: SessionConfig) -> dict[str, Any]:
    """Ask for the plan; a truncated or malformed one never enters the state."""
    answer = await decide(models, ask_plan(view, config))
    if isinstance(answer, Unusable):
        return update(failure=answer.failure)
    made = answer.value.model_copy(update={"call": answer.call})
    if view.plan:
        made = made.model_copy(update={"turn": view.turn, "reason": _why(view, config)})
    return update(plan=made)


def _why(view: CounselorView, config: SessionConfig) -> str:
    """Why the plan so far no longer fits."""
    return progress_of(view, config).revise or "it does not fit what the client says"


def _read(answer: dict[str, object]) -> Plan:
    steps = answer.get("steps")
    if not isinstance(steps, list) or not all(isinstance(step, str) for step in steps):
        raise ValueError("steps must be a list of sentences")
    steps = [text for step in steps if (text := _NUMBER.sub("", " ".join(step.split())))]
    if len(steps) < STEPS[0]:
        raise ValueError(f"a plan has at least {STEPS[0]} steps")
    if len({step.casefold() for step in steps}) < len(steps):
        raise ValueError("a step is there twice")
    if any("session 2" in step.casefold() or "next session" in step.casefold() for step in steps):
        raise ValueError("there is no second session")
    name = str(answer.get("technique", "")).strip().casefold()
    if name not in set(CBTTechnique):
        raise ValueError(f"{name!r} is none of the twelve techniques")
    goal = " ".join(str(answer.get("goal") or "").split())
    if not goal:
        raise ValueError("goal is missing")
    formulation = " ".join(str(answer.get("formulation") or "").split())[:FIELD_LIMIT]
    if len(words(formulation)) < LEAST_WORDS:  # a term is no sentence
        formulation = ""
    if len(goal) > FIELD_LIMIT or any(len(step) > FIELD_LIMIT for step in steps):
        raise ValueError(f"goal and steps have at most {FIELD_LIMIT:,} characters each")
    if circle := next((match for text in (formulation, goal, *steps) if (match := _CIRCLE.search(text))), None):
        raise ValueError(f"{circle[1]!r} comes again and again")
    return Plan(technique=CBTTechnique(name), goal=goal, steps=tuple(steps[: STEPS[1]]), formulation=formulation)
