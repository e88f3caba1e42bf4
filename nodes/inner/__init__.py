"""How it is inside a client: a state that the client alone sees, moved by what the counselor just did, that shapes the answer."""

from counseling_sessions.nodes.inner.at_risk import has_shown, held_to, risk_section, risk_text, speaks_up_to
from counseling_sessions.nodes.inner.ending import ends_offered, leaves, wants_to_leave
from counseling_sessions.nodes.inner.states import fitting_state, next_state, states_so_far
from counseling_sessions.nodes.inner.things import form_words, knows_thought, thing_text

__all__ = [
    "ends_offered",
    "fitting_state",
    "form_words",
    "has_shown",
    "held_to",
    "knows_thought",
    "leaves",
    "next_state",
    "risk_section",
    "risk_text",
    "speaks_up_to",
    "states_so_far",
    "thing_text",
    "wants_to_leave",
]
