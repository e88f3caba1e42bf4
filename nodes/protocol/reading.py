"""What a client's message says where a risk may stand: a sign or a clear no, how near it is, whether help is agreed to.

An agreement, and that it is far, are read from listed forms alone; what is near stays so.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

from counseling_sessions.integrity.protocol import Agreement, agreement_in
from counseling_sessions.integrity.rules import denial
from counseling_sessions.integrity.signs import signs_of
from counseling_sessions.nodes.risk import answer_of, asks_about_risk, asks_about_safety, find_risk
from counseling_sessions.state import EndReason, RiskEntry, RiskStep, RiskWording, Speaker, Utterance
from counseling_sessions.texts.words import sentences, words

Nearness = Literal["near", "far", "open"]
"""How near a risk is, by the client's answers; open: it was not asked yet, or the answer does not say it."""
_CONDITION = re.compile(r"\b(?:but|if|unless|as long as|not really|today|yet|right now|any ?more)\b", re.IGNORECASE)
"""Words by which a no is less than clear."""

_FEW = 6
"""Words from which an answer says something of its own."""
_NO = re.compile(r"^\W*(?:(?:no|nope|nah|thank god|god|oh|well)\b\W*)+", re.IGNORECASE)
_AGAINST_NO = frozenset({"less", "angry", "retracts", "refuses", "soon", "unsafe", "unsure", "past", "bargains"})
"""Signs behind a no that make it less than plain."""
ANSWER = "answer to a question about "
"""What the category of a sign begins with that is an answer (`nodes.risk`)."""
_BEGIN = re.compile(r"[,;:.!?…–—]")
_OFFERS: frozenset[RiskStep] = frozenset({"handover", "agreement"})
"""The steps that offer help."""


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

    @property
    def is_danger(self) -> bool:
        """Whether it is that somebody hurts the client: told again, that is nothing new."""
        return self.category.endswith("danger")


def sign_of(view: Noticed) -> Sign:
    """What the client's last message shows, by rules. Who is hurt now shows it beyond doubt."""
    said, asked = view.last_of("client"), _asked(view)
    if (about := asks_about_risk(asked)) and (_denies(said, about) or (_is_leaving_routine(view) and _waves_off(said))):
        return Sign("denied")
    risk = find_risk(said, before=_before(view), asked=asked)
    if risk and is_hurt(said):
        return Sign("explicit", risk.category)
    if risk and risk.source == "rules":
        return Sign(risk.wording, risk.category)
    return Sign("none")


def is_hurt(answer: str, steps: Sequence[RiskStep] = ()) -> bool:
    """Whether the client says that it is hurt now, has hurt somebody, or asks for an ambulance; `steps` are those that it answers."""
    said = signs_of(answer, "help")
    return "hurt" in said or ("done" in said and not {"ask", "level"}.isdisjoint(steps))


def is_for_life(answer: str) -> bool:
    """Whether the client says that somebody may take its life."""
    return "life" in signs_of(answer, "help")


def asks_back(answer: str) -> bool:
    """Whether the client asks what comes of an answer, or makes secrecy the price of one."""
    return not signs_of(answer, "help").isdisjoint({"wonders", "bargains"}) and answer_of(answer) != "yes"


def leaves_open(answer: str) -> bool:
    """Whether an answer to the routine question is too little to go on from: a half no, a question, a few words without a yes."""
    begins = _BEGIN.split(answer, maxsplit=1)[0]
    is_short = len(words(answer)) < _FEW and answer_of(answer) != "yes"
    return answer_of(begins) == "no" or "?" in answer or is_short


def _is_leaving_routine(view: Noticed) -> bool:
    """Whether the client answers the routine question, and ends the session with it."""
    last = next((entry for entry in view.risk if entry.turn == view.turn - 1), None)
    return view.end_reason is not None and last is not None and last.source == "routine"


def _waves_off(answer: str) -> bool:
    """Whether an answer has a no in it, and nothing that could be a risk, a condition or a question."""
    says_no = any(answer_of(clause) == "no" for clause in _BEGIN.split(answer))
    return says_no and "?" not in answer and not _CONDITION.search(answer) and find_risk(answer) is None


