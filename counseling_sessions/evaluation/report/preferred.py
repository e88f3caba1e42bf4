"""The sections on preferences: win rates by aspect, rankings, and what people's answers are worth."""

from collections.abc import Mapping, Sequence

from counseling_sessions.evaluation.aspects import Aspects
from counseling_sessions.evaluation.lengths import DuelLengths
from counseling_sessions.evaluation.preferred import OVERALL, Duel, Preferred, Rated
from counseling_sessions.evaluation.rating.answers import Answers
from counseling_sessions.evaluation.report.document import Block, Cell, Listing, Row, Section, Table
from counseling_sessions.evaluation.report.format import figure_cell, in_family, p_cell, p_cells, tested
from counseling_sessions.evaluation.report.lengths import length_tables
from counseling_sessions.evaluation.report.per_rater import cautions, rater_tables
from counseling_sessions.evaluation.report.plots import dots
from counseling_sessions.evaluation.report.points import Point
from counseling_sessions.texts.words import counted


def preference_section(
    preferred: Preferred, aspects: Aspects, who: str, lengths: Sequence[DuelLengths] = ()
) -> Section:
    """Win rates of every two methods by aspect, what length does to them, and strengths where there are more methods."""
    titles = _titles(aspects)
    duels = [duel for duel in preferred.duels if duel.rates]
    blocks: list[Block] = []
    for duel in duels:
        blocks += [
            _duel(duel, titles),
            _picture(duel, titles),
            *length_tables(duel.first, duel.second, lengths, titles),
        ]
    if preferred.rankings:
        blocks.append(_rankings(preferred, titles))
    blocks += rater_tables(preferred, titles, who)
    said = [
        f"By {counted(len(preferred.raters), who)}: {', '.join(preferred.raters) or 'nobody'}. A win rate of 50 % is no preference. "
        "Ties count as half a win, and beside it are left out; who could not say is in neither."
    ]
    if preferred.unanswered:
        said.append(f"{counted(preferred.unanswered, 'decision')} could not be had, and are left out.")
    return Section("Preferences", (*said, *cautions(preferred, who)), tuple(blocks))


def _titles(aspects: Aspects) -> dict[str, str]:
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
        "half a win each way. In brackets 95 % intervals, clustered by client: they hold for these raters.",
    )
    return Table("All methods together", ("", *methods), tuple(rows), notes)


def progress_section(answers: Answers) -> Section:
    """Who has handed in how much, and what could not be read."""
    rows: list[Row] = [
        (item.rater, f"{item.answered:,} of {item.asked:,}", item.file or "not handed in") for item in answers.progress
    ]
    blocks: list[Block] = [Table("", ("rater", "answers", "file"), tuple(rows))]
    if answers.problems:
        items = tuple((problem.file, str(problem)) for problem in answers.problems)
        blocks.append(Listing(f"{counted(len(items), 'problem')} with what could not be read", items))
    if answers.comments:
        said = tuple((f"{item.rater}, pair {item.pair}", item.text) for item in answers.comments)
        blocks.append(Listing(counted(len(said), "comment"), said))
    return Section("What was handed in", (f"Study {answers.study}.",), tuple(blocks))


def agreement_section(rated: Rated, aspects: Aspects) -> Section:
    """How far raters agree, with each other and with themselves, and whether the side pulls."""
    titles = _titles(aspects)
    rows: list[Row] = [
        (
            titles[aspect],
            f"{agreement.units:,}",
            figure_cell(agreement.alpha),
            figure_cell(agreement.fleiss),
            figure_cell(agreement.mean_kappa),
            figure_cell(agreement.raw, share=True),
        )
        for aspect, agreement in rated.agreements.items()
    ]
    heads = ("", "pairs", "alpha", "Fleiss's kappa", "mean of Cohen's kappas", "agree")
    notes = (
        "Alpha: Krippendorff's, nominal (first, second, equal). In brackets 95 % intervals, clustered by client. Who could not say "
        "counts as missing.",
    )
    blocks: list[Block] = [Table("Between raters", heads, tuple(rows), notes), _raters(rated)]
    if rated.judges:
        blocks.append(_judges(rated))
    return Section("Agreement", (), tuple(blocks))


def _raters(rated: Rated) -> Table:
    rows: list[Row] = [
        (
            rater or "all raters",
            figure_cell(bias.share, share=True),
            p_cell(
                bias.test.value,
                rejected=bias.test.value is not None and bias.test.value < 0.05,
                detail=tested(bias.test),
            ),
            figure_cell(rated.consistency[rater].repeated, share=True),
            figure_cell(rated.consistency[rater].swapped, share=True),
        )
        for rater, bias in rated.side.items()
    ]
    heads = ("", "left preferred", "p", "same answer when repeated", "same answer when swapped")
    notes = ("Left preferred: of answers that name a session; without a pull of the side, half.",)
    return Table("Raters themselves", heads, tuple(rows), notes)


def _judges(rated: Rated) -> Table:
    rows: list[Row] = [
        (
            judge.judge,
            figure_cell(judge.with_majority),
            figure_cell(judge.humans_with_majority),
            figure_cell(judge.with_humans),
            figure_cell(judge.among_humans),
            figure_cell(judge.same_as_majority, share=True),
        )
        for judge in rated.judges
    ]
    heads = (
        "",
        "kappa with the majority",
        "a human's with the others",
        "with each human",
        "among humans",
        "agrees with the majority",
    )
    notes = (
        "Over pairs and aspects that both rated; the majority is the people's most frequent answer, where there is one.",
    )
    return Table("Judges beside people", heads, tuple(rows), notes)
