"""How a session with a person as the client stops: for risk, with help lines; or kindly, where the counselor has no good answer."""

from typing import Any

from counseling_sessions.nodes.facing import FacingView, was_denied
from counseling_sessions.nodes.risk import Risk, find_risk, help_text, texts_in
from counseling_sessions.nodes.risk.texts import LAST_RESORT
from counseling_sessions.settings import SessionConfig
from counseling_sessions.state import Failure, update

RISK = "risk"
"""The kind of failure with which a session ends when a person expresses risk."""
NO_GOOD_ANSWER = "no_good_answer"
"""The kind of failure with which a session ends when the guards let no message of the counselor's reach the person."""
OPENING = 2
"""Messages of an opening exchange, with which a session begins."""
_REFUSED = frozenset({"refused_by_guards", "filtered"})


def stopped(why: str, turn: int, country: str, config: SessionConfig) -> dict[str, Any]:
    """The end of a session for risk: the failure, which says why and has no word of the person's, and the help."""
    message = f"the person's message counts as risk ({why}); help lines were shown, and no model was asked"
    failure = Failure(stage="client", kind=RISK, message=message, turn=turn)
    return update(failure=failure, help=help_text(country, config.language))


def reason_of(risk: Risk) -> str:
    """Why a message counts as risk, for `stopped`."""
    return "the check itself failed" if risk.source == "check_failed" else f"found by the {risk.source}"


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
                return stopped(reason_of(risk), said.turn, view.country, config)
        before = said.text
    return None


def ended_kindly(change: dict[str, Any], view: FacingView, config: SessionConfig) -> dict[str, Any]:
    """A node's update, with a farewell and a kind of its own where it fails since the guards refused every answer."""
    failure = change.get("failure")
    if not failure or failure["kind"] not in _kinds_of_refusal(view):
        return change
    texts = texts_in(config.language)
    return {
        **change,
        "failure": failure | {"kind": NO_GOOD_ANSWER},
        "farewell": texts.farewell if texts else LAST_RESORT,
    }


def _kinds_of_refusal(view: FacingView) -> frozenset[str]:
    drawn = [candidate for candidate in view.candidates if candidate.turn == view.turn]
    all_refused = bool(drawn) and all(candidate.kind in _REFUSED for candidate in drawn)
    return _REFUSED | {"no_candidate"} if all_refused else _REFUSED
