"""What the counselor says while the protocol leads: one message for the steps of the turn, by a model or in fixed words."""

from dataclasses import replace
from typing import Any
from zlib import crc32

from counseling_sessions.integrity.protocol import agreement_in
from counseling_sessions.integrity.signs import signs_of
from counseling_sessions.integrity.spoken import Spoken
from counseling_sessions.models.chat import Models
from counseling_sessions.nodes.attempts import Unusable
from counseling_sessions.nodes.guards import protocol as spoils_protocol
from counseling_sessions.nodes.methods import METHODS
from counseling_sessions.nodes.progress import has_signs
from counseling_sessions.nodes.protocol.course import (
    LEAVING,
    WITHOUT,
    acts_alone,
    has_sign,
    is_asked_again,
    is_denied,
    is_emergency,
    is_raised,
    kind_of,
)
from counseling_sessions.nodes.protocol.reading import leaves_open
from counseling_sessions.nodes.risk import answer_of
from counseling_sessions.nodes.router import ask_closing
from counseling_sessions.nodes.speaking import SpeechRequest, counselor_request, speak
from counseling_sessions.profiles.risk_part import RiskKind
from counseling_sessions.prompts import prompt
from counseling_sessions.settings import SessionConfig
from counseling_sessions.state import Call, CounselorView, Finding, RiskEntry, RiskStep, Utterance, update

FOR_KIND: frozenset[RiskStep] = frozenset({"ask", "level", "protective", "safety", "handover", "agreement", "stay"})
"""The steps whose words differ by the kind of risk."""
ACKNOWLEDGES = ("acknowledge_1", "acknowledge_2", "acknowledge_3", "acknowledge_4", "acknowledge_5", "acknowledge_6")
"""The sections of the fixed words that take up what was said; no session has one twice before it had all."""
AGAIN = {"ask": "asked_again", "level": "level_again", "handover": "again", "agreement": "agreement_again"}
"""What the sections begin with that ask once more, by the step that was taken already."""


async def protocol(models: Models, view: CounselorView, config: SessionConfig) -> dict[str, Any]:
    """Say what this turn's steps need. `close` ends the session, for `risk` where the client has not left.

    Fixed words take the place of a small model's (`strict`), and of those that lack a step after all attempts.
    """
    entry = view.risk[-1]
    closes = entry.steps[-1] == "close"
    ends = {"end_reason": view.end_reason or "risk"} if closes else {}
    request = ask_protocol(view, config)
    if request is None:
        return _said(view, fixed_words(view), None) | ends
    answer = await speak(models, request)
    if isinstance(answer, Unusable):
        if answer.failure.kind != "refused_by_guards" or not has_signs(config):
            return update(failure=answer.failure)
        return _said(view, fixed_words(view), _with_fixed(answer.failure.call)) | ends
    # What was mended may lack a step, or spoil it.
    if spoils_protocol(Spoken(answer.value, "counselor", steps=request.steps)):
        return _said(view, fixed_words(view), _with_fixed(answer.call)) | ends
    return _said(view, answer.value, answer.call) | ends


def ask_protocol(view: CounselorView, config: SessionConfig) -> SpeechRequest | None:
    """The request for this turn's message; None where fixed words are said without one."""
    if config.strict and has_signs(config):
        return None
    entry = view.risk[-1]
    role = METHODS[config.method].speaker
    if entry.steps == ("close",):
        return ask_closing(view.model_copy(update={"end_reason": "risk"}), config, role)
    steps = "\n".join(prompt("protocol/steps", section) for section in _sections(view))
    task = prompt("protocol/steps", "routine" if entry.source == "routine" else "together", steps=steps)
    request = counselor_request(view, config, role, task)
    expected = expected_steps(entry) if has_signs(config) else None
    return replace(request, worth=None, closing=entry.steps[-1:] == ("close",), steps=expected)


def fixed_words(view: CounselorView) -> str:
    """This turn's message in the words that stand for its steps."""
    sections = (_unused(view) if section == "acknowledge" else section for section in _sections(view))
    return " ".join(prompt("protocol/fixed", section) for section in sections)


