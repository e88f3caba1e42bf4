"""Sessions rated by judges, put together: scores, affect, the judges' cards and how far they can be trusted."""

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from statistics import fmean
from typing import Any

from counseling_sessions.evaluation.figures import Measure, scale_measures
from counseling_sessions.evaluation.judging.cache import JudgeCache
from counseling_sessions.evaluation.judging.card import JudgeCards, judge_cards, score_ratings
from counseling_sessions.evaluation.judging.checks import PlantedCheck, planted_checks
from counseling_sessions.evaluation.judging.judges import Judge
from counseling_sessions.evaluation.judging.means import AffectChange, SubscaleMean, affect_changes, subscale_means
from counseling_sessions.evaluation.judging.panel import OnProgress
from counseling_sessions.evaluation.judging.run import Judgements, judge_sessions
from counseling_sessions.evaluation.scales import Scale
from counseling_sessions.evaluation.statistics.agreement import Rating, plain_alpha, ratings_table
from counseling_sessions.evaluation.statistics.intervals import Figure
from counseling_sessions.models.chat import Models
from counseling_sessions.models.prices import Prices
from counseling_sessions.sessions import Session


@dataclass(frozen=True)
class Judging:
    """Who judges what. `planted`: how many sessions the planted defects are tried on (0: none), drawn from the judged ones, or from
    `planted_on`; `share`: how much of a subscale a sample must have scored; `again`: ask once more for what is unscored."""

    judges: tuple[Judge, ...]
    scales: tuple[Scale, ...]
    planted: int = 10
    planted_on: tuple[Session, ...] = ()
    share: float = 1.0
    again: bool = False
    i_know: bool = False
    prices: Prices | None = None
    seed: int = 0


@dataclass(frozen=True)
class ScaleAgreement:
    """Krippendorff's alpha on one scale, the mean over its items: of one judge's samples, or (`judge` None) between the judges."""

    scale: str
    judge: str | None
    alpha: Figure


@dataclass(frozen=True)
class Judged:
    """The judges' scores, what follows from them, and what they are worth."""

    scales: tuple[Scale, ...]
    judgements: Judgements
    means: tuple[SubscaleMean, ...]
    changes: tuple[AffectChange, ...]
    cards: JudgeCards
    agreements: tuple[ScaleAgreement, ...]
    checks: tuple[PlantedCheck, ...] = ()
    measures: dict[str, Measure] = field(default_factory=dict)


async def judge(
    sessions: Sequence[Session],
    how: Judging,
    models: Models,
    cache: JudgeCache,
    *,
    on_progress: OnProgress | None = None,
    on_stage: Callable[[str], Any] = lambda _: None,
) -> Judged:
    """Have the sessions rated, and the planted defects tried. Raises what `judge_sessions` raises."""
    on_stage("rating sessions")
    judgements = await judge_sessions(
        sessions, how.scales, how.judges, models, cache, on_progress=on_progress, again=how.again, i_know=how.i_know
    )
    checks: list[PlantedCheck] = []
    if how.planted:
        on_stage("rating sessions with a planted defect")
        checks, _ = await planted_checks(
            how.planted_on or sessions,
            how.scales,
            how.judges,
            models,
            cache,
            n=how.planted,
            seed=how.seed,
            on_progress=on_progress,
            i_know=how.i_know,
        )
    means = [mean for scale in how.scales for mean in subscale_means(judgements.rows, scale, share=how.share)]
    changes = [
        change
        for scale in how.scales
        if scale.subject == "affect"
        for change in affect_changes(judgements.rows, scale, share=how.share)
    ]
    return Judged(
        how.scales,
        judgements,
        tuple(means),
        tuple(changes),
        judge_cards(how.judges, judgements, how.scales, planted=checks, prices=how.prices),
        tuple(_agreements(judgements, how)),
        tuple(checks),
        scale_measures(how.scales),
    )


def _agreements(judgements: Judgements, how: Judging) -> list[ScaleAgreement]:
    raters = [rater.name for rater in how.judges if rater.samples > 1] + [None] * (len(how.judges) > 1)
    return [
        ScaleAgreement(scale.name, rater, _alpha(score_ratings(judgements.rows, scale.name, rater)))
        for scale in how.scales
        for rater in raters
    ]


def _alpha(ratings: Sequence[tuple[str, str, float | None, str]]) -> Figure:
    """The mean over items of each item's alpha: over all items at once, differences between items would pass for agreement."""
    by_item: dict[str, list[Rating]] = defaultdict(list)
    for rating in ratings:
        by_item[rating[0].split("\n", 2)[2]].append(Rating(*rating))
    alphas = [plain_alpha(ratings_table(of_item, "interval")) for of_item in by_item.values()]
    defined = [alpha for alpha in alphas if alpha is not None]
    sessions = len({rating[0].rpartition("\n")[0] for rating in ratings})
    clients = len({rating[3] for rating in ratings})
    note = f"mean over {len(defined)} of {len(alphas)} items; no interval"
    return Figure(fmean(defined) if defined else None, None, None, sessions, clients, note=note)
