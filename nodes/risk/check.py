"""The full risk check of a message: the lists of phrases first, then a model if one is configured."""

from typing import Any

from langchain_core.messages import HumanMessage

from counseling_sessions.models.chat import Models
from counseling_sessions.models.structured import AnswerSchema, read_only_object
from counseling_sessions.nodes.attempts import Unusable
from counseling_sessions.nodes.risk.phrases import Risk
from counseling_sessions.nodes.risk.search import find_risk
from counseling_sessions.nodes.speaking import DecisionRequest, decide
from counseling_sessions.profiles.schema import clean
from counseling_sessions.prompts import prompt
from counseling_sessions.settings import SessionConfig

ROLE = "risk"
"""The role whose model checks messages, if `models` of the configuration names one."""

SCHEMA = AnswerSchema("risk", {"risk": {"type": "boolean"}})


async def check_message(
    models: Models,
    config: SessionConfig,
    text: str,
    *,
    turn: int,
    session_id: str = "",
    before: str = "",
    asked: str = "",
) -> Risk | None:
    """The risk in a person's message; None only if every configured check finds none.

    The model sees only what the lists let pass. It has one attempt, as repetition would end in a no. Its answer must be one
    object with one field; only reasoning may precede it. A true is `unclear`: the lists have found nothing, so the person is
    asked. No answer, or any other, counts as risk (`check_failed`, explicit).
    """
    if risk := find_risk(text, before=before, asked=asked):
        return risk
    if ROLE not in config.models:
        return None
    try:
        once = config.model_copy(update={"guard_attempts": 1})
        question = [HumanMessage(prompt("practice/risk", asked=clean(asked) or "-", text=clean(text, len(text) + 2)))]
        request = DecisionRequest(ROLE, turn, session_id, once, question, SCHEMA, read_verdict, parse=read_only_object)
        answer = await decide(models, request)
    except Exception as error:  # fails closed, whatever went wrong
        return Risk("check_failed", type(error).__name__)
    if isinstance(answer, Unusable):
        return Risk("check_failed", answer.failure.kind)
    return Risk("model", "said so", "unclear") if answer.value else None


def read_verdict(answer: dict[str, Any]) -> bool:
    """What a model's answer says. Raises `ValueError` for any other field or value."""
    is_risk = answer.get("risk")
    if answer.keys() != {"risk"} or not isinstance(is_risk, bool):
        raise ValueError("risk must be true or false, and the only field")
    return is_risk
