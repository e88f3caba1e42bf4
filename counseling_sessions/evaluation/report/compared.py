"""The section on a paired comparison: a table for each pair of groups, and the effects at a glance."""

from collections.abc import Sequence
from dataclasses import replace

from counseling_sessions.evaluation.compare import Compared, Comparison
from counseling_sessions.evaluation.report.contrasts import attitude_table, equivalence_table, unpaired_table
from counseling_sessions.evaluation.report.document import Block, Cell, Row, Section, Significance, Table
from counseling_sessions.evaluation.report.format import (
    NONE,
    correction,
    figure_cell,
    measure_cell,
    number,
    p_cells,
)
from counseling_sessions.evaluation.report.in_words import comparison_in_words, unpaired_in_words
from counseling_sessions.evaluation.report.plots import dots
from counseling_sessions.evaluation.report.points import Point
from counseling_sessions.evaluation.statistics.intervals import Figure
from counseling_sessions.texts.words import counted

MOST_PER_CENT = 1000
"""A difference is not written in per cent of a mean that is smaller than a tenth of it."""


def comparison_section(comparison: Comparison, of_judges: Sequence[str] = ()) -> Section:
    """The reference group against each of the others; `of_judges` are warnings of the judges behind the scores."""
    title = f"{comparison.reference} compared"
    blocks: list[Block] = []
    for other in comparison.others:
        if items := comparison.against(other):
            blocks += [_table(comparison, other, items), _effects(comparison, other, items)]
        blocks += _beyond(comparison, other, items)
    partner = "has a partner (same client, attitude and seed)"
    without = [
        f"No session of {comparison.reference} {partner} in {other}: they are compared unpaired."
        for other in comparison.others
        if not comparison.pairs[other]
    ]
    unpaired = tuple(unpaired_in_words(comparison))
    if not comparison.compared:
        return Section(title, (*unpaired, *without), tuple(blocks))
    families = "; ".join(f"{family.name}, {counted(family.tested, 'test')}" for family in comparison.families)
    said = (
        "Sessions are paired by client, attitude and seed; sessions without a partner are left out. The test flips the signs of "
        "a client's differences together; p is corrected by Holm within each family "
        f"({families}). Bold: holds at .05 after the correction. A difference is that of these groups on these clients with "
        "these models, no more."
    )
    warnings = [family.warning for family in comparison.families if family.warning]
    return Section(
        title, (*comparison_in_words(comparison), *unpaired, *of_judges, said, *warnings, *without), tuple(blocks)
    )


def _beyond(comparison: Comparison, other: str, items: list[Compared]) -> list[Block]:
    """The tables by attitude, of equivalence, and of a group without partners, where there are any."""
    differences = {item.measure.id: item.difference.difference for item in items}
    tables = (
        equivalence_table(comparison.equivalence, comparison.reference, other, differences),
        attitude_table(comparison.by_attitude, comparison.reference, other),
        unpaired_table(comparison.unpaired, comparison.reference, other),
    )
    return [table for table in tables if table]


def _table(comparison: Comparison, other: str, items: list[Compared]) -> Table:
    rows: list[Row] = []
    for item in items:
        difference, share = item.difference, item.measure.share
        test = _tested(comparison, item)
        change = figure_cell(difference.difference, share=share, test=test)
        missing = f" ({difference.missing:,} missing)" if difference.missing else ""
        rows.append(
            (
                measure_cell(item.measure),
                _plain(difference.mean, share),
                _plain(difference.baseline_mean, share),
                replace(change, text=change.text.replace(" %", " pt")),
                _relative(item),
                _brief(figure_cell(difference.effect)),
                *p_cells(test, more=_second(item)),
                f"{difference.pairs:,}{missing}",
            )
        )
    spare = (
        Cell("percent", spare=True),
        Cell("pairs", "pairs with a value from both; missing: sessions without one", spare=True),
    )
    heads = ("", comparison.reference, other, "difference", spare[0], "g_z", "p", "p (Holm)", spare[1])
    notes: tuple[str, ...] = (
        "In brackets 95 % intervals, clustered by client. pt: percentage points. Percent: of the other's mean. g_z: the mean "
        "difference in standard deviations of the differences (Hedges). p: signs of a client's differences flipped together; "
        "corrected by Holm within the family. Where few clients differ an interval may leave out 0 though the test finds nothing: "
        "the test decides. Behind p stands a bootstrap t, the better test for skewed differences of methods that differ in more than "
        "their mean. A g_z is per pair of sessions; it is large where differences hardly vary.",
    )
    alone = ", ".join(f"{count:,} of {name}" for name, count in comparison.alone[other].items())
    pairs = counted(comparison.pairs[other], "pair")
    if repeated := max(item.difference.repeated for item in items):
        further = counted(repeated, "further session")
        notes += (f"Up to {further} of the same client, attitude and seed: averaged with the first.",)
    caption = f"{comparison.reference} against {other}, {pairs} of sessions; without a partner: {alone}"
    return Table(caption, heads, tuple(rows), notes, name=f"{comparison.reference} against {other}")


def _tested(comparison: Comparison, item: Compared) -> Significance:
    family = next(family for family in comparison.families if family.name == item.measure.family)
    return Significance(item.difference.test, item.adjusted, item.rejected, correction(family))


def _relative(item: Compared) -> Cell:
    if item.measure.low is not None and item.measure.low < 0:
        return Cell(NONE, "a change has no zero to be in per cent of")
    relative = item.difference.relative
    if relative.value is not None and abs(relative.value) > MOST_PER_CENT:
        return Cell(
            NONE, f"more than {MOST_PER_CENT:,} per cent of a mean that is next to 0", figure=relative, unit="per cent"
        )
    return replace(_brief(figure_cell(relative, digits=1)), unit="per cent")


def _brief(figure: Cell) -> Cell:
    return replace(figure, brief=figure.text.partition(" [")[0])


def _second(item: Compared) -> str:
    seconds = (item.difference.wilcoxon, item.difference.of_mean)
    return "; ".join(f"{test.method.partition(',')[0]} {test.value:.4f}" for test in seconds if test.value is not None)


def _plain(mean: Figure, share: bool) -> Cell:
    """A mean without its interval, which files have."""
    return replace(figure_cell(mean, share=share), text=NONE if mean.value is None else number(mean.value, share=share))


def _effects(comparison: Comparison, other: str, items: list[Compared]) -> Block:
    points = {
        measure_cell(item.measure).marked: {"": Point(effect.value, effect.low, effect.high)}
        for item in items
        if (effect := item.difference.effect).value is not None
    }
    caption = name = f"{comparison.reference} against {other}: effects"
    if not points:
        return Table(caption, ("", ""), (("no effect size could be had", ""),))
    if missing := [
        item.measure.title for item in items if item.difference.pairs and item.difference.effect.value is None
    ]:
        caption += f" (not drawn, without spread: {', '.join(missing)})"
    axis = f"g_z, with 95 % intervals; right of 0: {comparison.reference} is higher"
    return dots(points, f"{caption}. ↑ higher is better, ↓ lower is better", axis, reference=0, name=name)
