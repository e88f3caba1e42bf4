"""Training runs of the tiny model on a few sessions, whole ones and killed ones, and whether two runs were the same."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
import torch

from counseling_sessions.training.base import Base, adapter_model
from counseling_sessions.training.loop import History, Progress, schedule, train
from counseling_sessions.training.loss import SessionPacks, pack_sessions
from counseling_sessions.training.packing import Pack
from counseling_sessions.training.recipe import Recipe
from tests.training.small import CHATML, rows, tiny_llama, tokenizer

RECIPE = Recipe(
    rank=4,
    alpha=8,
    dropout=0.1,
    learning_rate=1e-2,
    warmup_steps=2,
    epochs=4.0,
    pack_tokens=400,
    max_length=400,
    looks=4,
)


class Killed(Exception):
    """Ends a run in the middle of a step, as a kill would."""


def packed(examples: Sequence[dict[str, Any]], recipe: Recipe = RECIPE) -> list[SessionPacks]:
    return pack_sessions(examples, tokenizer(CHATML), recipe.max_length, recipe.pack_tokens)


def packs_of(sessions: Sequence[SessionPacks]) -> list[Pack]:
    return [pack for session in sessions for pack in session.packs]


SESSIONS = [row for number in range(3) for row in rows(number)]
HELD_OUT = list(rows(3))


def fresh_model(recipe: Recipe = RECIPE) -> Any:
    return adapter_model(Base("tiny", tiny_llama(), None, None, ""), recipe)


def weights_of(model: Any) -> dict[str, Any]:
    return {name: weight.detach().clone() for name, weight in model.named_parameters() if weight.requires_grad}


def trained(
    folder: Path,
    recipe: Recipe = RECIPE,
    *,
    validation: Sequence[Pack] | None = None,
    fingerprint: str = "this run",
    on_step: Callable[[Progress], None] = lambda progress: None,
) -> tuple[History, dict[str, Any]]:
    """What a run has measured, and the weights that it ends with."""
    folder.mkdir(exist_ok=True)
    model = fresh_model(recipe)
    looked_at = packs_of(packed(HELD_OUT)) if validation is None else validation
    steps = schedule(packed(SESSIONS, recipe), recipe)
    history = train(model, steps, looked_at, recipe, folder, fingerprint, on_step=on_step)
    return history, weights_of(model)


def killed_at(step: int) -> Callable[[Progress], None]:
    def on_step(progress: Progress) -> None:
        if progress.step == step:
            raise Killed

    return on_step


def assert_alike(found: tuple[History, dict[str, Any]], wanted: tuple[History, dict[str, Any]]) -> None:
    """The same curve, the same looks and the same weights, to 1e-5."""
    (history, weights), (whole, whole_weights) = found, wanted
    assert [step.step for step in history.steps] == [step.step for step in whole.steps]
    assert [step.loss for step in history.steps] == pytest.approx([step.loss for step in whole.steps], abs=1e-5)
    assert [step.learning_rate for step in history.steps] == [step.learning_rate for step in whole.steps]
    assert [look.step for look in history.looks] == [look.step for look in whole.looks]
    assert [look.loss for look in history.looks] == pytest.approx([look.loss for look in whole.looks], abs=1e-5)
    assert weights.keys() == whole_weights.keys()
    for name, weight in whole_weights.items():
        assert torch.allclose(weights[name], weight, atol=1e-5), name
