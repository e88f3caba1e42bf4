"""Judging sessions on scales: a row for every item of every sample, with its score or why it has none.

The question about a session shows the transcript, and the intake form only where the scale needs it. A scale of affect is asked twice:
with the form alone (before), and with transcript and form (after). Questions begin with the transcript, so that prefix caches pay for
it once. Ratings before a session depend on the form alone: all sessions of one client share them.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any, Literal

from counseling_sessions.evaluation.judging.ask import (
    EVIDENCE,
    REASON,
    Question,
    Reading,
    Unscored,
    evidence_of,
    reason_of,
    schema_of,
)
from counseling_sessions.evaluation.judging.cache import JudgeCache
from counseling_sessions.evaluation.judging.judges import Judge
from counseling_sessions.evaluation.judging.material import form_part, messages_of, session_part, turns_of
from counseling_sessions.evaluation.judging.panel import Account, OnProgress, Panel, seats
from counseling_sessions.evaluation.scales import Item, Scale, Subject, described
from counseling_sessions.models.structured import AnswerSchema
from counseling_sessions.profiles.schema import clean
from counseling_sessions.prompts import prompt
from counseling_sessions.sessions import Session, SessionKey
from counseling_sessions.settings import SettingsError

if TYPE_CHECKING:  # what talks to models takes seconds to import, and most evaluations ask none
    from counseling_sessions.models.chat import Models

Occasion = Literal["session", "before", "after"]
"""What a score is about: the session itself, or the client's affect before or after it."""
OCCASIONS: dict[Subject, tuple[Occasion, ...]] = {"session": ("session",), "affect": ("before", "after")}


@dataclass(frozen=True, slots=True)
class Score:
    """One item's score by one sample of one judge.

    `score` is what the judge gave, `scored` the same after the reversal of reverse-keyed items (more is better for the subscale);
    both are None where `unscored` says why. `evidence` names turns that exist; `nowhere` counts those named that do not.
    """

    key: SessionKey
    scale: str
    occasion: Occasion
    item: str
    judge: str
    sample: int
    score: int | None = None
    scored: int | None = None
    evidence: tuple[int, ...] = ()
    nowhere: int = 0
    reason: str = ""
    unscored: Unscored | None = None


@dataclass(frozen=True)
class Judgements:
    """All scores, by session, scale, occasion, judge, sample and item, and what the judges' answers took, by judge."""

    rows: tuple[Score, ...]
    accounts: dict[str, Account]


@dataclass(frozen=True, slots=True)
class _Mark:
    score: int
    evidence: tuple[int, ...]
    nowhere: int
    reason: str


@dataclass(frozen=True)
class _Asking:
    """One question to come: these items of a scale, on one occasion of one session."""

    session: Session
    scale: Scale
    occasion: Occasion
    items: tuple[Item, ...]

    def question(self, judge: Judge) -> Question[_Mark]:
        session, scale, occasion = self.session, self.scale, self.occasion
        parts = [] if occasion == "before" else [session_part(session)]
        if scale.needs_form and session.profile:
            parts.append(form_part(session.profile))
        parts.append(_task(scale, self.items, occasion))
        turns = None if occasion == "before" else turns_of(session)
        return Question(
            messages_of(judge.language, *parts),
            _schema(scale, self.items, occasion),
            lambda item, value: _read(value, scale, item, turns),
            scale.hash,
            session.id,
        )


async def judge_sessions(
    sessions: Iterable[Session],
    scales: Sequence[Scale],
    judges: Sequence[Judge],
    models: "Models",
    cache: JudgeCache,
    *,
    on_progress: OnProgress | None = None,
    again: bool = False,
    i_know: bool = False,
) -> Judgements:
    """Rate every session on every scale by every judge. The cache answers first; `again` asks once more for what is unscored.

    Raises `SettingsError` for judges that cannot be used (the embedded model, unless `i_know`), `JudgeStopped` when an endpoint refuses
    or fails everything, `RunError` when the cache cannot be used.
    """
    names = [scale.name for scale in scales]
    if len(set(names)) < len(names):
        raise SettingsError(f"two scales have one name ({', '.join(names)}): give each its own name")
    wanted = [(session, scales) for session in sessions]
    return await judge_each(wanted, judges, models, cache, on_progress=on_progress, again=again, i_know=i_know)


