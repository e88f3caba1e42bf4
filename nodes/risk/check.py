"""The full risk check of a message: the lists of phrases first, then a model if one is configured."""

from typing import Any

from langchain_core.messages import HumanMessage

from counseling_sessions.models.chat import Models
from counseling_sessions.models.structured import AnswerSchema, read_only_object
from counseling_sessions.nodes.risk.phrases import Risk, find_risk
from counseling_sessions.nodes.speaking import Attempts, decide
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
    object with one field; only reasoning may precede it. No answer, or any other, counts as risk.
    """
    if risk := find_risk(text, before=before, asked=asked):
        return risk
    if ROLE not in config.models:
        return None
    try:
        once = config.model_copy(update={"guard_attempts": 1})
        attempts = Attempts(models, once, ROLE, turn, session_id)
        question = prompt("practice/risk", asked=clean(asked) or "-", text=clean(text, len(text) + 2))
        is_risk = await decide(attempts, [HumanMessage(question)], SCHEMA, _read, parse=read_only_object)
    except Exception as error:  # Any error counts as risk.
        return Risk("check_failed", type(error).__name__)
    return Risk("model", "said so") if is_risk else None


def _read(answer: dict[str, Any]) -> bool:
    is_risk = answer.get("risk")
    if answer.keys() != {"risk"} or not isinstance(is_risk, bool):
        raise ValueError("risk must be true or false, and the only field")
    return is_risk
