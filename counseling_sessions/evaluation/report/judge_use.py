"""Tables of a judge's card: what it scored by group, how it uses its scales, and what it makes of planted defects."""

from collections.abc import Sequence
from dataclasses import replace

from counseling_sessions.evaluation.judged import Judged
from counseling_sessions.evaluation.judging.card import JudgeCard
from counseling_sessions.evaluation.judging.missing import GroupCount
from counseling_sessions.evaluation.judging.planting.checks import SIGNIFICANT, PlantedCheck
from counseling_sessions.evaluation.judging.planting.noticing import MeanFall, Noticing
from counseling_sessions.evaluation.judging.planting.planted import defects
from counseling_sessions.evaluation.judging.use import Closeness, ScoreSpread
from counseling_sessions.evaluation.judging.verdicts import SAME, Verdict, power_words, reason_words
from counseling_sessions.evaluation.report.document import Cell, Row, Significance, Table
from counseling_sessions.evaluation.report.format import (
    NONE,
    alone,
    figure_cell,
    number,
    p_cells,
    plain_cell,
    tally_cell,
)
from counseling_sessions.evaluation.statistics.intervals import Figure
from counseling_sessions.texts.words import counted

_WEIGHTS = {"against": "speaks against it", "caution": "say it beside the scores", "for": "speaks for it"}


def verdict_table(card: JudgeCard) -> Table:
    """What a paper may say of the judge, in words."""
    rows: list[Row] = []
    before = ""
    for verdict in card.verdicts:
        rows.append((_WEIGHTS[verdict.weight] if verdict.weight != before else "", _worded(verdict)))
        before = verdict.weight
    return Table(f"Judge {card.judge}: what a paper may say of it", ("", ""), tuple(rows))


def _worded(verdict: Verdict) -> Cell:
    return Cell(verdict.text, strong=verdict.weight == "against")


def scored_table(counts: Sequence[GroupCount]) -> Table:
    """What was scored and what was not, by judge and group."""
    rows: list[Row] = [
        (
            f"{count.judge}: {count.group}",
            tally_cell(count.sessions),
            tally_cell(count.lost),
            tally_cell(count.scored, count.asked),
            plain_cell(count.share, count.asked, share=True, strong=count.warns, test=_missing_test(count)),
            *p_cells(_missing_test(count)),
            Cell(reason_words(count.unscored) or NONE, spare=True),
        )
        for count in counts
    ]
    lost, why = Cell("without a score", spare=True), Cell("why", spare=True)
    heads = ("judge: group", "sessions", lost, "scored", "unscored", "p", "p (Holm)", why)
    notes = (
        "Item scores, of all samples. p: Fisher's test of clients with and without an unscored item, in this group and in all "
        "others; Holm: over the groups of a judge. Bold: more is missing than elsewhere.",
    )
    return Table("What was scored, by group", heads, tuple(rows), notes)


def _missing_test(count: GroupCount) -> Significance:
    correction = f"Holm, missing scores, {counted(count.tests, 'test')}" if count.tests > 1 else ""
    return Significance(count.test, count.p, count.differs, correction)


def warnings_of(judged: Judged) -> tuple[str, ...]:
    """What readers must know of judges before they read or compare scores: what speaks against them, and uneven missing scores."""
    return tuple(
        f"{card.judge}: {verdict.text}"
        for card in judged.cards.cards
        for verdict in card.verdicts
        if verdict.weight == "against" or verdict.kind == "misses_group"
    )


def use_tables(card: JudgeCard, alphas: dict[str, Figure]) -> list[Table]:
    """The values that a judge gives, and how alike its answers are."""
    links = {link.scale: link.rho for link in card.lengths}
    values: list[Row] = []
    alike: list[Row] = []
    for use in card.scales:
        values.append(_spread_row(use.title, use.spread))
        values += [_spread_row(f"subscale {part.name.replace('_', ' ')}", part) for part in use.subscales]
        stuck = [part for part in use.items if part.n > 1 and (part.share or 0) >= SAME]
        values += [_spread_row(f"item {part.name.replace('_', ' ')}", part) for part in stuck]
        ends = (plain_cell(value, use.n, share=True) for value in (use.top, use.bottom))
        alike.append(
            (
                use.title,
                *ends,
                closeness_cell(use.samples),
                figure_cell(alphas.get(use.scale)),
                figure_cell(links.get(use.scale)),
            )
        )
    value_heads = ("", "scores", "mean", "sd", "values used", "commonest", "its share")
    value_notes = (
        f"As the judge gave them, before reversal. Items are listed that have one score in {100 * SAME:.0f} % of cases or more.",
    )
    heads = ("", "best possible", "worst possible", "samples alike", "alpha of samples", "ρ with length")
    notes = (
        "Samples alike: pairs of answers to one question that are the same (that differ by one at most). Alpha: Krippendorff's, "
        "interval level (of the rubric on risk, ordinal). It is a judge's agreement with itself, which does not make it right. "
        "ρ: Spearman's, of a session's words and score within groups, with its 95 % interval clustered by client.",
    )
    return [
        Table(f"{card.judge}: the values it gives", value_heads, tuple(values), value_notes),
        Table(f"{card.judge}: agreement with itself, and length", heads, tuple(alike), notes),
    ]


