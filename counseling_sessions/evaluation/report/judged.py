"""The sections on judged scales: the main table, affect before and after, distributions, and the judges' cards."""

from collections import defaultdict
from collections.abc import Mapping, Sequence

from counseling_sessions.evaluation.figures import Measure, SessionFigures
from counseling_sessions.evaluation.groups import Gathered
from counseling_sessions.evaluation.judged import Judged
from counseling_sessions.evaluation.judging.card import JudgeCard
from counseling_sessions.evaluation.judging.means import AffectChange
from counseling_sessions.evaluation.judging.verdicts import reason_words
from counseling_sessions.evaluation.measure import means
from counseling_sessions.evaluation.report.document import Block, Cell, Row, Section, Table
from counseling_sessions.evaluation.report.format import INTERVALS, figure_cell, number, tally_cell
from counseling_sessions.evaluation.report.judge_use import (
    closeness_cell,
    planted_tables,
    scored_table,
    use_tables,
    verdict_table,
    warnings_of,
)
from counseling_sessions.evaluation.report.plots import boxes, dots
from counseling_sessions.evaluation.report.points import Point
from counseling_sessions.evaluation.scales import Scale
from counseling_sessions.evaluation.statistics.intervals import Figure, mean_figure
from counseling_sessions.profiles.schema import ATTITUDES

_Rows = Mapping[str, Sequence[SessionFigures]]
_THESE_JUDGES = "Means over several judges hold for these judges: clients alone are chance."
_UNTESTED = "Differences of these means are not tested here; run.py compare does."


def scores_section(
    judged: Judged, rows: _Rows, *, attitudes: Sequence[str] = ATTITUDES, compared: bool = False, seed: int = 0
) -> Section:
    """Means of every subscale by group, which a comparison tests if there is one; by these attitudes; distributions."""
    blocks: list[Block] = []
    scales = [scale for scale in judged.scales if scale.subject == "session"]
    if judged.measures:
        figures = {group: means(of_group, judged.measures, seed=seed) for group, of_group in rows.items()}
        heads = ("", *(f"{group} (n={len(of_group):,})" for group, of_group in rows.items()))
        lines: list[Row] = [
            (_bounds(measure), *(figure_cell(figures[group].get(name)) for group in rows))
            for name, measure in judged.measures.items()
        ]
        untested = () if compared or len(rows) < 2 else (_UNTESTED,)
        notes_below = (INTERVALS, *([_THESE_JUDGES] if len(judged.cards.cards) > 1 else ()), *untested)
        blocks.append(Table("Means over all sessions, paired or not", heads, tuple(lines), notes_below))
    if counts := [count for card in judged.cards.cards for count in card.groups]:
        blocks.append(scored_table(counts))
    for scale in scales:
        wanted = [measure for measure in judged.measures.values() if measure.family == scale.name]
        blocks.append(_by_attitude(scale, wanted, rows, attitudes, seed))
        for measure in wanted:
            values = {
                group: [row.values[measure.id] for row in of_group if measure.id in row.values]
                for group, of_group in rows.items()
            }
            if any(values.values()):
                blocks.append(
                    boxes(values, f"Distribution: {measure.title}", "mean of a session", bounds=_ends(measure))
                )
    notes = tuple(f"{scale.title}: {scale.note}" for scale in judged.scales)
    return Section("Judged scales", (*warnings_of(judged), *notes), tuple(blocks))


def _bounds(measure: Measure) -> Cell:
    low, high = _ends(measure)
    return Cell(f"{measure.title} ({number(low, digits=0)} to {number(high, digits=0)})", better=measure.better)


def _ends(measure: Measure) -> tuple[float, float]:
    assert measure.low is not None
    assert measure.high is not None
    return measure.low, measure.high


def _by_attitude(scale: Scale, measures: Sequence[Measure], rows: _Rows, attitudes: Sequence[str], seed: int) -> Block:
    points: dict[str, dict[str, Point]] = {}
    for measure in measures:
        for attitude in attitudes:
            of_attitude = {
                group: [row for row in of_group if row.key.attitude == attitude] for group, of_group in rows.items()
            }
            if of_groups := _points(of_attitude, measure, seed):
                points[f"{_subscale(measure)}, {attitude}"] = of_groups
    if not points:
        points = {_subscale(measure): _points(rows, measure, seed) for measure in measures}
    caption, axis = f"{scale.title}, by the client's attitude", "mean over sessions, with 95 % intervals"
    return dots(points, caption, axis, bounds=(float(scale.low), float(scale.high)))


def _subscale(measure: Measure) -> str:
    return measure.title.rpartition(", ")[2]


def _points(rows: _Rows, measure: Measure, seed: int) -> dict[str, Point]:
    """The mean of every group that has one."""
    figures = {
        group: means(of_group, {measure.id: measure}, seed=seed).get(measure.id) for group, of_group in rows.items()
    }
    return {group: point for group, figure in figures.items() if (point := _point(figure))}


