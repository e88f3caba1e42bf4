"""The risk protocol in words: which of its steps a counselor's message takes, how it drops safety, and what a client answers.

The signs are data (`signs/protocol.yaml`, `signs/help.yaml`) and know forms of English. They read a message by itself: whether there
is a risk to be met, they do not know.
"""

import re
from typing import Literal, get_args

from counseling_sessions.integrity.signs import signs_of
from counseling_sessions.integrity.strict import speech_of
from counseling_sessions.state import RiskStep

Drop = Literal["secrecy", "leading", "minimises", "lectures", "argues", "advice"]
"""How a message drops safety: promises secrecy, asks so that "no" is the answer, makes it small, teaches, contradicts, or advises
before anything is done for safety."""
Agreement = Literal["agrees", "refuses", "retracts", "bargains", "asks", "unclear"]
"""What a client answers to an offer of help.

`retracts`: it takes back what it said of the risk; `bargains`: it makes secrecy the price; `asks`: what would come of it.
"""
STEPS: tuple[RiskStep, ...] = ("acknowledge", "ask", "level", "protective", "safety", "handover", "close")
"""The steps that every risk needs, in our order (`nodes.protocol.course`); the others are for some clients."""
DROPS: tuple[Drop, ...] = get_args(Drop)
"""What drops safety, the gravest first."""


_ASK = frozenset({"ask"})
_OF_QUESTIONS = frozenset({"ask", *DROPS[: DROPS.index("leading") + 1]})
"""A question, and what makes it a leading one, or something graver."""
_STOP = re.compile(r"[.…](?=\s)")
_TITLE = re.compile(r"\b(Dr|Mr|Mrs|Ms)\.")


def steps_in(message: str) -> tuple[RiskStep, ...]:
    """The protocol's steps that a counselor's message takes, in the protocol's order; a leading question does not ask."""
    said = _signs(message)
    taken = said - {"ask"} if "leading" in said else said
    return tuple(step for step in get_args(RiskStep) if step in taken)


def drops_safety(message: str) -> Drop | None:
    """How a counselor's message drops a client's safety, the gravest way of it; None where it does not.

    Advice counts only in a message that neither asks about the risk nor agrees on safety or a human.
    """
    said = _signs(message)
    drop = next((drop for drop in DROPS if drop in said), None)
    return None if drop == "advice" and said & {"ask", "level", "safety", "handover"} else drop


def question_in(message: str) -> Literal["direct", "leading", ""]:
    """Whether a counselor's message asks about the risk, and how: what `steps_in` and `drops_safety` say of it, in less time."""
    said = _signs(message, _OF_QUESTIONS)
    if "ask" in said and "leading" not in said:
        return "direct"
    return "leading" if next((drop for drop in DROPS if drop in said), None) == "leading" else ""


def agreement_in(answer: str) -> Agreement:
    """What a client's answer to an offer of help says. Only listed forms agree, without a condition, a delay or a threat.

    Who names a person instead of the one that was offered agrees to that person.
    """
    said = signs_of(answer, "help")
    if said & {"bargains", "unsafe"}:
        return "bargains" if "bargains" in said else "unclear"
    if "chooses" in said:
        return "agrees"
    answers: tuple[Agreement, ...] = ("retracts", "refuses")
    if against := next((one for one in answers if one in said), None):
        return against
    if "agrees" in said:
        return "unclear" if "halves" in said else "agrees"
    return "asks" if "?" in answer else "unclear"


def _signs(message: str, only: frozenset[str] | None = None) -> frozenset[str]:
    said = _TITLE.sub(r"\1", speech_of(message))
    # A question can stand behind the sentence that says what it is about: "Some people think of dying. Do you?"
    return signs_of(said, "protocol", only) | signs_of(_STOP.sub(";", said), "protocol", _ASK)
