"""Pairing: no session is dropped in silence, repetitions are paired in turn, and every pair has its own name."""

from collections import Counter

import pytest

from counseling_sessions.evaluation.pairs import Pairing, Pairs, pairs_of
from counseling_sessions.sessions import Session
from tests.evaluation.judged import session


def several(method: str, count: int, **changes: object) -> list[Session]:
    """So many sessions of one client, attitude and seed, which differ in id and words."""
    return [session(f"{method} {number}", method=method, **changes) for number in range(count)]


def paired(**groups: list[Session]) -> Pairs:
    return pairs_of(groups, Pairing())


def names(found: Pairs) -> list[tuple[str, str]]:
    return [(pair.first.id, pair.second.id) for pair in found.pairs]


def test_repetitions_are_paired_in_turn_and_what_is_over_is_counted() -> None:
    found = paired(magnet=several("magnet", 3), single=several("single", 2))
    assert names(found) == [("magnet 0", "single 0"), ("magnet 1", "single 1")]
    assert (found.repetitions, found.surplus, found.alone) == (1, 1, 0)
    assert len({pair.id for pair in found.pairs}) == 2


def test_a_session_whose_client_no_other_group_has_is_alone_however_often_it_was_repeated() -> None:
    found = paired(magnet=several("magnet", 2), single=several("single", 1, seed=2))
    assert (len(found.pairs), found.repetitions, found.surplus, found.alone) == (0, 0, 0, 3)


def test_of_three_groups_each_two_are_paired_as_far_as_both_reach() -> None:
    found = paired(a=several("a", 3), b=several("b", 1), c=several("c", 2))
    assert Counter(pair.groups for pair in found.pairs) == {("a", "b"): 1, ("a", "c"): 2, ("b", "c"): 1}
    # The repetition of a and c is one pair; the third session of a has nobody.
    assert (found.repetitions, found.surplus) == (1, 1)


@pytest.mark.parametrize("reverse", [False, True])
def test_the_order_of_reading_does_not_matter(reverse: bool) -> None:
    ours, theirs = several("magnet", 4), several("single", 3)
    given = {"magnet": ours[::-1] if reverse else ours, "single": theirs}
    found = pairs_of(given, Pairing())
    assert [pair.id for pair in found.pairs] == [pair.id for pair in paired(magnet=ours, single=theirs).pairs]


def test_a_session_that_was_read_twice_counts_once() -> None:
    ours = session("ours")
    copy = ours.model_copy(update={"source": "elsewhere"})
    found = paired(magnet=[ours, copy], single=several("single", 2))
    assert (len(found.pairs), found.copies, found.surplus) == (1, 1, 1)


def test_sessions_of_one_id_that_say_different_things_are_different_pairs() -> None:
    ours = session("one")
    other = ours.model_copy(update={"dialogue": ours.dialogue[:-2]})
    theirs = [item.model_copy(update={"method": "single"}) for item in (ours, other)]
    found = paired(magnet=[ours, other], single=theirs)
    assert len({pair.id for pair in found.pairs}) == len(found.pairs) == 2
    assert found.copies == 0
    for pair in found.pairs:
        assert pair.first.dialogue == pair.second.dialogue
