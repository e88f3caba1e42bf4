"""Preference by judges: two sessions with the same client side by side, aspect by aspect, each pair in both orders.

A sample decides an aspect when both orders name the same session. Where they disagree, as with a judge that goes by position, it is a
tie. Both raw answers are kept, and answers for the session shown first are counted.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal

from counseling_sessions.evaluation.aspects import Aspects
from counseling_sessions.evaluation.judging.ask import (
    EVIDENCE,
    REASON,
    Question,
    Unscored,
    evidence_of,
    reason_of,
    schema_of,
)
from counseling_sessions.evaluation.judging.cache import JudgeCache
from counseling_sessions.evaluation.judging.judges import Judge
from counseling_sessions.evaluation.judging.material import messages_of, pair_part, turns_of
from counseling_sessions.evaluation.judging.panel import Account, Answered, OnProgress, Panel, seats
from counseling_sessions.evaluation.pairs import Pair, PairKey, Winner
from counseling_sessions.profiles.schema import clean
from counseling_sessions.prompts import prompt

if TYPE_CHECKING:  # what talks to models takes seconds to import, and most evaluations ask none
    from counseling_sessions.models.chat import Models

Order = Literal["forward", "backward"]
"""forward: the pair's first session is shown as A; backward: its second."""
ORDERS: tuple[Order, Order] = ("forward", "backward")
_WINNERS: dict[Order, dict[str, Winner]] = {
    "forward": {"A": "first", "B": "second", "tie": "tie", "cannot_say": "cannot_say"},
    "backward": {"A": "second", "B": "first", "tie": "tie", "cannot_say": "cannot_say"},
}


_FIELDS = {
    "evidence_a": EVIDENCE,
    "evidence_b": EVIDENCE,
    "reason": REASON,
    "answer": {"type": "string", "enum": list(_WINNERS["forward"])},
}


@dataclass(frozen=True, slots=True)
class PairVerdict:
    """One aspect of one pair in one order, by one sample of one judge. `winner` is None where `unscored` says why.

    `evidence_first` and `evidence_second` name turns of the pair's sessions; `nowhere` counts named turns that do not exist.
    """

    pair: str
    first_method: str
    second_method: str
    key: PairKey
    aspect: str
    judge: str
    sample: int
    order: Order
    winner: Winner | None = None
    evidence_first: tuple[int, ...] = ()
    evidence_second: tuple[int, ...] = ()
    nowhere: int = 0
    reason: str = ""
    unscored: Unscored | None = None


@dataclass(frozen=True)
class PairVerdicts:
    """All raw answers, by pair, aspect, judge, sample and order, and what they took, by judge."""

    rows: tuple[PairVerdict, ...]
    accounts: dict[str, Account]


@dataclass(frozen=True, slots=True)
class Decision:
    """What a judge makes of one aspect of a pair, both orders and all samples together.

    `outcome` is what more than half of the samples decided, else "tie"; None where no sample was answered in both orders. Of the
    `samples` that were, `agreed` gave the same answer in both orders.
    """

    pair: str
    first_method: str
    second_method: str
    key: PairKey
    aspect: str
    judge: str
    outcome: Winner | None
    samples: int
    agreed: int


@dataclass(frozen=True, slots=True)
class PositionBias:
    """How one judge's answers depend on the order of showing.

    `named` answers name a session, `shown_first` of them the one shown first: half, for a judge without bias. `both` counts aspects
    that one sample answered in both orders, `agreed` those with the same answer; `stayed_first` and `stayed_second` those where the
    answer stayed with the place (A in both orders, B in both) and so went to the other session.
    """

    judge: str
    named: int
    shown_first: int
    both: int
    agreed: int
    stayed_first: int
    stayed_second: int


@dataclass(frozen=True, slots=True)
class _Verdict:
    answer: str
    evidence: dict[str, tuple[int, ...]]
    nowhere: int
    reason: str


@dataclass(frozen=True)
class _Asking:
    pair: Pair
    order: Order
    aspects: Aspects

    def question(self, judge: Judge) -> Question[_Verdict]:
        shown = (self.pair.first, self.pair.second)
        one, other = shown if self.order == "forward" else shown[::-1]
        aspects = "\n".join(
            f"- {item.id} ({clean(item.title)}): {clean(item.definition)} Look for: {clean(item.look_for)}"
            for item in self.aspects.items
        )
        keys = ", ".join(f'"{item.id}"' for item in self.aspects.items)
        task = prompt("judge/preference", aspects=aspects, keys=keys)
        turns = {"a": turns_of(one), "b": turns_of(other)}
        return Question(
            messages_of(judge.language, pair_part(one, other), task),
            schema_of("preference", self.aspects.items, _FIELDS),
            lambda aspect, value: _read(aspect, value, turns),
            self.aspects.hash,
            f"{self.pair.id}-{self.order}",
        )


