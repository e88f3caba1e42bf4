"""Training runs: the loss falls, a killed run goes on as if nothing had been, and the best adapter is kept."""

import math
import os
import random
import signal
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("torch")
pytest.importorskip("peft")

import torch

from counseling_sessions.training import loop
from counseling_sessions.training.errors import TrainingError
from counseling_sessions.training.loop import CHECKPOINT, History, Progress, schedule, train
from counseling_sessions.training.loss import score
from counseling_sessions.training.packing import Pack
from counseling_sessions.training.recipe import Recipe
from tests.training.runs import (
    RECIPE,
    SESSIONS,
    Killed,
    assert_alike,
    fresh_model,
    killed_at,
    packed,
    packs_of,
    trained,
    weights_of,
)
from tests.training.small import SENTENCES

pytestmark = pytest.mark.filterwarnings("ignore:`is_gradient_checkpointing`:FutureWarning")


@pytest.fixture
def always_saved(monkeypatch: pytest.MonkeyPatch) -> None:
    """A checkpoint after every step."""
    monkeypatch.setattr(loop, "CHECKPOINT_EVERY", 0.0)


def test_the_loss_falls(tmp_path: Path) -> None:
    history, _ = trained(tmp_path)
    losses = [step.loss for step in history.steps]
    assert len(losses) == 4 * len(packs_of(packed(SESSIONS)))
    assert sum(losses[-5:]) < 0.8 * sum(losses[:5])
    assert [look.step for look in history.looks] == [round(len(losses) * part / 4) for part in range(1, 5)]
    assert set(history.looks[0].by_role) == {"plan", "merge", "client"}


def test_only_the_adapter_learns(tmp_path: Path) -> None:
    model = fresh_model()
    base = {name: weight.clone() for name, weight in model.named_parameters() if not weight.requires_grad}
    before = weights_of(model)
    train(model, schedule(packed(SESSIONS), RECIPE), [], RECIPE, tmp_path, "")
    assert all(torch.equal(weight, base[name]) for name, weight in model.named_parameters() if name in base)
    assert not any(torch.equal(weight, before[name]) for name, weight in weights_of(model).items())


@pytest.mark.parametrize("step", [1, 6, 13])
@pytest.mark.usefixtures("always_saved")
def test_a_run_that_was_killed_goes_on_as_if_it_had_not_been(step: int, tmp_path: Path) -> None:
    uninterrupted = trained(tmp_path / "whole")
    with pytest.raises(Killed):
        trained(tmp_path / "killed", on_step=killed_at(step))
    assert (tmp_path / "killed" / CHECKPOINT).exists() == (step > 1)
    steps: list[int] = []
    resumed_run = trained(tmp_path / "killed", on_step=lambda progress: steps.append(progress.step))
    assert steps == list(range(step, len(uninterrupted[0].steps) + 1))  # what had been done is not done again
    assert resumed_run[0].resumed == (step > 1)
    assert_alike(resumed_run, uninterrupted)


@pytest.mark.usefixtures("always_saved")
def test_a_run_that_was_killed_often_goes_on_each_time(tmp_path: Path) -> None:
    for step in (3, 4, 9, 14):
        with pytest.raises(Killed):
            trained(tmp_path / "killed", on_step=killed_at(step))
    resumed_run = trained(tmp_path / "killed")
    assert resumed_run[0].resumed == 4
    assert_alike(resumed_run, trained(tmp_path / "whole"))


@pytest.mark.usefixtures("always_saved")
def test_the_checkpoint_of_another_run_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Killed):
        trained(tmp_path, on_step=killed_at(3))
    with pytest.raises(TrainingError, match=r"checkpoint\.pt belongs to a run with other data, base or recipe"):
        trained(tmp_path, fingerprint="another run")
    (tmp_path / CHECKPOINT).write_bytes(b"cut off")
    with pytest.raises(TrainingError, match=r"checkpoint\.pt cannot be read .*remove it"):
        trained(tmp_path)


def test_an_interruption_ends_the_step_and_leaves_a_checkpoint_to_go_on_from(tmp_path: Path) -> None:
    uninterrupted = trained(tmp_path / "whole")

    def interrupt(progress: Progress) -> None:
        if progress.step == 3:
            os.kill(os.getpid(), signal.SIGINT)

    with pytest.raises(KeyboardInterrupt):
        trained(tmp_path / "stopped", on_step=interrupt)
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    resumed_run = trained(tmp_path / "stopped")
    assert resumed_run[0].resumed == 1
    assert_alike(resumed_run, uninterrupted)


