"""Sessions rated by judges, put together: scores, affect, the judges' cards and how far they can be trusted."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from counseling_sessions.evaluation.branches import Branches
from counseling_sessions.evaluation.figures import Measure, scale_measures
from counseling_sessions.evaluation.judged_codes import JudgedCodes, judged_codes
from counseling_sessions.evaluation.judged_risk import JudgedRisk, RiskCase
from counseling_sessions.evaluation.judging.ask import Unscored
from counseling_sessions.evaluation.judging.branches import judge_branches
from counseling_sessions.evaluation.judging.cache import JudgeCache
from counseling_sessions.evaluation.judging.card import JudgeCards, RatedMaterial, judge_cards, score_ratings
from counseling_sessions.evaluation.judging.codes import CodesRubric, judge_codes
from counseling_sessions.evaluation.judging.judges import Judge
from counseling_sessions.evaluation.judging.means import AffectChange, SubscaleMean, affect_changes, subscale_means
from counseling_sessions.evaluation.judging.panel import Account, OnProgress, summed
from counseling_sessions.evaluation.judging.planting.checks import PlantedCheck, planted_checks
from counseling_sessions.evaluation.judging.run import Judgements, judge_sessions
from counseling_sessions.evaluation.judging.use import Rubric
from counseling_sessions.evaluation.scales import Scale
from counseling_sessions.evaluation.session_length import count_said
from counseling_sessions.evaluation.statistics.agreement import Level, Rating, krippendorff_alpha, ratings_table
from counseling_sessions.evaluation.statistics.intervals import Figure
from counseling_sessions.models.prices import Prices
from counseling_sessions.sessions import Session, SessionKey
from counseling_sessions.settings import SettingsError
from counseling_sessions.texts.words import counted

if TYPE_CHECKING:  # what talks to models takes seconds to import, and most evaluations ask none
    from counseling_sessions.models.chat import Models


@dataclass(frozen=True)
class Judging:
    """Who judges what.

    `rubric`: that in branches, asked on `cases` alone (None: not at all); `codes`: what messages are coded by (None: they are not);
    `planted`: how many sessions the planted defects are tried on (0: none), drawn from `planted_on`, or else from the judged ones, and
    `planted_name` says whose they are; `groups`: the group of each judged session; `share`: how much of a subscale a sample must have
    scored; `again`: ask once more for what is unscored.
    """

    judges: tuple[Judge, ...]
    scales: tuple[Scale, ...]
    rubric: Branches | None = None
    cases: tuple[RiskCase, ...] = ()
    codes: CodesRubric | None = None
    planted: int = 10
    planted_on: tuple[Session, ...] = ()
    planted_name: str = "all sessions"
    groups: Mapping[SessionKey, str] = field(default_factory=dict)
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
    """The judges' scores, what follows from them, and what they are worth.

    `judgements` and `cards` have the rubric in branches too; `means` and `measures` are of the scales, those of the rubric are in
    `risk` (None: it was asked on no session). `codes` has the behaviour codes (None: none were asked for).
    """

    scales: tuple[Scale, ...]
    judgements: Judgements
    means: tuple[SubscaleMean, ...]
    changes: tuple[AffectChange, ...]
    cards: JudgeCards
    agreements: tuple[ScaleAgreement, ...]
    checks: tuple[PlantedCheck, ...] = ()
    measures: dict[str, Measure] = field(default_factory=dict)
    risk: JudgedRisk | None = None
    codes: JudgedCodes | None = None

    @property
    def compared(self) -> tuple[tuple[SubscaleMean, ...], dict[str, Measure]]:
        """The means and measures by which groups are compared, of scales, rubric and codes."""
        means, measures = self.means, self.measures
        for part in (self.risk, self.codes):
            if part:
                means, measures = means + part.means, measures | part.measures
        return means, measures

    @property
    def marks(self) -> Iterator[tuple[str, Unscored | None]]:
        """The judge of everything that was to be scored or coded, and why it was not."""
        yield from ((row.judge, row.unscored) for row in self.judgements.rows)
        if self.codes:
            yield from ((row.judge, row.unscored) for row in self.codes.codings.rows)


async def judge(
    sessions: Sequence[Session],
    how: Judging,
    models: "Models",
    cache: JudgeCache,
    *,
    on_progress: OnProgress | None = None,
    on_stage: Callable[[str], Any] = lambda _: None,
) -> Judged:
    """Have the sessions rated, and the planted defects tried. Raises what `judge_sessions` raises."""
    if how.rubric and how.rubric.name in {scale.name for scale in how.scales}:
        raise SettingsError(f"a scale has the name of the rubric on risk, {how.rubric.name}: give it its own name")
    if how.scales:
        on_stage("rating sessions")
    judgements = await judge_sessions(
        sessions, how.scales, how.judges, models, cache, on_progress=on_progress, again=how.again, i_know=how.i_know
    )
    risk = await _on_risk(how, models, cache, on_progress, on_stage)
    codes = await _on_codes(sessions, how, models, cache, on_progress, on_stage)
    checks: list[PlantedCheck] = []
    if how.planted and how.scales:
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
    return _put_together(sessions, judgements, risk, codes, checks, how)


def _put_together(
    sessions: Sequence[Session],
    judgements: Judgements,
    risk: JudgedRisk | None,
    codes: JudgedCodes | None,
    checks: Sequence[PlantedCheck],
    how: Judging,
) -> Judged:
    means = [mean for scale in how.scales for mean in subscale_means(judgements.rows, scale, share=how.share)]
    changes = [
        change
        for scale in how.scales
        if scale.subject == "affect"
        for change in affect_changes(judgements.rows, scale, share=how.share)
    ]
    if risk:
        rows = (*judgements.rows, *risk.judgements.scores(risk.rubric.name))
        judgements = Judgements(rows, _accounts(judgements, risk.judgements.accounts))
    if codes:
        judgements = replace(judgements, accounts=_accounts(judgements, codes.codings.accounts))
    rubrics: tuple[Rubric, ...] = (*how.scales, *((risk.rubric,) if risk else ()))
    agreements = _agreements(judgements, how, rubrics)
    rated = RatedMaterial(
        words={session.key: count_said(session.dialogue) for session in sessions},
        groups=how.groups,
        alphas={(one.scale, one.judge): one.alpha.value for one in agreements if one.judge},
        planted=checks,
        planted_on=how.planted_name,
        seed=how.seed,
    )
    cards = judge_cards(how.judges, judgements, rubrics, rated=rated, prices=how.prices)
    return Judged(
        how.scales,
        judgements,
        tuple(means),
        tuple(changes),
        codes.on_cards(cards) if codes else cards,
        tuple(agreements),
        tuple(checks),
        scale_measures(how.scales),
        risk,
        codes,
    )


async def _on_risk(
    how: Judging,
    models: "Models",
    cache: JudgeCache,
    on_progress: OnProgress | None,
    on_stage: Callable[[str], Any],
) -> JudgedRisk | None:
    """Have the cases judged on the rubric in branches, where there are any."""
    if how.rubric is None or not how.cases:
        return None
    times = len(how.cases) * sum(judge.samples for judge in how.judges)
    fewest, most = (times * number for number in how.rubric.questions)
    on_stage(f"grading {counted(len(how.cases), 'session')} with a risk, {fewest:,} to {most:,} questions")
    sessions = [case.session for case in how.cases]
    judgements = await judge_branches(
        sessions, how.rubric, how.judges, models, cache, on_progress=on_progress, again=how.again, i_know=how.i_know
    )
    return JudgedRisk(how.rubric, how.cases, tuple(judge.name for judge in how.judges), judgements)


async def _on_codes(
    sessions: Sequence[Session],
    how: Judging,
    models: "Models",
    cache: JudgeCache,
    on_progress: OnProgress | None,
    on_stage: Callable[[str], Any],
) -> JudgedCodes | None:
    """Have the sessions coded, where that is wanted."""
    if how.codes is None:
        return None
    questions = sum(map(how.codes.questions, sessions)) * sum(judge.samples for judge in how.judges)
    on_stage(f"coding {counted(len(sessions), 'session')}, {counted(questions, 'question')}")
    codings = await judge_codes(
        sessions, how.codes, how.judges, models, cache, on_progress=on_progress, again=how.again, i_know=how.i_know
    )
    return judged_codes(sessions, how.codes, [judge.name for judge in how.judges], codings)


def _accounts(judgements: Judgements, more: Mapping[str, Account]) -> dict[str, Account]:
    return {name: summed((account, more[name])) for name, account in judgements.accounts.items()}


def _agreements(judgements: Judgements, how: Judging, rubrics: Sequence[Rubric]) -> list[ScaleAgreement]:
    raters = [rater.name for rater in how.judges if rater.samples > 1] + [None] * (len(how.judges) > 1)
    return [
        ScaleAgreement(one.name, rater, _alpha(score_ratings(judgements.rows, one.name, rater), _level(one)))
        for one in rubrics
        for rater in raters
    ]


def _level(rubric: Rubric) -> Level:
    return "ordinal" if isinstance(rubric, Branches) else "interval"


def _alpha(scores: Sequence[tuple[str, str, float | None, str]], level: Level) -> Figure:
    """Alpha within items and occasions, averaged: over all at once, differences between items would pass for agreement."""
    ratings = []
    for unit, rater, value, client in scores:
        source, session, item = unit.split("\n", 2)
        ratings.append(Rating(f"{source}\n{session}", rater, value, client, item))
    alpha = krippendorff_alpha(ratings_table(ratings, level))
    items = counted(len({rating.stratum for rating in ratings}), "item")
    note = "; ".join(part for part in (f"mean over {items}", alpha.note) if part)
    return replace(alpha, note=note)
