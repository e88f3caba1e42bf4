"""How a session with a person as the client ends: for risk, or where the person stops it, with help lines; kindly, where the
counselor has no good answer; and with a few lines after any goodbye."""

from typing import Any

from counseling_sessions.nodes.facing import FacingView, was_denied
from counseling_sessions.nodes.risk import Risk, farewell_text, find_risk, help_text
from counseling_sessions.settings import SessionConfig
from counseling_sessions.state import Failure, update

RISK = "risk"
"""The kind of failure with which a session ends when a person expresses risk."""
STOPPED = "stopped"
"""The kind of failure with which a session ends when a person who is the client stops it."""
FINAL = frozenset({RISK, STOPPED})
"""Kinds after which a session is not taken up again."""
NO_GOOD_ANSWER = "no_good_answer"
"""The kind of failure with which a session ends when the guards let no message of the counselor's reach the person."""
STOP = "/stop"
"""What a person who is the client types, or sends over HTTP, to stop at once."""
OPENING = 2
"""Messages of an opening exchange, with which a session begins."""
_REFUSED = frozenset({"refused_by_guards", "filtered"})


def stopped(risk: Risk | None, turn: int, country: str, config: SessionConfig) -> dict[str, Any]:
    """The end of a session for risk: the failure, which says why and has no word of the person's, and the help.

    None stands for unclear words without a clear no to the question.
    """
    why, has_failed = "unclear, and no clear no to the question", False
    if risk:
        has_failed = risk.source == "check_failed"
        why = "the check itself failed" if has_failed else f"found by the {risk.source}"
    message = f"the person's message counts as risk ({why}); help lines were shown, and the counselor was not asked"
    failure = Failure(stage="client", kind=RISK, message=message, turn=turn)
    return update(
        failure=failure, help=help_text(country, config.language, occasion="failed" if has_failed else "risk")
    )


def is_stop(text: str) -> bool:
    """Whether a text has the client's command to stop, whatever stands around it."""
    return STOP in (word.strip(".,;:!?\"'()") for word in text.casefold().split())


def stopped_by_person(turn: int, country: str, config: SessionConfig) -> dict[str, Any]:
    """The end of a session that the person stops: nothing of the moment is kept, and the lines are shown."""
    failure = Failure(stage="client", kind=STOPPED, message="the person who was the client stopped it", turn=turn)
    return update(failure=failure, help=help_text(country, config.language, occasion="stop"))


def before_in(text: str, before: str, asked: str) -> str:
    """The person's message before, as the check of `text` may see it: nothing of one that was asked about and denied, whose words
    would count anew with every message, unless both together are explicit."""
    if not before or find_risk(before) is None:
        return before
    together = find_risk(text, before=before, asked=asked)
    return before if together and together.wording == "explicit" else ""


def stopped_unchecked(view: FacingView, config: SessionConfig) -> dict[str, Any] | None:
    """How a session ends in which a client's message counts as risk by the lists; None for most.

    Words that came by the node `person` have passed, or were denied. A caller over HTTP may have put others into the state,
    unchecked, and a model would be asked next. The opening exchange is the form's.
    """
    before = asked = ""
    for place, said in enumerate(view.utterances):
        if said.speaker == "counselor":
            asked = said.text
            continue
        is_opening = place < OPENING and said.turn == 0
        if not is_opening:
            risk = find_risk(said.text, before=before_in(said.text, before, asked), asked=asked)
            if risk and not (risk.wording == "unclear" and was_denied(view.questions, said.turn)):
                return stopped(risk, said.turn, view.country, config)
        before = said.text
    return None


def with_farewell(change: dict[str, Any], view: FacingView, config: SessionConfig) -> dict[str, Any]:
    """A node's update, with a farewell where it ends the session: after the closing words, or, with a kind of its own, where it
    fails since the guards refused every answer."""
    failure = change.get("failure")
    if failure and failure["kind"] in _kinds_of_refusal(view):
        farewell = farewell_text(view.country, config.language)
        return {**change, "failure": failure | {"kind": NO_GOOD_ANSWER}, "farewell": farewell}
    if any(said.get("closing") for said in change.get("utterances", ())):
        return {**change, "farewell": help_text(view.country, config.language, occasion="afterwards")}
    return change


def _kinds_of_refusal(view: FacingView) -> frozenset[str]:
    drawn = [candidate for candidate in view.candidates if candidate.turn == view.turn]
    all_refused = bool(drawn) and all(candidate.kind in _REFUSED for candidate in drawn)
    return _REFUSED | {"no_candidate"} if all_refused else _REFUSED
