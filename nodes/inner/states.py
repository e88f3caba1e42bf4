"""The client's state from turn to turn: rules on the dialogue, and on the states that are on record."""

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from counseling_sessions.nodes.inner.answering import answering, length_of
from counseling_sessions.nodes.inner.appraising import appraise
from counseling_sessions.nodes.inner.ending import lightest
from counseling_sessions.nodes.inner.moving import PAINFUL, Chance, Client, arrive, corrected, move, told_pain
from counseling_sessions.nodes.inner.tables import answers
from counseling_sessions.nodes.inner.things import told_in
from counseling_sessions.profiles.disclosure import levels
from counseling_sessions.settings import SessionConfig
from counseling_sessions.state import ClientState, ClientView, EndReason


def next_state(view: ClientView, config: SessionConfig) -> ClientState:
    """How it is for the client when it answers in this turn."""
    return _next(view, states_so_far(view, config), config)


def states_so_far(view: ClientView, config: SessionConfig) -> tuple[ClientState, ...]:
    """The client's arrival, and its state in each turn before this one.

    A state that is on record counts, of two for a turn the later one; rules fill in the others, as in older records.
    """
    recorded = {state.turn: state for state in view.client_states if state.turn < view.turn}
    states = [arrive(view.profile, view.attitude)]
    for turn in range(1, view.turn):
        states.append(recorded.get(turn) or _next(_at(view, turn), states, config))
    return tuple(states)


def fitting_state(view: ClientView, config: SessionConfig, reply: str, end: EndReason | None = None) -> ClientState:
    """The state that a written reply would have followed from: its length and what it tells are the reply's.

    The rest is as rules have it. A reply that ends the session has a state in which it may.
    """
    ruled = next_state(view, config)
    thing = told_in(view.profile, view.utterances, reply)
    length = length_of(reply)
    open_to = max(ruled.openness, thing.level if thing else 1)
    fitting: dict[str, Any] = {"length": length, "item": thing.path if thing else "", "openness": open_to}
    if thing or not answers().factors.manner[ruled.manner][length]:
        fitting["manner"] = "tells"
    if end == "resolved":
        lighter = lightest(arrive(view.profile, view.attitude))
        fitting |= {scale: min(getattr(ruled, scale), most) for scale, most in lighter.items()}
    elif end == "left":
        fitting |= {"trust": min(ruled.trust, 1)}
    return ruled.model_copy(update=fitting)


def _next(view: ClientView, states: Sequence[ClientState], config: SessionConfig) -> ClientState:
    return _ruled(view.model_copy(update={"client_states": tuple(states)}), config.seed, config.max_turns)


@lru_cache(maxsize=256)  # a session's states are asked for over and over
def _ruled(view: ClientView, seed: int, max_turns: int) -> ClientState:
    """What rules make of a view that has all states so far."""
    states = view.client_states
    client, chance = Client(view.profile, view.attitude), Chance(seed, view.profile.id, view.turn)
    before = corrected(states[-1], _message_at(view, states[-1].turn), client)
    moved = move(before, appraise(view), view.last_of("counselor"), view.last_of("client"), client, chance)
    answered = answering(view, moved, states, client, chance, max_turns)
    return told_pain(answered, client, chance) if _level(view, answered) == PAINFUL else answered


def _level(view: ClientView, state: ClientState) -> int:
    return levels(view.profile).get(state.item, 1)


def _at(view: ClientView, turn: int) -> ClientView:
    """The view as it was when the client answered in an earlier turn."""
    said = tuple(u for u in view.utterances if u.turn < turn or (u.turn == turn and u.speaker == "counselor"))
    return view.model_copy(update={"utterances": said})


def _message_at(view: ClientView, turn: int) -> str:
    return next((u.text for u in view.utterances if u.turn == turn and u.speaker == "counselor"), "")
