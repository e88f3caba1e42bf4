"""Judging sessions on scales: rows of scores, one for every item of every sample, scored or unscored with why.

A scale of the session is asked with the transcript; a scale of affect is asked twice, from the intake form alone (before) and from
transcript and form (after). All the questions about a session begin with its transcript, so that prefix caches pay for it once. The
ratings before a session depend on the form alone and are therefore the same for all sessions of one client.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from counseling_sessions.evaluation.judging.ask import MOST_EVIDENCE, Question, Unscored, evidence_of, reason_of
from counseling_sessions.evaluation.judging.cache import JudgeCache
from counseling_sessions.evaluation.judging.judges import Judge
from counseling_sessions.evaluation.judging.material import form_part, messages_of, session_part, turns_of
from counseling_sessions.evaluation.judging.panel import Account, Answered, OnProgress, Panel, seats
from counseling_sessions.evaluation.scales import Item, Scale, Subject, described
from counseling_sessions.models.chat import Models
from counseling_sessions.models.structured import AnswerSchema
from counseling_sessions.profiles.schema import clean
from counseling_sessions.prompts import prompt
from counseling_sessions.sessions import Session, SessionKey
from counseling_sessions.settings import SettingsError

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
        return _question(self, judge)


async def judge_sessions(
    sessions: Iterable[Session],
    scales: Sequence[Scale],
    judges: Sequence[Judge],
    models: Models,
    cache: JudgeCache,
    *,
    on_progress: OnProgress | None = None,
    again: bool = False,
    i_know: bool = False,
) -> Judgements:
    """Rate every session on every scale by every judge. What is in the cache is not asked for; `again` asks for the unscored once more.

    Raises `SettingsError` for judges that cannot be used (the embedded model, unless `i_know`), `JudgeStopped` when an endpoint refuses
    or fails everything, `RunError` when the cache cannot be used.
    """
    names = [scale.name for scale in scales]
    if len(set(names)) < len(names):
        raise SettingsError(f"two scales have one name ({', '.join(names)}): give each a name of its own")
    wanted = [(session, scales) for session in sessions]
    return await judge_each(wanted, judges, models, cache, on_progress=on_progress, again=again, i_know=i_know)


async def judge_each(
    wanted: Sequence[tuple[Session, Sequence[Scale]]],
    judges: Sequence[Judge],
    models: Models,
    cache: JudgeCache,
    *,
    on_progress: OnProgress | None = None,
    again: bool = False,
    i_know: bool = False,
) -> Judgements:
    """`judge_sessions` with scales for each session of its own."""
    panel = Panel(await seats(judges, models, i_know=i_know), models, cache, on_progress, again)
    plans = {
        judge.name: [asking for session, scales in wanted for asking in _askings(session, scales, judge)]
        for judge in judges
    }
    asked = {name: [asking for asking in plan if not _groundless(asking)] for name, plan in plans.items()}
    async with panel.sitting():
        answers = await panel.ask(lambda judge: [asking.question for asking in asked[judge.name]])
    rows: list[Score] = []
    for answer in answers:
        rows += _rows(asked[answer.judge][answer.place], answer)
    for judge in judges:
        for asking in plans[judge.name]:
            if why := _groundless(asking):
                rows += _unasked(asking, judge, why)
    return Judgements(tuple(sorted(rows, key=_Order(wanted, judges))), panel.accounts)


def _askings(session: Session, scales: Sequence[Scale], judge: Judge) -> Iterator[_Asking]:
    for scale in scales:
        for occasion in OCCASIONS[scale.subject]:
            for items in [scale.items] if judge.per_call == "scale" else [(item,) for item in scale.items]:
                yield _Asking(session, scale, occasion, items)


def _groundless(asking: _Asking) -> Unscored | None:
    """Why a question need not be asked: there is nothing to judge by."""
    if asking.occasion != "before" and not any(message.text.strip() for message in asking.session.dialogue):
        return Unscored("empty_session", "nobody says a word")
    if asking.scale.subject == "affect" and asking.session.profile is None:
        return Unscored("no_intake_form", asking.session.profile_problem or "the session's file has no intake form")
    return None


def _question(asking: _Asking, judge: Judge) -> Question[_Mark]:
    session, scale, occasion = asking.session, asking.scale, asking.occasion
    parts = [] if occasion == "before" else [session_part(session)]
    if scale.subject == "affect" and session.profile:
        parts.append(form_part(session.profile))
    parts.append(_task(scale, asking.items, occasion))
    turns = None if occasion == "before" else turns_of(session)
    return Question(
        messages_of(judge.language, *parts),
        _schema(scale, asking.items, occasion),
        lambda item, value: _read(value, scale, item, turns),
        scale.hash,
        session.id,
    )


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
    # The reason comes before the score: a model that has said why scores better than one that has to justify its score.
    fields: dict[str, Any] = {
        "evidence": {"type": "array", "items": {"type": "integer", "minimum": 0}, "maxItems": MOST_EVIDENCE},
        "reason": {"type": "string", "maxLength": 300},
        "score": {"type": "integer", "minimum": scale.low, "maximum": scale.high},
    }
    if occasion == "before":
        del fields["evidence"]  # there are no turns yet to point to
    part = {"type": "object", "properties": fields, "required": list(fields), "additionalProperties": False}
    return AnswerSchema("scores", {item.id: part for item in items})


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


def _rows(asking: _Asking, answer: Answered[_Mark]) -> Iterator[Score]:
    scale, reading = asking.scale, answer.outcome.reading
    for item in asking.items:
        empty = _empty_row(asking, item, answer.judge, answer.sample)
        if mark := reading.given.get(item.id):
            yield replace(
                empty,
                score=mark.score,
                scored=scale.scored(item.id, mark.score),
                evidence=mark.evidence,
                nowhere=mark.nowhere,
                reason=mark.reason,
            )
        else:
            yield replace(empty, unscored=reading.wrong[item.id])


def _unasked(asking: _Asking, judge: Judge, why: Unscored) -> Iterator[Score]:
    for sample in range(1, judge.samples + 1):
        for item in asking.items:
            yield replace(_empty_row(asking, item, judge.name, sample), unscored=why)


def _empty_row(asking: _Asking, item: Item, judge: str, sample: int) -> Score:
    return Score(
        key=asking.session.key,
        scale=asking.scale.name,
        occasion=asking.occasion,
        item=item.id,
        judge=judge,
        sample=sample,
    )


class _Order:
    """Where a row stands among the others, whatever came in first."""

    def __init__(self, wanted: Sequence[tuple[Session, Sequence[Scale]]], judges: Sequence[Judge]) -> None:
        scales = {scale.name: scale for _, of_session in wanted for scale in of_session}.values()
        self._sessions = {(session.source, session.id): place for place, (session, _) in enumerate(wanted)}
        self._scales = {scale.name: place for place, scale in enumerate(scales)}
        self._items = {(scale.name, item.id): place for scale in scales for place, item in enumerate(scale.items)}
        self._judges = {judge.name: place for place, judge in enumerate(judges)}

    def __call__(self, row: Score) -> tuple[int, ...]:
        return (
            self._sessions[row.key.source, row.key.session],
            self._scales[row.scale],
            ("session", "before", "after").index(row.occasion),
            self._judges[row.judge],
            row.sample,
            self._items[row.scale, row.item],
        )
