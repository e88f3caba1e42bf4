"""Tables of a judge's card: what it scored by group, how it uses its scales, and what it makes of planted defects."""

from collections.abc import Sequence

from counseling_sessions.evaluation.judged import Judged
from counseling_sessions.evaluation.judging.card import JudgeCard
from counseling_sessions.evaluation.judging.missing import GroupCount
from counseling_sessions.evaluation.judging.planting.checks import PlantedCheck
from counseling_sessions.evaluation.judging.planting.noticing import MeanFall, Noticing
from counseling_sessions.evaluation.judging.planting.planted import defects
from counseling_sessions.evaluation.judging.use import Closeness, ScoreSpread
from counseling_sessions.evaluation.judging.verdicts import SAME, Verdict, power_words, reason_words
from counseling_sessions.evaluation.report.document import Cell, Row, Table
from counseling_sessions.evaluation.report.format import NONE, figure_cell, number, p_cell, tested
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
            f"{count.sessions:,}" + (f" ({count.lost:,} without any)" if count.lost else ""),
            f"{count.scored:,} of {count.asked:,}",
            Cell(NONE if count.share is None else number(count.share, share=True), strong=count.warns),
            p_cell(count.p, rejected=count.differs),
            reason_words(count.unscored) or NONE,
        )
        for count in counts
    ]
    heads = ("judge: group", "sessions", "scored", "unscored", "p", "why")
    notes = (
        "Item scores, of all samples. p: Fisher's test of clients with and without an unscored item, in this group and in all "
        "others (corrected by Holm for three groups or more). Bold: more is missing than elsewhere.",
    )
    return Table("What was scored, by group", heads, tuple(rows), notes)


def warnings_of(judged: Judged) -> tuple[str, ...]:
    """What readers must know of missing scores before they compare groups."""
    return tuple(
        f"{card.judge}: {verdict.text}"
        for card in judged.cards.cards
        for verdict in card.verdicts
        if verdict.kind in ("refuses_group", "misses_group")
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
        ends = (NONE if value is None else number(value, share=True) for value in (use.top, use.bottom))
        alike.append(
            (
                use.title,
                *ends,
                closeness_text(use.samples),
                figure_cell(alphas.get(use.scale)),
                figure_cell(links.get(use.scale)),
            )
        )
    value_heads = ("", "scores", "mean (sd)", "values used", "commonest")
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


def closeness_text(closeness: Closeness) -> str:
    """The shares of pairs that are the same, and that differ by one at most."""
    if closeness.identical is None or closeness.within_one is None:
        return NONE
    return f"{number(closeness.identical, share=True)} ({number(closeness.within_one, share=True)})"


def _spread_row(title: str, spread: ScoreSpread) -> Row:
    if spread.mean is None or spread.sd is None or spread.share is None:
        return title, "0", NONE, NONE, NONE
    return (
        title,
        f"{spread.n:,}",
        f"{number(spread.mean)} ({number(spread.sd)})",
        f"{spread.distinct} of {spread.points}",
        Cell(f"{spread.commonest}: {number(spread.share, share=True)}", strong=spread.share >= SAME),
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


def _summaries(one: Noticing) -> list[tuple[str, str, MeanFall]]:
    controls = (("padded", one.padded), ("shortened", one.shortened), ("identical", one.identical))
    named = [(f"{title} copies", NONE, shift) for title, shift in controls if shift.n]
    return [("all defects", f"{one.noticed} of {one.defects}", one.broken), *named]


def _shift(shift: MeanFall) -> tuple[Cell, Cell, Cell]:
    return (
        Cell(f"{shift.n:,}"),
        Cell(NONE if shift.mean_fall is None else number(shift.mean_fall), strong=shift.moved),
        p_cell(shift.test.value, rejected=shift.moved, detail=tested(shift.test)),
    )


def _by_target(judge: str, checks: Sequence[PlantedCheck]) -> Table:
    titles = {defect.id: defect.title for defect in defects()}
    rows: list[Row] = []
    before = ""
    broken = [check for check in checks if check.role == "defect"]
    for check in broken:
        beside = [f"{check.at_floor:,} at the bottom before"] if check.at_floor else []
        beside += [f"{check.unscored:,} unscored"] if check.unscored else []
        counts = f"{check.fell:,} / {check.tied:,} / {check.rose:,}" + (f"; {', '.join(beside)}" if beside else "")
        rows.append(
            (
                titles.get(check.defect, check.defect) if check.defect != before else "",
                f"{check.scale}: {check.target.replace('_', ' ')}",
                counts,
                Cell(NONE if check.mean_fall is None else number(check.mean_fall), strong=check.noticed),
                p_cell(check.test.value, rejected=check.noticed, detail=tested(check.test)),
            )
        )
        before = check.defect
    tests = sum(check.test.value is not None for check in broken)
    heads = ("what was broken", "what must fall", "fell / same / rose", "mean fall", "p")
    notes = (
        f"The same sessions, intact and broken. p is not corrected: of {tests:,} tests of defects, chance alone makes about "
        f"{tests / 40:.1f} bold.",
    )
    return Table(f"{judge}: each defect", heads, tuple(rows), notes)
