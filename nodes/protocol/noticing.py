"""Noticing: the client's message is looked at for a risk before the counselor speaks, by rules, and by a model where one is asked."""

from typing import Any

from langchain_core.messages import HumanMessage

from counseling_sessions.models.chat import Models
from counseling_sessions.models.structured import AnswerSchema
from counseling_sessions.nodes.attempts import Usable
from counseling_sessions.nodes.context import transcript
from counseling_sessions.nodes.protocol.course import LEAVING, WITHOUT, so_far, steps_for
from counseling_sessions.nodes.protocol.reading import Sign, sign_of
from counseling_sessions.nodes.protocol.routine import QUESTIONS, is_due, next_question
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
    """An entry for this turn where the client shows a risk, has not yet answered for one, or is to be asked the routine question.

    A small model (`strict`) is not asked. A protocol in progress keeps the session open until it is through, unless the client
    leaves.
    """
    sign, entries = sign_of(view), so_far(view)
    if config.risk == "llm" and not config.strict and sign.wording == "none" and not entries:
        return await _looked_at(models, view, config)
    if question := next_question(view, entries, sign):
        return _asked(view, question, sign)
    if entries or sign.wording in ("explicit", "unclear"):
        return _entered(view, sign, config)
    return _asked(view, QUESTIONS[0], sign) if is_due(view, config) else {}


async def _looked_at(models: Models, view: CounselorView, config: SessionConfig) -> dict[str, Any]:
    """What a model makes of the message. Its call is on record also where it sees nothing, or gives no answer."""
    answer = await decide(models, ask_notice(view, config))
    if isinstance(answer, Usable):
        if answer.value == "none":
            return _unseen(view, config, answer.call)
        return _entered(view, Sign("unclear", CATEGORIES[answer.value]), config, answer.call)
    if answer.permanent:
        return update(failure=answer.failure)  # it would be refused every turn, and nobody look
    return _unseen(view, config, answer.failure.call)


def _unseen(view: CounselorView, config: SessionConfig, call: Call | None) -> dict[str, Any]:
    if is_due(view, config):
        return _asked(view, QUESTIONS[0], Sign("none"), call)
    return update(risk=[RiskEntry(turn=view.turn, wording="none", source="model", call=call)])


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


def _asked(view: CounselorView, question: str, sign: Sign, call: Call | None = None) -> dict[str, Any]:
    """The entry for a question of the routine. Its answer is waited for, also where the session was to end."""
    entry = RiskEntry(
        turn=view.turn,
        wording=sign.wording,
        source="routine",
        category=question,
        steps=("ask",),
        end=view.end_reason,
        call=call,
    )
    return entry_update(entry)


def _entered(view: CounselorView, sign: Sign, config: SessionConfig, call: Call | None = None) -> dict[str, Any]:
    steps, done = steps_for(view, sign, config)
    keeps_end = not steps or (steps == WITHOUT and view.end_reason in LEAVING)
    entry = RiskEntry(
        turn=view.turn,
        wording=sign.wording,
        source="model" if call else "rules",
        category=sign.category,
        steps=steps,
        done=done,
        end=None if keeps_end else view.end_reason,
        call=call,
    )
    return entry_update(entry)


def entry_update(entry: RiskEntry) -> dict[str, Any]:
    """The update that carries an entry: it takes back the end that the session was about to come to."""
    return update(risk=[entry]) | ({"end_reason": None} if entry.end else {})
