"""The baselines' one counselor: writes the utterance itself, without specialists and without a router."""

from typing import Any

from models.chat import Models
from nodes.context import phase_hint, step_line
from nodes.picking import step_by_pace
from nodes.router import close, is_said, say
from prompts import prompt
from settings import SessionConfig
from state import CounselorView


async def single(models: Models, view: CounselorView, config: SessionConfig) -> dict[str, Any]:
    """Write this turn's utterance, or the closing one."""
    if view.end_reason:
        return await close(models, view, config, role="counselor")
    if is_said(view):
        return {}
    step = step_line(view, step_by_pace(view, config))
    task = prompt("counselor/merge", "alone", phase=phase_hint(view, config), step=step)
    return await say(models, view, config, "counselor", task)
