"""The section on behaviour codes: what counselors do and clients say of change, with how far the coder can be trusted."""

from collections.abc import Iterator
from typing import get_args

from counseling_sessions.evaluation.codes.agreement import EXPERTS, Kappa, agreements, is_fair
from counseling_sessions.evaluation.codes.codebook import codebook
from counseling_sessions.evaluation.codes.counts import CodeCount
from counseling_sessions.evaluation.measure import Measures
from counseling_sessions.evaluation.report.document import Cell, Row, Section, Table
from counseling_sessions.evaluation.report.format import INTERVALS, NONE, figure_cell, number
from counseling_sessions.evaluation.report.methods import said as said_of_methods
from counseling_sessions.state import Speaker
from counseling_sessions.texts.words import counted

EXPLORE = "(explore only)"
RATIO_TITLES = {
    "reflections_per_question": ("reflections to one question", ("question_open", "reflection_complex"), False),
    "open_questions": ("open ones among questions", ("question_open", "question_closed"), True),
    "complex_reflections": ("complex ones among reflections", ("reflection_simple", "reflection_complex"), True),
    "change_talk": ("change talk among change and sustain talk", ("change", "sustain"), True),
}
"""The title of each ratio, codes that it rests on, and whether it is a share."""


def codes_section(measures: Measures, *, seed: int = 0) -> Section | None:
    """The ratios, and a table for each side; None where no codes were asked for."""
    counts = {group.name: group.codes for group in measures.groups.values() if group.codes}
    if not counts:
        return None
    experts = agreements(EXPERTS)
    of_experts = "; ".join(f"{code} {_kappa(experts.codes[code])}" for code in experts.codes)
    said = [
        "A small classifier codes every sentence; a message has the codes of its sentences. The codes are our own, after constructs of "
        "motivational interviewing, and no MISC or MITI scores.",
        f"Codes marked {EXPLORE} agree too little with people to rest a claim on. Agreement with experts on real sessions, as kappa by "
        f"coarser codes: {of_experts}.",
    ]
    said.append(
        "Known groups: on the same real sessions, information and advice told good counseling from bad. The ratio of reflections to "
        "questions did not, though that of the experts' own codes did: compare systems by it with care."
    )
    if foreign := sum(count.foreign for count in counts.values()):
        said.append(f"{counted(foreign, 'session')} not coded: the coder knows English alone.")
    heads = ("", *(f"{name} (n={count.sessions:,})" for name, count in counts.items()))
    ratios = tuple(
        (_title(title, codes), *(figure_cell(count.ratio(name, seed=seed), share=share) for count in counts.values()))
        for name, (title, codes, share) in RATIO_TITLES.items()
    )
    tables = [Table("Pooled over all messages", heads, ratios, (INTERVALS,))]
    tables += [_side(side, counts) for side in get_args(Speaker)]
    return Section("Behaviour codes", tuple(said), tuple(tables))


def _side(side: Speaker, counts: dict[str, CodeCount]) -> Table:
    heads = ("", "kappa", *(f"{name} ({count.messages(side):,} messages)" for name, count in counts.items()))
    notes = ("Kappa: agreement with our labels on sentences that were set apart. A message can have several codes.",)
    return Table(f"Share of the {side}'s messages with a code", heads, tuple(_rows(side, counts)), notes)


def _rows(side: Speaker, counts: dict[str, CodeCount]) -> Iterator[Row]:
    held_out = agreements().codes
    for name, code in codebook().of(side).items():
        shares = (figure_cell(count.share(side, name), share=True) for count in counts.values())
        yield (Cell(_title(code.title, (name,)).text, code.means), _kappa_cell(held_out[name]), *shares)


def of_codes(measures: Measures) -> Iterator[str]:
    """How messages were coded, for a methods paragraph; nothing where no codes were asked for."""
    if any(group.codes for group in measures.groups.values()):
        yield said_of_methods("codes")


def _title(title: str, codes: tuple[str, ...]) -> Cell:
    return Cell(title if all(map(is_fair, codes)) else f"{title} {EXPLORE}")


def _kappa_cell(one: Kappa) -> Cell:
    interval = NONE if one.low is None or one.high is None else f"95 % interval {number(one.low)} to {number(one.high)}"
    return Cell(_kappa(one), f"{interval}; {counted(one.labelled, 'labelled sentence')}")


def _kappa(one: Kappa) -> str:
    return NONE if one.kappa is None else number(one.kappa).replace("0.", ".", 1)
