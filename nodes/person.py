"""A person in a session: hands a turn over by LangGraph's `interrupt`, and takes what the person says into the dialogue.

What a person says as the client is checked for risk before any model is asked (`nodes.risk`); when risk is found, the session
ends with the help lines, and neither the dialogue nor the record has the words.
"""

import unicodedata
from collections.abc import Sequence
from typing import Annotated, Any

from langgraph.types import interrupt
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from counseling_sessions.models.chat import Models
from counseling_sessions.nodes.context import UTTERANCE_LIMIT
from counseling_sessions.nodes.intake import IntakeView, intake
from counseling_sessions.nodes.progress import progress_of
from counseling_sessions.nodes.risk import Risk, check_message, find_risk, help_text
from counseling_sessions.settings import SessionConfig, validation_message
from counseling_sessions.state import (
    DialogueView,
    EndReason,
    Failure,
    FlowView,
    Phase,
    Pick,
    Plan,
    SessionInput,
    SessionState,
    Speaker,
    Utterance,
    replace,
    update,
)
from counseling_sessions.texts.harmless import one_line

RISK = "risk"
"""The kind of failure with which a session ends when a person expresses risk."""
DEFAULT_PART: Speaker = "counselor"
OPENING = 2
"""Messages of an opening exchange, with which a session begins."""


class PracticeInput(SessionInput, total=False):
    """What starts a practice session: which part the person takes, and the country whose help lines are shown."""

    part: Annotated[Speaker, Field(description="Who the person is: the counselor (default), or the client")]
    country: Annotated[str, Field(description="Code of the country whose help lines are shown, such as GB")]


class PracticeState(SessionState, total=False):
    """The channels of the practice graph: those of a session, the person's part, and the help that was shown."""

    part: Speaker
    country: str
    help: str


class PracticeIntakeView(IntakeView):
    """What a practice session is started with."""

    part: Speaker = DEFAULT_PART
    country: str = ""


class PracticeFlowView(FlowView):
    """What the practice graph's routes decide on."""

    part: Speaker = DEFAULT_PART


class PersonView(DialogueView):
    """What the node that waits for a person reads: utterances with their calls, as what is kept goes back to the state."""

    utterances: tuple[Utterance, ...] = ()
    plan: Plan | None = None
    picks: tuple[Pick, ...] = ()
    part: Speaker = DEFAULT_PART
    country: str = ""

    @property
    def persons(self) -> list[int]:
        """The places of what the person has said."""
        return [
            place for place, said in enumerate(self.utterances) if said.author == "human" and said.speaker == self.part
        ]


class Handover(BaseModel):
    """What a person is handed with the turn: whose part it is, what was said last, and what was wrong with the last answer."""

    model_config = ConfigDict(frozen=True)

    part: Speaker
    turn: int
    phase: Phase
    last: str = ""
    closing: bool = False
    problem: str | None = None


class PersonAnswer(BaseModel):
    """A person's answer: words (a plain text stands for them), with `ends` the end of the session, or `undo`.

    The counselor who `ends` a session says the closing words; a client who does says goodbye. `undo` takes back the
    counselor's last own message and the client's answer to it.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    text: str = ""
    ends: EndReason | None = None
    undo: bool = False


async def practice_intake(models: Models, view: PracticeIntakeView, config: SessionConfig) -> dict[str, Any]:
    """The intake of a session, with the person's part."""
    return {**await intake(models, view, config), "part": view.part, "country": view.country}


async def person(models: Models, view: PersonView, config: SessionConfig) -> dict[str, Any]:
    """Wait for a person's answer. One that cannot be used is asked for again, with what is wrong with it."""
    problem: str | None = None
    while True:
        handed = Handover(
            part=view.part,
            turn=view.turn,
            phase="closing" if view.end_reason else progress_of(view, config).phase,
            last=view.last_of("client" if view.part == "counselor" else "counselor"),
            closing=view.end_reason is not None,
            problem=problem,
        )
        answer = _answer_of(interrupt(handed.model_dump(mode="json")))
        if isinstance(answer, str):
            problem = answer
            continue
        if view.part == "client" and answer.text and (stopped := await _stopped_for_risk(models, view, config, answer)):
            return stopped
        problem = _problem(view, answer)
        if problem is None:
            return _taken_back(view) if answer.undo else _said(view, config, answer)


