"""The client simulator: plays an intake form with an attitude, and may declare the end of the session."""

from typing import Any

from counseling_sessions.integrity.spoken import split_marker
from counseling_sessions.models.chat import Models
from counseling_sessions.nodes.choosing import worth_after
from counseling_sessions.nodes.context import client_messages
from counseling_sessions.nodes.reminders import form_words, reminder
from counseling_sessions.nodes.speaking import Attempts, NotSaid, speak
from counseling_sessions.prompts import prompt
from counseling_sessions.settings import SessionConfig
from counseling_sessions.state import ClientView, EndReason, Utterance, update


async def client(
    models: Models, view: ClientView, config: SessionConfig, *, reminded: str | None = None
) -> dict[str, Any]:
    """Answer the counselor. An end marker counts from `min_turns` on; before, it is dropped and the session goes on.

    `reminded` stands in place of the reminder that is due, where a configuration has reminders.
    """
    attempts = Attempts(models, config, "client", view.turn, view.session_id)
    if config.reminders and reminded is None:
        reminded = reminder(view, config)
    note = " ".join(filter(None, (reminded, _ending(view, config))))
    messages = client_messages(view, config, note)
    worth = worth_after(view.utterances, form_words(view.profile)) if config.choices > 1 else None
    try:
        text = await speak(attempts, messages, "client", view.said_by("client"), view.said_by("counselor"), worth)
    except NotSaid as error:
        return update(failure=error.failure)
    said, declared = split_marker(text)
    answer = update(utterances=[Utterance(turn=view.turn, speaker="client", text=said, call=attempts.call())])
    if reason := _end(declared, view.turn, config):
        answer |= update(end_reason=reason)
    return answer


def _end(declared: str | None, turn: int, config: SessionConfig) -> EndReason | None:
    if declared and turn >= config.min_turns:
        return "left" if declared == "left" else "resolved"
    return "turn_limit" if turn >= config.max_turns else None


def _ending(view: ClientView, config: SessionConfig) -> str:
    """What the client is told about ending: nothing before it may, so that it does not aim at it."""
    if view.turn < config.min_turns:
        return ""
    ending = prompt("client/reply", "ending")
    return f"{ending} {prompt('client/reply', 'last')}" if view.turn >= config.max_turns else ending
