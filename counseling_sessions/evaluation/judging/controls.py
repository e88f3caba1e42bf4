"""Control pairs: what a judge says of two sessions that are one session, and of a session beside itself with empty words added.

An honest judge ties on identical sessions, and ties on padded copies or prefers the plain session. Control pairs count in no win rate.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from random import Random
from typing import Literal, get_args

from counseling_sessions.evaluation.judging.planting.padding import LANGUAGE, add_padding
from counseling_sessions.evaluation.judging.preference import (
    Decision,
    PairVerdict,
    PairVerdicts,
    answered_twice,
    decisions,
)
from counseling_sessions.evaluation.languages import expected, other_language
from counseling_sessions.evaluation.pairs import Pair, PairKey, Winner, name_of
from counseling_sessions.evaluation.statistics.intervals import Figure, share_figure
from counseling_sessions.sessions import Session
from counseling_sessions.texts.words import normalized

ControlKind = Literal["identical", "padded"]
PLAIN = "plain"
"""The name of a control pair's unchanged session; the other has the kind's name."""
SHARE, FEWEST = 0.05, 5
"""By default there is a control of each kind for one pair in twenty, five at least: fewer clients have no interval."""
PADDED_BY = 0.4
"""Words that padding adds, as a share of the session's."""


@dataclass(frozen=True)
class ControlResult:
    """What one judge says of one kind of control pairs, over `pairs` pairs and all aspects.

    Of its `answers`, the shares that `tied`, that named the `one` and that named the `other`: for identical pairs the session shown
    first and second, for padded ones the padded and the plain session, in decisions over both orders. Who could not say is in none.
    `split`, of padded pairs, is the share tied because the orders disagreed: not more than half of the samples tied in both.
    """

    judge: str
    kind: ControlKind
    pairs: int
    answers: int
    tied: Figure
    one: Figure
    other: Figure
    split: Figure | None = None


def controls_wanted(pairs: int) -> int:
    """How many control pairs of each kind go with so many pairs."""
    return max(FEWEST, round(SHARE * pairs))


def control_pairs(pairs: Sequence[Pair], n: int, *, seed: int = 0) -> list[Pair]:
    """An identical and a padded pair for each of `n` sessions, drawn from the pairs' by a seed, or for fewer where there are fewer.

    Clients and groups come up as evenly as they can. In half of the padded pairs the padded session is the first. Sessions in other
    languages than the padding's have identical pairs only. The same pairs, number and seed give the same controls.
    """
    controls = []
    for number, (key, session) in enumerate(_drawn(pairs, n, seed)):
        controls.append(_pair("identical", key, session, session.model_copy(), first=True))
        longer = padded(session, seed)
        if _in_language(session) and longer.dialogue != session.dialogue:
            controls.append(_pair("padded", key, longer, session, first=number % 2 == 0))
    return controls


def padded(session: Session, seed: int = 0) -> Session:
    """The session with empty words before what both speakers say, `PADDED_BY` of its words more; turns stay as they are."""
    dialogue = add_padding(session.dialogue, PADDED_BY, Random(f"{seed}/{session.id}/padded"))
    return session.model_copy(update={"id": f"{session.id}~padded", "dialogue": dialogue})


def control_results(controls: Iterable[Pair], rows: Iterable[PairVerdict]) -> list[ControlResult]:
    """What every judge says of every kind of control; rows on other pairs are passed over."""
    kinds = {pair.id: _kind(pair) for pair in controls}
    kept = [row for row in rows if row.pair in kinds]
    results = []
    for judge in dict.fromkeys(row.judge for row in kept):
        for kind in get_args(ControlKind):
            mine = [row for row in kept if row.judge == judge and kinds[row.pair] == kind]
            if mine:
                results.append(_result(judge, kind, mine))
    return results


def parted(answers: PairVerdicts, controls: Iterable[Pair]) -> tuple[PairVerdicts, tuple[PairVerdict, ...]]:
    """The answers without those on controls, and these; the accounts stay with the former, and are of both."""
    names = {pair.id for pair in controls}
    rows = tuple(row for row in answers.rows if row.pair not in names)
    return replace(answers, rows=rows), tuple(row for row in answers.rows if row.pair in names)


def _result(judge: str, kind: ControlKind, rows: Sequence[PairVerdict]) -> ControlResult:
    split: Figure | None = None
    if kind == "identical":
        # Both orders are one question with one answer, so only one of them counts.
        answers = [(row.key.client, row.winner) for row in rows if row.order == "forward"]
    else:
        answers = [(item.key.client, _padded_first(item)) for item in decisions(rows)]
        split = _split(rows)
    said = [(client, winner) for client, winner in answers if winner and winner != "cannot_say"]

    def share(of: Winner) -> Figure:
        return share_figure((client, winner == of) for client, winner in said)

    return ControlResult(
        judge, kind, len({row.pair for row in rows}), len(said), share("tie"), share("first"), share("second"), split
    )


def _split(rows: Sequence[PairVerdict]) -> Figure:
    """The share of decisions that are ties, though not more than half of the samples said tie in both orders."""
    ties: dict[tuple[str, str], list[bool]] = defaultdict(list)
    for row, forward, backward in answered_twice(rows):
        ties[row.pair, row.aspect].append(forward == backward == "tie")
    said = [item for item in decisions(rows) if item.outcome and item.outcome != "cannot_say"]
    return share_figure(
        (item.key.client, item.outcome == "tie" and 2 * sum(ties[item.pair, item.aspect]) <= item.samples)
        for item in said
    )


def _padded_first(decision: Decision) -> Winner | None:
    """The outcome as if the padded session were the pair's first."""
    turned: dict[Winner, Winner] = {"first": "second", "second": "first"}
    if decision.outcome is None or decision.first_method == "padded":
        return decision.outcome
    return turned.get(decision.outcome, decision.outcome)


def _in_language(session: Session) -> bool:
    """Whether a session is in the padding's language; by its words, as few files name one."""
    text = " ".join(message.text for message in session.dialogue)
    language = expected(LANGUAGE)
    return session.language in (None, LANGUAGE) and bool(
        language and not other_language(text, normalized(text), language)
    )


def _kind(pair: Pair) -> ControlKind:
    return "identical" if "identical" in pair.groups else "padded"


def _pair(kind: ControlKind, key: PairKey, changed: Session, plain: Session, *, first: bool) -> Pair:
    groups: tuple[str, str] = (kind, PLAIN) if first else (PLAIN, kind)
    sides = (changed, plain) if first else (plain, changed)
    return Pair(name_of([kind, plain.id, *(message.text for message in plain.dialogue)]), key, groups, *sides)


def _drawn(pairs: Sequence[Pair], n: int, seed: int) -> list[tuple[PairKey, Session]]:
    """Sessions, those first whose client, then whose group, has come up least."""
    sides = {
        (group, session.id, session.source): (pair.key, group, session)
        for pair in pairs
        for group, session in zip(pair.groups, (pair.first, pair.second), strict=True)
    }
    left = [sides[name] for name in sorted(sides)]
    Random(f"{seed} controls").shuffle(left)
    seen: Counter[tuple[str, str]] = Counter()
    drawn: list[tuple[PairKey, Session]] = []
    while left and len(drawn) < n:
        key, group, session = min(left, key=lambda one: (seen["client", one[0].client], seen["group", one[1]]))
        left.remove((key, group, session))
        seen.update([("client", key.client), ("group", group)])
        drawn.append((key, session))
    return drawn
