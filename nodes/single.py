"""The baselines' one counselor: writes the utterance itself, without specialists and without a router."""

from typing import Any

from counseling_sessions.models.chat import Models
from counseling_sessions.nodes.context import chatbot_messages
from counseling_sessions.nodes.notes import where
from counseling_sessions.nodes.progress import progress_of
from counseling_sessions.nodes.router import ask_closing, complete, is_said, said_in, say
from counseling_sessions.nodes.speaking import SpeechRequest, counselor_request, take
from counseling_sessions.prompts import prompt
from counseling_sessions.settings import SessionConfig
from counseling_sessions.state import CounselorView


def ask_single(view: CounselorView, config: SessionConfig) -> SpeechRequest | None:
    """The request for this turn's utterance or the closing one; None where it is said already."""
    if config.chatbot and not is_said(view):
        return _ask_chatbot(view, config)
    if view.end_reason:
        return ask_closing(view, config, "counselor")
    if is_said(view):
        return None
    asks = False if progress_of(view, config).listens else None
    return counselor_request(
        view, config, "counselor", prompt("counselor/merge", "alone"), where(view, config), asks=asks
    )


def alone_task(view: CounselorView, config: SessionConfig, step: int | None) -> str:
    """The task of a counselor without drafts, at a step of the plan (1-based; None without one)."""
    return f"{where(view, config, step)}\n{prompt('counselor/merge', 'alone')}"


async def single(models: Models, view: CounselorView, config: SessionConfig) -> dict[str, Any]:
    """Write this turn's utterance, or the closing one. A chatbot is asked once, and what it says is taken as it is."""
    request = ask_single(view, config)
    if config.chatbot:
        return said_in(view, await take(models, request)) if request else {}
    if not view.end_reason and not is_said(view) and progress_of(view, config).over:
        return await complete(models, view, config, "counselor")
    return await say(models, view, request) if request else {}


def _ask_chatbot(view: CounselorView, config: SessionConfig) -> SpeechRequest:
    said, heard = view.said_by("counselor"), view.said_by("client")
    return SpeechRequest(
        "counselor", view.turn, view.session_id, config, chatbot_messages(view), "counselor", said, heard
    )
