"""Who is shown what: dealing subjects (pairs, or sessions) to raters evenly, and showing some of them twice."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from random import Random
from typing import TypeVar

from counseling_sessions.evaluation.rating.study import SessionShowing, Showing, StudyError

REPEATED_FROM = 10
"""From so many subjects on, at least one comes again, unless that share is 0."""
MOST_RATERS = 1000

Traits = Mapping[str, Sequence[tuple[str, ...]]]
"""By the subject's id, what should come up evenly; earlier traits weigh more."""
S = TypeVar("S", Showing, SessionShowing)


def check_draw(subjects: int, raters: int, each: int, shared: int, noun: str) -> None:
    """Raises `StudyError` where so many pairs or sessions (`noun`) cannot be drawn for so many raters."""
    if not 1 <= raters <= MOST_RATERS:
        raise StudyError(f"{raters} raters: should be 1 to {MOST_RATERS}")
    if each < 1:
        raise StudyError(f"{each} {noun}s per rater: should be 1 or more")
    if not 0 <= shared <= each:
        raise StudyError(f"{shared} shared {noun}s: should be 0 to {each}, the {noun}s of each rater")
    needed = shared + raters * (each - shared)
    if needed > subjects:
        raise StudyError(
            f"{needed} {noun}s are needed and there are {subjects}: ask for fewer {noun}s or raters, or share more"
        )


def repeated(shares: Sequence[float], each: int, noun: str) -> list[int]:
    """How many of a rater's subjects come twice, by these shares of them. Raises `StudyError` for more than half."""
    counts = []
    for share in shares:
        if not 0 <= share <= 0.5:
            raise StudyError(f"a share of {share} repeated {noun}s: should be 0 to 0.5")
        counts.append(max(round(share * each), 1 if share and each >= REPEATED_FROM else 0))
    if sum(counts) > each // 2:
        raise StudyError(f"{sum(counts)} of {each} {noun}s would be shown twice; at most half of them can be")
    return counts


def deal(traits: Traits, raters: int, each: int, shared: int, random: Random) -> list[list[str]]:
    """Each rater's subjects, the shared ones first."""
    left = sorted(traits)
    random.shuffle(left)
    seen: Counter[tuple[str, ...]] = Counter()
    common = [_take(left, seen, traits) for _ in range(shared)]
    hands = [(list(common), seen.copy()) for _ in range(raters)]
    for _ in range(each - shared):
        for hand, seen_by_rater in hands:
            hand.append(_take(left, seen_by_rater, traits))
    return [hand for hand, _ in hands]


def _take(left: list[str], seen: Counter[tuple[str, ...]], traits: Traits) -> str:
    """Take out the first of the subjects whose traits have come up least; earlier traits weigh more."""
    chosen = min(left, key=lambda subject: [seen[trait] for trait in traits[subject]])
    left.remove(chosen)
    seen.update(traits[chosen])
    return chosen


def with_repeats(showings: Sequence[S], again: Sequence[Callable[[S], S]], random: Random) -> Iterator[S]:
    """The showings, numbered, with some of the first half again at least half of all subjects later.

    Each of `again` makes the second showing of one of them, but for its numbers.
    """
    half = len(showings) // 2
    later: dict[int, list[tuple[int, Callable[[S], S]]]] = {}
    for place, second in zip(random.sample(range(len(showings) - half), len(again)), again, strict=True):
        later.setdefault(random.randrange(place + half, len(showings)), []).append((place, second))
    number = 0
    number_of: dict[int, int] = {}
    for place, showing in enumerate(showings):
        number += 1
        number_of[place] = number
        yield showing.model_copy(update={"number": number})
        for earlier, second in later.get(place, ()):
            number += 1
            yield second(showings[earlier]).model_copy(update={"number": number, "repeats": number_of[earlier]})
