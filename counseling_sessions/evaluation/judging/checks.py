"""Whether the judges notice planted defects: the same sessions rated intact and broken, on the items that must fall."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from random import Random
from statistics import fmean

from counseling_sessions.evaluation.judging.cache import JudgeCache
from counseling_sessions.evaluation.judging.judges import Judge
from counseling_sessions.evaluation.judging.panel import OnProgress
from counseling_sessions.evaluation.judging.planted import CONTROL, Defect, defects, plant
from counseling_sessions.evaluation.judging.run import Judgements, Score, judge_each
from counseling_sessions.evaluation.scales import Scale
from counseling_sessions.models.chat import Models
from counseling_sessions.sessions import Session

ALIKE = 1e-9
"""Means of whole numbers that are this close are the same."""


@dataclass(frozen=True, slots=True)
class PlantedCheck:
    """How one judge rates sessions with one defect against the same sessions without it, on one target (an item or a subscale).

    `n` sessions were rated both times: the score `fell`, `tied` or `rose` in so many. `mean_fall` is the mean of score before minus
    score after, in points of the scale (None for n = 0). `at_floor` counts scores that were the lowest already. `unscored` counts
    sessions without one of the two ratings.
    """

    defect: str
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


async def planted_checks(
    sessions: Iterable[Session],
    scales: Sequence[Scale],
    judges: Sequence[Judge],
    models: Models,
    cache: JudgeCache,
    *,
    n: int = 10,
    seed: int = 0,
    planted: Sequence[Defect] | None = None,
    on_progress: OnProgress | None = None,
    i_know: bool = False,
) -> tuple[list[PlantedCheck], Judgements]:
    """Rate `n` sessions drawn by `seed`, intact and with each defect; a row for every defect, judge, scale and target.

    The cache answers for the intact sessions where `judge_sessions` has rated them. A defect is rated on the scales that it names. Left
    out are scales that need a form where no session has one, and defects that name no other scale. The judgements are those of all the
    sessions, broken ones under `<id>~<defect>`. Raises what `judge_sessions` raises.
    """
    sessions = list(sessions)
    scales = [scale for scale in scales if not scale.needs_form or any(session.profile for session in sessions)]
    planted = [
        defect
        for defect in (defects() if planted is None else planted)
        if defect.id == CONTROL or any(defect.targets(scale) for scale in scales)
    ]
    chosen = draw_sessions(sessions, n, seed, planted)
    wanted: list[tuple[Session, Sequence[Scale]]] = [
        (session, [scale for scale in scales if any(defect.targets(scale) for defect in planted)]) for session in chosen
    ]
    for defect in planted:
        for session in chosen:
            if changed := plant(session, defect, seed):
                wanted.append((changed, [scale for scale in scales if _targets(defect, scale, planted)]))
    judgements = await judge_each(wanted, judges, models, cache, on_progress=on_progress, i_know=i_know)
    scores = _scores(judgements.rows)
    checks = [
        _check(scores, defect, judge.name, scale, target, [(session.source, session.id) for session in chosen])
        for defect in planted
        for judge in judges
        for scale in scales
        for target in _targets(defect, scale, planted)
    ]
    return checks, judgements


def draw_sessions(
    sessions: Iterable[Session], n: int, seed: int, planted: Sequence[Defect] | None = None
) -> list[Session]:
    """At most `n` sessions that every defect fits, drawn by a seed; their order does not matter."""
    planted = defects() if planted is None else planted
    fitting = sorted(
        (session for session in sessions if all(plant(session, defect, seed) for defect in planted)),
        key=lambda session: (session.id, session.source),
    )
    return Random(seed).sample(fitting, min(n, len(fitting)))


def _targets(defect: Defect, scale: Scale, planted: Sequence[Defect]) -> list[str]:
    """The targets on a scale: what must fall; for the control all that must fall for any other defect."""
    if defect.id != CONTROL:
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
    scores: _Scores, defect: Defect, judge: str, scale: Scale, target: str, sessions: Sequence[tuple[str, str]]
) -> PlantedCheck:
    falls: list[float] = []
    at_floor = 0
    for source, session in sessions:
        intact, broken = (
            [scores.get((source, name, judge, scale.name, item)) for item in scale.members(target)]
            for name in (session, f"{session}~{defect.id}")
        )
        # All items of the target, or none: the mean of some is that of another target.
        if all(intact) and all(broken):
            before = fmean(fmean(values) for values in intact if values)
            falls.append(before - fmean(fmean(values) for values in broken if values))
            at_floor += before == scale.low
    return PlantedCheck(
        defect=defect.id,
        judge=judge,
        scale=scale.name,
        target=target,
        n=len(falls),
        fell=sum(fall > ALIKE for fall in falls),
        tied=sum(abs(fall) <= ALIKE for fall in falls),
        rose=sum(fall < -ALIKE for fall in falls),
        at_floor=at_floor,
        mean_fall=fmean(falls) if falls else None,
        unscored=len(sessions) - len(falls),
    )
