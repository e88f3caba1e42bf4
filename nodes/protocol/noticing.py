"""Noticing: the client's message is looked at for a risk before the counselor speaks, by rules, and by a model where one is asked."""

from typing import Any

from langchain_core.messages import HumanMessage

from counseling_sessions.models.chat import Models
from counseling_sessions.models.structured import AnswerSchema
from counseling_sessions.nodes.attempts import Usable
from counseling_sessions.nodes.context import transcript
from counseling_sessions.nodes.protocol.course import Sign, sign_of, so_far, steps_for
from counseling_sessions.nodes.risk.check import ROLE
from counseling_sessions.nodes.speaking import DecisionRequest, decide
from counseling_sessions.prompts import prompt
from counseling_sessions.settings import SessionConfig
from counseling_sessions.state import Call, CounselorView, RiskEntry, update

LATELY = 6
"""Messages that a model looks at: hints can add up."""
CATEGORIES = {"thoughts": "suicide", "danger_from_others": "danger", "danger_to_others": "harm_to_others"}
"""The category of a sign, as the lists name it, by the kind of risk that a model sees."""
SCHEMA = AnswerSchema("risk", {"risk": {"type": "string", "enum": ["none", *CATEGORIES]}})


async def notice(models: Models, view: CounselorView, config: SessionConfig) -> dict[str, Any]:
    """An entry for this turn where the client shows a risk, or has not yet answered for one; nothing else.

    A small model (`strict`) is not asked. A protocol in progress keeps the session open until it is through, unless the client
    leaves.
    """
    sign, is_open = sign_of(view), bool(so_far(view))
    if config.risk == "llm" and not config.strict and sign.wording == "none" and not is_open:
        return await _looked_at(models, view, config)
    return _entered(view, sign) if is_open or sign.wording in ("explicit", "unclear") else {}


async def _looked_at(models: Models, view: CounselorView, config: SessionConfig) -> dict[str, Any]:
    """What a model makes of the message. Its call is on record also where it sees nothing, or gives no answer."""
    answer = await decide(models, ask_notice(view, config))
    if isinstance(answer, Usable):
        if answer.value == "none":
            return update(risk=[RiskEntry(turn=view.turn, wording="none", source="model", call=answer.call)])
        return _entered(view, Sign("unclear", CATEGORIES[answer.value]), answer.call)
    if answer.permanent:
        return update(failure=answer.failure)  # it would be refused every turn, and nobody look
    return update(risk=[RiskEntry(turn=view.turn, wording="none", source="model", call=answer.failure.call)])


def ask_notice(view: CounselorView, config: SessionConfig) -> DecisionRequest[str]:
    """The request for a model's look at the client's last message."""
    question = [HumanMessage(prompt("protocol/notice", dialogue=transcript(view.utterances[-LATELY:])))]
    return DecisionRequest(ROLE, view.turn, view.session_id, config, question, SCHEMA, _read)


def _read(answer: dict[str, Any]) -> str:
    """The kind of risk that a model sees, or "none". Raises `ValueError` for anything else."""
    kind = answer.get("risk")
    if kind != "none" and kind not in CATEGORIES:
        raise ValueError(f"risk must be one of none, {', '.join(CATEGORIES)}")
    return str(kind)


def _entered(view: CounselorView, sign: Sign, call: Call | None = None) -> dict[str, Any]:
    steps, done = steps_for(view, sign)
    entry = RiskEntry(
        turn=view.turn,
        wording=sign.wording,
        source="model" if call else "rules",
        category=sign.category,
        steps=steps,
        done=done,
        call=call,
    )
    change = update(risk=[entry])
    return change | ({"end_reason": None} if view.end_reason not in (None, "left") else {})
