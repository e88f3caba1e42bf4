"""Attention in a packed tree: what it does not compute is refused, and not left out in silence."""

from typing import Any

import pytest

pytest.importorskip("torch")
pytest.importorskip("transformers")

import torch

from counseling_sessions.training.errors import TrainingError
from counseling_sessions.training.packing import Chain
from counseling_sessions.training.tree_attention import tree_attention

TREE = [Chain(0, 4, ()), Chain(4, 7, ((0, 2),))]
"""Four tokens one after the other, and three more that branch off after the second."""


def attend(**options: Any) -> Any:
    states = torch.ones(1, 1, 7, 8)
    return tree_attention(torch.nn.Identity(), states, states, states, None, chains=TREE, **options)[0]


def test_a_window_that_every_example_fits_into_changes_nothing_and_a_smaller_one_is_refused() -> None:
    assert torch.equal(attend(sliding_window=5), attend())
    with pytest.raises(TrainingError, match="attends to 4 tokens at most, and an example has 5"):
        attend(sliding_window=4)


@pytest.mark.parametrize("option", [{"softcap": 30.0}, {"s_aux": torch.zeros(1)}])
def test_capped_attention_and_sinks_are_refused(option: dict[str, Any]) -> None:
    with pytest.raises(TrainingError, match="take another base"):
        attend(**option)
