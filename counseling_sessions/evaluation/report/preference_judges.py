"""The section on the judges of pairs: a verdict in words, the order of showing, and control pairs."""

from collections.abc import Sequence

from counseling_sessions.evaluation.judged_pairs import JudgedPairs
from counseling_sessions.evaluation.judging.controls import ControlKind, ControlResult
from counseling_sessions.evaluation.judging.position import Position
from counseling_sessions.evaluation.report.document import Block, Cell, Row, Section, Table
from counseling_sessions.evaluation.report.format import alone, figure_cell, plain_cell, tally_cell
from counseling_sessions.evaluation.report.preference_verdicts import PreferenceVerdict
from counseling_sessions.evaluation.statistics.intervals import Figure

_CONTROLS: dict[ControlKind, tuple[str, tuple[str, ...], str]] = {
    "identical": (
        "Control pairs: the same session twice",
        ("tied", "the first preferred", "the second preferred"),
        "An honest judge ties.",
    ),
    "padded": (
        "Control pairs: a session beside itself with empty words added",
        ("tied", "padded preferred", "plain preferred", "tied as orders disagree"),
        "An honest judge ties, or prefers the plain session. Both orders together: unless they agree, it is a tie. That does not "
        "speak for the judge; the last column counts these ties.",
    ),
}


def judges_of_pairs_section(judged: JudgedPairs, verdicts: Sequence[PreferenceVerdict]) -> Section:
    """What each judge goes by, in words, and the figures behind it."""
    said = tuple(f"{verdict.judge}: {verdict.text}" for verdict in verdicts)
    blocks: list[Block] = [_positions(judged.positions)]
    for kind in _CONTROLS:
        if kept := [result for result in judged.controls if result.kind == kind]:
            blocks.append(_controls(kind, kept))
    return Section("What the judges go by", said, tuple(blocks))


def _positions(positions: Sequence[Position]) -> Table:
    rows: list[Row] = []
    for item in positions:
        test, p = alone(item.test)
        rows.append(
            (
                item.judge,
                figure_cell(item.first, share=True, test=test),
                p,
                figure_cell(item.consistent, share=True),
                plain_cell(item.expected, item.consistent.n, item.consistent.clients, share=True),
                tally_cell(item.counts.stayed_first),
                tally_cell(item.counts.stayed_second),
            )
        )
    stayed = [Cell(f"stayed with the {place}", spare=True) for place in ("first", "second")]
    heads: Row = ("", "first shown preferred", "p", "both orders agree", "by chance", *stayed)
    notes = (
        "First shown preferred: of answers that name a session; half, without a pull of the place. p: signs of a client's answers "
        "flipped together, "
        "not corrected over judges. By chance: how often both orders would agree if the two answers had nothing to do with each other. "
        "Stayed: aspects whose answer stayed with the place when the order was turned. "
        "Where the orders disagree, it counts as a tie. In brackets 95 % intervals, clustered by client.",
    )
    return Table("Order of showing", heads, tuple(rows), notes)


def _shares(item: ControlResult) -> tuple[Figure, ...]:
    shares = (item.tied, item.one, item.other)
    return (*shares, item.split) if item.split else shares


def _controls(kind: ControlKind, results: Sequence[ControlResult]) -> Table:
    caption, shares, note = _CONTROLS[kind]
    rows: list[Row] = [
        (
            item.judge,
            tally_cell(item.pairs),
            tally_cell(item.answers),
            *(figure_cell(share, share=True) for share in _shares(item)),
        )
        for item in results
    ]
    notes = (f"{note} Control pairs count in no win rate.",)
    return Table(caption, ("", "pairs", "answers", *shares), tuple(rows), notes)
