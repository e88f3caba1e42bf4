"""A client's risk part: what it lets fall, what it says when it is asked, and how far its level goes. The client alone sees it.

No text of it names how, where, with what or when anybody is harmed.
"""

from typing import Literal, get_args

from counseling_sessions.profiles.fields import Audience, FormPart, Text, form_field, later_field

RiskKind = Literal["thoughts", "danger_from_others", "danger_to_others"]
"""Of a client at risk: thoughts of not living or of self-harm, danger from somebody else, danger to somebody else."""
RiskLevel = Literal["none", "passive", "active", "immediate"]
"""How near a risk is: none, for words that only sound like one; active has no intent, immediate has, or is a danger now.

With danger from or to others: passive is a fear, active has come to something or is thought through without a wish to do it.
"""
RiskShows = Literal["asked", "trust", "end"]
"""What makes a client let its sign fall: a question that comes near it, trust, or the end of the session."""
RISK_LEVELS: tuple[RiskLevel, ...] = get_args(RiskLevel)


class RiskPart(FormPart):
    """What the client may say of a risk, one thing at a time (`nodes.inner.at_risk`)."""

    kind: RiskKind = form_field(Audience.CLIENT, "Kind of risk", "Thoughts, or danger from or to somebody else")
    level: RiskLevel = form_field(Audience.CLIENT, "Level of risk", "How near it is")
    shows: RiskShows = form_field(Audience.CLIENT, "Shows", "What makes the client let the sign fall")
    sign: Text = form_field(Audience.CLIENT, "Sign", "What it lets fall first, in passing")
    thoughts: Text = form_field(Audience.CLIENT, "Asked directly", "What it says when it is asked directly")
    now: Text = form_field(Audience.CLIENT, "How near it is", "Intent, or danger now, without any how")
    protective: Text = form_field(Audience.CLIENT, "What holds", "What keeps the client from it, or safe")
    near: Text = form_field(Audience.CLIENT, "Who is near", "Who is there today, and who knows")
    agrees: Text = form_field(Audience.CLIENT, "Agrees to", "Which step of safety, and which person, it can agree to")
    refuses: Text | None = later_field("Refuses", "What it says to the first offer of help; empty: it agrees at once")
