"""What the judges of pairs go by: the order of showing, length, and what they say of control pairs."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from counseling_sessions.evaluation.aspects import Aspects
from counseling_sessions.evaluation.judging.controls import ControlResult, control_results
from counseling_sessions.evaluation.judging.position import Position, positions
from counseling_sessions.evaluation.judging.preference import Decision, PairVerdict
from counseling_sessions.evaluation.pair_lengths import DuelLengths, PairAnswer, duel_lengths, longer_by_rater, sized
from counseling_sessions.evaluation.pairs import Pair
from counseling_sessions.evaluation.statistics.intervals import Figure


@dataclass(frozen=True)
class JudgedPairs:
    """`longer`: by judge, the share of its decisions that name the longer session; the rest as in their own classes."""

    positions: tuple[Position, ...]
    lengths: tuple[DuelLengths, ...]
    longer: dict[str, Figure]
    controls: tuple[ControlResult, ...]


def judged_pairs(
    pairs: Iterable[Pair],
    decided: Iterable[Decision],
    rows: Iterable[PairVerdict],
    methods: Sequence[str],
    aspects: Aspects,
    controls: tuple[Sequence[Pair], Iterable[PairVerdict]] = ((), ()),
    *,
    seed: int = 0,
) -> JudgedPairs:
    """The figures from raw answers (`rows`) and decisions on pairs, and from the `controls` with the raw answers on them."""
    lengths = sized(pairs)
    answers = [PairAnswer(item.pair, item.aspect, item.outcome, item.judge) for item in decided if item.outcome]
    return JudgedPairs(
        tuple(positions(rows, seed=seed)),
        tuple(duel_lengths(lengths, answers, methods, [aspect.id for aspect in aspects.items], seed=seed)),
        longer_by_rater(lengths, answers),
        tuple(control_results(*controls)),
    )
