"""Noticing: the client's message is looked at for a risk before the counselor speaks, by rules, and by a model where one is asked."""

from typing import Any

from langchain_core.messages import HumanMessage

from counseling_sessions.models.chat import Models
from counseling_sessions.nodes.attempts import Usable
from counseling_sessions.nodes.context import transcript
from counseling_sessions.nodes.protocol.course import Sign, sign_of, so_far, steps_for
from counseling_sessions.nodes.risk.check import ROLE, SCHEMA, read_verdict
from counseling_sessions.nodes.speaking import DecisionRequest, decide
from counseling_sessions.prompts import prompt
from counseling_sessions.settings import SessionConfig
from counseling_sessions.state import Call, CounselorView, RiskEntry, update

LATELY = 6
"""Messages that a model looks at: hints can add up."""


async def notice(models: Models, view: CounselorView, config: SessionConfig) -> dict[str, Any]:
    """An entry for this turn where the client shows a risk, or has not yet answered for one; nothing else.

    A small model (`strict`) is not asked. A protocol in progress keeps the session open until it is through, unless the client
    leaves.
    """
    sign, call = sign_of(view), None
    looked_by = "rules"
    if config.risk == "llm" and not config.strict and sign.wording == "none" and not so_far(view):
        answer = await decide(models, ask_notice(view, config))
        call = answer.call if isinstance(answer, Usable) else answer.failure.call
        looked_by = "model"
        # No answer counts as none here: nobody is in danger, and the rules have looked.
        sign = Sign("unclear") if isinstance(answer, Usable) and answer.value else sign
    if sign.wording in ("none", "denied") and not so_far(view):
        return {}
    return _entered(view, sign, looked_by, call)


def ask_notice(view: CounselorView, config: SessionConfig) -> DecisionRequest[bool]:
    """The request for a model's look at the client's last message."""
    question = [HumanMessage(prompt("protocol/notice", dialogue=transcript(view.utterances[-LATELY:])))]
    return DecisionRequest(ROLE, view.turn, view.session_id, config, question, SCHEMA, read_verdict)


def _entered(view: CounselorView, sign: Sign, looked_by: Any, call: Call | None) -> dict[str, Any]:
    steps, done = steps_for(view, sign)
    entry = RiskEntry(
        turn=view.turn,
        wording=sign.wording,
        source=looked_by,
        category=sign.category,
        steps=steps,
        done=done,
        call=call,
    )
    change = update(risk=[entry])
    return change | ({"end_reason": None} if view.end_reason not in (None, "left") else {})
