"""A technique's specialist: drafts what the counselor could say this turn. One node of the graph per technique."""

from typing import Any

from counseling_sessions.integrity.lengths import LENGTHS
from counseling_sessions.models.chat import Models
from counseling_sessions.nodes.attempts import Unusable
from counseling_sessions.nodes.context import technique_task
from counseling_sessions.nodes.notes import where
from counseling_sessions.nodes.speaking import SpeechRequest, counselor_request, speak
from counseling_sessions.prompts import prompt
from counseling_sessions.settings import SessionConfig
from counseling_sessions.state import Candidate, CounselorView, update

LEAST_WORDS = 15
"""Words that a draft aims at, however many are merged."""
ATTEMPTS = 2
"""A draft beside others does not enter the dialogue: it gets a second attempt, is mended, or is left out."""


def ask_specialist(view: CounselorView, config: SessionConfig, technique: str) -> SpeechRequest:
    """The request for a technique's draft; the only one of a turn gets as many attempts as a message."""
    if view.pick is None or len(view.pick.techniques) > 1:
        config = config.model_copy(update={"guard_attempts": min(ATTEMPTS, config.guard_attempts)})
    task = f"{technique_task(technique)} {_size(view)}".rstrip()
    return counselor_request(view, config, technique, task, where(view, config))


def _size(view: CounselorView) -> str:
    """How much of the message a draft is: its share of the words, or all of it."""
    if view.pick is None:
        return ""
    count = len(view.pick.techniques)
    if count == 1 and not view.pick.act:
        return prompt("counselor/turn", "whole")
    return prompt("counselor/turn", "share", words=max(LEAST_WORDS, LENGTHS["utterance"].aim // count))


async def specialist(models: Models, view: CounselorView, config: SessionConfig, technique: str) -> dict[str, Any]:
    """Draft this turn's candidate.

    A missing draft is recorded with its error, and the turn goes on without it. A request that the endpoint refuses ends
    the session before the merge: else every further turn would lose this technique in silence.
    """
    answer = await speak(models, ask_specialist(view, config, technique))
    if isinstance(answer, Unusable):
        failure = answer.failure
        fields: dict[str, Any] = {"error": failure.message, "refused": answer.permanent, "kind": failure.kind}
        fields["call"] = failure.call
    else:
        fields = {"text": answer.value, "call": answer.call}
    return update(candidates=[Candidate(turn=view.turn, technique=technique, **fields)])
