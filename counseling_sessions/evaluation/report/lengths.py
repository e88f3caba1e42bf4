"""Tables of how long the sessions of two groups are, and what length does to preferences between them."""

from collections.abc import Mapping, Sequence

from counseling_sessions.evaluation.pair_lengths import DuelLengths
from counseling_sessions.evaluation.preferred import OVERALL
from counseling_sessions.evaluation.report.document import Block, Cell, Row, Table
from counseling_sessions.evaluation.report.format import figure_cell
from counseling_sessions.evaluation.statistics.length_control import LengthControl

_NOTE = (
    "Ties are half a win. At equal length: what a logistic regression on the difference in words predicts for no difference (Dubois et "
    "al. 2024, as in AlpacaEval 2), fitted for each rater and averaged. Longer preferred: of the answers that name one of two sessions "
    "of different length. In brackets 95 % intervals, clustered by client. At equal length is an association, not a cause: "
    "sessions that differ in length may differ in other things too."
)


def length_tables(first: str, second: str, lengths: Sequence[DuelLengths], titles: Mapping[str, str]) -> list[Block]:
    """The lengths of two groups, and the win rates of the first at equal length; nothing where the lengths are not there."""
    return [
        table
        for duel in lengths
        if (duel.first, duel.second) == (first, second) and duel.aspects
        for table in (_lengths(duel), _rates(duel, titles))
    ]


def _lengths(duel: DuelLengths) -> Table:
    listed = (
        ("words a session", duel.words),
        ("words a counselor message", duel.counselor),
        ("words a client message", duel.client),
    )
    rows: list[Row] = [(name, *(figure_cell(one, digits=1) for one in both)) for name, both in listed]
    rows.append(("the longer session, of pairs", figure_cell(duel.first_longer, share=True), ""))
    return Table(f"Lengths: {duel.first} and {duel.second}", ("", duel.first, duel.second), tuple(rows))


def _rates(duel: DuelLengths, titles: Mapping[str, str]) -> Table:
    rows: list[Row] = [_row(titles[aspect], control) for aspect, control in duel.aspects.items()]
    if len(duel.raters) > 1:
        rows += [_row(f"{rater}, {titles[OVERALL]}", control) for rater, control in duel.raters.items()]
    why = {control.controlled.note for control in duel.aspects.values() if control.controlled.value is None}
    notes = (
        _NOTE,
        *sorted(f"{note[0].upper()}{note[1:]}." for note in why),
    )
    heads = ("", "win rate at equal length", "longer preferred")
    return Table(f"{duel.first} preferred to {duel.second}, at equal length", heads, tuple(rows), notes)


def _row(name: str, control: LengthControl) -> tuple[Cell | str, ...]:
    return name, *(figure_cell(one, share=True) for one in (control.controlled, control.longer))