def agreement_of(answer: str, *, has_signs: bool, from_others: bool) -> Agreement:
    """What an answer to an offer of help says; in a language without signs only the yes and the no of the check's lists are read.

    Whom somebody hurts (`from_others`) does not choose one who may be that person.
    """
    if not has_signs:
        answers: dict[str, Agreement] = {"yes": "agrees", "no": "refuses"}
        return answers.get(answer_of(answer), "unclear")
    return "unclear" if from_others and {"chooses", "at_home"} <= signs_of(answer, "help") else agreement_in(answer)


def nearness(view: Noticed, entries: Sequence[RiskEntry], sign: Sign) -> Nearness:
    """How near it is by the answers to that question and by all since; `sign` is that of the last message.

    `entries` are those of the protocol that is in progress. What was near once stays so; far is the last answer's plain word.
    """
    answers = {one.turn: one.text for one in view.utterances if one.speaker == "client"}
    questions = {one.turn: one.text for one in view.utterances if one.speaker == "counselor"}
    asked = [entry.turn for entry in entries if "level" in entry.steps and entry.turn in answers]
    if not asked:
        return "open"
    from_others, of_safety = is_from_others(entries), {turn for turn in asked if asks_about_safety(questions[turn])}
    # An entry is about the answer to the message of the turn before.
    signs = {**{entry.turn - 1: Sign(entry.wording, entry.category) for entry in entries}, view.turn - 1: sign}
    steps = {entry.turn: entry.steps for entry in entries}
    for turn, text in answers.items():
        shown = signs.get(turn, Sign("none"))
        is_no = turn in of_safety and (shown.wording == "explicit" or answer_of(text) == "no")
        is_answer = turn in asked and turn not in of_safety and _is_near(text, shown, from_others)
        if is_no or is_answer or (turn >= asked[0] and raises(text, shown, steps.get(turn, ()))):
            return "near"
    last = asked[-1]
    is_safe = last in of_safety and find_risk(answers[last], asked=questions[last]) is None
    return "far" if is_safe or (last not in of_safety and _is_far(answers[last])) else "open"


def is_from_others(entries: Sequence[RiskEntry]) -> bool:
    """Whether the first sign of these entries is that somebody hurts the client."""
    return next((Sign(entry.wording, entry.category).is_danger for entry in entries if entry.category), False)


def raises(answer: str, sign: Sign, steps: Sequence[RiskStep]) -> bool:
    """Whether an answer makes it near, whatever was asked: an intent, a threat, a fear for life; `steps` are those that it answers."""
    said = signs_of(answer, "help")
    if said & {"unsafe", "life"} or ("stay" in steps and answer_of(answer) == "no"):
        return True
    # An answer to a question about risk is read as one (`_is_near`).
    if sign.is_danger or sign.category.startswith(ANSWER) or said & {"far", "lives"}:
        return False
    # What is unclear weighs where an offer is answered with nothing else, or with a yes.
    is_bare = "chooses" not in said and agreement_in(answer) in ("agrees", "unclear")
    return sign.wording == "explicit" or (sign.wording == "unclear" and is_bare and not _OFFERS.isdisjoint(steps))


def _is_near(answer: str, sign: Sign, from_others: bool) -> bool:
    """Whether an answer to the question how near it is says that it is, or leaves it open; a denial of an intent does not."""
    said = signs_of(answer, "help")
    if said & {"unsure", "soon"} or (from_others and "pursued" in said):
        return True
    if _is_far(answer):
        return False
    if sign.wording == "explicit" and not sign.category.startswith(ANSWER):
        return not said & {"far", "lives"}
    return answer_of(answer) == "yes" and not denial(answer)


def _is_far(answer: str) -> bool:
    said = signs_of(answer, "help")
    return ("far" in said or _plain_no(answer)) and "less" not in said


def _plain_no(answer: str) -> bool:
    """Whether an answer is a no that nothing behind it takes back: no condition, time, question or sign."""
    if answer_of(answer) == "no":
        return True
    first, *_ = sentences(answer) or [""]
    if "plain_no" not in signs_of(first, "help") or "?" in answer or _CONDITION.search(answer):
        return False
    rest = _NO.sub("", answer)
    return not signs_of(rest, "help") & _AGAINST_NO and find_risk(rest) is None


def _denies(answer: str, about: str) -> bool:
    """Whether an answer is a clear no from end to end, or a plain one that then names what it denies, without a condition."""
    if _plain_no(answer):
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
