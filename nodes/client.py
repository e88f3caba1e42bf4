"""The client simulator: plays an intake form from an inner state that follows from the session, and may end the session."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

from counseling_sessions.integrity.rules import short
from counseling_sessions.integrity.spoken import split_marker
from counseling_sessions.models.chat import Models
from counseling_sessions.nodes.attempts import Unusable
from counseling_sessions.nodes.choosing import worth_after
from counseling_sessions.nodes.context import client_messages
from counseling_sessions.nodes.guards import facts_for
from counseling_sessions.nodes.inner import (
    ends_offered,
    form_words,
    has_shown,
    held_to,
    knows_thought,
    leaves,
    next_state,
    risk_section,
    risk_text,
    speaks_up_to,
    states_so_far,
    thing_text,
    wants_to_leave,
)
from counseling_sessions.nodes.speaking import SpeechRequest, speak
from counseling_sessions.profiles.schema import ClientProfile
from counseling_sessions.prompts import prompt
from counseling_sessions.settings import SessionConfig
from counseling_sessions.state import ClientState, ClientView, EndReason, Finding, Utterance, update
from counseling_sessions.texts.telling import telling_words
from counseling_sessions.texts.words import words

_TRUST = ((1, "very_low"), (3, "low"), (5, "some"), (7, "good"), (10, "high"))
_BELIEF = ((3, "weak"), (6, "holds"), (10, "firm"))
_FEELING = ((3, "light"), (6, "there"), (10, "strong"))
"""Words for a degree: up to which it is what."""


def ask_client(view: ClientView, config: SessionConfig, state: ClientState) -> SpeechRequest:
    """The request for the client's reply, which follows from its `state`."""
    messages = client_messages(view, config, _note(view, config, state))
    tells = form_words(view.profile, state.openness) | telling_words(risk_text(view.profile, state.item))
    worth = worth_after(view.utterances, tells) if config.choices > 1 else None
    said, heard = view.said_by("client"), view.said_by("counselor")
    names = frozenset(words(view.profile.demographics.name))
    facts, risk = facts_for(view, config), speaks_up_to(view.profile, (*states_so_far(view, config), state))
    request = SpeechRequest("client", view.turn, view.session_id, config, messages, "client", said, heard, worth, names)
    return replace(request, facts=facts, risk=risk)


async def client(models: Models, view: ClientView, config: SessionConfig) -> dict[str, Any]:
    """Answer the counselor, and keep the state that the answer followed from.

    An end counts where the state offered it. A client who has had enough leaves, with a marker or without. What a client at risk says
    of it is held to its form (`held_to`).
    """
    state = next_state(view, config)
    answer = await speak(models, ask_client(view, config, state))
    if isinstance(answer, Unusable):
        return update(failure=answer.failure)
    said = split_marker(answer.value)
    text, call = held_to(view.profile, state.item, said.text), answer.call
    if text != said.text:
        strayed = Finding(kind="strayed", detail=short(said.text), repaired=True)
        call = call.model_copy(update={"findings": (*call.findings, strayed)})
    states = (*states_so_far(view, config), state)
    kept = state.model_copy(update={"reading": said.heard}) if config.appraisal == "llm" else state
    spoken = Utterance(turn=view.turn, speaker="client", text=text, call=call)
    change = update(utterances=[spoken], client_states=[kept])
    if reason := _end(said.end, view.profile, states, config):
        change |= update(end_reason=reason)
    return change


def _end(
    declared: str | None, profile: ClientProfile, states: Sequence[ClientState], config: SessionConfig
) -> EndReason | None:
    if leaves(states, config):
        return "left"
    offered = ends_offered(profile, states, config)
    return next((end for end in offered if end == declared), None) or (
        "turn_limit" if states[-1].turn >= config.max_turns else None
    )


def _note(view: ClientView, config: SessionConfig, state: ClientState) -> str:
    """What stands at the end of the client's prompt: how it is for the client now, and how to answer."""
    inside = [_word("trust", state.trust, _TRUST)]
    if knows_thought(view.profile, view.utterances, state.item):
        inside.append(_word("belief", state.belief, _BELIEF))
    inside.append(_word("feeling", state.feeling, _FEELING))
    parts = [prompt("client/reply", inside="; ".join(inside))]
    if state.manner != "tells":
        parts.append(prompt("client/manner", state.manner))
    if state.step:
        parts.append(prompt("client/step", state.step))
    if thing := thing_text(view.profile, state.item, view.utterances, state.length):
        parts.append(prompt("client/reply", "item", thing=thing))
    parts += (*_of_risk(view, config, state), *_ending(view, config, state))
    return " ".join((*parts, prompt("client/length", state.length)))


def _of_risk(view: ClientView, config: SessionConfig, state: ClientState) -> Iterator[str]:
    """What a client at risk may say of it now, and how far it goes from then on; nothing before the first of it."""
    before = states_so_far(view, config)
    if section := risk_section(view.profile, state.item, before):
        thing = risk_text(view.profile, state.item)
        yield prompt("client/risk", section, **({"thing": thing} if thing else {}))
    if has_shown((*before, state)):
        yield prompt("client/risk", "keeps")


def _ending(view: ClientView, config: SessionConfig, state: ClientState) -> list[str]:
    """What the note says about ending: nothing where the client may not, so that it does not aim at it."""
    states = (*states_so_far(view, config), state)
    if leaves(states, config):
        return [prompt("client/reply", "leaves")]
    parts = [prompt("client/reply", end) for end in sorted(ends_offered(view.profile, states, config))]
    if wants_to_leave(states, config):
        parts.append(prompt("client/reply", "leaving"))
    if view.turn >= config.max_turns:
        parts.append(prompt("client/reply", "last"))
    return parts


def _word(scale: str, degree: int, bands: Sequence[tuple[int, str]]) -> str:
    """A degree in words."""
    band = next(name for most, name in bands if degree <= most)
    return prompt("client/inner", f"{scale}_{band}")