async def judge_each(
    wanted: Sequence[tuple[Session, Sequence[Scale]]],
    judges: Sequence[Judge],
    models: "Models",
    cache: JudgeCache,
    *,
    on_progress: OnProgress | None = None,
    again: bool = False,
    i_know: bool = False,
) -> Judgements:
    """`judge_sessions`, with a list of scales for each session."""
    panel = Panel(await seats(judges, models, i_know=i_know), models, cache, on_progress, again)
    subjects = [
        (session, scale, occasion)
        for session, scales in wanted
        for scale in scales
        for occasion in OCCASIONS[scale.subject]
    ]
    plans = {
        judge.name: [
            _Asking(session, scale, occasion, items)
            for session, scale, occasion in subjects
            for items in ([scale.items] if judge.per_call == "scale" else [(item,) for item in scale.items])
        ]
        for judge in judges
    }
    asked = {name: [asking for asking in plan if not _groundless(asking)] for name, plan in plans.items()}
    answers = await panel.ask(lambda judge: [asking.question for asking in asked[judge.name]])
    rows: list[Score] = []
    for answer in answers:
        rows += _rows(asked[answer.judge][answer.place], answer.judge, answer.sample, answer.outcome.reading)
    for judge in judges:
        for asking in plans[judge.name]:
            if why := _groundless(asking):
                unasked: Reading[_Mark] = Reading(wrong={item.id: why for item in asking.items})
                for sample in range(1, judge.samples + 1):
                    rows += _rows(asking, judge.name, sample, unasked)
    places = {(about.key, scale.name, occasion): place for place, (about, scale, occasion) in enumerate(subjects)}
    numbers = {judge.name: number for number, judge in enumerate(judges)}
    # The sort is stable: the items stay in the order of their scale.
    rows.sort(key=lambda row: (places[row.key, row.scale, row.occasion], numbers[row.judge], row.sample))
    return Judgements(tuple(rows), panel.accounts)


def unspoken(session: Session) -> Unscored | None:
    """Why nothing need be asked about a session in which nobody says a word; None for any other."""
    said = any(message.text.strip() for message in session.dialogue)
    return None if said else Unscored("empty_session", "nobody says a word")


def _groundless(asking: _Asking) -> Unscored | None:
    """Why a question need not be asked: there is nothing to judge by."""
    if asking.occasion != "before" and (silent := unspoken(asking.session)):
        return silent
    if asking.scale.needs_form and asking.session.profile is None:
        return Unscored("no_intake_form", asking.session.profile_problem or "the session's file has no intake form")
    return None


def _task(scale: Scale, items: Sequence[Item], occasion: Occasion) -> str:
    points = "\n".join(f"    {point} = {clean(text)}" for point, text in sorted(scale.anchors.items()))
    keys = ", ".join(f'"{item.id}"' for item in items)
    answer = "answer_before" if occasion == "before" else "answer"
    task = prompt(
        "judge/scale",
        question=clean(scale.question),
        low=scale.low,
        high=scale.high,
        anchors=f" {prompt('judge/scale', 'anchors', points=points)}" if points else "",
        items="\n".join(described(item) for item in items),
        form_of_answer=prompt("judge/scale", answer, keys=keys, low=scale.low, high=scale.high),
    )
    return task if occasion == "session" else f"{prompt('judge/scale', occasion)}\n\n{task}"


def _schema(scale: Scale, items: Sequence[Item], occasion: Occasion) -> AnswerSchema:
    # The reason comes first: a model that has given its reason scores better than one that must justify its score.
    score = {"type": "integer", "minimum": scale.low, "maximum": scale.high}
    # Before the session there are no turns to point to.
    evidence = {} if occasion == "before" else {"evidence": EVIDENCE}
    return schema_of("scores", items, {**evidence, "reason": REASON, "score": score})


def _read(value: dict[str, Any], scale: Scale, item: str, turns: frozenset[int] | None) -> _Mark | Unscored:
    score = value.get("score")
    if isinstance(score, float) and score.is_integer():
        score = int(score)  # 4.0 says 4
    if isinstance(score, bool) or not isinstance(score, int):
        return Unscored("not_allowed", f"{item}: score must be a whole number from {scale.low} to {scale.high}")
    if not scale.low <= score <= scale.high:
        return Unscored("not_allowed", f"{item}: score {score} is not within {scale.low} to {scale.high}")
    evidence, nowhere = evidence_of(value.get("evidence"), turns) if turns is not None else ((), 0)
    return _Mark(score, evidence, nowhere, reason_of(value.get("reason")))


def _rows(asking: _Asking, judge: str, sample: int, reading: Reading[_Mark]) -> Iterator[Score]:
    for item in asking.items:
        row = Score(asking.session.key, asking.scale.name, asking.occasion, item.id, judge, sample)
        if mark := reading.parts.get(item.id):
            yield replace(row, scored=asking.scale.scored(item.id, mark.score), **asdict(mark))
        else:
            yield replace(row, unscored=reading.wrong[item.id])