def _point(figure: Figure | None) -> Point | None:
    return Point(figure.value, figure.low, figure.high) if figure and figure.value is not None else None


def affect_section(judged: Judged, gathered: Gathered, *, seed: int = 0) -> Section | None:
    """Affect before and after the session, by group and attitude."""
    if not judged.changes:
        return None
    blocks: list[Block] = []
    groups, paired = gathered.group_of, gathered.pairing
    for scale in (scale for scale in judged.scales if scale.subject == "affect"):
        by_kind: dict[tuple[str, str], list[AffectChange]] = defaultdict(list)
        for change in judged.changes:
            if change.scale == scale.name:
                by_kind[groups[change.key], paired.key(change.key).attitude].append(change)
        rows: list[Row] = []
        points: dict[str, dict[str, Point]] = {}
        for subscale in scale.subscales:
            for (group, attitude), changes in sorted(
                by_kind.items(), key=lambda item: (item[0][0], _place(item[0][1]))
            ):
                mine = [change for change in changes if change.subscale == subscale]
                figures = [
                    mean_figure(((change.key.client, getattr(change, what)) for change in mine), seed=seed)
                    for what in ("before", "after", "change")
                ]
                label = ", ".join(part for part in (subscale, group, attitude) if part)
                rows.append((label, tally_cell(figures[0].n), *(figure_cell(figure) for figure in figures)))
                named = zip(("before", "after"), figures, strict=False)
                if pair := {what: point for what, figure in named if (point := _point(figure))}:
                    points[label] = pair
        blocks.append(Table(scale.title, ("", "n", "before", "after", "change"), tuple(rows), (INTERVALS,)))
        if points:
            axis = "mean over sessions, with 95 % intervals"
            blocks.append(dots(points, f"{scale.title}: before and after", axis, bounds=(scale.low, scale.high)))
    said = "Before: rated from the intake form alone. After: from the intake form and the session."
    return Section("Affect before and after", (said,), tuple(blocks))


def _place(attitude: str) -> int:
    return ATTITUDES.index(attitude) if attitude in ATTITUDES else len(ATTITUDES)


def judges_section(judged: Judged) -> Section:
    """The judges' cards."""
    blocks: list[Block] = []
    for card in judged.cards.cards:
        alphas = {item.scale: item.alpha for item in judged.agreements if item.judge == card.judge}
        blocks += [verdict_table(card)] if card.verdicts else []
        blocks += [judge_card(card), *(use_tables(card, alphas) if card.scales else [])]
        if card.planted:
            blocks += planted_tables(card)
    if judged.cards.between:
        blocks.append(_between(judged))
    said = (
        "What has to be known of a judge before its scores are believed: how alike its answers are when it is asked again, how "
        "much of the scale it uses, what it could not score, whether it goes by length, and whether it notices when a session is "
        "broken on purpose.",
    )
    return Section("Judge cards", said, tuple(blocks))


def judge_card(card: JudgeCard) -> Table:
    """What is known of a judge besides its scores."""
    unscored = sum(card.unscored.values())
    reasons = reason_words(card.unscored)
    sampled = "the server's default temperature" if card.temperature is None else f"temperature {card.temperature}"
    used = card.used
    rows: list[Row] = [
        ("model", card.model),
        ("samples", f"{card.samples} at {sampled}"),
        ("unscored", f"{unscored:,} of {card.wanted:,}" + (f" ({reasons})" if reasons else "")),
        ("turns named as evidence", f"{card.evidence:,}, {card.nowhere:,} of them do not exist"),
        ("scores without evidence", f"{card.without_evidence:,}"),
        ("answers with a draft", f"{card.drafts:,}; the last rating counts"),
        ("questions", f"{card.questions:,}, {card.hits:,} answered from the cache, {card.retries:,} asked again"),
        (
            "tokens",
            f"{used.prompt + used.completion:,}" + (f"; cost {card.cost:,.4g}" if card.cost is not None else ""),
        ),
        ("rubrics", ", ".join(f"{name} {digest}" for name, digest in card.rubrics.items())),
        ("prompts", ", ".join(f"{name.removeprefix('judge/')} {digest}" for name, digest in card.prompts.items())),
    ]
    return Table(f"Judge: {card.judge}", ("", ""), tuple(rows))


def _between(judged: Judged) -> Table:
    alphas = {item.scale: item.alpha for item in judged.agreements if item.judge is None}
    rows: list[Row] = [
        (
            f"{pair.scale}: {pair.one}, {pair.other}",
            tally_cell(pair.closeness.n),
            closeness_cell(pair.closeness),
            figure_cell(alphas.get(pair.scale)),
        )
        for pair in judged.cards.between
    ]
    return Table("Between judges", ("", "pairs of scores", "alike (within one)", "alpha of all judges"), tuple(rows))
