"""Whether a judge answers by the order of showing, and whether it repeats itself when the order is turned."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from counseling_sessions.evaluation.judging.preference import (
    PairVerdict,
    PositionBias,
    answered_twice,
    position_bias,
)
from counseling_sessions.evaluation.pairs import Winner
from counseling_sessions.evaluation.statistics.intervals import (
    Figure,
    Floats,
    draws,
    figure,
    interval_of,
    nothing,
    share_figure,
    totals_by_client,
)
from counseling_sessions.evaluation.statistics.raters import side_bias
from counseling_sessions.evaluation.statistics.sign_flips import PValue


@dataclass(frozen=True)
class Position:
    """How one judge stands to the order of showing, over all aspects and samples, clustered by client.

    - `counts`: the plain counts.
    - `first`: of the answers that name a session, the share that names the one shown first; `test` flips the signs of whole clients.
    - `consistent`: of the aspects answered in both orders, the share with one and the same answer.
    - `expected`: that share if the two answers had nothing to do with each other (from how often each answer comes in either order),
      and `above`: how far `consistent` lies above it. Both are shares, `above` within -1 and 1.
    - `undecided`: of all answers, the share of ties and of "cannot say".
    """

    judge: str
    counts: PositionBias
    first: Figure
    test: PValue
    consistent: Figure
    expected: float | None
    above: Figure
    undecided: Figure


def positions(rows: Iterable[PairVerdict], *, seed: int = 0) -> list[Position]:
    """The position of every judge, in the order of the rows."""
    rows = list(rows)
    return [
        _position(counts, [row for row in rows if row.judge == counts.judge], seed) for counts in position_bias(rows)
    ]


def _position(counts: PositionBias, rows: Sequence[PairVerdict], seed: int) -> Position:
    side = side_bias([(row.key.client, _place(row)) for row in rows if row.winner], seed=seed)
    twice = sorted((row.key.client, forward, backward) for row, forward, backward in answered_twice(rows))
    return Position(
        counts.judge,
        counts,
        side.share,
        side.test,
        share_figure((client, forward == backward) for client, forward, backward in twice),
        _expected(twice),
        _above(twice, seed),
        share_figure((row.key.client, row.winner in ("tie", "cannot_say")) for row in rows if row.winner),
    )


def _place(row: PairVerdict) -> Winner:
    """The answer by place: `first` is the session shown first."""
    turned: dict[Winner, Winner] = {"first": "second", "second": "first"}
    winner: Winner = row.winner or "cannot_say"
    return winner if row.order == "forward" else turned.get(winner, winner)


_Twice = Sequence[tuple[str, Winner, Winner]]


def _expected(twice: _Twice) -> float | None:
    forward, backward = (Counter(item[side] for item in twice) for side in (1, 2))
    return sum(count * backward[winner] for winner, count in forward.items()) / len(twice) ** 2 if twice else None


def _above(twice: _Twice, seed: int) -> Figure:
    if not twice:
        return nothing(note="no aspect was answered in both orders")
    clients = [client for client, *_ in twice]
    winners = sorted({winner for _, *both in twice for winner in both})
    agreed = np.array([forward == backward for _, forward, backward in twice], dtype=np.float64)
    named = [
        np.array([item[side] == winner for item in twice], dtype=np.float64) for side in (1, 2) for winner in winners
    ]
    totals = totals_by_client(clients, np.ones_like(agreed), agreed, *named)

    def above(sums: Floats) -> Floats:
        shares = sums[:, 1:] / sums[:, :1]
        forward, backward = shares[:, 1 : 1 + len(winners)], shares[:, 1 + len(winners) :]
        return np.asarray(shares[:, 0] - (forward * backward).sum(axis=1), dtype=np.float64)

    value = float(above(totals.sum(axis=0, keepdims=True))[0])
    interval = interval_of(above(draws(len(totals), seed) @ totals), len(totals), seed)
    return figure(value, interval, len(twice), len(totals))
