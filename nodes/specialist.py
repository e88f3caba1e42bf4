"""A technique's specialist: drafts what the counselor could say this turn. One node of the graph per technique."""

from typing import Any

from counseling_sessions.models.chat import Models
from counseling_sessions.nodes.choosing import worth_after
from counseling_sessions.nodes.context import counselor_messages, technique_task
from counseling_sessions.nodes.speaking import Attempts, NotSaid, speak
from counseling_sessions.settings import SessionConfig
from counseling_sessions.state import Candidate, CounselorView, update

ATTEMPTS = 2
"""A draft beside others does not enter the dialogue: it is asked for again once, then mended, then left out."""


async def specialist(models: Models, technique: str, view: CounselorView, config: SessionConfig) -> dict[str, Any]:
    """Draft this turn's candidate.

    A draft that cannot be had is recorded with its error, and the turn goes on without it; one that the endpoint refuses
    ends the session before the merge, since every further turn would lose this technique in silence. The only draft of a turn,
    without which the session ends too, is asked for as often as a message.
    """
    if view.pick is None or len(view.pick.techniques) > 1:
        config = config.model_copy(update={"guard_attempts": min(ATTEMPTS, config.guard_attempts)})
    attempts = Attempts(models, config, technique, view.turn, view.session_id)
    messages = counselor_messages(view, config, technique_task(technique), technique)
    worth = worth_after(view.utterances) if config.choices > 1 else None
    try:
        text = await speak(attempts, messages, "counselor", view.said_by("counselor"), view.said_by("client"), worth)
    except NotSaid as error:
        refused = attempts.failed is not None and attempts.failed.permanent
        said = error.failure.message
        lost = Candidate(turn=view.turn, technique=technique, error=said, refused=refused, call=error.failure.call)
        return update(candidates=[lost])
    return update(candidates=[Candidate(turn=view.turn, technique=technique, text=text, call=attempts.call())])