def contradicted() -> list[Pack]:
    """The prompts of the training sessions, each with another answer: the better those are learnt, the worse these."""
    other = [row | {"completion": [{"role": "assistant", "content": SENTENCES[-1][::-1]}]} for row in SESSIONS]
    return packs_of(packed(other))[:2]


MISLED = RECIPE.model_copy(update={"epochs": 10.0, "looks": 30})


@pytest.mark.parametrize("patience", [2, 3])
def test_training_stops_when_the_validation_loss_no_longer_falls_and_keeps_the_best(
    patience: int, tmp_path: Path
) -> None:
    recipe = MISLED.model_copy(update={"patience": patience})
    model, validation = fresh_model(recipe), contradicted()
    steps = schedule(packed(SESSIONS), recipe)
    history = train(model, steps, validation, recipe, tmp_path, "")
    assert history.stopped == f"the validation loss has not fallen for {patience} looks"
    assert len(history.steps) < len(steps)
    assert history.best
    losses = [look.loss for look in history.looks]
    assert losses.index(history.best.loss) == len(losses) - 1 - patience
    assert score(model, validation).mean == pytest.approx(history.best.loss, abs=1e-5)
    assert history.best.loss < losses[-1]


def test_a_look_that_is_the_last_stops_nothing(tmp_path: Path) -> None:
    recipe = MISLED.model_copy(update={"looks": 3, "patience": 2})
    history, _ = trained(tmp_path / "run", recipe, validation=contradicted())
    assert history.looks[0].loss < history.looks[1].loss < history.looks[2].loss
    assert history.stopped is None


@pytest.mark.usefixtures("always_saved")
def test_the_best_adapter_outlives_a_kill(tmp_path: Path) -> None:
    uninterrupted = trained(tmp_path / "whole", MISLED, validation=contradicted())
    last = len(uninterrupted[0].steps)
    with pytest.raises(Killed):
        trained(tmp_path / "killed", MISLED, validation=contradicted(), on_step=killed_at(last - 1))
    resumed_run = trained(tmp_path / "killed", MISLED, validation=contradicted())
    assert uninterrupted[0].best
    assert uninterrupted[0].best.step < last - 1
    assert resumed_run[0].stopped == uninterrupted[0].stopped is not None
    assert_alike(resumed_run, uninterrupted)


def test_a_loss_that_is_no_number_ends_the_run(tmp_path: Path) -> None:
    model = fresh_model()
    with torch.no_grad():
        next(weight for weight in model.parameters() if weight.requires_grad).fill_(math.nan)
    with pytest.raises(TrainingError, match="the loss is no number at step 1"):
        train(model, schedule(packed(SESSIONS), RECIPE), [], RECIPE, tmp_path, "")


def test_the_seed_governs_all_that_is_random(tmp_path: Path) -> None:
    def run(folder: str, noise: int, recipe: Recipe = RECIPE) -> tuple[History, dict[str, Any]]:
        random.seed(noise)
        torch.manual_seed(noise)
        model = fresh_model(recipe)
        torch.manual_seed(noise)
        history = train(model, schedule(packed(SESSIONS), recipe), [], recipe, tmp_path / folder, "")
        return history, weights_of(model)

    one = run("one", 1)
    assert_alike(run("two", 2), one)
    other = run("three", 1, RECIPE.model_copy(update={"seed": 9}))
    assert not any(torch.allclose(weight, one[1][name], atol=1e-3) for name, weight in other[1].items())


def test_a_step_is_as_large_as_the_learning_rate_says(tmp_path: Path) -> None:
    """The first step of Adam changes every weight by the learning rate, whatever the gradient."""
    recipe = RECIPE.model_copy(update={"warmup_steps": 99, "dropout": 0.0})
    model = fresh_model(recipe)
    before = weights_of(model)
    [step] = train(model, schedule(packed(SESSIONS), recipe)[:1], [], recipe, tmp_path, "").steps
    assert step.learning_rate == pytest.approx(recipe.learning_rate / 100)
    changes = [(weight - before[name]).abs().max().item() for name, weight in weights_of(model).items()]
    assert max(changes) == pytest.approx(step.learning_rate, rel=0.01)
