"""When a client may end the session: its state decides, so that nobody is convinced by length."""

from collections.abc import Sequence

from counseling_sessions.nodes.inner.at_risk import is_open
from counseling_sessions.nodes.inner.moving import PAINFUL
from counseling_sessions.profiles.disclosure import levels
from counseling_sessions.profiles.schema import ClientProfile
from counseling_sessions.settings import SessionConfig
from counseling_sessions.state import ClientState, EndReason

LOW, VERY_LOW = 2, 1
"""Trust up to which a client may leave, and up to which it does leave if it stays there."""
_LESS_BELIEVED, _LESS_FELT = 3, 2
"""Points that belief and feeling have to fall for the trouble to have lost its weight."""
_SORE = 3
"""Turns in which nobody goes content, from the one on in which the painful part is told."""


def ends_offered(profile: ClientProfile, states: Sequence[ClientState], config: SessionConfig) -> frozenset[EndReason]:
    """The ends that the client may declare now. `states` begin with its arrival and end with its state now.

    Nobody goes content right after the painful part, nor on readiness alone: some step has to have been agreed. Nor does a client at
    risk, as long as nothing is agreed about that.
    """
    first, now = states[0], states[-1]
    if now.turn < config.min_turns:
        return frozenset()
    offered: set[EndReason] = set()
    lighter = all(getattr(now, scale) <= most for scale, most in lightest(first).items())
    agreed = any(state.step in ("takes", "bargains") for state in states)
    ready = now.readiness == "action" and now.trust > LOW and agreed
    level = levels(profile)
    sore = any(level.get(state.item, 1) == PAINFUL for state in states[-_SORE:])
    if (lighter or ready) and not sore and not is_open(profile, states):
        offered.add("resolved")
    if now.trust <= LOW:
        offered.add("left")
    return frozenset(offered)


def lightest(first: ClientState) -> dict[str, int]:
    """The degrees of belief and feeling from which down the trouble of a client who arrived like this has lost its weight."""
    return {"belief": first.belief - _LESS_BELIEVED, "feeling": first.feeling - _LESS_FELT}


def wants_to_leave(states: Sequence[ClientState], config: SessionConfig) -> bool:
    """Whether trust has been very low for two turns, after half of the turns that a session has at least."""
    lately = states[-2:]
    return len(lately) == 2 and all(state.trust <= VERY_LOW and state.turn > config.min_turns // 2 for state in lately)


def leaves(states: Sequence[ClientState], config: SessionConfig) -> bool:
    """Whether the client breaks off now, with a marker or without."""
    return states[-1].turn >= config.min_turns and wants_to_leave(states, config)
