"""The review at the end of a practice session, as data: what a person's messages as the counselor were like, and what they did.

It gives no grade. Figures count the words as they stand. What rests on signs, cues and the coder of behaviour (labels, moments,
advice) may be wrong. The client's states and its form are the simulation's own, and nothing that is known of people.
"""

from collections.abc import Iterator, Sequence
from itertools import pairwise
from operator import attrgetter
from typing import Annotated, Literal

from pydantic import Field

from counseling_sessions.evaluation.disclosure import disclosure_of
from counseling_sessions.evaluation.form import items
from counseling_sessions.nodes.answers import quoted
from counseling_sessions.nodes.inner.appraising import BAD, GOOD
from counseling_sessions.nodes.inner.moving import arrive
from counseling_sessions.nodes.progress import has_signs_in
from counseling_sessions.practice.cues import Questions, moments_in, picks_up, questions_in, stacked_in
from counseling_sessions.practice.labels import Label, labels_of
from counseling_sessions.practice.seen import resistance_in, seen_in
from counseling_sessions.profiles.disclosure import field_of
from counseling_sessions.profiles.schema import Attitude, ClientProfile
from counseling_sessions.sessions.record import SessionRecord
from counseling_sessions.sessions.session import session_of
from counseling_sessions.state import Appraisal, ClientState, Count, Degree, FrozenData, Phase, TurnNumber, Utterance
from counseling_sessions.texts.words import words

REVIEW_FORMAT = 1
MOVED = 1
"""Points of trust from arrival to end from which on a client has opened or closed."""
_EARLY: frozenset[Phase] = frozenset({"opening", "exploring"})
_REVEALED = ("manner.opens", "manner.closes")
"""What the form says besides that only the client knows: what opens it, and what closes it."""


class OwnMessage(FrozenData):
    """A message of the person's: its words, the kinds of its questions, its labels, and the phase of its turn (None: the goodbye)."""

    turn: TurnNumber
    phase: Phase | None
    text: str
    words: Count
    questions: Questions
    labels: tuple[Label, ...]


class Missed(FrozenData):
    """A sentence of a client's with a feeling (its kind) or a `disclosure`, the words that show it, and the reply that passed it by."""

    turn: TurnNumber
    kind: str
    words: str
    sentence: str
    reply: str


class Stacked(FrozenData):
    """The questions of one message that asks several things."""

    turn: TurnNumber
    questions: tuple[str, ...]


class EarlyAdvice(FrozenData):
    """Advice that nobody had asked for, before an agenda was agreed (phase opening) or the problem explored (exploring)."""

    turn: TurnNumber
    phase: Phase
    sentence: str


class Pressed(FrozenData):
    """Advice, the client's words against it, and the advice that still followed in `turn`."""

    turn: TurnNumber
    before: str
    refusal: str
    again: str


class ClientPoint(FrozenData):
    """How it was for the client in a turn; turn 0 is its arrival. All as in `ClientState`."""

    turn: TurnNumber
    trust: Degree
    openness: Annotated[int, Field(ge=1, le=3)]
    belief: Degree
    feeling: Degree
    manner: str
    heard: tuple[Appraisal, ...]


class Turning(FrozenData):
    """The turn in which trust rose or fell most, by how many points, what the client had heard there, and what had been said."""

    turn: TurnNumber
    change: int
    heard: tuple[Appraisal, ...]
    said: str


class Revealed(FrozenData):
    """A field of the form that the counselor did not see. `level`: 1 is told easily, 3 last; None: it is nothing to be told.

    `turn` is the one in which the client had said half of it; None where it has not.
    """

    path: str
    title: str
    text: str
    level: int | None = None
    turn: TurnNumber | None = None


class Review(FrozenData):
    """A look back on a session in which a person was the counselor.

    Words are those of `texts.words`; the opening exchange of the form does not count. `share` is the person's share of all words,
    0 to 1, None where nobody said any; `longest` the turn with the longest message. `course` is the client's state over the turns,
    `moved` says what became of its trust (None where no state is on record), and `turnings` when that rose most and fell most.
    Where the language `is_read` by no rule, messages have no labels and no questions, and nothing is missed, stacked, early or pressed.
    """

    format: int = Field(default=REVIEW_FORMAT, ge=1, le=REVIEW_FORMAT)
    session_id: str
    client: str
    attitude: Attitude
    is_read: bool = True
    messages: Count
    words: Count
    client_words: Count
    share: float | None
    longest: TurnNumber | None
    questions: Questions
    own: tuple[OwnMessage, ...]
    missed: tuple[Missed, ...]
    stacked: tuple[Stacked, ...]
    early: tuple[EarlyAdvice, ...]
    pressed: tuple[Pressed, ...]
    course: tuple[ClientPoint, ...]
    moved: Literal["opened", "closed", "stayed"] | None
    turnings: tuple[Turning, ...]
    form: tuple[Revealed, ...]


