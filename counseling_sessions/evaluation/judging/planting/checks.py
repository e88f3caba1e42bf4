"""Whether the judges notice planted defects: the same sessions rated intact and broken, on the items that must fall."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from random import Random
from statistics import fmean
from typing import TYPE_CHECKING

from counseling_sessions.evaluation.judging.cache import JudgeCache
from counseling_sessions.evaluation.judging.judges import Judge
from counseling_sessions.evaluation.judging.panel import OnProgress
from counseling_sessions.evaluation.judging.planting.defect import Defect, Role
from counseling_sessions.evaluation.judging.planting.planted import defects, plant
from counseling_sessions.evaluation.judging.run import Judgements, Score, judge_each
from counseling_sessions.evaluation.scales import Scale
from counseling_sessions.evaluation.statistics.sign_flips import PValue, sign_flip_test
from counseling_sessions.sessions import Session, SessionKey

if TYPE_CHECKING:  # what talks to models takes seconds to import, and most evaluations ask none
    from counseling_sessions.models.chat import Models

ALIKE = 1e-9
"""Means of whole numbers that are this close are the same."""
SIGNIFICANT = 0.05
"""A score fell, or moved, where the paired test's p is below this."""


@dataclass(frozen=True, slots=True)
class Fall:
    """The score of one session on one target, intact minus broken, in points of the scale."""

    session: SessionKey
    points: float


@dataclass(frozen=True, slots=True)
class PlantedCheck:
    """How one judge rates sessions with one defect against the same sessions without it, on one target (an item or a subscale).

    `n` sessions were rated both times: the score `fell`, `tied` or `rose` in so many. `mean_fall` is the mean of score before minus
    score after, in points of the scale (None for n = 0). `at_floor` counts scores that were the lowest already. `unscored` counts
    sessions without one of the two ratings; sessions into which the defect could not be planted are in none of these. `falls` has
    each session's; `test` flips the signs of a client's falls together.
    """

    defect: str
    role: Role
    judge: str
    scale: str
    target: str
    n: int
    fell: int
    tied: int
    rose: int
    at_floor: int
    mean_fall: float | None
    unscored: int
    test: PValue
    falls: tuple[Fall, ...] = ()

    @property
    def noticed(self) -> bool:
        """Whether the score fell by more than chance."""
        p = self.test.value
        return p is not None and p < SIGNIFICANT and (self.mean_fall or 0) > 0


async def planted_checks(
    sessions: Iterable[Session],
    scales: Sequence[Scale],
    judges: Sequence[Judge],
    models: "Models",
    cache: JudgeCache,
    *,
    n: int = 10,
    seed: int = 0,
    planted: Sequence[Defect] | None = None,
    on_progress: OnProgress | None = None,
    i_know: bool = False,
) -> tuple[list[PlantedCheck], Judgements]:
    """Rate `n` sessions drawn by `seed`, intact and with each defect; a row for every defect, judge, scale and target.

    The cache answers for the intact sessions where `judge_sessions` has rated them. A defect is rated on the scales that it names, a
    control on all of these. Left out are scales that need a form where no session has one, and defects that name no other scale. The
    judgements are those of all the sessions, broken ones under `<id>~<defect>`. Raises what `judge_sessions` raises.
    """
    sessions = list(sessions)
    scales = [scale for scale in scales if not scale.needs_form or any(session.profile for session in sessions)]
    planted = [
        defect
        for defect in (defects() if planted is None else planted)
        if defect.role != "defect" or any(defect.targets(scale) for scale in scales)
    ]
    chosen = draw_sessions(sessions, n, seed, planted)
    wanted = _wanted(chosen, planted, scales, seed)
    judgements = await judge_each(wanted, judges, models, cache, on_progress=on_progress, i_know=i_know)
    scores, made = _scores(judgements.rows), {session.id for session, _ in wanted}
    checks = []
    for defect in planted:
        into = [session.key for session in chosen if f"{session.id}~{defect.id}" in made]
        checks += [
            _check(scores, defect, judge.name, scale, target, into)
            for judge in judges
            for scale in scales
            for target in _targets(defect, scale, planted)
        ]
    return checks, judgements


