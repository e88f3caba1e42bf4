"""Where the protocol stands, read from the dialogue and its entries: what the client's last message shows, and what comes next.

The order is the accepted one of a first response: notice, ask directly, take the answer seriously, understand how near it is, see
what protects and who is near, agree on safety, hand over to a person, close. It ends early with a clear no to the question.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from counseling_sessions.integrity.protocol import steps_in
from counseling_sessions.integrity.rules import denial
from counseling_sessions.nodes.risk import answer_of, asks_about_risk, find_risk
from counseling_sessions.profiles.risk_part import RiskKind
from counseling_sessions.settings import SessionConfig
from counseling_sessions.state import EndReason, RiskEntry, RiskStep, RiskWording, Speaker, Utterance
from counseling_sessions.texts.words import sentences

ORDER: tuple[tuple[RiskStep, ...], ...] = (
    ("acknowledge", "ask"),
    ("acknowledge", "level"),
    ("protective",),
    ("safety",),
    ("handover",),
    ("close",),
)
"""What each message of the protocol has to do; one is left out where its last step is done already."""
_UNSURE = re.compile(
    r"\b(?:(?:can'?t|cannot|can not) (?:stop|promise|keep|say)|(?:don'?t|do not) know|not sure|keep myself safe)",
    re.IGNORECASE,
)
"""Words of an answer that leave open whether it is near."""
_CONDITION = re.compile(r"\b(?:but|if|unless|as long as|not really|today|yet|right now|any ?more)\b", re.IGNORECASE)
"""Words by which a no is less than clear."""
_KINDS: dict[str, RiskKind] = {"danger": "danger_from_others", "harm_to_others": "danger_to_others"}
"""The kind of a risk by the category of its sign; every other one is `thoughts`."""


class Noticed(Protocol):
    """What the protocol is read from: a view of the state on the counselor's side."""

    @property
    def utterances(self) -> tuple[Utterance, ...]: ...
    @property
    def risk(self) -> tuple[RiskEntry, ...]: ...
    @property
    def turn(self) -> int: ...
    @property
    def end_reason(self) -> EndReason | None: ...
    def last_of(self, speaker: Speaker) -> str: ...


@dataclass(frozen=True)
class Sign:
    """What a client's message shows of a risk."""

    wording: RiskWording
    category: str = ""


def is_to_notice(view: Noticed, config: SessionConfig) -> bool:
    """Whether the client's last message has to be looked at before the counselor speaks: a sign is there, or may be."""
    if config.risk in (None, "off") or config.chatbot or not view.utterances or view.utterances[-1].speaker != "client":
        return False
    if view.risk and view.risk[-1].turn == view.turn:
        return False
    return config.risk == "llm" or bool(so_far(view)) or sign_of(view).wording in ("explicit", "unclear")


def goes_on(view: Noticed) -> bool:
    """Whether the protocol decides what the counselor says in the turn in progress."""
    return bool(view.risk) and view.risk[-1].turn == view.turn and bool(view.risk[-1].steps)


def so_far(view: Noticed) -> tuple[RiskEntry, ...]:
    """The entries of the protocol that is in progress, without that of this turn; none where none is, or after a clear no."""
    entries = [entry for entry in view.risk if entry.turn < view.turn and entry.steps]
    if not entries or entries[-1].turn != view.turn - 1 or is_denied(entries[-1]):
        return ()
    first = next((place for place in range(len(entries), 0, -1) if is_denied(entries[place - 1])), 0)
    return tuple(entries[first:])


def is_denied(entry: RiskEntry) -> bool:
    """Whether this turn's message takes a clear no, after which the plan goes on."""
    return entry.steps == ("acknowledge",)


def sign_of(view: Noticed) -> Sign:
    """What the client's last message shows, by rules."""
    said, asked = view.last_of("client"), view.last_of("counselor")
    if asks_about_risk(asked) and _denies(said):
        return Sign("denied")
    risk = find_risk(said, before=_before(view), asked=asked)
    if risk and risk.source == "rules":
        return Sign(risk.wording, risk.category)
    return Sign("none")


def _denies(answer: str) -> bool:
    """Whether an answer is a clear no from end to end, or a plain one that then names what it denies, without a condition."""
    if answer_of(answer) == "no":
        return True
    begins, *rest = sentences(answer)
    if answer_of(begins) != "no" or _CONDITION.search(answer):
        return False
    explicit = [one for one in rest if (risk := find_risk(one)) and risk.wording == "explicit"]
    return bool(explicit) and all(map(denial, explicit))


def steps_for(view: Noticed, sign: Sign) -> tuple[tuple[RiskStep, ...], tuple[RiskStep, ...]]:
    """What the counselor's message of this turn has to do, and what the messages before have done."""
    entries = so_far(view)
    done = steps_done(view.utterances, entries)
    if view.end_reason == "left":
        return ("handover", "close"), done
    asked = "ask" in done
    if asked and "level" not in done and sign.wording == "denied" and not any(map(_is_explicit, entries)):
        return ("acknowledge",), done
    # A yes to the question whether it is near leaves no time for what protects.
    near = _levelled(entries) and _is_near(view.last_of("client"), sign)
    skipped = {*done, *(("protective",) if near else ())}
    return next((steps for steps in ORDER if steps[-1] not in skipped), ("close",)), done


def _is_near(answer: str, sign: Sign) -> bool:
    """Whether an answer to the question how near it is says that it is, or leaves it open; a denial of an intent does not."""
    if _UNSURE.search(answer):
        return True
    return not denial(answer) and (sign.wording == "explicit" or answer_of(answer) == "yes")


def steps_done(utterances: Sequence[Utterance], entries: Sequence[RiskEntry]) -> tuple[RiskStep, ...]:
    """The steps that the counselor's messages have taken since the first sign, each once, in the order of the protocol."""
    if not entries:
        return ()
    since = [said.text for said in utterances if said.speaker == "counselor" and said.turn >= entries[0].turn]
    # Safety and the person who takes over have a message of their own, however much of it sounded in another one.
    taken = {step for text in since for step in steps_in(text)} - {"safety", "handover", "close"}
    # What the protocol itself has said counts: in a language without signs nothing else can be read.
    taken |= {step for entry in entries for step in entry.steps}
    return tuple(step for steps in ORDER for step in steps[-1:] if step in taken)


def kind_of(view: Noticed) -> RiskKind:
    """Which kind of risk the protocol that leads is about: that of its first sign."""
    category = next((entry.category for entry in (*so_far(view), *view.risk[-1:]) if entry.category), "")
    return _KINDS.get(category, "thoughts")


def _is_explicit(entry: RiskEntry) -> bool:
    return entry.wording == "explicit"


def _levelled(entries: Sequence[RiskEntry]) -> bool:
    return bool(entries) and "level" in entries[-1].steps


def _before(view: Noticed) -> str:
    """What the client said before its last message: a phrase can run over two."""
    said = [one.text for one in view.utterances if one.speaker == "client"]
    return said[-2] if len(said) > 1 else ""
