"""The sections on sessions that people rated on a scale: their means, how far they agree, and judges beside them."""

from counseling_sessions.evaluation.rated_sessions import (
    BesidePeople,
    RatedDifference,
    RatedSessions,
    ScoreAgreement,
)
from counseling_sessions.evaluation.report.document import Block, Cell, Row, Section, Table
from counseling_sessions.evaluation.report.format import (
    INTERVALS,
    NONE,
    figure_cell,
    in_family,
    number,
    p_cells,
    plain_cell,
    tally_cell,
)
from counseling_sessions.evaluation.report.in_words import agreement_in_words, ratings_in_words
from counseling_sessions.evaluation.scales import Scale
from counseling_sessions.evaluation.statistics.variance import GStudy


def ratings_section(rated: RatedSessions) -> Section:
    """People's means of every subscale by group."""
    groups = list(dict.fromkeys(group for of_group in rated.means.values() for group in of_group))
    rows: list[Row] = [
        (_title(name), *(figure_cell(of_group.get(group)) for group in groups))
        for name, of_group in rated.means.items()
    ]
    table = Table("Means over sessions, each the mean of its raters", ("", *groups), tuple(rows), (INTERVALS,))
    said = f"{rated.scale.title}, {_points(rated)}. {rated.scale.note}"
    return Section("People's ratings", (*ratings_in_words(rated), said), (table, *map(_difference, rated.differences)))


def _difference(one: RatedDifference) -> Table:
    """One group less another, by subscale."""
    rows: list[Row] = []
    for name, difference in one.subscales.items():
        test = in_family(difference.test, one.family, name)
        means = (figure_cell(mean) for mean in (difference.mean, difference.other_mean))
        rows.append((_title(name), *means, figure_cell(difference.difference, test=test), *p_cells(test)))
    notes = (
        "Means over clients, each counted once. p: Welch's t on them, paired where clients are the same; corrected by Holm over the "
        "subscales. It holds for these raters: clients alone are chance. Bold: below .05 after the correction.",
    )
    heads = ("", one.first, one.second, "difference", "p", "p (Holm)")
    return Table(f"{one.first} less {one.second}, as people rated", heads, tuple(rows), notes)


def agreement_of_scores(rated: RatedSessions) -> Section:
    """How far people agree, on items and subscales, and what other numbers of raters would reach."""
    said = scores_said(rated.subscales, len(rated.raters))
    if len(rated.raters) < 2:
        return Section("Agreement", said, (_users(rated),))
    between = between_people(rated.scale, rated.items, rated.subscales, len(rated.raters))
    return Section("Agreement", said, (between, _variance(rated), _users(rated)))


def scores_said(subscales: dict[str, ScoreAgreement], raters: int) -> tuple[str, ...]:
    """How far so many raters agree, by subscale, in words."""
    return tuple(agreement_in_words({_title(name): one.alpha for name, one in subscales.items()}, raters))


def between_people(
    scale: Scale, items: dict[str, ScoreAgreement], subscales: dict[str, ScoreAgreement], raters: int
) -> Table:
    """How far so many raters agree, on subscales and items."""
    titles = {item.id: item.title for item in scale.items}
    rows: list[Row] = [_agreed(_title(name), one) for name, one in subscales.items()]
    rows += [_agreed(titles[name], one) for name, one in items.items()]
    heads = ("", "sessions", "alpha", "AC2", "ICC(A,1)", f"ICC(A,{raters})", "ICC(C,1)", "same score")
    notes = (
        "Alpha: Krippendorff's, ordinal for items, interval for subscales. AC2: Gwet's, with ordinal weights. ICC: two-way, of one "
        "rater (A,1), of the mean of these raters, and of one rater but for severity (C,1), over sessions that everybody rated. In "
        "brackets 95 % intervals, clustered by client: of ICC(A) for raters like these, of the others for these raters.",
    )
    return Table("Between people", heads, tuple(rows), notes)


def _agreed(title: str, one: ScoreAgreement) -> Row:
    correlations = one.intraclass
    return (
        title,
        tally_cell(one.alpha.n),
        figure_cell(one.alpha),
        figure_cell(one.ac),
        figure_cell(correlations.agreement),
        figure_cell(correlations.agreement_of_mean),
        figure_cell(correlations.consistency),
        figure_cell(one.alike, share=True),
    )


def _variance(rated: RatedSessions) -> Table:
    numbers = list(next(iter(rated.variance.values())).dependability)
    rows: list[Row] = [
        (_title(name), *_shares(study), *(figure_cell(study.dependability[raters]) for raters in numbers))
        for name, study in rated.variance.items()
    ]
    heads = ("", "clients", "sessions", "raters", "residual", *(f"{n} rater{'s' * (n > 1)}" for n in numbers))
    notes = (
        "The shares of clients, of sessions within clients, of raters' severity and of all else in the variance of one rating (G "
        "study); and how far the mean of so many raters would tell sessions apart (D study: dependability Phi, 0 to 1). Where a client "
        "has one session, the two are one.",
    )
    return Table("Where the variance comes from, and how many raters it takes", heads, tuple(rows), notes)


