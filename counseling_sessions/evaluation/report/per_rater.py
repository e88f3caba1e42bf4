"""What hangs on who rated: the rate of each rater, and what holds for raters like these."""

from collections.abc import Mapping
from dataclasses import replace

from counseling_sessions.evaluation.preferred import OVERALL, Duel, Preferred
from counseling_sessions.evaluation.report.document import Cell, Row, Table
from counseling_sessions.evaluation.report.format import (
    NONE,
    figure_cell,
    in_family,
    number,
    p_cells,
    tally_cell,
)
from counseling_sessions.evaluation.statistics.crossed import Population

ASPECTS_UP_TO = 6
"""Up to so many raters a table has their rates by aspect, beyond it those of all aspects together."""


def cautions(preferred: Preferred, who: str) -> list[str]:
    """What a reader must know before the tables: a single rater, and families in which nothing can be significant."""
    said = [duel.family.warning for duel in preferred.duels if duel.family.warning]
    if len(preferred.raters) == 1:
        said.append(
            f"There is one {who}, so every result holds for this {who} alone: nothing says how another would answer. "
            f"At least three are needed, better ten, to speak of {who}s like this one."
        )
    return said


def rater_tables(duel: Duel, titles: Mapping[str, str], who: str) -> list[Table]:
    """The results of two methods for raters like these, and the rates of each rater.

    A single rater's rates are those of the tables by aspect, and nothing is said of others.
    """
    raters = sorted({rater for rate in duel.rates.values() for rater in rate.by_rater})
    return [_beyond(duel, titles, who), _per_rater(duel, titles, who, raters)] if len(raters) > 1 else []


def _beyond(duel: Duel, titles: Mapping[str, str], who: str) -> Table:
    rows: list[Row] = []
    for aspect, rate in duel.rates.items():
        like_these = rate.population
        test = in_family(like_these.test, duel.population_family, aspect)
        rate_of_typical = figure_cell(like_these.rate, share=True, test=test)
        rows.append((titles[aspect], rate_of_typical, _t(like_these, who), *p_cells(test)))
    notes = [
        f"The table before says what these {who}s prefer: there clients alone are chance. Here {who}s and clients are both chance, "
        f"so it holds for others of their kind. The rate is that of the typical (median) {who}; the share of all answers of such "
        f"{who}s may lie nearer to one half.",
        f"t: the least favourable of three t tests on log odds, over {who}s, over clients and over both (min F′, Clark 1973), with its "
        f"degrees of freedom; the interval is the widest of the three. With few {who}s only large differences can be found. Holm: over "
        "the aspects, of which all together are none. Bold: below .05 after the correction.",
    ]
    reasons = dict.fromkeys(rate.population.rate.note for rate in duel.rates.values() if rate.population.rate.note)
    notes += [f"{NONE}: {reason}." for reason in reasons]
    caption = f"{duel.first} preferred to {duel.second}, for {who}s like these"
    heads = ("", f"win rate of the typical {who}, ties half", "t", "p", "p (Holm)")
    return Table(caption, heads, tuple(rows), tuple(notes))


def _t(beyond: Population, who: str) -> Cell | str:
    if beyond.t is None or beyond.degrees is None:
        return NONE
    text = f"{number(beyond.t)} (df {beyond.degrees:.1f}, {beyond.over.replace('rater', who)})"
    return Cell(text, figure=replace(beyond.rate, value=beyond.t, low=None, high=None, method=""))


def _per_rater(duel: Duel, titles: Mapping[str, str], who: str, raters: list[str]) -> Table:
    caption = f"{duel.first} preferred to {duel.second}, by {who}"
    note = f"Win rates, ties half, with 95 % intervals over clients for this {who} alone."
    overall = duel.rates[OVERALL].by_rater
    if len(raters) <= ASPECTS_UP_TO:
        rows: list[Row] = [
            (titles[aspect], *(figure_cell(rate.by_rater.get(rater), share=True) for rater in raters))
            for aspect, rate in duel.rates.items()
        ]
        return Table(caption, ("", *raters), tuple(rows), (note,))
    rows = [
        (rater, tally_cell(overall[rater].n), figure_cell(overall[rater], share=True))
        for rater in sorted(raters, key=lambda name: -(overall[name].value or 0))
    ]
    return Table(caption, ("", "answers", titles[OVERALL]), tuple(rows), (note,))