async def judge_pairs(
    pairs: Iterable[Pair],
    aspects: Aspects,
    judges: Sequence[Judge],
    models: "Models",
    cache: JudgeCache,
    *,
    samples: int | None = None,
    on_progress: OnProgress | None = None,
    again: bool = False,
    i_know: bool = False,
) -> PairVerdicts:
    """Compare every pair on every aspect by every judge, in both orders: two calls a pair, judge and sample.

    `samples` replaces the judges' number. Raises what `judge_sessions` raises.
    """
    panel = Panel(await seats(judges, models, i_know=i_know), models, cache, on_progress, again)
    askings = [_Asking(pair, order, aspects) for pair in pairs for order in ORDERS]
    answers = await panel.ask(lambda judge: [asking.question for asking in askings], samples)
    rows = [(answer.place // len(ORDERS), row) for answer in answers for row in _rows(askings[answer.place], answer)]
    items = {item.id: place for place, item in enumerate(aspects.items)}
    numbers = {judge.name: number for number, judge in enumerate(judges)}
    # The sort is stable: the orders stay as they were asked.
    rows.sort(key=lambda row: (row[0], items[row[1].aspect], numbers[row[1].judge], row[1].sample))
    return PairVerdicts(tuple(row for _, row in rows), panel.accounts)


def decisions(rows: Iterable[PairVerdict]) -> list[Decision]:
    """One decision for every pair, aspect and judge, in the order of the rows."""
    decided = []
    for samples in _grouped(rows).values():
        some = next(iter(samples[0].values()))
        both = _both(samples)
        about = some.pair, some.first_method, some.second_method, some.key, some.aspect, some.judge
        decided.append(Decision(*about, _outcome(both), samples=len(both), agreed=_agreed(both)))
    return decided


def position_bias(rows: Iterable[PairVerdict]) -> list[PositionBias]:
    """How far each judge's answers depend on the order of showing, over all aspects; give the rows of one aspect for that aspect."""
    rows = list(rows)
    pairs: dict[str, list[tuple[Winner, Winner]]] = defaultdict(list)
    for (_, _, judge), samples in _grouped(rows).items():
        pairs[judge] += _both(samples)
    biases = []
    for judge in dict.fromkeys(row.judge for row in rows):
        named = [row for row in rows if row.judge == judge and row.winner in ("first", "second")]
        biases.append(
            PositionBias(
                judge=judge,
                named=len(named),
                shown_first=sum((row.winner == "first") == (row.order == "forward") for row in named),
                both=len(pairs[judge]),
                agreed=_agreed(pairs[judge]),
                stayed_first=pairs[judge].count(("first", "second")),
                stayed_second=pairs[judge].count(("second", "first")),
            )
        )
    return biases


def answered_twice(rows: Iterable[PairVerdict]) -> list[tuple[PairVerdict, Winner, Winner]]:
    """A row of each aspect of a pair that a sample answered in both orders, and its winners forward and backward."""
    samples = [orders for listed in _grouped(rows).values() for orders in listed]
    return [(orders["forward"], *both) for orders in samples for both in _both([orders])]


def _grouped(rows: Iterable[PairVerdict]) -> dict[tuple[str, str, str], list[dict[Order, PairVerdict]]]:
    """The samples' answers in their orders, of each pair's aspect and judge."""
    groups: dict[tuple[str, str, str], dict[int, dict[Order, PairVerdict]]] = defaultdict(lambda: defaultdict(dict))
    for row in rows:
        groups[row.pair, row.aspect, row.judge][row.sample][row.order] = row
    return {key: list(samples.values()) for key, samples in groups.items()}


def _both(samples: Iterable[dict[Order, PairVerdict]]) -> list[tuple[Winner, Winner]]:
    """The winners forward and backward, of the samples that answered both."""
    winners = [{order: row.winner for order, row in orders.items() if row.winner} for orders in samples]
    return [(of["forward"], of["backward"]) for of in winners if len(of) == len(ORDERS)]


def _agreed(both: Iterable[tuple[Winner, Winner]]) -> int:
    return sum(forward == backward for forward, backward in both)


def _outcome(both: list[tuple[Winner, Winner]]) -> Winner | None:
    decided: Counter[Winner] = Counter(forward if forward == backward else "tie" for forward, backward in both)
    return next((winner for winner, count in decided.items() if 2 * count > len(both)), "tie") if both else None


def _read(aspect: str, value: dict[str, Any], turns: dict[str, frozenset[int]]) -> _Verdict | Unscored:
    answer = value.get("answer")
    if not isinstance(answer, str) or answer.strip() not in _WINNERS["forward"]:
        return Unscored("not_allowed", f'{aspect}: answer must be "A", "B", "tie" or "cannot_say"')
    cited = {label: evidence_of(value.get(f"evidence_{label}"), numbers) for label, numbers in turns.items()}
    evidence = {label: named for label, (named, _) in cited.items()}
    return _Verdict(answer.strip(), evidence, sum(lost for _, lost in cited.values()), reason_of(value.get("reason")))


def _rows(asking: _Asking, answer: Answered[_Verdict]) -> Iterator[PairVerdict]:
    pair, reading = asking.pair, answer.outcome.reading
    first, second = ("a", "b") if asking.order == "forward" else ("b", "a")
    for item in asking.aspects.items:
        row = PairVerdict(
            pair=pair.id,
            first_method=pair.groups[0],
            second_method=pair.groups[1],
            key=pair.key,
            aspect=item.id,
            judge=answer.judge,
            sample=answer.sample,
            order=asking.order,
        )
        if verdict := reading.parts.get(item.id):
            yield replace(
                row,
                winner=_WINNERS[asking.order][verdict.answer],
                evidence_first=verdict.evidence[first],
                evidence_second=verdict.evidence[second],
                nowhere=verdict.nowhere,
                reason=verdict.reason,
            )
        else:
            yield replace(row, unscored=reading.wrong[item.id])
