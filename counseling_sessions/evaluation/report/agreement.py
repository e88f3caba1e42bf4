"""The sections on what people's answers are worth: what was handed in, and how far raters agree."""

from counseling_sessions.evaluation.aspects import Aspects
from counseling_sessions.evaluation.preferred import OVERALL, Rated
from counseling_sessions.evaluation.rating.answers import Answers, Comment, ScaleAnswers, SessionComment
from counseling_sessions.evaluation.report.document import Block, Listing, Row, Section, Table
from counseling_sessions.evaluation.report.format import alone, figure_cell, tally_cell
from counseling_sessions.evaluation.report.in_words import agreement_in_words
from counseling_sessions.evaluation.report.preferred import aspect_titles
from counseling_sessions.evaluation.statistics.agreement import Agreement
from counseling_sessions.texts.words import counted


def progress_section(answers: Answers | ScaleAnswers) -> Section:
    """Who has handed in how much, and what could not be read."""
    rows: list[Row] = [
        (item.rater, tally_cell(item.answered, item.asked), item.file or "not handed in") for item in answers.progress
    ]
    blocks: list[Block] = [Table("", ("rater", "answers", "file"), tuple(rows))]
    if answers.problems:
        items = tuple((problem.file, str(problem)) for problem in answers.problems)
        blocks.append(Listing(f"{counted(len(items), 'problem')} with what could not be read", items))
    if answers.comments:
        said = tuple((f"{item.rater}, {_subject(item)}", item.text) for item in answers.comments)
        blocks.append(Listing(counted(len(said), "comment"), said))
    return Section("What was handed in", (f"Study {answers.study}.",), tuple(blocks))


def _subject(comment: Comment | SessionComment) -> str:
    return f"pair {comment.pair}" if isinstance(comment, Comment) else f"session {comment.session}"


def agreement_section(rated: Rated, aspects: Aspects) -> Section:
    """How far raters agree, with each other and with themselves, and whether the side pulls."""
    blocks: list[Block] = [between_raters(rated.agreements, aspects), _raters(rated)]
    if rated.judges:
        blocks.append(_judges(rated))
    said = agreement_said(rated.agreements, aspects, len(rated.preferred.raters))
    return Section("Agreement", said, tuple(blocks))


def agreement_said(agreements: dict[str, Agreement], aspects: Aspects, raters: int) -> tuple[str, ...]:
    """How far so many raters agree, by aspect, in words."""
    titles = aspect_titles(aspects)
    overall_first = sorted(agreements, key=lambda aspect: aspect != OVERALL)
    return tuple(agreement_in_words({titles[aspect]: agreements[aspect].alpha for aspect in overall_first}, raters))


def between_raters(agreements: dict[str, Agreement], aspects: Aspects) -> Table:
    """How far raters agree, by aspect."""
    titles = aspect_titles(aspects)
    rows: list[Row] = [
        (
            titles[aspect],
            tally_cell(agreement.subjects),
            figure_cell(agreement.alpha),
            figure_cell(agreement.ac),
            figure_cell(agreement.fleiss),
            figure_cell(agreement.mean_kappa),
            figure_cell(agreement.raw, share=True),
        )
        for aspect, agreement in agreements.items()
    ]
    heads = ("", "pairs", "alpha", "AC1", "Fleiss's kappa", "mean of Cohen's kappas", "agree")
    notes = (
        "Alpha: Krippendorff's, nominal (first, second, equal). AC1: Gwet's, which stays high where nearly all answers are alike. In "
        "brackets 95 % intervals, clustered by client. Who could not say counts as missing. All aspects together: the mean over "
        "aspects (and over each two methods), weighted by pairs, since pooled answers would take different base rates for agreement.",
    )
    return Table("Between raters", heads, tuple(rows), notes)


def _raters(rated: Rated) -> Table:
    rows: list[Row] = []
    for rater, bias in rated.side.items():
        test, p = alone(bias.test)
        rows.append(
            (
                rater or "all raters",
                figure_cell(bias.share, share=True, test=test),
                p,
                figure_cell(rated.consistency[rater].repeated, share=True),
                figure_cell(rated.consistency[rater].swapped, share=True),
            )
        )
    heads = ("", "left preferred", "p", "same answer when repeated", "same answer when swapped")
    notes = (
        "Left preferred: of answers that name a session; without a pull of the side, half. p: uncorrected. Bold: below .05.",
    )
    return Table("Raters themselves", heads, tuple(rows), notes)


def _judges(rated: Rated) -> Table:
    rows: list[Row] = [
        (
            judge.judge,
            figure_cell(judge.with_majority),
            figure_cell(judge.with_humans),
            figure_cell(judge.same_as_majority, share=True),
        )
        for judge in rated.judges
    ]
    # What people reach among themselves is the same beside every judge.
    people = rated.judges[0]
    rows.append(("people themselves", figure_cell(people.humans_with_majority), figure_cell(people.among_humans), ""))
    heads = ("", "kappa with the majority", "kappa with each human", "agrees with the majority")
    notes = (
        "Over pairs that both rated, within aspects and each two methods, then averaged; the majority is the people's most frequent "
        "answer, where there is one. People themselves: each with the majority of the others, and with each other.",
    )
    return Table("Judges beside people", heads, tuple(rows), notes)
