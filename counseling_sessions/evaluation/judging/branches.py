"""Judging sessions on a rubric in branches: each sample of each judge walks a dimension, and is asked only what lies on its way."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any

from counseling_sessions.evaluation.branches import POINTS, SEVERITIES, Branches, Severity
from counseling_sessions.evaluation.judging.ask import (
    EVIDENCE,
    REASON,
    Question,
    Reading,
    Unscored,
    evidence_of,
    reason_of,
)
from counseling_sessions.evaluation.judging.cache import JudgeCache
from counseling_sessions.evaluation.judging.judges import Judge
from counseling_sessions.evaluation.judging.material import messages_of, session_part, turns_of
from counseling_sessions.evaluation.judging.panel import Account, OnProgress, Panel, seats
from counseling_sessions.evaluation.judging.run import Score, unspoken
from counseling_sessions.models.structured import AnswerSchema
from counseling_sessions.profiles.schema import clean
from counseling_sessions.prompts import prompt
from counseling_sessions.sessions import Session, SessionKey

if TYPE_CHECKING:  # what talks to models takes seconds to import, and most evaluations ask none
    from counseling_sessions.models.chat import Models


@dataclass(frozen=True, slots=True)
class BranchStep:
    """An answer on the way; `evidence` names turns that exist, `nowhere` counts those named that do not."""

    question: str
    answer: str
    evidence: tuple[int, ...] = ()
    nowhere: int = 0
    reason: str = ""


@dataclass
class Walk:
    """One sample's way through a dimension: its steps, and the `severity` at which it ended (None where `unscored` says why)."""

    key: SessionKey
    dimension: str
    judge: str
    sample: int
    steps: list[BranchStep] = field(default_factory=list)
    severity: Severity | None = None
    unscored: Unscored | None = None


@dataclass(frozen=True)
class BranchJudgements:
    """All walks, by session, dimension, judge and sample, and what the judges' answers took, by judge."""

    walks: tuple[Walk, ...]
    accounts: dict[str, Account]

    def severities(self, judge: str | None = None) -> dict[tuple[SessionKey, str], Severity | None]:
        """The commonest severity of a session on a dimension, the graver of two as common; None where nothing was scored.

        Of the samples of one `judge`, or of all together.
        """
        counts: dict[tuple[SessionKey, str], Counter[Severity]] = defaultdict(Counter)
        for walk in self.walks:
            if judge in (None, walk.judge):
                counts[walk.key, walk.dimension].update([walk.severity] if walk.severity else [])
        return {where: _commonest(count) for where, count in counts.items()}

    def scores(self, scale: str) -> list[Score]:
        """The walks as scores of a scale whose items are the dimensions, with a severity's `POINTS`; no_occasion is unscored."""
        return [_score(walk, scale) for walk in self.walks]


def _commonest(counts: Counter[Severity]) -> Severity | None:
    ranked = sorted(counts.items(), key=lambda counted: (counted[1], SEVERITIES.index(counted[0])))
    return ranked[-1][0] if ranked else None


def _score(walk: Walk, scale: str) -> Score:
    points = POINTS.get(walk.severity) if walk.severity else None
    reason = walk.steps[-1].reason if walk.steps else ""
    nothing = Unscored("no_occasion", reason) if walk.severity == "no_occasion" else None
    return Score(
        key=walk.key,
        scale=scale,
        occasion="session",
        item=walk.dimension,
        judge=walk.judge,
        sample=walk.sample,
        score=points,
        scored=points,
        evidence=tuple(dict.fromkeys(turn for step in walk.steps for turn in step.evidence)),
        nowhere=sum(step.nowhere for step in walk.steps),
        reason=reason,
        unscored=walk.unscored or nothing,
    )


@dataclass(frozen=True)
class _Spot:
    """A question of a dimension, about the session at this place."""

    place: int
    dimension: str
    question: str


