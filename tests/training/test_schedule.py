"""Which packs a run sees in which order, and how large its steps are."""

from collections.abc import Sequence
from typing import Any

import pytest

pytest.importorskip("torch")

from counseling_sessions.training.errors import TrainingError
from counseling_sessions.training.loop import learning_rate, schedule
from counseling_sessions.training.loss import SessionPacks
from counseling_sessions.training.packing import Pack, Target
from counseling_sessions.training.recipe import Recipe


def numbered(count: int, plans: int = 0) -> list[SessionPacks]:
    """Sessions of one pack each, the last ones with a plan."""
    roles = ["merge"] * (count - plans) + ["plan"] * plans
    packs = [Pack(ids=[place], targets=[Target(0, 1, role, 1)]) for place, role in enumerate(roles)]
    return [SessionPacks(str(place), str(place), [pack], 1, 0) for place, pack in enumerate(packs)]


def order(sessions: Sequence[SessionPacks], **changes: Any) -> list[int]:
    return [pack.ids[0] for step in schedule(sessions, Recipe(**changes)) for pack in step]


def test_the_order_follows_from_the_seed() -> None:
    assert order(numbered(30), seed=4) == order(numbered(30), seed=4)
    assert order(numbered(30), seed=4) != order(numbered(30), seed=5)
    assert order(numbered(30), seed=4) != list(range(30))


@pytest.mark.parametrize("epochs", [0.1, 0.36, 0.5, 1.0])
def test_below_one_epoch_is_that_share_of_the_packs(epochs: float) -> None:
    numbers = order(numbered(50), epochs=epochs)
    assert len(set(numbers)) == len(numbers) == round(50 * epochs)


def test_which_packs_are_that_share_follows_from_the_seed() -> None:
    shares = [frozenset(order(numbered(50), epochs=0.3, seed=seed)) for seed in range(1, 6)]
    assert len(set(shares)) == 5
    plans = [frozenset(order(numbered(50, plans=40), epochs=0.3, always=("plan",), seed=seed)) for seed in range(1, 6)]
    assert len(set(plans)) == 5
    assert all(share <= set(range(10, 50)) for share in plans)  # where not even these all fit, others have no place


def test_every_epoch_is_an_order_of_its_own_and_the_last_may_be_a_part() -> None:
    numbers = order(numbered(20), epochs=2.5)
    assert sorted(numbers[:20]) == sorted(numbers[20:40]) == list(range(20))
    assert numbers[:20] != numbers[20:40]
    assert len(set(numbers[40:])) == len(numbers[40:]) == 10


def test_roles_that_are_always_seen_are_all_in_and_not_all_at_the_beginning() -> None:
    plans = set(range(40, 50))
    for seed in range(1, 6):
        numbers = order(numbered(50, plans=10), epochs=0.3, always=("plan",), seed=seed)
        assert len(numbers) == 15
        assert plans <= set(numbers)
        assert set(numbers[:10]) != plans
    assert not plans <= set(order(numbered(50, plans=10), epochs=0.3))


def test_steps_take_so_many_packs() -> None:
    steps = schedule(numbered(10), Recipe(packs_per_step=4))
    assert [len(step) for step in steps] == [4, 4, 2]


def test_without_a_pack_there_is_nothing_to_train_on() -> None:
    with pytest.raises(TrainingError, match="nothing to train on"):
        schedule([], Recipe())


def test_the_learning_rate_rises_and_falls_to_a_tenth() -> None:
    recipe = Recipe(learning_rate=1.0, warmup_steps=4)
    rates = [learning_rate(step, 100, recipe) for step in range(100)]
    assert rates[:5] == pytest.approx([0.2, 0.4, 0.6, 0.8, 1.0])
    assert rates[4:] == sorted(rates[4:], reverse=True)
    assert learning_rate(100, 100, recipe) == pytest.approx(0.1)
