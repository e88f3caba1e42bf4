"""The pick asked of a model: its prompt, its schema, and how leniently its answer is read.

Techniques must be ones that there are. Of the other fields, the rules say what is missing or impossible (`nodes.progress`).
"""

from functools import partial
from typing import Any, get_args

from counseling_sessions.models.structured import AnswerSchema
from counseling_sessions.nodes.context import counselor_messages
from counseling_sessions.nodes.notes import clock
from counseling_sessions.nodes.picking import COMPANION
from counseling_sessions.nodes.progress import (
    MOST_REVISIONS,
    PHASES,
    Progress,
    may_close,
    may_revise,
    must_close,
    standing,
)
from counseling_sessions.nodes.speaking import DecisionRequest
from counseling_sessions.prompts import prompt
from counseling_sessions.settings import SessionConfig
from counseling_sessions.state import Act, CounselorView, Phase, Pick
from counseling_sessions.texts.telling import telling_words

MOST_PICKED = 3
_NO_ACT = "none"
_PHASES_OF: dict[Act, tuple[Phase, ...]] = {"agenda": ("opening",), "summary": ("working", "closing")}
_MOST_TEXT = 300
"""Characters of a reason or another text that are kept."""


def ask_pick(view: CounselorView, config: SessionConfig) -> DecisionRequest[Pick]:
    """The request for this turn's pick."""
    before, now = standing(view, config)
    schema = _schema(view, config, now)
    task = prompt("counselor/pick", clock=clock(view, before, now, config))
    messages, read = counselor_messages(view, config, task, "router"), partial(_read, view=view, config=config, now=now)
    return DecisionRequest("router", view.turn, view.session_id, config, messages, schema, read)


def _schema(view: CounselorView, config: SessionConfig, now: Progress) -> AnswerSchema:
    properties: dict[str, Any] = {
        # The reason comes first: a model that has said why picks better than one that has to justify its pick.
        "reason": {"type": "string", "minLength": 5, "maxLength": 160},
        "phase": {"type": "string", "enum": list(PHASES)},
        "act": {"type": "string", "enum": [_NO_ACT, *get_args(Act)]},
        "techniques": {
            "type": "array",
            "items": {"type": "string", "enum": list(config.techniques)},
            "minItems": 1,
            "maxItems": min(MOST_PICKED, len(config.techniques)),
        },
        "asks": {"type": "boolean"},
        "focus": {"type": "string", "maxLength": 120},
    }
    if view.plan:
        properties["step"] = {"type": "integer", "minimum": 1, "maximum": len(view.plan.steps)}
    if _may_revise(view, config, now):
        properties["revise"] = {"type": "string", "maxLength": 160}
    return AnswerSchema("pick", properties)


def _read(answer: dict[str, object], view: CounselorView, config: SessionConfig, now: Progress) -> Pick:
    named = _techniques(answer, config)
    focus, reason = _focus(answer, view) or now.focus, _text(answer, "reason")
    phase, step = _phase(answer, now, _text(answer, "focus") or focus, config), _step(answer, view, now)
    as_rules = (phase, step) == (now.phase, now.step if view.plan else None)
    asks = answer.get("asks")
    asks = asks if isinstance(asks, bool) else False if now.listens else None
    act = _act(answer, now, phase)
    if asks is False or act == "agenda":  # the merge asks whether the agenda fits
        named = [name for name in named if name != COMPANION] or named
    return Pick(
        turn=view.turn,
        phase=phase,
        techniques=tuple(named[:MOST_PICKED]),
        step=step,
        reason=reason,
        source="llm",
        act=act,
        asks=None if asks is False and named == [COMPANION] else asks,
        focus=focus,
        progress=now.reason if as_rules else _against(now, view),
        revise=_text(answer, "revise") if _may_revise(view, config, now) and phase != "closing" else "",
    )


def _techniques(answer: dict[str, object], config: SessionConfig) -> list[str]:
    named = answer.get("techniques")
    names = [named] if isinstance(named, str) else named
    if not isinstance(names, list) or not names:
        raise ValueError("techniques must be a list of names")
    wanted = list(dict.fromkeys(str(name).strip().casefold() for name in names))
    if unknown := [name for name in wanted if name not in config.techniques]:
        raise ValueError(f"{', '.join(unknown)!r}: not among the techniques")
    return wanted


def _phase(answer: dict[str, object], now: Progress, focus: str, config: SessionConfig) -> Phase:
    """The phase that the answer says, where that is possible; else the rules'."""
    said = next((phase for phase in PHASES if phase == answer.get("phase")), None)
    if said is None or must_close(now.turn, config):
        return now.phase
    if said in (now.phase, now.before):
        return said
    if said == "closing":
        return said if now.leaves or (now.worked and may_close(now.turn, config)) else now.phase
    if said == "opening" or (now.before == "opening" and not focus):
        return now.phase
    # A phase at a time: nobody works on what was not explored.
    return PHASES[min(PHASES.index(said), PHASES.index(now.before) + 1)]


def _act(answer: dict[str, object], now: Progress, phase: Phase) -> Act | None:
    """The special job that the answer names, where the phase has it; else the rules'."""
    named = answer.get("act")
    if named == _NO_ACT:
        return None
    fitting = [act for act in get_args(Act) if phase in _PHASES_OF[act]]
    return next((act for act in fitting if act == named), now.act if now.act in fitting else None)


def _step(answer: dict[str, object], view: CounselorView, now: Progress) -> int | None:
    if view.plan is None:
        return None
    step = answer.get("step")
    is_one = isinstance(step, int) and not isinstance(step, bool) and 1 <= step <= len(view.plan.steps)
    return step if is_one and isinstance(step, int) else now.step


def _may_revise(view: CounselorView, config: SessionConfig, now: Progress) -> bool:
    """Whether the plan can be revised after this turn; not one that is new in it."""
    is_new = bool(view.plan and view.plan.turn == view.turn)
    has_room = may_revise(view.turn + 1, config) and now.revisions < MOST_REVISIONS
    return bool(view.plan) and not is_new and has_room


def _focus(answer: dict[str, object], view: CounselorView) -> str:
    """The focus that the answer names, if most of its telling words were said by client or counselor; else empty."""
    focus = _text(answer, "focus")
    named, said = telling_words(focus), telling_words(" ".join(one.text for one in view.utterances))
    return focus if 2 * len(named & said) >= len(named) else ""


def _against(now: Progress, view: CounselorView) -> str:
    """Whose progress it is where the rules say another phase or step."""
    step = f", step {now.step}" if view.plan else ""
    return f"the router; rules say {now.phase}{step} ({now.reason})"


def _text(answer: dict[str, object], field: str) -> str:
    said = answer.get(field)
    return " ".join(said.split())[:_MOST_TEXT] if isinstance(said, str) else ""
