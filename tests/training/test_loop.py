"""Training runs: the loss falls, a killed run goes on as if nothing had been, and the best adapter is kept."""

import json
import math
import os
import random
import signal
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("torch")
pytest.importorskip("peft")

import torch

from tests.training.small import CHATML, SENTENCES, base_folder, data_folder, rows, tiny_llama, tokenizer
from training import loop
from training.adapter import TrainingCard, read_card, train_adapter
from training.base import Base, adapter_model
from training.errors import TrainingError
from training.loop import CHECKPOINT, History, Progress, schedule, train
from training.loss import SessionPacks, pack_sessions, score
from training.packing import Pack
from training.recipe import Recipe

ROOT = Path(__file__).parents[2]
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
pytestmark = pytest.mark.filterwarnings("ignore:`is_gradient_checkpointing`:FutureWarning")


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


@pytest.fixture
def always_saved(monkeypatch: pytest.MonkeyPatch) -> None:
    """A checkpoint after every step."""
    monkeypatch.setattr(loop, "CHECKPOINT_EVERY", 0.0)


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
    whole = trained(tmp_path / "whole")
    with pytest.raises(Killed):
        trained(tmp_path / "killed", on_step=killed_at(step))
    assert (tmp_path / "killed" / CHECKPOINT).exists() == (step > 1)
    steps: list[int] = []
    found = trained(tmp_path / "killed", on_step=lambda progress: steps.append(progress.step))
    assert steps == list(range(step, len(whole[0].steps) + 1))  # what had been done is not done again
    assert found[0].resumed == (step > 1)
    assert_alike(found, whole)


@pytest.mark.usefixtures("always_saved")
def test_a_run_that_was_killed_often_goes_on_each_time(tmp_path: Path) -> None:
    for step in (3, 4, 9, 14):
        with pytest.raises(Killed):
            trained(tmp_path / "killed", on_step=killed_at(step))
    found = trained(tmp_path / "killed")
    assert found[0].resumed == 4
    assert_alike(found, trained(tmp_path / "whole"))


@pytest.mark.usefixtures("always_saved")
def test_the_checkpoint_of_another_run_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Killed):
        trained(tmp_path, on_step=killed_at(3))
    with pytest.raises(TrainingError, match=r"checkpoint\.pt belongs to a run with other data, base or recipe"):
        trained(tmp_path, fingerprint="another run")
    (tmp_path / CHECKPOINT).write_bytes(b"cut off")
    with pytest.raises(TrainingError, match=r"checkpoint\.pt cannot be read .*remove it"):
        trained(tmp_path)


@pytest.mark.usefixtures("always_saved")
@pytest.mark.parametrize("change", ["recipe", "data", "base"])
def test_a_run_goes_on_only_with_the_same_data_base_and_recipe(change: str, tmp_path: Path) -> None:
    data, base, out = data_folder(tmp_path / "data"), base_folder(tmp_path / "base"), tmp_path / "out"
    with pytest.raises(Killed):
        train_adapter(data, out, str(base), RECIPE, on_step=killed_at(3))
    recipe, where = RECIPE, str(base)
    if change == "recipe":
        recipe = RECIPE.model_copy(update={"learning_rate": 2e-2})
    elif change == "data":
        lines = (data / "train.jsonl").read_text().splitlines(keepends=True)
        (data / "train.jsonl").write_text("".join(lines[:-1]))
    else:
        where = str(base_folder(tmp_path / "another"))
    with pytest.raises(TrainingError, match="other data, base or recipe"):
        train_adapter(data, out, where, recipe)


def contradicted() -> list[Pack]:
    """The prompts of the training sessions, each with another answer: the better those are learnt, the worse these."""
    other = [row | {"completion": [{"role": "assistant", "content": SENTENCES[-1][::-1]}]} for row in SESSIONS]
    return packs_of(packed(other))[:2]


@pytest.mark.parametrize("patience", [2, 3])
def test_training_stops_when_the_validation_loss_no_longer_falls_and_keeps_the_best(
    patience: int, tmp_path: Path
) -> None:
    recipe = RECIPE.model_copy(update={"epochs": 10.0, "looks": 30, "patience": patience})
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


def test_a_loss_that_is_no_number_ends_the_run(tmp_path: Path) -> None:
    model = fresh_model()
    with torch.no_grad():
        next(weight for weight in model.parameters() if weight.requires_grad).fill_(math.nan)
    with pytest.raises(TrainingError, match="the loss is no number at step 1"):
        train(model, schedule(packed(SESSIONS), RECIPE), [], RECIPE, tmp_path, "")


def test_the_seed_governs_all_that_is_random(tmp_path: Path) -> None:
    random.seed(1)
    torch.manual_seed(1)
    one = trained(tmp_path / "one")
    random.seed(2)
    torch.manual_seed(2)
    assert_alike(trained(tmp_path / "two"), one)
    other, _ = trained(tmp_path / "three", RECIPE.model_copy(update={"seed": 9}))
    assert other.steps[0].loss != one[0].steps[0].loss


@pytest.mark.slow
def test_train_lora_that_was_killed_is_taken_up_again_and_ends_as_if_it_had_not_been(tmp_path: Path) -> None:
    data, base, out = data_folder(tmp_path / "data"), base_folder(tmp_path / "base"), tmp_path / "out"
    options = {name: getattr(RECIPE, name) for name in ("rank", "alpha", "dropout", "pack_tokens", "max_length")}
    given = options | {"learning_rate": 5e-3, "epochs": 50.0}
    arguments = ["train", "lora", str(data), "--base", str(base), "--out", str(out), "--offline"]
    arguments += [text for name, value in given.items() for text in (f"--{name.replace('_', '-')}", str(value))]
    often = f"import sys, run, training.loop as loop; loop.CHECKPOINT_EVERY = 0; sys.exit(run.main({arguments!r}))"

    first = started([sys.executable, "-c", often])
    assert first.stderr
    line = next((line for line in first.stderr if line.startswith("step 10 of ")), "")  # nine checkpoints are there
    first.send_signal(signal.SIGKILL)
    _, rest = first.communicate(timeout=60)
    assert line, rest
    assert first.returncode == -signal.SIGKILL
    assert (out / CHECKPOINT).exists()
    assert not (out / "training.json").exists()

    second = started([sys.executable, "run.py", *arguments])
    told, errors = second.communicate(timeout=200)
    assert second.returncode == 0, errors
    assert f"written: {out}" in told
    card = read_card(out)
    assert card.history.resumed == 1
    assert sorted(path.name for path in out.iterdir()) == sorted(
        ["adapter_config.json", "adapter_model.safetensors", "training.json", "README.md", "curve.png"]
    )
    whole = train_adapter(data, tmp_path / "whole", str(base), card.recipe)
    assert_same_adapter(card, out, whole, tmp_path / "whole")


def started(command: list[str]) -> subprocess.Popen[str]:
    environment = os.environ | {"OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1", "COLUMNS": "200"}
    pipe = subprocess.PIPE
    return subprocess.Popen(command, cwd=ROOT, env=environment, stdout=pipe, stderr=pipe, text=True)


def assert_same_adapter(card: TrainingCard, folder: Path, whole: TrainingCard, whole_folder: Path) -> None:
    from safetensors.torch import load_file

    weights = [load_file(str(place / "adapter_model.safetensors")) for place in (folder, whole_folder)]
    assert_alike((card.history, weights[0]), (whole.history, weights[1]))
    other = {"history", "machine"}
    assert card.model_dump(exclude=other) == whole.model_dump(exclude=other)
    assert json.loads((folder / "adapter_config.json").read_text())["r"] == RECIPE.rank
