"""Drawing a study: pairs, order, sides and repeats, all from one seed.

Every rater sees the same pairs, unless fewer are shared, each in another order. The draw takes one pair after another: one of those
whose methods, then attitude, then client have come up least. Sides are balanced within each rater, and for a shared pair also
between raters. Repeats come at least half a sheet after the first showing.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict
from random import Random

from counseling_sessions.evaluation.aspects import Aspects
from counseling_sessions.evaluation.pairs import Pair
from counseling_sessions.evaluation.rating.study import (
    Place,
    Repeat,
    Said,
    Sheet,
    Showing,
    Study,
    StudyError,
    StudyPair,
    StudySession,
)
from counseling_sessions.profiles.schema import counselor_information, counselor_reason
from counseling_sessions.sessions import Session

REPEATED_FROM = 10
"""From so many pairs on, at least one comes again the same way and one with sides swapped, unless that share is 0."""
MOST_RATERS = 1000


def draw_study(
    pairs: Sequence[Pair],
    aspects: Aspects,
    *,
    raters: int = 3,
    pairs_per_rater: int = 60,
    shared: int | None = None,
    repeats: float = 0.05,
    swaps: float = 0.05,
    seed: int = 0,
) -> Study:
    """Draw a study. The same pairs (in any order), options and seed give the same study.

    `raters` (1 to 1000) are named rater-1, rater-2, …; each rates `pairs_per_rater` pairs. `shared` of these (default: all) are
    the same for everyone: agreement needs them. The share `repeats` (0 to 0.5) of a rater's pairs comes a second time the same
    way, and `swaps` a second time with the sides swapped: other pairs for each rater, at least one of either from ten pairs on,
    together half of the pairs at most. Raises `StudyError` where the pairs do not suffice or the options contradict each other.
    """
    shared = pairs_per_rater if shared is None else shared
    _check(pairs, raters, pairs_per_rater, shared)
    same, swapped = _count(repeats, pairs_per_rater), _count(swaps, pairs_per_rater)
    if same + swapped > pairs_per_rater // 2:
        raise StudyError(
            f"{same + swapped} of {pairs_per_rater} pairs would be shown twice; at most half of them can be"
        )
    hands = _deal(pairs, raters, pairs_per_rater, shared, Random(f"{seed} pairs"))
    sheets = []
    for place, hand in enumerate(hands):
        random = Random(f"{seed} rater {place + 1}")
        left = _sides(hand, shared, start=place)
        random.shuffle(hand)
        showings = [Showing(number=1, pair=pair.id, left=left[pair.id]) for pair in hand]
        sheets.append(Sheet(rater=f"rater-{place + 1}", showings=_with_repeats(showings, same, swapped, random)))
    drawn = {pair.id: pair for hand in hands for pair in hand}
    return Study(
        seed=seed,
        options={
            "raters": raters,
            "pairs_per_rater": pairs_per_rater,
            "shared": shared,
            "repeats": repeats,
            "swaps": swaps,
            "pairs_to_draw_from": len(pairs),
        },
        aspects=aspects,
        pairs=tuple(_study_pair(pair) for _, pair in sorted(drawn.items())),
        sheets=tuple(sheets),
    ).hashed()


def _check(pairs: Sequence[Pair], raters: int, each: int, shared: int) -> None:
    if not 1 <= raters <= MOST_RATERS:
        raise StudyError(f"{raters} raters: should be 1 to {MOST_RATERS}")
    if not pairs:
        raise StudyError(
            "there is no pair to rate: both methods need a session with the same client, attitude and seed"
        )
    if len({pair.id for pair in pairs}) != len(pairs):
        raise StudyError("a pair comes twice: read every run once")
    if each < 1:
        raise StudyError(f"{each} pairs per rater: should be 1 or more")
    if not 0 <= shared <= each:
        raise StudyError(f"{shared} shared pairs: should be 0 to {each}, the pairs of each rater")
    needed = shared + raters * (each - shared)
    if needed > len(pairs):
        raise StudyError(
            f"{needed} pairs are needed and there are {len(pairs)}: ask for fewer pairs or raters, or share more"
        )


def _count(share: float, pairs: int) -> int:
    if not 0 <= share <= 0.5:
        raise StudyError(f"a share of {share} repeated pairs: should be 0 to 0.5")
    return max(round(share * pairs), 1 if share and pairs >= REPEATED_FROM else 0)


def _deal(pairs: Sequence[Pair], raters: int, each: int, shared: int, random: Random) -> list[list[Pair]]:
    """Each rater's pairs, the shared ones first."""
    left = sorted(pairs, key=lambda pair: pair.id)
    random.shuffle(left)
    seen: Counter[tuple[str, ...]] = Counter()
    common = [_take(left, seen) for _ in range(shared)]
    hands = [(list(common), seen.copy()) for _ in range(raters)]
    for _ in range(each - shared):
        for hand, seen_by_rater in hands:
            hand.append(_take(left, seen_by_rater))
    return [hand for hand, _ in hands]