def too_long(text: str) -> str | None:
    """What is wrong with a text that is too long to be said, without a look into it; None for any other."""
    if len(text) <= UTTERANCE_LIMIT:
        return None
    return f"{len(text):,} characters are too many; {UTTERANCE_LIMIT:,} reach the other side"


def _answer_of(sent: Any) -> PersonAnswer | str:
    """What a person's side sent, as an answer, or what is wrong with it.

    Anything may come over HTTP: what is too long, or no answer, is refused before a look at its text, and kept nowhere.
    """
    fields = {"text": sent} if isinstance(sent, str) else sent
    if not isinstance(fields, dict):
        return f"an answer is a text, or an object with {', '.join(PersonAnswer.model_fields)}"
    # Looks at one unknown key, no more.
    if (other := next((key for key in fields if key not in PersonAnswer.model_fields), None)) is not None:
        return f"{one_line(other[:80]) if isinstance(other, str) else 'a key'}: Extra inputs are not permitted"
    text = fields.get("text", "")
    if isinstance(text, str) and (problem := too_long(text)):
        return problem
    try:
        return PersonAnswer.model_validate(fields)
    except ValidationError as error:
        return validation_message(error)


async def _stopped_for_risk(
    models: Models, view: PersonView, config: SessionConfig, answer: PersonAnswer
) -> dict[str, Any] | None:
    risk = await check_message(
        models,
        config,
        answer.text,
        turn=view.turn,
        session_id=view.session_id,
        before=view.last_of("client"),
        asked=view.last_of("counselor"),
    )
    return _stopped(risk, view.turn, view.country) if risk else None


def stopped_unchecked(utterances: Sequence[Utterance]) -> dict[str, Any] | None:
    """How a session ends in which a client's message counts as risk by the lists; None for most.

    Words that came by `person` have passed. A caller over HTTP may have put others into the state, unchecked, and a model would
    be asked next. The opening exchange is the form's.
    """
    before = asked = ""
    for place, said in enumerate(utterances):
        if said.speaker == "counselor":
            asked = said.text
            continue
        is_opening = place < OPENING and said.turn == 0
        if not is_opening and (risk := find_risk(said.text, before=before, asked=asked)):
            return _stopped(risk, said.turn, "")
        before = said.text
    return None


def _stopped(risk: Risk, turn: int, country: str) -> dict[str, Any]:
    why = "the check itself failed" if risk.source == "check_failed" else f"found by the {risk.source}"
    message = f"the person's message counts as risk ({why}); help lines were shown, and no model was asked"
    return update(failure=Failure(stage="client", kind=RISK, message=message, turn=turn), help=help_text(country))


def _problem(view: PersonView, answer: PersonAnswer) -> str | None:
    if answer.undo:
        if view.part == "client":
            return "what a client has said cannot be taken back"
        return None if view.persons else "there is nothing of your own to take back yet"
    if not any(c.isalnum() for c in spoken(answer.text)):
        return "say something in words"
    if answer.ends and view.part == "counselor" and not view.last_of("client"):
        return "there is no session to close yet"
    if answer.ends == "turn_limit" and view.part == "client":
        return "a client ends a session as resolved or left"
    return None


def spoken(text: str) -> str:
    """What a person typed, without control characters and stray space; line breaks stay."""
    kept = "".join(c for c in text if c in "\n\t" or unicodedata.category(c) not in {"Cc", "Cf", "Cs", "Co"})
    return "\n".join(" ".join(line.split()) for line in kept.strip().splitlines()).strip()


def _said(view: PersonView, config: SessionConfig, answer: PersonAnswer) -> dict[str, Any]:
    if view.part == "counselor":
        # The counselor decides that the time is up, which is the reason of that name.
        reason = view.end_reason or ("turn_limit" if answer.ends else None)
    else:
        reason = answer.ends or ("turn_limit" if view.turn >= config.max_turns else None)
    closing = view.part == "counselor" and reason is not None
    said = Utterance(turn=view.turn, speaker=view.part, text=spoken(answer.text), closing=closing, author="human")
    return update(utterances=[said]) | ({"end_reason": reason} if reason else {})


def _taken_back(view: PersonView) -> dict[str, Any]:
    return update(utterances=replace(list(view.utterances[: view.persons[-1]])), end_reason=None)
