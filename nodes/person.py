"""A person in a session: hands a turn over by LangGraph's `interrupt`, and takes what the person says into the dialogue.

What a person says as the client is checked for risk before any model is asked (`nodes.risk`). Explicit words end the session with
the help lines, and neither the dialogue nor the record has them. Unclear words are held back, and the person is asked one fixed
question. After a clear no they are said; anything else ends the session. So does `/stop`, unchecked and at once.

The node waits once and then returns, as a node with an interrupt runs again from its start: what it asks a model, it asks once.
Where the person has to answer again, the graph comes back to it.
"""

import unicodedata
from typing import Annotated, Any

from langgraph.channels import EphemeralValue
from langgraph.types import interrupt
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from counseling_sessions.models.chat import Models
from counseling_sessions.nodes.context import UTTERANCE_LIMIT
from counseling_sessions.nodes.intake import IntakeView, intake
from counseling_sessions.nodes.progress import progress_of
from counseling_sessions.nodes.risk import Risk, answer_of, find_risk, texts_in
from counseling_sessions.nodes.risk.check import check_message
from counseling_sessions.nodes.stopping import before_in, is_stop, stopped, stopped_by_person
from counseling_sessions.settings import SessionConfig, validation_message
from counseling_sessions.state import (
    DialogueView,
    EndReason,
    FlowView,
    Phase,
    Pick,
    Plan,
    RiskQuestion,
    SessionInput,
    SessionState,
    Speaker,
    Utterance,
    replace,
    update,
)
from counseling_sessions.texts.harmless import one_line

DEFAULT_PART: Speaker = "counselor"
PASSING = frozenset({"held", "problem"})
"""Channels that last until the person's next answer. No journal has them: `held` are words that nobody has said yet."""


class PracticeInput(SessionInput, total=False):
    """What starts a practice session: which part the person takes, and the country whose help lines are shown."""

    part: Annotated[Speaker, Field(description="Who the person is: the counselor (default), or the client")]
    country: Annotated[str, Field(description="Code of the country whose help lines are shown, such as GB")]


class PracticeState(SessionState, total=False):
    """The channels of the practice graph: those of a session, the person's part, and what passes between the person and the program.

    `held` is a `PersonAnswer` with unclear words, `problem` what was wrong with the last answer; both are gone after the next one.
    `questions` were asked about unclear words. `help` is the text with which a session stopped, `farewell` the last
    one after a goodbye, or where no answer was good; an end by an error has neither.
    """

    part: Speaker
    country: str
    help: str
    farewell: str
    questions: list[dict[str, Any]]
    held: Annotated[dict[str, Any], EphemeralValue]
    problem: Annotated[str, EphemeralValue]


class PracticeIntakeView(IntakeView):
    """What a practice session is started with."""

    part: Speaker = DEFAULT_PART
    country: str = ""


class PracticeFlowView(FlowView):
    """What the practice graph's routes decide on."""

    part: Speaker = DEFAULT_PART


class PersonAnswer(BaseModel):
    """A person's answer: words (a plain text stands for them), with `ends` the end of the session, or `undo`.

    The words `/stop` of a client stop the session at once.
    The counselor who `ends` a session says the closing words; a client who does says goodbye. `undo` takes back the
    counselor's last own message and the client's answer to it.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    text: str = ""
    ends: EndReason | None = None
    undo: bool = False


class PersonView(DialogueView):
    """What the node that waits for a person reads: utterances with their calls, as what is kept goes back to the state."""

    utterances: tuple[Utterance, ...] = ()
    plan: Plan | None = None
    picks: tuple[Pick, ...] = ()
    part: Speaker = DEFAULT_PART
    country: str = ""
    questions: tuple[RiskQuestion, ...] = ()
    held: PersonAnswer | None = None
    problem: str | None = None

    @property
    def persons(self) -> list[int]:
        """The places of what the person has said."""
        return [
            place for place, said in enumerate(self.utterances) if said.author == "human" and said.speaker == self.part
        ]


class Handover(BaseModel):
    """What a person is handed with the turn: whose part it is, what was said last, and what was wrong with the last answer.

    `question` asks what the last answer's unclear words mean; the answer to it is neither said nor kept.
    """

    model_config = ConfigDict(frozen=True)

    part: Speaker
    turn: int
    phase: Phase
    last: str = ""
    closing: bool = False
    problem: str | None = None
    question: str | None = None


async def practice_intake(models: Models, view: PracticeIntakeView, config: SessionConfig) -> dict[str, Any]:
    """The intake of a session, with the person's part."""
    return {**await intake(models, view, config), "part": view.part, "country": view.country}


