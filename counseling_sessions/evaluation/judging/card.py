"""The judge card: what readers must know of a judge before they believe its scores."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from itertools import combinations, product
from statistics import fmean
from typing import Protocol

from pydantic import BaseModel, ConfigDict

from counseling_sessions.evaluation.judging.cache import Tokens
from counseling_sessions.evaluation.judging.checks import PlantedCheck
from counseling_sessions.evaluation.judging.judges import Judge
from counseling_sessions.evaluation.judging.panel import Account, summed
from counseling_sessions.evaluation.judging.preference import PositionBias, Preference, Preferences, position_bias
from counseling_sessions.evaluation.judging.run import Judgements, Score
from counseling_sessions.models.prices import Prices
from counseling_sessions.prompts import prompt_hashes
from counseling_sessions.settings import ModelSettings, SessionConfig


class Rubric(Protocol):
    """What a card has to know of a scale, or of a rubric in branches: its bounds are those of its scores."""

    @property
    def name(self) -> str: ...
    @property
    def title(self) -> str: ...
    @property
    def hash(self) -> str: ...
    @property
    def low(self) -> int: ...
    @property
    def high(self) -> int: ...


class _Figures(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Closeness(_Figures):
    """How close pairs of scores of the same item are: plain figures, chance not taken out.

    `n` pairs; the shares that are `identical` and that differ by one point at most (`within_one`), 0 to 1; the mean absolute difference
    in points. None for no pairs.
    """

    n: int
    identical: float | None
    within_one: float | None
    mean_difference: float | None


class ScaleUse(_Figures):
    """How a judge uses a scale: of `n` scores (after reversal) the shares of the best possible (`top`) and of the worst (`bottom`).

    `unscored` counts missing item scores; `samples` is the closeness of the judge's samples.
    """

    scale: str
    title: str
    n: int
    top: float | None
    bottom: float | None
    mean: float | None
    unscored: int
    samples: Closeness


class JudgeCard(_Figures):
    """A judge in figures.

    `wanted` counts the parts of answers (items, aspects), `unscored` those that lack one, by reason. Of the `evidence` named,
    `nowhere` points to turns that do not exist; `without_evidence` scored parts name none. `used` is what all answers behind the
    results took, `spent` what this run took; `cost` is that of `used`, None without a price.
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
    wanted: int
    unscored: dict[str, int]
    evidence: int
    nowhere: int
    without_evidence: int
    scales: tuple[ScaleUse, ...]
    position: PositionBias | None
    planted: tuple[PlantedCheck, ...]
    used: Tokens
    spent: Tokens
    cost: float | None


class JudgePair(_Figures):
    """How close two judges are on a scale: every sample of the one against every sample of the other."""

    scale: str
    one: str
    other: str
    closeness: Closeness


class JudgeCards(_Figures):
    """A card for each judge, and how close the judges are to each other."""

    cards: tuple[JudgeCard, ...]
    between: tuple[JudgePair, ...]