def closeness_cell(closeness: Closeness) -> Cell:
    """The shares of pairs that are the same, and that differ by one at most; the figure is the first."""
    if closeness.identical is None or closeness.within_one is None:
        return Cell(NONE)
    text = f"{number(closeness.identical, share=True)} ({number(closeness.within_one, share=True)})"
    return plain_cell(closeness.identical, closeness.n, share=True, text=text)


def _spread_row(title: str, spread: ScoreSpread) -> Row:
    often = spread.share is not None and spread.share >= SAME
    return (
        title,
        tally_cell(spread.n),
        plain_cell(spread.mean, spread.n),
        plain_cell(spread.sd, spread.n),
        tally_cell(spread.distinct, spread.points),
        plain_cell(spread.commonest, spread.n, digits=0),
        plain_cell(spread.share, spread.n, share=True, strong=often),
    )


def planted_tables(card: JudgeCard) -> list[Table]:
    """What the judge makes of broken sessions and of controls: by scale, and by defect and target."""
    rows: list[Row] = []
    for one in card.noticing:
        rows += [(f"{one.scale}: {title}", counts, *_shift(shift)) for title, counts, shift in _summaries(one)]
    sessions = max((one.sessions for one in card.noticing), default=0)
    clients = max((one.clients for one in card.noticing), default=0)
    caption = f"{card.judge}: planted defects in {counted(sessions, 'session')} of {counted(clients, 'client')}"
    notes = (
        *(f"{one.scale}: {power_words(one)}" for one in card.noticing if one.sessions),
        "Mean fall: points of the scale, over all targets. p: the signs of a client's falls flipped together, two-sided. Bold: "
        "p < .05. Defects keep a session's turns, and its words within 5 %. Controls should not move; what a shortened copy "
        "loses may be missed.",
    )
    heads = ("", "noticed", "sessions", "mean fall", "p")
    return [
        Table(f"{caption}, from {card.planted_on}", heads, tuple(rows), notes),
        _by_target(card.judge, card.planted),
    ]


def _summaries(one: Noticing) -> list[tuple[str, Cell | str, MeanFall]]:
    controls = (("padded", one.padded), ("shortened", one.shortened), ("identical", one.identical))
    named: list[tuple[str, Cell | str, MeanFall]] = [
        (f"{title} copies", NONE, shift) for title, shift in controls if shift.n
    ]
    return [("all defects", tally_cell(one.noticed, one.defects), one.broken), *named]


def _shift(shift: MeanFall) -> tuple[Cell, Cell, Cell]:
    test, p = alone(shift.test, level=SIGNIFICANT)
    fall = plain_cell(shift.mean_fall, shift.n, shift.test.clients, strong=shift.moved, test=test)
    return tally_cell(shift.n), fall, p


def _by_target(judge: str, checks: Sequence[PlantedCheck]) -> Table:
    titles = {defect.id: defect.title for defect in defects()}
    rows: list[Row] = []
    before = ""
    broken = [check for check in checks if check.role == "defect"]
    for check in broken:
        test, p = alone(check.test, level=SIGNIFICANT)
        fall = plain_cell(check.mean_fall, check.n, check.test.clients, strong=check.noticed, test=test)
        counts = (check.fell, check.tied, check.rose, check.at_floor, check.unscored)
        rows.append(
            (
                titles.get(check.defect, check.defect) if check.defect != before else "",
                f"{check.scale}: {check.target.replace('_', ' ')}",
                *map(tally_cell, counts),
                fall,
                replace(p, strong=check.noticed),
            )
        )
        before = check.defect
    tests = sum(check.test.value is not None for check in broken)
    spare = [Cell(name, spare=True) for name in ("lowest before", "unscored")]
    heads: Row = ("what was broken", "what must fall", "fell", "same", "rose", *spare, "mean fall", "p")
    notes = (
        "The same sessions, intact and broken. Lowest before: the score could not fall.",
        f"p is not corrected: of {tests:,} tests of defects, chance alone makes about {tests / 40:.1f} bold.",
    )
    return Table(f"{judge}: each defect", heads, tuple(rows), notes)
