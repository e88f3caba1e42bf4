"""A plan of a study as a report: what is asked for, what it rests on, and the designs that reach it."""

from collections.abc import Sequence

from counseling_sessions.evaluation.pilot import CAUTION, PanelPilot, Pilot
from counseling_sessions.evaluation.planning import Goal, StudyDesign
from counseling_sessions.evaluation.report.document import Cell, Row, Section, Table
from counseling_sessions.evaluation.report.format import NONE, number, plain_cell, tally_cell
from counseling_sessions.evaluation.statistics.power import ALPHA, MOST, AnswerSpread, DifferenceSpread, least_clients
from counseling_sessions.texts.words import counted


def goal_section(aim: str, goal: Goal, rests_on: Sequence[str]) -> Section:
    """What the study is to reach, and the assumptions behind its numbers."""
    level = f"at a level of {ALPHA:g}"
    if goal.tests > 1:
        level += f" that Holm shares among {goal.tests} tests, so at {goal.alpha:.2g} for the smallest p"
    return Section("What is planned for", (f"{aim}, with a power of {_percent(goal.power)}, {level}.", *rests_on))


def spread_said(spread: DifferenceSpread, pilot: Pilot | None) -> list[str]:
    """What a plan for a measure assumes."""
    spreads = (
        f"a standard deviation of {spread.client:.3g} for clients and of {spread.pair:.3g} for the pairs of one client"
    )
    if not pilot:
        return [f"Assumed: differences have {spreads}."]
    return [
        f"From the pilot: {counted(pilot.pairs, 'pair')} of {pilot.first} and {pilot.second} with "
        f"{counted(pilot.clients, 'client')} on {pilot.measure}. They differ by {number(pilot.difference)}, with {spreads}. "
        "The pilot's difference is no plan: take the smallest one that matters.",
        f"Cautious: the spread may be larger than in so small a pilot; its upper {_percent(CAUTION)} bound is "
        f"{pilot.cautious.client:.3g} and {pilot.cautious.pair:.3g}.",
    ]


def panel_said(panel: AnswerSpread, pilot: PanelPilot | None) -> list[str]:
    """What a plan for preferences assumes."""
    vary = f"win rates of raters have a standard deviation of {panel.rater:.2g}, of clients {panel.client:.2g}"
    ties = f"{_percent(panel.ties)} of the answers are ties"
    design = "Every rater answers every pair. The result is to hold for raters like these."
    if not pilot:
        pairs = f"of the pairs of one client {panel.pair:.2g}"
        said = f"Assumed: {vary}, {pairs}; {ties}. {design}"
        return [
            said,
            "No study stands behind the standard deviations that are assumed by default: a pilot gives better ones.",
        ]
    return [
        f"From the pilot: {counted(pilot.answers, 'answer')} of {counted(pilot.raters, 'rater')} to pairs of {pilot.first} and "
        f"{pilot.second} with {counted(pilot.clients, 'client')}. {pilot.first} wins {_percent(pilot.rate)}; {vary} (that of their "
        f"pairs included); {ties}. {design}",
        f"Cautious: the upper {_percent(CAUTION)} bounds are {pilot.cautious.rater:.2g} and {pilot.cautious.client:.2g}.",
    ]


def designs_section(
    designs: Sequence[StudyDesign], *, alpha: float, clients: int | None, one_sided: bool = False
) -> Section:
    """The designs, one a row; `one_sided`: tested by two one-sided tests."""
    rated = any(design.raters for design in designs)
    cautious = any(design.cautious for design in designs)
    heads = [
        "pairs a client",
        *(["raters"] if rated else []),
        "clients",
        *(["clients, cautious"] if cautious else []),
        "sessions of each method",
        *(["pairs of a rater"] if rated else []),
        *([f"{clients} clients find"] if clients else []),
    ]
    rows: list[Row] = [
        (
            f"{design.pairs}",
            *([tally_cell(design.raters)] if rated else []),
            _clients(design),
            *([_count(design.cautious)] if cautious else []),
            _count(design.sessions),
            *([_count(design.sessions)] if rated else []),
            *([_finds(design, clients)] if clients else []),
        )
        for design in designs
    ]
    less = "9" if rated else "3"
    notes = [
        f"{NONE}: not with {MOST:,} clients. Simulated studies had up to {less} points of power less than planned; where "
        "differences are skewed, nobody has looked.",
    ]
    if not rated:
        fewest = least_clients(alpha, one_sided=one_sided)
        notes.append(f"Fewer than {fewest} clients cannot: signs of so few cannot give so small a p.")
    if any(design.ceiling is not None for design in designs):
        notes.append(
            "Where raters differ, more clients do not help: the power stays below the one in brackets. More raters do."
        )
    return Section("Designs", (), (Table("", tuple(heads), tuple(rows), tuple(notes)),))


def _clients(design: StudyDesign) -> Cell:
    if design.ceiling is not None:
        return Cell(f"{NONE} (power at most {_percent(design.ceiling)})")
    return _count(design.clients)


def _count(value: int | None) -> Cell:
    return Cell(NONE) if value is None else tally_cell(value)


def _finds(design: StudyDesign, clients: int) -> Cell:
    if design.finds is None:
        return Cell(NONE)
    share = bool(design.raters)
    text = number(design.finds, share=True) if share else f"{design.finds:.3g}"
    return plain_cell(design.finds, clients * design.pairs, clients, share=share, text=text)


def _percent(share: float) -> str:
    return f"{100 * share:.0f} %"
