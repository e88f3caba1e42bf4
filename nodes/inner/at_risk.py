"""When a client at risk says something of it, and what: by rules from its state and the dialogue, one thing at a time.

The order is the form's: the sign falls when the form says so (`shows`); what is behind it only when it is asked directly; how near it
is, what holds, who is near and what it agrees to only after that, each when it is asked. One who refuses help does so at the first
offer, and says what it agrees to when it is asked once more. The counselor's questions are read as English.
"""

import re
from collections.abc import Sequence

from counseling_sessions.integrity.protocol import steps_in
from counseling_sessions.integrity.rules import denial
from counseling_sessions.integrity.signs import signs_of
from counseling_sessions.nodes.inner.tables import Length, moves
from counseling_sessions.nodes.risk import asks_about_risk
from counseling_sessions.profiles.disclosure import field_of
from counseling_sessions.profiles.risk_part import RiskKind, RiskLevel, RiskPart
from counseling_sessions.profiles.schema import ClientProfile
from counseling_sessions.state import ClientState, ClientView, RiskStep
from counseling_sessions.texts.telling import telling_words

PART = "risk."
"""What the path of a part of the risk begins with, as the `item` of a state."""
NOT_THIS = f"{PART}not_this"
"""The item of a client who is asked about another kind of risk than its own."""
_SIGN, _THOUGHTS, _NOW, _PROTECTIVE, _NEAR, _AGREES, _REFUSES = (
    f"{PART}{name}" for name in ("sign", "thoughts", "now", "protective", "near", "agrees", "refuses")
)
_FIRST = 3
"""The turn in which the sign falls at the earliest, unasked: nobody says it at the door."""
_HELD = 0.25
"""Share of a part's telling words that an answer has, from which on it says that part."""
_CLAUSE = re.compile(r"[,;:.!?…–—]+|\bbut\b")
_OTHER_KINDS: dict[RiskKind, frozenset[str]] = {
    "thoughts": frozenset({"harm_to_others"}),
    "danger_from_others": frozenset({"suicide", "self_harm", "harm_to_others"}),
    "danger_to_others": frozenset({"suicide", "self_harm", "danger"}),
}
"""The categories of a question that are not about the client's own kind of risk. Who has dark thoughts is asked whether it is safe."""
_FURTHER: frozenset[RiskStep] = frozenset({"level", "protective", "safety", "handover", "agreement"})
"""The steps that come after the direct question."""


def _asked_about(message: str) -> str | None:
    """The category of risk that a message asks about directly; None where it asks about none."""
    steps = steps_in(message)
    if "ask" in steps:
        return asks_about_risk(message) or "suicide"
    # A question that goes on from there ("do you mean to act on that?") asks for what comes after it.
    return None if _FURTHER & set(steps) else asks_about_risk(message)


def risk_item(view: ClientView, state: ClientState, before: Sequence[ClientState], turns: int) -> str:
    """The path of what a client at risk says now; empty for nothing. `turns` is the session's longest."""
    risk = view.profile.risk
    if risk is None:
        return ""
    message = view.last_of("counselor")
    items = [one.item for one in before]
    if category := _asked_about(message):
        if category in _OTHER_KINDS[risk.kind]:
            return NOT_THIS
        # Who has answered that, and is asked something further in the same breath, says the further thing.
        return (_asked_further(message, items, risk) if _THOUGHTS in items else "") or _THOUGHTS
    if _THOUGHTS in items:
        return _asked_further(message, items, risk)
    return _SIGN if _lets_fall(view, state, items, turns) else ""


def risk_text(profile: ClientProfile, item: str) -> str:
    """The text of a part of the risk; empty for any other item."""
    return field_of(profile, item)[1] if profile.risk and item.startswith(PART) and item != NOT_THIS else ""


def risk_length(text: str) -> Length:
    """The length of an answer that says a part of the risk: not a word more than it needs."""
    return "sentence" if len(text.split()) < 20 else "some"