def judge_cards(
    judges: Sequence[Judge],
    judgements: Judgements,
    scales: Sequence[Rubric],
    *,
    preferences: Preferences | None = None,
    aspects: tuple[str, str] | None = None,
    planted: Sequence[PlantedCheck] = (),
    prices: Prices | None = None,
) -> JudgeCards:
    """The cards of some judges; `aspects` are name and hash of the aspects of the preferences."""
    cards = tuple(_card(judge, judgements, scales, preferences, aspects, planted, prices) for judge in judges)
    between = tuple(
        JudgePair(
            scale=scale.name,
            one=one.name,
            other=other.name,
            closeness=_between(judgements.rows, scale, one.name, other.name),
        )
        for scale in scales
        for one, other in combinations(judges, 2)
    )
    return JudgeCards(cards=cards, between=between)


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
    preferences: Preferences | None,
    aspects: tuple[str, str] | None,
    planted: Sequence[PlantedCheck],
    prices: Prices | None,
) -> JudgeCard:
    scores = [row for row in judgements.rows if row.judge == judge.name]
    compared = [row for row in (preferences.rows if preferences else ()) if row.judge == judge.name]
    both: list[Score | Preference] = [*scores, *compared]
    account = summed(
        part.accounts[judge.name] for part in (judgements, preferences) if part and judge.name in part.accounts
    )
    rubrics = {scale.name: scale.hash for scale in scales}
    return JudgeCard(
        judge=judge.name,
        model=account.model,
        temperature=judge.temperature,
        samples=judge.samples,
        rubrics=rubrics | ({aspects[0]: aspects[1]} if aspects else {}),
        prompts={name: digest for name, digest in prompt_hashes().items() if name.startswith("judge/")},
        questions=account.questions,
        hits=account.hits,
        retries=account.retries,
        wanted=len(both),
        unscored=dict(Counter(filter(None, map(_missing, both))).most_common()),
        evidence=sum(len(_evidence(row)) + row.nowhere for row in both),
        nowhere=sum(row.nowhere for row in both),
        # Before a session there are no turns to point to.
        without_evidence=sum(
            not row.unscored and not _evidence(row) and not (isinstance(row, Score) and row.occasion == "before")
            for row in both
        ),
        scales=tuple(_use(scores, scale) for scale in scales),
        position=next(iter(position_bias(compared)), None),
        planted=tuple(check for check in planted if check.judge == judge.name),
        used=account.used,
        spent=account.spent,
        cost=_cost(account, prices),
    )


def _missing(row: Score | Preference) -> str:
    """Why a part of an answer has no score; empty where it has one, or where the answer is that there was no occasion."""
    return row.unscored.kind if row.unscored and row.unscored.kind != "no_occasion" else ""


def _evidence(row: Score | Preference) -> tuple[int, ...]:
    return row.evidence if isinstance(row, Score) else row.evidence_first + row.evidence_second


def _use(rows: Sequence[Score], scale: Rubric) -> ScaleUse:
    mine = [row for row in rows if row.scale == scale.name]
    values = [row.scored for row in mine if row.scored is not None]
    pairs = [pair for scores in _by_unit(mine).values() for pair in combinations(scores, 2)]
    return ScaleUse(
        scale=scale.name,
        title=scale.title,
        n=len(values),
        top=_share(value == scale.high for value in values),
        bottom=_share(value == scale.low for value in values),
        mean=fmean(values) if values else None,
        unscored=sum(bool(_missing(row)) for row in mine),
        samples=_closeness(pairs),
    )


def _between(rows: Sequence[Score], scale: Rubric, one: str, other: str) -> Closeness:
    of_scale = [row for row in rows if row.scale == scale.name]
    ours, theirs = (_by_unit(row for row in of_scale if row.judge == name) for name in (one, other))
    return _closeness([pair for unit in ours.keys() & theirs.keys() for pair in product(ours[unit], theirs[unit])])


def _by_unit(rows: Iterable[Score]) -> dict[tuple[str, str, str, str], list[int]]:
    units: dict[tuple[str, str, str, str], list[int]] = defaultdict(list)
    for row in rows:
        if row.scored is not None:
            units[row.key.source, row.key.session, row.occasion, row.item].append(row.scored)
    return units


def _closeness(pairs: Sequence[tuple[int, int]]) -> Closeness:
    apart = [abs(one - other) for one, other in pairs]
    return Closeness(
        n=len(apart),
        identical=_share(distance == 0 for distance in apart),
        within_one=_share(distance <= 1 for distance in apart),
        mean_difference=fmean(apart) if apart else None,
    )


def _share(hits: Iterable[bool]) -> float | None:
    values = list(hits)
    return fmean(values) if values else None


def _cost(account: Account, prices: Prices | None) -> float | None:
    """The cost of the answers used, as `models.prices` counts; None without a price for the model."""
    if prices is None:
        return None
    asked = SessionConfig(models={"default": ModelSettings(model=account.model or None)})
    price = prices.of_role(asked, "default")
    return price.of(account.used.prompt, account.used.cached, account.used.completion) if price else None
