"""The baselines' one counselor: writes the utterance itself, without specialists and without a router."""

from typing import Any

from counseling_sessions.models.chat import Models
from counseling_sessions.nodes.context import phase_hint, step_line
from counseling_sessions.nodes.picking import step_by_pace
from counseling_sessions.nodes.router import close, is_said, say
from counseling_sessions.prompts import prompt
from counseling_sessions.settings import SessionConfig
from counseling_sessions.state import CounselorView


async def single(models: Models, view: CounselorView, config: SessionConfig) -> dict[str, Any]:
    """Write this turn's utterance, or the closing one."""
    if view.end_reason:
        return await close(models, view, config, role="counselor")
    if is_said(view):
        return {}
    step = step_line(view, step_by_pace(view, config))
    task = prompt("counselor/merge", "alone", phase=phase_hint(view, config), step=step)
    return await say(models, view, config, "counselor", task)
