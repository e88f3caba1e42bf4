"""Drawing a study: pairs, order, sides and repeats, all from one seed.

Every rater sees the same pairs, unless fewer are shared, each in another order. The draw takes one pair after another: one of those
whose methods, then attitude, then client have come up least. Sides are balanced within each rater, and for a shared pair also
between raters. Repeats come at least half a sheet after the first showing.
"""

from collections.abc import Callable, Sequence
from dataclasses import asdict
from random import Random

from counseling_sessions.evaluation.aspects import Aspects
from counseling_sessions.evaluation.pairs import Pair
from counseling_sessions.evaluation.rating.hands import check_draw, deal, repeated, with_repeats
from counseling_sessions.evaluation.rating.study import (
    Place,
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
    by_id = _by_id(pairs)
    check_draw(len(pairs), raters, pairs_per_rater, shared, "pair")
    same, swapped = repeated((repeats, swaps), pairs_per_rater, "pair")
    traits = {pair.id: _traits(pair) for pair in pairs}
    hands = deal(traits, raters, pairs_per_rater, shared, Random(f"{seed} pairs"))
    again = [_same] * same + [_swapped] * swapped
    sheets = [
        _sheet(place, [by_id[name] for name in hand], shared, again, Random(f"{seed} rater {place + 1}"))
        for place, hand in enumerate(hands)
    ]
    drawn = {name: by_id[name] for hand in hands for name in hand}
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


def _by_id(pairs: Sequence[Pair]) -> dict[str, Pair]:
    by_id = {pair.id: pair for pair in pairs}
    if not pairs:
        raise StudyError(
            "there is no pair to rate: both methods need a session with the same client, attitude and seed"
        )
    if len(by_id) != len(pairs):
        raise StudyError("a pair comes twice: read every run once")
    return by_id


def _sheet(
    place: int, hand: list[Pair], shared: int, again: Sequence[Callable[[Showing], Showing]], random: Random
) -> Sheet:
    """What the rater at this place, from 0, is shown."""
    left = _sides(hand, shared, start=place)
    random.shuffle(hand)
    showings = [Showing(number=1, pair=pair.id, left=left[pair.id]) for pair in hand]
    return Sheet(rater=f"rater-{place + 1}", showings=tuple(with_repeats(showings, again, random)))


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


def _same(showing: Showing) -> Showing:
    return showing.model_copy(update={"repeat": "same"})


def _swapped(showing: Showing) -> Showing:
    left: Place = "second" if showing.left == "first" else "first"
    return showing.model_copy(update={"left": left, "repeat": "swapped"})


def _study_pair(pair: Pair) -> StudyPair:
    profile = pair.first.profile or pair.second.profile
    return StudyPair(
        id=pair.id,
        **asdict(pair.key),
        information=tuple(counselor_information(profile).splitlines()) if profile else (),
        reason=counselor_reason(profile) if profile else "",
        first=study_session(pair.first, pair.groups[0]),
        second=study_session(pair.second, pair.groups[1]),
    )


def study_session(session: Session, group: str) -> StudySession:
    """A session with its group, as a study keeps it."""
    return StudySession(
        id=session.id,
        method=group,
        language=session.language,
        dialogue=tuple(Said(speaker=message.speaker, text=message.text) for message in session.dialogue),
    )
