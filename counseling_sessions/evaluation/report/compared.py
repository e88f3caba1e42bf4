"""The section on a paired comparison: a table for each pair of groups, and the effects at a glance."""

from dataclasses import replace

from counseling_sessions.evaluation.compare import Compared, Comparison
from counseling_sessions.evaluation.report.document import Block, Cell, Row, Section, Table
from counseling_sessions.evaluation.report.format import NONE, figure_cell, number, p_cell, tested
from counseling_sessions.evaluation.report.plots import dots
from counseling_sessions.evaluation.report.points import Point
from counseling_sessions.texts.words import counted


def comparison_section(comparison: Comparison) -> Section:
    """The reference group against each of the others."""
    title = f"{comparison.reference} compared"
    blocks: list[Block] = []
    for other in comparison.others:
        if items := comparison.against(other):
            blocks += [_table(comparison, other, items), _effects(comparison, other, items)]
    partner = "has a partner (same client, attitude and seed)"
    without = [
        f"No session of {comparison.reference} {partner} in {other}: they are not compared."
        for other in comparison.others
        if not comparison.pairs[other]
    ]
    if not blocks:
        return Section(title, tuple(without))
    families = "; ".join(f"{family.name}, {counted(family.tested, 'test')}" for family in comparison.families)
    said = (
        "Sessions are paired by client, attitude and seed; sessions without a partner are left out. The test flips the signs of "
        "a client's differences together; p is corrected by Holm within each family "
        f"({families}). Bold: holds at .05 after the correction. A difference is that of these groups on these clients with "
        "these models, no more."
    )
    return Section(title, (said, *without), tuple(blocks))


def _table(comparison: Comparison, other: str, items: list[Compared]) -> Table:
    rows: list[Row] = []
    for item in items:
        difference, share = item.difference, item.measure.share
        change = figure_cell(difference.difference, share=share)
        fewer = f" ({counted(difference.pairs, 'pair')})" if difference.pairs < comparison.pairs[other] else ""
        rows.append(
            (
                Cell(item.measure.title + fewer, _wanted(item)),
                _plain(difference.mean.value, share),
                _plain(difference.baseline_mean.value, share),
                replace(change, text=change.text.replace(" %", " pt")),
                _relative(item),
                _brief(figure_cell(difference.effect)),
                p_cell(item.adjusted, rejected=item.rejected, detail=_tests(item)),
            )
        )
    heads = ("", comparison.reference, other, "difference", "percent", "g_z", "p")
    notes = (
        "In brackets 95 % intervals, clustered by client. pt: percentage points. Percent: of the other's mean. g_z: the mean "
        "difference in standard "
        "deviations of the differences (Hedges). p: corrected by Holm.",
    )
    alone = ", ".join(f"{count:,} of {name}" for name, count in comparison.alone[other].items())
    pairs = counted(comparison.pairs[other], "pair")
    caption = f"{comparison.reference} against {other}, {pairs} of sessions; without a partner: {alone}"
    return Table(caption, heads, tuple(rows), notes)


def _wanted(item: Compared) -> str:
    return "" if item.measure.better == "neither" else f"{item.measure.better} is better"


def _relative(item: Compared) -> Cell:
    if item.measure.low is not None and item.measure.low < 0:
        return Cell(NONE, "a change has no zero to be in per cent of")
    return _brief(figure_cell(item.difference.relative, digits=1))


def _brief(figure: Cell) -> Cell:
    return replace(figure, brief=figure.text.partition(" [")[0])


def _tests(item: Compared) -> str:
    raw, second = item.difference.test, item.difference.wilcoxon
    parts = [f"uncorrected {raw.value:.4f}, {tested(raw)}" if raw.value is not None else tested(raw)]
    if second.value is not None:
        parts.append(f"{second.method} {second.value:.4f}")
    return "; ".join(parts)


def _plain(value: float | None, share: bool) -> Cell:
    return Cell(NONE if value is None else number(value, share=share))


def _effects(comparison: Comparison, other: str, items: list[Compared]) -> Block:
    points = {
        item.measure.title: {"": Point(effect.value, effect.low, effect.high)}
        for item in items
        if (effect := item.difference.effect).value is not None
    }
    caption = f"{comparison.reference} against {other}: effects"
    if not points:
        return Table(caption, ("", ""), (("no effect size could be had", ""),))
    if missing := [
        item.measure.title for item in items if item.difference.pairs and item.difference.effect.value is None
    ]:
        caption += f" (not drawn, without spread: {', '.join(missing)})"
    return dots(points, caption, f"g_z, with 95 % intervals; right of 0: {comparison.reference} is higher", reference=0)
