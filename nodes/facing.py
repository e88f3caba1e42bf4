"""The counselor's side in front of a person who is the client: what it sees besides, and what the guards make of it."""

from collections.abc import Sequence

from counseling_sessions.integrity.spoken import Listener
from counseling_sessions.settings import NOT_TECHNIQUES
from counseling_sessions.state import CounselorView, RiskQuestion


class FacingView(CounselorView):
    """The counselor's view of a session whose client is a person. No prompt has what it holds more."""

    questions: tuple[RiskQuestion, ...] = ()
    country: str = ""


def listener_of(view: CounselorView, role: str = "merge") -> Listener | None:
    """The person who reads what the counselor says; None where a model plays the client.

    What a technique's `role` drafts is a part of the message: that takes up what was denied, the draft need not.
    """
    if not isinstance(view, FacingView):
        return None
    last = view.utterances[-1] if view.utterances else None
    answers = last is not None and last.speaker == "client" and was_denied(view.questions, last.turn)
    return Listener(denied=answers and role in NOT_TECHNIQUES)


def was_denied(questions: Sequence[RiskQuestion], turn: int) -> bool:
    """Whether the person was asked what their words in this turn mean, and gave a clear no."""
    return any(question.denied for question in questions if question.turn == turn)
