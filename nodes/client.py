"""The client simulator: plays an intake form with an attitude, and may declare the end of the session."""

from typing import Any

from counseling_sessions.integrity.spoken import split_marker
from counseling_sessions.models.chat import Models
from counseling_sessions.nodes.attempts import Unusable
from counseling_sessions.nodes.choosing import worth_after
from counseling_sessions.nodes.context import client_messages
from counseling_sessions.nodes.reminders import form_words, reminder
from counseling_sessions.nodes.speaking import SpeechRequest, speak
from counseling_sessions.prompts import prompt
from counseling_sessions.settings import SessionConfig
from counseling_sessions.state import ClientView, EndReason, Utterance, update
from counseling_sessions.texts.words import words


def ask_client(view: ClientView, config: SessionConfig, reminded: str) -> SpeechRequest:
    """The request for the client's reply; `reminded` is the line that reminds it of its form, or empty."""
    note = " ".join(filter(None, (reminded, _ending(view, config))))
    messages = client_messages(view, config, note)
    worth = worth_after(view.utterances, form_words(view.profile)) if config.choices > 1 else None
    said, heard = view.said_by("client"), view.said_by("counselor")
    names = frozenset(words(view.profile.demographics.name))
    return SpeechRequest("client", view.turn, view.session_id, config, messages, "client", said, heard, worth, names)


async def client(models: Models, view: ClientView, config: SessionConfig) -> dict[str, Any]:
    """Answer the counselor. An end marker counts from `min_turns` on; before, it is dropped and the session goes on."""
    answer = await speak(models, ask_client(view, config, reminder(view, config) if config.reminders else ""))
    if isinstance(answer, Unusable):
        return update(failure=answer.failure)
    said, declared = split_marker(answer.value)
    change = update(utterances=[Utterance(turn=view.turn, speaker="client", text=said, call=answer.call)])
    if reason := _end(declared, view.turn, config):
        change |= update(end_reason=reason)
    return change


def _end(declared: str | None, turn: int, config: SessionConfig) -> EndReason | None:
    if declared and turn >= config.min_turns:
        return "left" if declared == "left" else "resolved"
    return "turn_limit" if turn >= config.max_turns else None


def _ending(view: ClientView, config: SessionConfig) -> str:
    """What the prompt says about ending: nothing before the client may, so that it does not aim at it."""
    if view.turn < config.min_turns:
        return ""
    ending = prompt("client/reply", "ending")
    return f"{ending} {prompt('client/reply', 'last')}" if view.turn >= config.max_turns else ending