async def judge_branches(
    sessions: Iterable[Session],
    rubric: Branches,
    judges: Sequence[Judge],
    models: "Models",
    cache: JudgeCache,
    *,
    on_progress: OnProgress | None = None,
    again: bool = False,
    i_know: bool = False,
) -> BranchJudgements:
    """Walk every dimension with every sample of every judge. The cache answers first; `again` asks once more for what is unscored.

    Raises what `judge_sessions` raises.
    """
    sessions = list(sessions)
    panel = Panel(await seats(judges, models, i_know=i_know), models, cache, on_progress, again)
    walks = [
        (_Spot(place, name, dimension.first), Walk(session.key, name, judge.name, sample, unscored=unspoken(session)))
        for place, session in enumerate(sessions)
        for name, dimension in rubric.dimensions.items()
        for judge in judges
        for sample in range(1, judge.samples + 1)
    ]
    at = [(spot, walk) for spot, walk in walks if not walk.unscored]
    while at:
        at = await _next_step(at, sessions, rubric, panel)
    return BranchJudgements(tuple(walk for _, walk in walks), panel.accounts)


async def _next_step(
    at: list[tuple[_Spot, Walk]], sessions: Sequence[Session], rubric: Branches, panel: Panel
) -> list[tuple[_Spot, Walk]]:
    """Ask each walk the question at which it stands; those that go on, and where they stand then."""
    plans: dict[str, dict[_Spot, int]] = {name: {} for name in panel.accounts}
    standing = {}
    for spot, walk in at:
        plan = plans[walk.judge]
        standing[walk.judge, plan.setdefault(spot, len(plan)), walk.sample] = spot, walk
    answers = await panel.ask(
        lambda judge: [partial(_question, spot, sessions[spot.place], rubric) for spot in plans[judge.name]],
        only=standing.keys(),
    )
    on: list[tuple[_Spot, Walk]] = []
    for answer in answers:
        spot, walk = standing[answer.judge, answer.place, answer.sample]
        if question := _taken(walk, spot, rubric, answer.outcome.reading):
            on.append((_Spot(spot.place, spot.dimension, question), walk))
    return on


def _taken(walk: Walk, spot: _Spot, rubric: Branches, reading: Reading[BranchStep]) -> str | None:
    """Enter an answer in a walk; the next question, if there is one."""
    step = reading.parts.get(spot.question)
    if step is None:
        walk.unscored = reading.wrong[spot.question]
        return None
    walk.steps.append(step)
    answer = rubric.dimensions[spot.dimension].questions[spot.question].answers[step.answer]
    walk.severity = answer.severity
    return answer.next


def _question(spot: _Spot, session: Session, rubric: Branches, judge: Judge) -> Question[BranchStep]:
    dimension = rubric.dimensions[spot.dimension]
    asked = dimension.questions[spot.question]
    names = list(asked.answers)
    task = prompt(
        "judge/branch",
        question=clean(rubric.question),
        title=clean(dimension.title),
        ask=clean(asked.ask),
        answers="\n".join(f"- {name}: {clean(answer.means)}" for name, answer in asked.answers.items()),
        keys=f'"{spot.question}"',
        names=", ".join(f'"{name}"' for name in names),
    )
    fields = {"evidence": EVIDENCE, "reason": REASON, "answer": {"type": "string", "enum": names}}
    part = {"type": "object", "properties": fields, "required": list(fields), "additionalProperties": False}
    turns = turns_of(session)
    return Question(
        messages_of(judge.language, session_part(session), task),
        AnswerSchema("branch", {spot.question: part}),
        lambda question, value: _read(question, value, names, turns),
        rubric.hash,
        session.id,
    )


def _read(question: str, value: dict[str, Any], names: Sequence[str], turns: frozenset[int]) -> BranchStep | Unscored:
    answer = value.get("answer")
    if not isinstance(answer, str) or answer not in names:
        return Unscored("not_allowed", f"{question}: answer must be one of {', '.join(names)}")
    evidence, nowhere = evidence_of(value.get("evidence"), turns)
    return BranchStep(question, answer, evidence, nowhere, reason_of(value.get("reason")))