async def person(models: Models, view: PersonView, config: SessionConfig) -> dict[str, Any]:
    """Wait for a person's answer. One that cannot be used is asked for again, with what is wrong with it."""
    sent = interrupt(_handover(view, config).model_dump(mode="json"))
    answer = _answer_of(sent)
    if view.part == "client" and _stops(sent):
        unasked = update(questions=[question for question in view.questions if question.denied]) if view.held else {}
        return stopped_by_person(view.turn, view.country, config) | unasked
    if view.held:
        return _after_question(view, config, view.held, answer)
    if isinstance(answer, str):
        return update(problem=answer)
    if view.part == "client" and answer.text and (risk := await _risk_of(models, view, config, answer.text)):
        is_unclear = risk.wording == "unclear" and texts_in(config.language)
        return _held(view, answer, risk) if is_unclear else stopped(risk, view.turn, view.country, config)
    return _taken(view, config, answer)


def _handover(view: PersonView, config: SessionConfig) -> Handover:
    return Handover(
        part=view.part,
        turn=view.turn,
        phase="closing" if view.end_reason else progress_of(view, config).phase,
        last=view.last_of("client" if view.part == "counselor" else "counselor"),
        closing=view.end_reason is not None,
        problem=view.problem,
        question=_question(view, config) if view.held else None,
    )


def _question(view: PersonView, config: SessionConfig) -> str:
    """The fixed question about the words that are held back: a shorter one where such words were denied before."""
    texts = texts_in(config.language)
    if texts is None or not view.questions:
        return ""
    *before, asked = view.questions
    again = any(question.denied and question.category == asked.category for question in before)
    return texts.question_again if again else texts.question


def _held(view: PersonView, answer: PersonAnswer, risk: Risk) -> dict[str, Any]:
    asked = RiskQuestion(turn=view.turn, category=risk.category)
    return update(held=answer, questions=[*view.questions, asked])


def _after_question(
    view: PersonView, config: SessionConfig, held: PersonAnswer, answer: PersonAnswer | str
) -> dict[str, Any]:
    """What becomes of the words that were held back: after a clear no they are said, after anything else the session stops."""
    if isinstance(answer, str) or not view.questions or not _is_clear_no(answer):
        return stopped(None, view.turn, view.country, config)
    *before, asked = view.questions
    denied = asked.model_copy(update={"denied": True})
    return _taken(view, config, held) | update(questions=[*before, denied])


def _is_clear_no(answer: PersonAnswer) -> bool:
    if answer.ends or answer.undo:
        return False
    return find_risk(answer.text) is None and answer_of(answer.text) == "no"


def too_long(text: str) -> str | None:
    """What is wrong with a text that is too long to be said, without a look into it; None for any other."""
    if len(text) <= UTTERANCE_LIMIT:
        return None
    return f"{len(text):,} characters are too many; {UTTERANCE_LIMIT:,} reach the other side"


def _stops(sent: Any) -> bool:
    """Whether what a client's side sent holds the command to stop, however long or wrong it is otherwise."""
    text = sent.get("text") if isinstance(sent, dict) else sent
    return isinstance(text, str) and is_stop(text)


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


async def _risk_of(models: Models, view: PersonView, config: SessionConfig, text: str) -> Risk | None:
    asked = view.last_of("counselor")
    before = before_in(text, view.last_of("client"), asked)
    return await check_message(
        models, config, text, turn=view.turn, session_id=view.session_id, before=before, asked=asked
    )


def _taken(view: PersonView, config: SessionConfig, answer: PersonAnswer) -> dict[str, Any]:
    """What a checked answer comes to: words in the dialogue, words taken back, or what is wrong with it."""
    if problem := _problem(view, answer):
        return update(problem=problem)
    return _taken_back(view) if answer.undo else _said(view, config, answer)


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
