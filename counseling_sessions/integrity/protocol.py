"""The risk protocol in a counselor's words: which of its steps a message takes, and how a message drops a client's safety.

The signs are data (`signs/protocol.yaml`) and know forms of English. They read a message by itself: whether there is a risk to be
met, they do not know.
"""

import re
from typing import Literal, get_args

from counseling_sessions.integrity.signs import signs_of
from counseling_sessions.integrity.strict import speech_of
from counseling_sessions.state import RiskStep

Drop = Literal["secrecy", "leading", "minimises", "lectures", "argues", "advice"]
"""How a message drops safety: promises secrecy, asks so that "no" is the answer, makes it small, teaches, contradicts, or advises
before anything is done for safety."""
STEPS: tuple[RiskStep, ...] = get_args(RiskStep)
DROPS: tuple[Drop, ...] = get_args(Drop)
"""What drops safety, the gravest first."""


_STOP = re.compile(r"[.…](?=\s)")
_TITLE = re.compile(r"\b(Dr|Mr|Mrs|Ms)\.")


def steps_in(message: str) -> tuple[RiskStep, ...]:
    """The protocol's steps that a counselor's message takes, in the protocol's order; a leading question does not ask."""
    said = _signs(message)
    taken = said - {"ask"} if "leading" in said else said
    return tuple(step for step in STEPS if step in taken)


def drops_safety(message: str) -> Drop | None:
    """How a counselor's message drops a client's safety, the gravest way of it; None where it does not.

    Advice counts only in a message that neither asks about the risk nor agrees on safety or a human.
    """
    said = _signs(message)
    drop = next((drop for drop in DROPS if drop in said), None)
    return None if drop == "advice" and said & {"ask", "level", "safety", "handover"} else drop


def _signs(message: str) -> frozenset[str]:
    said = _TITLE.sub(r"\1", speech_of(message))
    # A question can stand behind the sentence that says what it is about: "Some people think of dying. Do you?"
    asked = signs_of(_STOP.sub(";", said), "protocol") & {"ask"}
    return signs_of(said, "protocol") | asked
