"""The sections on preferences: win rates by aspect, what length does to them, and rankings."""

from collections.abc import Mapping, Sequence

from counseling_sessions.evaluation.aspects import Aspects
from counseling_sessions.evaluation.pair_lengths import DuelLengths
from counseling_sessions.evaluation.preferred import OVERALL, Duel, Preferred
from counseling_sessions.evaluation.report.document import Block, Cell, Row, Section, Table
from counseling_sessions.evaluation.report.format import figure_cell, in_family, p_cells
from counseling_sessions.evaluation.report.in_words import preference_in_words
from counseling_sessions.evaluation.report.lengths import length_tables
from counseling_sessions.evaluation.report.per_rater import cautions, rater_tables
from counseling_sessions.evaluation.report.plots import dots
from counseling_sessions.evaluation.report.points import Point
from counseling_sessions.texts.words import counted


def preference_section(
    preferred: Preferred, aspects: Aspects, who: str, lengths: Sequence[DuelLengths] = ()
) -> Section:
    """Win rates of every two methods by aspect, what length does to them, and strengths where there are more methods."""
    titles = aspect_titles(aspects)
    duels = [duel for duel in preferred.duels if duel.rates]
    blocks: list[Block] = []
    for duel in duels:
        blocks += [
            _duel(duel, titles),
            _picture(duel, titles),
            *rater_tables(duel, titles, who),
            *length_tables(duel.first, duel.second, lengths, titles),
        ]
    if preferred.rankings:
        blocks.append(_rankings(preferred, titles))
    said = [
        f"By {counted(len(preferred.raters), who)}: {', '.join(preferred.raters) or 'nobody'}. A win rate of 50 % is no preference. "
        "Ties count as half a win, and beside it are left out; who could not say is in neither."
    ]
    if preferred.unanswered:
        said.append(f"{counted(preferred.unanswered, 'decision')} could not be had, and are left out.")
    words = [preference_in_words(duel, titles, who, lengths) for duel in duels]
    return Section("Preferences", (*words, *said, *cautions(preferred, who)), tuple(blocks))


def aspect_titles(aspects: Aspects) -> dict[str, str]:
    """The titles of aspects by their ids, and of all of them together."""
    return {aspect.id: aspect.title for aspect in aspects.items} | {OVERALL: "all aspects together"}


def _duel(duel: Duel, titles: Mapping[str, str]) -> Table:
    rows: list[Row] = []
    for aspect, rate in duel.rates.items():
        test = in_family(rate.test, duel.family, aspect)
        unsaid = f"; {counted(rate.cannot_say, 'answer')} could not say" if rate.cannot_say else ""
        rows.append(
            (
                titles[aspect],
                Cell(f"{rate.wins:,} / {rate.ties:,} / {rate.losses:,}", f"won, tied, lost{unsaid}"),
                figure_cell(rate.rate, share=True, test=test),
                figure_cell(rate.decided, share=True),
                *p_cells(test),
            )
        )
    heads = ("", "won / tied / lost", "win rate, ties half", "win rate, decided", "p", "p (Holm)")
    notes = (
        "In brackets 95 % intervals, clustered by client. p: signs of a client's answers flipped together; corrected by Holm over "
        "the aspects, of which all together are none. Bold: below .05 after the correction.",
    )
    return Table(f"{duel.first} preferred to {duel.second}", heads, tuple(rows), notes)


def _picture(duel: Duel, titles: Mapping[str, str]) -> Block:
    points = {
        titles[aspect]: {"": Point(rate.rate.value, rate.rate.low, rate.rate.high)}
        for aspect, rate in duel.rates.items()
        if rate.rate.value is not None
    }
    caption = f"{duel.first} preferred to {duel.second}, by aspect"
    if not points:
        return Table(caption, ("", ""), (("no answer names a session", ""),))
    return dots(points, caption, "win rate, ties half, with 95 % intervals", bounds=(0, 1), reference=0.5)


def _rankings(preferred: Preferred, titles: Mapping[str, str]) -> Table:
    methods = sorted({item.method for ranking in preferred.rankings.values() for item in ranking.strengths})
    rows: list[Row] = []
    for aspect, ranking in preferred.rankings.items():
        beats = {item.method: item.beats_others for item in ranking.strengths}
        cells = (figure_cell(beats.get(name), share=True) for name in methods)
        rows.append((Cell(titles[aspect], ranking.note), *cells))
    notes = (
        "Bradley and Terry's model: how likely a method is to be preferred to another one, on average over the others. A tie is "
        "half a win each way. In brackets 95 % intervals, clustered by client: with three raters or more they hold for raters like "
        "these, with fewer for these raters alone.",
    )
    return Table("All methods together", ("", *methods), tuple(rows), notes)