def _shares(study: GStudy) -> tuple[Cell, ...]:
    parts = (study.clients, study.sessions, study.raters, study.residual)
    shares = study.shares or (None,) * len(parts)
    return tuple(plain_cell(share, part.n, part.clients, share=True) for share, part in zip(shares, parts, strict=True))


def _users(rated: RatedSessions) -> Table:
    rows: list[Row] = [
        (
            rater,
            tally_cell(user.scores),
            tally_cell(user.unsaid),
            plain_cell(user.mean, user.scores),
            plain_cell(user.spread, user.scores),
            tally_cell(user.distinct, rated.scale.high - rated.scale.low + 1),
            figure_cell(user.repeated, share=True),
            figure_cell(user.apart),
        )
        for rater, user in rated.users.items()
    ]
    heads = ("", "scores", "could not say", "mean", "spread", "points used", "same when repeated", "points apart")
    notes = ("Scores as given, before reverse-keyed items are turned round. Spread: standard deviation.",)
    return Table("Raters themselves", heads, tuple(rows), notes)


def judges_beside_people(rated: RatedSessions) -> Section:
    """How judges' scores stand to people's, and what both together say of the groups."""
    blocks: list[Block] = [_calibrations(rated)]
    for beside in rated.judges:
        blocks += [_by_score(beside), _powered(beside)]
    said = (
        "Judges' scores of the sessions that people rated, the mean over samples beside the mean over raters; and, where judges scored "
        "more sessions than people, people's means over all of them.",
    )
    return Section("Judges beside people", said, tuple(blocks))


def _calibrations(rated: RatedSessions) -> Table:
    rows: list[Row] = []
    for beside in rated.judges:
        calibration = beside.calibration
        limits = (calibration.lower, calibration.upper)
        rows.append(
            (
                _named(beside),
                tally_cell(calibration.bias.n),
                figure_cell(calibration.bias),
                *(figure_cell(limit) for limit in limits),
                figure_cell(calibration.correlation),
                figure_cell(calibration.slope),
            )
        )
    heads = ("", "sessions", "bias", "lower limit", "upper limit", "correlation", "slope")
    notes = (
        "Bias: judge less people, in points. Limits of agreement: 95 % of such differences lie between them. Correlation: Pearson's; "
        "people's own unreliability keeps it below 1. Slope: points that people's score rises for one of the judge's; 1 is calibrated, "
        "0 says nothing. Noise in people's scores does not flatten it, noise in the judge's does. "
        "In brackets 95 % intervals, clustered by client.",
    )
    return Table("Calibration", heads, tuple(rows), notes)


def _by_score(beside: BesidePeople) -> Table:
    rows: list[Row] = [
        (number(score, digits=0), tally_cell(mean.n), figure_cell(mean))
        for score, mean in beside.calibration.by_score.items()
    ]
    return Table(f"{_named(beside)}: people's mean by the judge's score", ("judge", "sessions", "people"), tuple(rows))


def _powered(beside: BesidePeople) -> Table:
    rows: list[Row] = [
        (
            group,
            tally_cell(mean.people.n, mean.powered.n or mean.people.missing),
            plain_cell(mean.judge, mean.powered.n or mean.people.missing),
            figure_cell(mean.people),
            figure_cell(mean.powered),
            plain_cell(mean.weight, mean.people.n, mean.rated_clients),
        )
        for group, mean in beside.means.items()
    ]
    rows += [
        (f"{one} less {other}", NONE, NONE, NONE, figure_cell(figure), NONE)
        for (one, other), figure in beside.differences.items()
    ]
    heads = ("", "rated by people", "judge's mean", "people's mean", "people's mean, all sessions", "judge's weight")
    notes = (
        "All sessions: prediction-powered (Angelopoulos et al. 2023, with PPI++'s weight of the judge), errors clustered by client, "
        "Student's by the number of clients whom people rated. It holds where the sessions for people were drawn at random.",
    )
    return Table(f"{_named(beside)}: people's means with the judge's help", heads, tuple(rows), notes)


def _named(beside: BesidePeople) -> str:
    return f"{beside.judge}, {_title(beside.subscale)}"


def _title(name: str) -> str:
    return name.replace("_", " ")


def _points(rated: RatedSessions) -> str:
    return f"{number(rated.scale.low, digits=0)} to {number(rated.scale.high, digits=0)}"
