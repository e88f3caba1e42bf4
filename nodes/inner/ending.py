"""When a client may end the session: its state decides, so that nobody is convinced by length."""

from collections.abc import Sequence

from counseling_sessions.settings import SessionConfig
from counseling_sessions.state import ClientState, EndReason

LOW, VERY_LOW = 2, 1
"""Trust up to which a client may leave, and up to which it does leave if it stays there."""
_LIGHTER = 2
"""Points that belief and feeling have to fall for the trouble to have lost its weight."""


def ends_offered(states: Sequence[ClientState], config: SessionConfig) -> frozenset[EndReason]:
    """The ends that the client may declare now. `states` begin with its arrival and end with its state now."""
    first, now = states[0], states[-1]
    if now.turn < config.min_turns:
        return frozenset()
    offered: set[EndReason] = set()
    lighter = first.belief - now.belief >= _LIGHTER and first.feeling - now.feeling >= _LIGHTER
    if lighter or (now.readiness == "action" and now.trust > LOW):
        offered.add("resolved")
    if now.trust <= LOW:
        offered.add("left")
    return frozenset(offered)


def wants_to_leave(states: Sequence[ClientState], config: SessionConfig) -> bool:
    """Whether trust has been very low for two turns, after half of the turns that a session has at least."""
    lately = states[-2:]
    return len(lately) == 2 and all(state.trust <= VERY_LOW and state.turn > config.min_turns // 2 for state in lately)


def leaves(states: Sequence[ClientState], config: SessionConfig) -> bool:
    """Whether the client breaks off now, with a marker or without."""
    return states[-1].turn >= config.min_turns and wants_to_leave(states, config)
