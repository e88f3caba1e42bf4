"""What a client's message says where a risk may stand: a sign or a clear no, how near it is, whether help is agreed to."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

from counseling_sessions.integrity.protocol import Agreement, agreement_in
from counseling_sessions.integrity.rules import denial
from counseling_sessions.integrity.signs import signs_of
from counseling_sessions.nodes.risk import answer_of, asks_about_risk, find_risk
from counseling_sessions.state import EndReason, RiskEntry, RiskWording, Speaker, Utterance
from counseling_sessions.texts.words import sentences, words

Nearness = Literal["near", "far", "open"]
"""How near a risk is, by the client's answers; open: it was not asked yet, or the answer does not say it."""
_CONDITION = re.compile(r"\b(?:but|if|unless|as long as|not really|today|yet|right now|any ?more)\b", re.IGNORECASE)
"""Words by which a no is less than clear."""

_FEW = 6
"""Words from which an answer says something of its own."""


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


def sign_of(view: Noticed) -> Sign:
    """What the client's last message shows, by rules."""
    said, asked = view.last_of("client"), _asked(view)
    if (about := asks_about_risk(asked)) and _denies(said, about):
        return Sign("denied")
    risk = find_risk(said, before=_before(view), asked=asked)
    if risk and risk.source == "rules":
        return Sign(risk.wording, risk.category)
    return Sign("none")


def leaves_open(answer: str) -> bool:
    """Whether an answer to the routine question is too little to go on from: a half no, a question, a few words without a yes."""
    begins = re.split(r"[,;:.!?…–—]", answer, maxsplit=1)[0]
    is_short = len(words(answer)) < _FEW and answer_of(answer) != "yes"
    return answer_of(begins) == "no" or "?" in answer or is_short


def agreement_of(answer: str, *, has_signs: bool) -> Agreement:
    """What an answer to an offer of help says; in a language without signs only the yes and the no of the check's lists are read."""
    if has_signs:
        return agreement_in(answer)
    answers: dict[str, Agreement] = {"yes": "agrees", "no": "refuses"}
    return answers.get(answer_of(answer), "unclear")


def nearness(view: Noticed, entries: Sequence[RiskEntry], wording: RiskWording) -> Nearness:
    """How near it is by the answer to that question and by all since; `wording` is that of the last message.

    `entries` are those of the protocol that is in progress.
    """
    answers = {one.turn: one.text for one in view.utterances if one.speaker == "client"}
    asked = next((entry.turn for entry in entries if "level" in entry.steps and entry.turn in answers), None)
    if asked is None:
        return "open"
    wordings = {**{entry.turn: entry.wording for entry in entries}, view.turn: wording}
    since = (text for turn, text in answers.items() if turn >= asked)
    is_near = _is_near(answers[asked], wordings.get(asked + 1, "none"))
    if is_near or any("unsafe" in signs_of(text, "help") for text in since):
        return "near"
    is_far = denial(answers[asked]) or answer_of(answers[asked]) == "no" or "far" in signs_of(answers[asked], "help")
    return "far" if is_far else "open"


def _is_near(answer: str, wording: RiskWording) -> bool:
    """Whether an answer to the question how near it is says that it is, or leaves it open; a denial of an intent does not."""
    if "unsure" in signs_of(answer, "help"):
        return True
    return not denial(answer) and (wording == "explicit" or answer_of(answer) == "yes")


def _denies(answer: str, about: str) -> bool:
    """Whether an answer is a clear no from end to end, or a plain one that then names what it denies, without a condition."""
    if answer_of(answer) == "no":
        return True
    begins, *rest = sentences(answer) or [""]
    if about == "danger" and not rest and "nobody" in signs_of(begins, "help"):
        return True
    if answer_of(begins) != "no" or _CONDITION.search(answer):
        return False
    explicit = [one for one in rest if (risk := find_risk(one)) and risk.wording == "explicit"]
    return bool(explicit) and all(map(denial, explicit))


def _asked(view: Noticed) -> str:
    """The counselor's last message, if its answer may be one about risk: what the protocol says of help and safety asks about none."""
    last = next((entry.steps for entry in view.risk if entry.turn == view.turn - 1 and entry.steps), ())
    return "" if last and {"ask", "level"}.isdisjoint(last) else view.last_of("counselor")


def _before(view: Noticed) -> str:
    """What the client said before its last message: a phrase can run over two."""
    said = [one.text for one in view.utterances if one.speaker == "client"]
    return said[-2] if len(said) > 1 else ""
