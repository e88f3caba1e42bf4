"""The judge card: what readers must know of a judge before they believe its scores."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations
from statistics import fmean

from counseling_sessions.evaluation.judging.cache import Tokens
from counseling_sessions.evaluation.judging.judges import Judge
from counseling_sessions.evaluation.judging.length_link import LengthLink, length_links
from counseling_sessions.evaluation.judging.missing import GroupCount, group_counts
from counseling_sessions.evaluation.judging.panel import Account, summed
from counseling_sessions.evaluation.judging.planting.checks import PlantedCheck
from counseling_sessions.evaluation.judging.planting.noticing import Noticing, noticing
from counseling_sessions.evaluation.judging.preference import PairVerdict, PairVerdicts, PositionBias, position_bias
from counseling_sessions.evaluation.judging.run import Judgements, Score
from counseling_sessions.evaluation.judging.use import (
    CardPart,
    Closeness,
    Rubric,
    ScaleUse,
    between,
    use_of,
    why_missing,
)
from counseling_sessions.evaluation.judging.verdicts import Verdict, VerdictFacts, verdicts
from counseling_sessions.evaluation.scales import Scale
from counseling_sessions.models.prices import Prices
from counseling_sessions.prompts import prompt_hashes
from counseling_sessions.sessions import SessionKey
from counseling_sessions.settings import ModelSettings, SessionConfig


@dataclass(frozen=True)
class RatedMaterial:
    """What a card has to know of the sessions that were rated, besides the scores.

    `words` is each session's length and `groups` its group; `alphas` are the agreements of samples by scale and judge; `planted` are
    the checks of all judges, and `planted_on` says whose sessions were broken for them. `seed` is that of the resampling.
    """

    words: Mapping[SessionKey, int] = field(default_factory=dict)
    groups: Mapping[SessionKey, str] = field(default_factory=dict)
    alphas: Mapping[tuple[str, str], float | None] = field(default_factory=dict)
    planted: Sequence[PlantedCheck] = ()
    planted_on: str = ""
    seed: int = 0


class JudgeCard(CardPart):
    """A judge in figures.

    `wanted` counts the parts of answers (items, aspects), `unscored` those that lack one, by reason. Of the `evidence` named,
    `nowhere` points to turns that do not exist; `without_evidence` scored parts name none. `used` is what all answers behind the
    results took, `spent` what this run took; `cost` is that of `used`, None without a price. `temperature` is None where it is left to
    the server. Of the `questions`, `drafts` have an answer with a draft before the rating. `groups` counts what was scored by group,
    `verdicts` say in words what follows from all of it.
    """

    judge: str
    model: str
    temperature: float | None
    samples: int
    rubrics: dict[str, str]
    prompts: dict[str, str]
    questions: int
    hits: int
    retries: int
    drafts: int
    wanted: int
    unscored: dict[str, int]
    evidence: int
    nowhere: int
    without_evidence: int
    scales: tuple[ScaleUse, ...]
    position: PositionBias | None
    planted: tuple[PlantedCheck, ...]
    planted_on: str
    noticing: tuple[Noticing, ...]
    groups: tuple[GroupCount, ...]
    lengths: tuple[LengthLink, ...]
    verdicts: tuple[Verdict, ...]
    used: Tokens
    spent: Tokens
    cost: float | None


class JudgePair(CardPart):
    """How close two judges are on a scale: every sample of the one against every sample of the other."""

    scale: str
    one: str
    other: str
    closeness: Closeness


class JudgeCards(CardPart):
    """A card for each judge, and how close the judges are to each other."""

    cards: tuple[JudgeCard, ...]
    between: tuple[JudgePair, ...]


def judge_cards(
    judges: Sequence[Judge],
    judgements: Judgements,
    scales: Sequence[Rubric],
    *,
    preferences: PairVerdicts | None = None,
    aspects: tuple[str, str] | None = None,
    rated: RatedMaterial | None = None,
    prices: Prices | None = None,
) -> JudgeCards:
    """The cards of some judges; `aspects` are name and hash of the aspects of the preferences."""
    rated = rated or RatedMaterial()
    cards = tuple(_card(judge, judgements, scales, preferences, aspects, rated, prices) for judge in judges)
    pairs = tuple(
        JudgePair(
            scale=scale.name,
            one=one.name,
            other=other.name,
            closeness=between(judgements.rows, scale, one.name, other.name),
        )
        for scale in scales
        for one, other in combinations(judges, 2)
    )
    return JudgeCards(cards=cards, between=pairs)


def score_ratings(
    rows: Iterable[Score], scale: str, judge: str | None = None
) -> list[tuple[str, str, float | None, str]]:
    """The scores of a scale after reversal as ratings for a coefficient of agreement: unit, rater, value, client.

    A unit is source, session, occasion and item, joined by line feeds. Raters are the samples of one `judge`, or (None) the judges,
    whose value is the mean over their samples. None where nothing is scored.
    """
    cells: dict[tuple[str, str, str], list[int]] = defaultdict(list)
    for row in rows:
        if row.scale == scale and judge in (None, row.judge):
            unit = "\n".join((row.key.source, row.key.session, row.occasion, row.item))
            cell = cells[unit, str(row.sample) if judge else row.judge, row.key.client]
            if row.scored is not None:
                cell.append(row.scored)
    return [(unit, rater, fmean(cell) if cell else None, client) for (unit, rater, client), cell in cells.items()]


def _card(
    judge: Judge,
    judgements: Judgements,
    scales: Sequence[Rubric],
    preferences: PairVerdicts | None,
    aspects: tuple[str, str] | None,
    rated: RatedMaterial,
    prices: Prices | None,
) -> JudgeCard:
    scores = [row for row in judgements.rows if row.judge == judge.name]
    compared = [row for row in (preferences.rows if preferences else ()) if row.judge == judge.name]
    both: list[Score | PairVerdict] = [*scores, *compared]
    account = summed(
        part.accounts[judge.name] for part in (judgements, preferences) if part and judge.name in part.accounts
    )
    rubrics = {scale.name: scale.hash for scale in scales} | ({aspects[0]: aspects[1]} if aspects else {})
    checks = tuple(check for check in rated.planted if check.judge == judge.name)
    facts = _facts(judge, scores, both, account, scales, rated)
    return JudgeCard(
        judge=judge.name,
        model=account.model,
        temperature=judge.sent_temperature,
        samples=judge.samples,
        rubrics=rubrics,
        prompts={name: digest for name, digest in prompt_hashes().items() if name.startswith("judge/")},
        questions=account.questions,
        hits=account.hits,
        retries=account.retries,
        drafts=account.drafts,
        wanted=facts.wanted,
        unscored=facts.unscored,
        evidence=sum(len(_evidence(row)) + row.nowhere for row in both),
        nowhere=sum(row.nowhere for row in both),
        without_evidence=sum(map(_lacks_evidence, both)),
        scales=facts.scales,
        position=next(iter(position_bias(compared)), None),
        planted=checks,
        planted_on=rated.planted_on if checks else "",
        noticing=facts.noticing,
        groups=facts.groups,
        lengths=facts.lengths,
        verdicts=verdicts(facts) if scores else (),
        used=account.used,
        spent=account.spent,
        cost=_cost(account, prices),
    )


def _lacks_evidence(row: Score | PairVerdict) -> bool:
    # Before a session there are no turns to point to.
    before = isinstance(row, Score) and row.occasion == "before"
    return not row.unscored and not _evidence(row) and not before


def _facts(
    judge: Judge,
    scores: Sequence[Score],
    both: Sequence[Score | PairVerdict],
    account: Account,
    scales: Sequence[Rubric],
    rated: RatedMaterial,
) -> VerdictFacts:
    kinds = (why_missing(row.unscored) for row in both)
    real = [scale for scale in scales if isinstance(scale, Scale)]
    return VerdictFacts(
        wanted=len(both),
        unscored=dict(Counter(filter(None, kinds)).most_common()),
        questions=account.questions,
        drafts=account.drafts,
        scales=tuple(use_of(scores, scale) for scale in scales),
        groups=group_counts(scores, rated.groups, judge.name),
        lengths=length_links(scores, real, rated.words, rated.groups, seed=rated.seed) if rated.words else (),
        noticing=noticing(check for check in rated.planted if check.judge == judge.name),
        alphas={scale.name: rated.alphas.get((scale.name, judge.name)) for scale in scales},
    )


def _evidence(row: Score | PairVerdict) -> tuple[int, ...]:
    return row.evidence if isinstance(row, Score) else row.evidence_first + row.evidence_second


def _cost(account: Account, prices: Prices | None) -> float | None:
    """The cost of the answers used, as `models.prices` counts; None without a price for the model."""
    if prices is None:
        return None
    asked = SessionConfig(models={"default": ModelSettings(model=account.model or None)})
    price = prices.of_role(asked, "default")
    return price.of(account.used.prompt, account.used.cached, account.used.completion) if price else None