def _wanted(
    chosen: Sequence[Session], planted: Sequence[Defect], scales: Sequence[Scale], seed: int
) -> list[tuple[Session, Sequence[Scale]]]:
    """The intact sessions and their broken copies, each with the scales on which it is rated."""
    tried = [scale for scale in scales if any(defect.targets(scale) for defect in planted)]
    wanted: list[tuple[Session, Sequence[Scale]]] = [(session, tried) for session in chosen]
    for defect in planted:
        on = [scale for scale in scales if _targets(defect, scale, planted)]
        wanted += [(changed, on) for session in chosen if (changed := plant(session, defect, seed))]
    return wanted


def draw_sessions(
    sessions: Iterable[Session], n: int, seed: int, planted: Sequence[Defect] | None = None
) -> list[Session]:
    """At most `n` sessions, drawn by a seed from as many clients as can be; their order does not matter.

    Those that most defects fit come first; those that none fits are left out.
    """
    planted = [defect for defect in (defects() if planted is None else planted) if defect.role == "defect"]
    by_client: dict[str, list[Session]] = defaultdict(list)
    fits: dict[SessionKey, int] = {}
    for session in sorted(sessions, key=lambda session: (session.id, session.source)):
        if fitting := sum(plant(session, defect, seed) is not None for defect in planted):
            fits[session.key] = fitting
            by_client[session.client].append(session)
    draw = Random(seed)
    # A client's first session, then everybody's second: sessions of one client are not independent.
    rounds = [
        (number, session)
        for client in draw.sample(sorted(by_client), len(by_client))
        for number, session in enumerate(draw.sample(by_client[client], len(by_client[client])))
    ]
    rounds.sort(key=lambda drawn: (-fits[drawn[1].key], drawn[0]))
    return [session for _, session in rounds[:n]]


def _targets(defect: Defect, scale: Scale, planted: Sequence[Defect]) -> list[str]:
    """The targets on a scale: what must fall; for a control all that must fall for any defect."""
    if defect.role == "defect":
        return list(defect.targets(scale))
    return list(dict.fromkeys(target for other in planted for target in other.targets(scale)))


_Scores = dict[tuple[str, str, str, str, str], list[float]]
"""Scores after reversal, by source, session, judge, scale and item: one for each sample that gave one."""


def _scores(rows: Iterable[Score]) -> _Scores:
    scores: _Scores = defaultdict(list)
    for row in rows:
        if row.scored is not None:
            scores[row.key.source, row.key.session, row.judge, row.scale, row.item].append(row.scored)
    return scores


def _check(
    scores: _Scores, defect: Defect, judge: str, scale: Scale, target: str, sessions: Sequence[SessionKey]
) -> PlantedCheck:
    falls: list[Fall] = []
    at_floor = 0
    for key in sessions:
        intact, broken = (
            [scores.get((key.source, name, judge, scale.name, item)) for item in scale.members(target)]
            for name in (key.session, f"{key.session}~{defect.id}")
        )
        # All items of the target, or none: the mean of some is that of another target.
        if all(intact) and all(broken):
            before = fmean(fmean(values) for values in intact if values)
            fall = before - fmean(fmean(values) for values in broken if values)
            falls.append(Fall(key, 0.0 if abs(fall) <= ALIKE else fall))
            at_floor += before == scale.low
    points = [fall.points for fall in falls]
    return PlantedCheck(
        defect=defect.id,
        role=defect.role,
        judge=judge,
        scale=scale.name,
        target=target,
        n=len(falls),
        fell=sum(fall > 0 for fall in points),
        tied=points.count(0),
        rose=sum(fall < 0 for fall in points),
        at_floor=at_floor,
        mean_fall=fmean(points) if points else None,
        unscored=len(sessions) - len(falls),
        test=sign_flip_test((fall.session.client, fall.points) for fall in falls),
        falls=tuple(falls),
    )