def _unused(view: CounselorView) -> str:
    """The first section of those that acknowledge which was not said yet, in an order of this session's."""
    start = crc32(view.session_id.encode()) % len(ACKNOWLEDGES)
    said = " ".join(view.said_by("counselor"))
    ordered = (*ACKNOWLEDGES[start:], *ACKNOWLEDGES[:start])
    return next((section for section in ordered if prompt("protocol/fixed", section) not in said), ordered[0])


def expected_steps(entry: RiskEntry) -> tuple[RiskStep, ...]:
    """The steps that can be read in a message: not what the taking up and the goodbye sound like."""
    return tuple(step for step in entry.steps if step not in ("acknowledge", "close"))


def _sections(view: CounselorView) -> list[str]:
    """The sections of the prompts that stand for this turn's steps."""
    entry, kind = view.risk[-1], kind_of(view)
    if is_denied(entry):
        return ["denied" if has_sign(view) else "denied_routine"]
    if entry.source == "routine":
        return [f"routine_{kind}"]
    if entry.steps == WITHOUT:
        return _without(view, kind)
    steps = [_section(view, step, kind) for step in entry.steps]
    if entry.steps in (("close",), ("stay",)):
        return steps
    begin = _begin(view, kind)
    if begin and entry.steps[-1] != "level" and is_asked_again(view):
        return [begin, f"{AGAIN[entry.steps[-1]]}_{kind}"]
    return [begin, *(step for step in steps if step != "acknowledge")] if begin else steps


def _without(view: CounselorView, kind: RiskKind) -> list[str]:
    if is_emergency(view):
        return ["emergency"]
    does = f"without_{'near' if acts_alone(view) else 'far'}_{kind}"
    return ["leaving", does, "goodbye"] if view.end_reason in LEAVING else ["unagreed", does]


def _section(view: CounselorView, step: RiskStep, kind: RiskKind) -> str:
    if step == "acknowledge":
        return _acknowledges(view)
    if step != "level":
        return f"{step}_{kind}" if step in FOR_KIND else step
    if is_asked_again(view):
        return f"level_again_{kind}"
    return "level_past" if "past" in signs_of(view.last_of("client"), "help") else f"level_{kind}"


def _acknowledges(view: CounselorView) -> str:
    """The section that takes up the answer to the direct question: one that is angry, says no, or little; else what was said."""
    answer, asked = view.last_of("client"), view.risk[-2:-1]
    if "angry" in signs_of(answer, "help"):
        return "acknowledge_anger"
    if not asked or asked[0].turn != view.turn - 1 or "ask" not in asked[0].steps:
        return "acknowledge"
    if view.risk[-1].wording == "denied":
        return "acknowledge_no"
    return "acknowledge_odd" if leaves_open(answer) and "?" not in answer else "acknowledge"


def _begin(view: CounselorView, kind: RiskKind) -> str:
    """The section with which a message begins that answers more than words about the risk; empty for most."""
    if any(entry.turn == view.turn - 1 and entry.steps == ("stay",) for entry in view.risk):
        return "stayed"
    if is_raised(view):
        return "raised"
    return _answers(view, kind)


def _answers(view: CounselorView, kind: RiskKind) -> str:
    """The section that answers a question, a bargain, a refusal or words taken back; empty where the client said something else."""
    answer, last = view.last_of("client"), view.risk[-1].steps[-1]
    said, agreement = signs_of(answer, "help"), agreement_in(answer)
    if "bargains" in said:
        return "no_secrecy"
    if agreement == "retracts":
        return "retracted"
    if "wonders" in said or (agreement == "asks" and is_asked_again(view) and last != "level"):
        return f"explained_{kind}"
    if last != "agreement":
        return ""
    return "refused" if agreement == "refuses" or answer_of(answer) == "no" else "unsure"


def _with_fixed(call: Call | None) -> Call | None:
    finding = Finding(kind="protocol", detail="fixed words took the place of the answer", repaired=True)
    return call.model_copy(update={"findings": (*call.findings, finding)}) if call else None


def _said(view: CounselorView, text: str, call: Call | None) -> dict[str, Any]:
    closing = view.risk[-1].steps[-1] == "close"
    return update(utterances=[Utterance(turn=view.turn, speaker="counselor", text=text, closing=closing, call=call)])
