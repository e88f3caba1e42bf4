"""The question that everybody is asked once: where nobody has asked about a risk by a certain point, the counselor does, as a routine.

It is two questions in two messages, so that a yes or a no has one meaning: about thoughts, and after a no about danger from somebody.
Whether the client may harm somebody is not asked as a routine.
"""

from collections.abc import Sequence

from counseling_sessions.nodes.progress import progress_of
from counseling_sessions.nodes.protocol.reading import Noticed, Sign
from counseling_sessions.nodes.risk import asks_about_risk
from counseling_sessions.settings import SessionConfig
from counseling_sessions.state import CounselorView, FlowView, RiskEntry

QUESTIONS = ("suicide", "danger")
"""The categories that are asked about, one after the other."""
NOT_BEFORE = 3
"""The first turn in which it may be asked."""
SHARE = 0.6
"""The share of the longest session after which it is asked, if closing has not begun before."""


def is_due(view: CounselorView | FlowView, config: SessionConfig) -> bool:
    """Whether it is time for the question, and nobody has asked about a risk so far."""
    if view.turn < NOT_BEFORE or any(entry.steps for entry in view.risk):
        return False
    if not (view.end_reason or view.turn > SHARE * config.max_turns or progress_of(view, config).phase == "closing"):
        return False
    return not any(map(asks_about_risk, view.said_by("counselor")))


def next_question(view: Noticed, entries: Sequence[RiskEntry], sign: Sign) -> str | None:
    """The category of the question that follows a clear no to the one before; None for none, or where the client is ending."""
    if not entries or entries[-1].source != "routine" or sign.wording != "denied" or view.end_reason:
        return None
    place = QUESTIONS.index(entries[-1].category) + 1
    return QUESTIONS[place] if place < len(QUESTIONS) else None