def _take(left: list[Pair], seen: Counter[tuple[str, ...]]) -> Pair:
    """Take out the first of the pairs whose traits have come up least; earlier traits weigh more."""
    pair = min(left, key=lambda pair: [seen[trait] for trait in _traits(pair)])
    left.remove(pair)
    seen.update(_traits(pair))
    return pair


def _traits(pair: Pair) -> list[tuple[str, ...]]:
    return [
        ("methods", *pair.groups),
        ("methods and attitude", *pair.groups, pair.key.attitude),
        ("attitude", pair.key.attitude),
        ("client", pair.key.client),
    ]


def _sides(hand: list[Pair], shared: int, start: int) -> dict[str, Place]:
    """Which session of each pair is left: in turn, over the pairs sorted by methods and attitude, the shared ones first.

    So the sides differ by one at most, also within the shared pairs of each two methods (and attitude). The next rater starts with
    the other side, which balances a shared pair between raters.
    """
    order = sorted(hand[:shared], key=_stratum) + sorted(hand[shared:], key=_stratum)
    return {pair.id: "second" if (place + start) % 2 else "first" for place, pair in enumerate(order)}


def _stratum(pair: Pair) -> tuple[str, ...]:
    return *pair.groups, pair.key.attitude, pair.id


def _with_repeats(showings: list[Showing], same: int, swapped: int, random: Random) -> tuple[Showing, ...]:
    """The showings, numbered, with some of the first half again at least half of all pairs later."""
    half = len(showings) // 2
    kinds: list[Repeat] = ["same" if place < same else "swapped" for place in range(same + swapped)]
    again: dict[int, list[tuple[int, Repeat]]] = {}
    for place, kind in zip(random.sample(range(len(showings) - half), len(kinds)), kinds, strict=True):
        again.setdefault(random.randrange(place + half, len(showings)), []).append((place, kind))
    numbered: list[Showing] = []
    number_of: dict[int, int] = {}
    for place, showing in enumerate(showings):
        number_of[place] = len(numbered) + 1
        numbered.append(showing.model_copy(update={"number": number_of[place]}))
        for earlier, kind in again.get(place, ()):
            first = showings[earlier].left
            left: Place = first if kind == "same" else "second" if first == "first" else "first"
            changes = {"number": len(numbered) + 1, "left": left, "repeat": kind, "repeats": number_of[earlier]}
            numbered.append(showings[earlier].model_copy(update=changes))
    return tuple(numbered)


def _study_pair(pair: Pair) -> StudyPair:
    profile = pair.first.profile or pair.second.profile
    return StudyPair(
        id=pair.id,
        **asdict(pair.key),
        information=tuple(counselor_information(profile).splitlines()) if profile else (),
        reason=counselor_reason(profile) if profile else "",
        first=_study_session(pair.first, pair.groups[0]),
        second=_study_session(pair.second, pair.groups[1]),
    )


def _study_session(session: Session, group: str) -> StudySession:
    return StudySession(
        id=session.id,
        method=group,
        language=session.language,
        dialogue=tuple(Said(speaker=message.speaker, text=message.text) for message in session.dialogue),
    )
