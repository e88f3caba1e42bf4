"""What the judges of pairs go by: the order of showing, length, and what they say of control pairs."""

from collections import Counter, defaultdict
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
class LostAnswers:
    """How many answers on an aspect a judge was asked for, and how many of them could not be had, by why (`Unscored.kind`)."""

    asked: int
    lost: dict[str, int]

    @property
    def share(self) -> float:
        """The share that was lost, 0 to 1."""
        return sum(self.lost.values()) / self.asked if self.asked else 0.0


@dataclass(frozen=True)
class JudgedPairs:
    """By judge: `longer`, the share of its decisions that name the longer session, and `lost`; the rest as in their own classes."""

    positions: tuple[Position, ...]
    lengths: tuple[DuelLengths, ...]
    longer: dict[str, Figure]
    controls: tuple[ControlResult, ...]
    lost: dict[str, LostAnswers]


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
    lengths, rows = sized(pairs), list(rows)
    answers = [PairAnswer(item.pair, item.aspect, item.outcome, item.judge) for item in decided if item.outcome]
    return JudgedPairs(
        tuple(positions(rows, seed=seed)),
        tuple(duel_lengths(lengths, answers, methods, [aspect.id for aspect in aspects.items], seed=seed)),
        longer_by_rater(lengths, answers),
        tuple(control_results(*controls)),
        _lost(rows),
    )


def _lost(rows: Iterable[PairVerdict]) -> dict[str, LostAnswers]:
    asked: Counter[str] = Counter()
    lost: dict[str, Counter[str]] = defaultdict(Counter)
    for row in rows:
        asked[row.judge] += 1
        if row.unscored:
            lost[row.judge][row.unscored.kind] += 1
    return {judge: LostAnswers(count, dict(lost[judge].most_common())) for judge, count in asked.items()}