def review_of(record: SessionRecord) -> Review:
    """Look back on a session in which a person was the counselor. Takes time linear in its text."""
    dialogue, is_read = record.dialogue, has_signs_in(record.configuration.get("language", "English"))
    phases = {turn.turn: turn.phase for turn in record.turns}
    own = tuple(_own(before, said, phases, is_read=is_read) for before, said in _exchanges(dialogue))
    client = [said for said in dialogue if said.speaker == "client" and said.turn > 0]
    spoken, heard = sum(one.words for one in own), sum(len(words(said.text)) for said in client)
    course = tuple(course_of(record))
    return Review(
        session_id=record.session_id,
        client=record.profile.demographics.name,
        attitude=record.attitude,
        is_read=is_read,
        messages=len(own),
        words=spoken,
        client_words=heard,
        share=spoken / (spoken + heard) if spoken + heard else None,
        longest=max(own, key=attrgetter("words")).turn if own else None,
        questions=questions_in(*(one.text for one in own if is_read)),
        own=own,
        missed=tuple(_missed(dialogue)) if is_read else (),
        stacked=tuple(_stacked(own)) if is_read else (),
        early=tuple(_early(dialogue, own)),
        pressed=tuple(_pressed(dialogue, own)),
        course=course,
        moved=_moved(course),
        turnings=tuple(_turnings(course, own)),
        form=tuple(_form(record)),
    )


def _exchanges(dialogue: Sequence[Utterance]) -> Iterator[tuple[str, Utterance]]:
    """Each message of the person's, with the client's before it."""
    for before, said in zip(("", *(one.text for one in dialogue)), dialogue, strict=False):
        if said.author == "human" and said.speaker == "counselor":
            yield before, said


def _own(before: str, said: Utterance, phases: dict[int, Phase], *, is_read: bool) -> OwnMessage:
    return OwnMessage(
        turn=said.turn,
        phase=None if said.closing else phases.get(said.turn),
        text=said.text,
        words=len(words(said.text)),
        questions=questions_in(said.text) if is_read else Questions(),
        labels=labels_of(said.text, before) if is_read else (),
    )


def _missed(dialogue: Sequence[Utterance]) -> Iterator[Missed]:
    for said, answer in pairwise(dialogue):
        if said.speaker != "client" or answer.author != "human" or answer.closing:
            continue
        moments = moments_in(said.text)
        # Taking up one of them is an answer; a person cannot answer everything at once.
        if moments and not any(picks_up(answer.text, moment) for moment in moments):
            one = moments[0]
            yield Missed(turn=said.turn, kind=one.kind, words=one.words, sentence=one.sentence, reply=answer.text)


def _stacked(own: Sequence[OwnMessage]) -> Iterator[Stacked]:
    for one in own:
        if asked := stacked_in(one.text):
            yield Stacked(turn=one.turn, questions=asked)


def _early(dialogue: Sequence[Utterance], own: Sequence[OwnMessage]) -> Iterator[EarlyAdvice]:
    for (before, _), message in zip(_exchanges(dialogue), own, strict=True):
        advice = _advice(message)
        if not advice or advice.kind == "advice_permitted" or message.phase not in _EARLY:
            continue
        if not any(one.kind == "asks_help" for one in seen_in(before)):
            yield EarlyAdvice(turn=message.turn, phase=message.phase, sentence=advice.sentence)


def _pressed(dialogue: Sequence[Utterance], own: Sequence[OwnMessage]) -> Iterator[Pressed]:
    answers = [before for before, _ in _exchanges(dialogue)][1:]
    for (one, again), answer in zip(pairwise(own), answers, strict=True):
        first, second = _advice(one), _advice(again)
        if first and second and (refusal := resistance_in(answer, one.text)):
            yield Pressed(turn=again.turn, before=first.sentence, refusal=quoted(refusal), again=second.sentence)


def _advice(message: OwnMessage) -> Label | None:
    return next((label for label in message.labels if label.name == "advice"), None)


def course_of(record: SessionRecord) -> Iterator[ClientPoint]:
    """The client's state as it came, and after each of its answers so far; nothing where no state is on record."""
    states = [turn.client_state for turn in record.turns if turn.client_state and turn.client]
    if not states:
        return
    for state in (arrive(record.profile, record.attitude), *states):
        yield _point(state)


def _point(state: ClientState) -> ClientPoint:
    return ClientPoint(**{name: getattr(state, name) for name in ClientPoint.model_fields})


def _moved(course: Sequence[ClientPoint]) -> Literal["opened", "closed", "stayed"] | None:
    if not course:
        return None
    change = course[-1].trust - course[0].trust
    return "opened" if change >= MOVED else "closed" if -change >= MOVED else "stayed"


def _turnings(course: Sequence[ClientPoint], own: Sequence[OwnMessage]) -> Iterator[Turning]:
    said = {one.turn: one.text for one in own}
    steps = [
        Turning(turn=now.turn, change=now.trust - before.trust, heard=heard, said=said[now.turn])
        for before, now in pairwise(course)
        if now.turn in said and (heard := _what_moved(now, now.trust - before.trust))
    ]
    for sign in (1, -1):
        most = max((step for step in steps if sign * step.change > 0), key=lambda step: abs(step.change), default=None)
        if most:
            yield most


def _what_moved(now: ClientPoint, change: int) -> tuple[Appraisal, ...]:
    """What of that which the client heard goes with trust that rose, or fell."""
    kind = GOOD if change > 0 else BAD
    return tuple(one for one in now.heard if one in kind)


def _form(record: SessionRecord) -> Iterator[Revealed]:
    """What the counselor did not see of the form, in its order; then what opens and closes the client."""
    profile: ClientProfile = record.profile
    disclosure = disclosure_of(session_of(record, ""))
    turns = disclosure.turns if disclosure else {}
    for item in items(profile):
        title, text = field_of(profile, item.path)
        yield Revealed(path=item.path, title=title, text=text, level=item.level, turn=turns.get(item.path))
    for path in _REVEALED if profile.manner else ():
        title, text = field_of(profile, path)
        if text:
            yield Revealed(path=path, title=title, text=text)