def risk_section(profile: ClientProfile, item: str, before: Sequence[ClientState]) -> str:
    """The section of the prompt `client/risk` that gives a part of the risk; empty for any other item."""
    if not (profile.risk and item.startswith(PART)):
        return ""
    if item not in (_SIGN, NOT_THIS) and any(one.item == item for one in before):
        return "again"
    if profile.risk.level == "none" and item in (_THOUGHTS, _NOW):
        return "none"
    return item.removeprefix(PART)


def held_to(profile: ClientProfile, item: str, answer: str) -> str:
    """A model's answer, held to the part of the risk that it has to say: the form's own words where it says something else.

    A small model passes its part by, or turns it into its opposite. Words of the form that only the one of them denies are such a turn.
    A sign may follow an answer; everything else stands in its place.
    """
    text = risk_text(profile, item)
    words = telling_words(text)
    if not text or (len(words & telling_words(answer)) >= _HELD * len(words) and not _turned(text, answer)):
        return answer
    return f"{answer} {text}".strip() if item == _SIGN else text


def has_shown(states: Sequence[ClientState]) -> bool:
    """Whether the client has let something of the risk fall in one of these states."""
    return any(state.item.startswith(PART) for state in states)


def speaks_up_to(profile: ClientProfile, states: Sequence[ClientState]) -> RiskLevel | None:
    """The level up to which a client may speak of harming itself, from the state on in which it was asked directly; None before.

    Who has another kind of risk may deny it, as one of level none may.
    """
    if profile.risk is None or not any(one.item.startswith(PART) and one.item != _SIGN for one in states):
        return None
    return profile.risk.level if profile.risk.kind == "thoughts" else "none"


def is_open(profile: ClientProfile, states: Sequence[ClientState]) -> bool:
    """Whether a risk has shown, and nothing is agreed about it yet: nobody goes content like that."""
    if profile.risk is None or profile.risk.level == "none":
        return False
    shown = any(one.item.startswith(PART) and one.item != NOT_THIS for one in states)
    return shown and not any(one.item == _AGREES for one in states)


def _turned(text: str, answer: str) -> bool:
    """Whether an answer denies what a text says, or says what it denies."""
    plain, denied = _said_and_denied(text)
    says, denies = _said_and_denied(answer)
    return bool((plain - denied) & (denies - says) or (denied - plain) & (says - denies))


def _said_and_denied(text: str) -> tuple[frozenset[str], frozenset[str]]:
    """The telling words that a text says, and those that stand behind a denial in their clause."""
    said, denied = [], []
    for clause in _CLAUSE.split(text):
        match = denial(clause)
        said.append(clause[: match.start()] if match else clause)
        denied.append(clause[match.end() :] if match else "")
    return telling_words(" ".join(said)), telling_words(" ".join(denied))


def _asked_further(message: str, items: Sequence[str], risk: RiskPart) -> str:
    """What is asked of one who has answered the direct question: of several things the first that was not said yet."""
    steps = steps_in(message)
    asked = [_NOW] if "level" in steps else []
    if "protective" in steps:
        asked += [_NEAR, _PROTECTIVE] if "who_is_near" in signs_of(message, "at_risk") else [_PROTECTIVE]
    if {"safety", "handover", "agreement"} & set(steps):
        # Who refuses does so at the first offer to call somebody, and is asked before that who is near.
        offers = not {"handover", "agreement"}.isdisjoint(steps)
        waits = risk.refuses is not None and _REFUSES not in items
        asked.append(_AGREES if not waits else _REFUSES if offers else _NEAR)
    return next((path for path in asked if path not in items), asked[0] if asked else "")


def _lets_fall(view: ClientView, state: ClientState, items: Sequence[str], turns: int) -> bool:
    """Whether the sign falls now, unasked or at a question that comes near it."""
    risk = view.profile.risk
    assert risk
    if _SIGN in items:
        return False
    signs = signs_of(view.last_of("counselor"), "at_risk")
    if risk.shows == "asked":
        return "comes_near" in signs
    if view.turn < _FIRST:
        return False
    if risk.shows == "trust":
        return state.openness > 1 or state.trust >= moves().opens_at[2]
    return "ends_soon" in signs or view.turn > turns - max(1, turns // 3)
