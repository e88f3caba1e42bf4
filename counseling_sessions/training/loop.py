"""The training loop: packs in a seeded order, step by step, with checkpoints from which a killed run goes on."""

import math
import random
import signal
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from pydantic import BaseModel, Field

from counseling_sessions.store.atomic import left_behind, replacing
from counseling_sessions.training.errors import TrainingError
from counseling_sessions.training.loss import SessionPacks, pack_loss, score
from counseling_sessions.training.packing import Pack
from counseling_sessions.training.recipe import Recipe

CHECKPOINT = "checkpoint.pt"
CHECKPOINT_EVERY = 120.0
"""Seconds between two checkpoints."""
FLOOR = 0.1
"""The last learning rate, as a share of the highest."""


class Step(BaseModel):
    """A step: nats per answer token of its packs, computed tokens, seconds."""

    step: int
    loss: float
    tokens: int
    seconds: float
    learning_rate: float


class Look(BaseModel):
    """A look at the validation split after a step: nats per answer token, together and by role."""

    step: int
    loss: float
    by_role: dict[str, float]


class History(BaseModel):
    """A run's measurements; `stopped` says why it ended before its last step, if it did."""

    steps: list[Step] = Field(default_factory=list)
    looks: list[Look] = Field(default_factory=list)
    resumed: int = 0
    stopped: str | None = None

    @property
    def best(self) -> Look | None:
        return min(self.looks, key=lambda look: look.loss, default=None)

    @property
    def tokens(self) -> int:
        return sum(step.tokens for step in self.steps)

    @property
    def seconds(self) -> float:
        """Seconds spent in steps, with those before a kill."""
        return sum(step.seconds for step in self.steps)


@dataclass
class Progress:
    """How far a run is after a step, of how many, and its history."""

    step: int
    steps: int
    history: History


def schedule(sessions: Sequence[SessionPacks], recipe: Recipe) -> list[list[Pack]]:
    """The packs of every step, in an order that depends on the seed alone. Raises `TrainingError` without packs."""
    draw = random.Random(recipe.seed)
    packs = [pack for session in sessions for pack in session.packs]
    if not packs:
        raise TrainingError("there is nothing to train on: no example of these roles")
    order: list[Pack] = []
    epochs = recipe.epochs
    while epochs > 1e-9:
        order += _part(packs, min(epochs, 1.0), recipe, draw)
        epochs -= 1.0
    size = recipe.packs_per_step
    return [order[place : place + size] for place in range(0, len(order), size)]


def _part(packs: list[Pack], share: float, recipe: Recipe, draw: random.Random) -> list[Pack]:
    """A share of the packs in a random order. It prefers packs with a role of `recipe.always`."""
    preferred = [pack for pack in packs if any(target.role in recipe.always for target in pack.targets)]
    others = [pack for pack in packs if pack not in preferred]
    draw.shuffle(preferred)
    draw.shuffle(others)
    chosen = [*preferred, *others][: max(1, round(share * len(packs)))]
    draw.shuffle(chosen)
    return chosen


def learning_rate(step: int, steps: int, recipe: Recipe) -> float:
    """The learning rate of a step, 0-based: a linear rise, then a cosine down to a tenth."""
    if step < recipe.warmup_steps:
        return recipe.learning_rate * (step + 1) / (recipe.warmup_steps + 1)
    place = (step - recipe.warmup_steps) / max(1, steps - recipe.warmup_steps)
    return recipe.learning_rate * (FLOOR + (1 - FLOOR) * 0.5 * (1 + math.cos(math.pi * place)))


def train(
    model: Any,
    steps: Sequence[Sequence[Pack]],
    validation: Sequence[Pack],
    recipe: Recipe,
    folder: Path,
    fingerprint: str,
    *,
    on_step: Callable[[Progress], None] = lambda progress: None,
) -> History:
    """Train the adapter of a model. At the end the model has the weights with the best validation loss.

    A checkpoint in `folder` with the same `fingerprint` is the start. Ctrl-C ends the step, writes a checkpoint and raises
    `KeyboardInterrupt`; a second one does not wait. Raises `TrainingError` for another run's checkpoint, or a loss that is no
    number.
    """
    trainable = {name: weight for name, weight in model.named_parameters() if weight.requires_grad}
    optimizer = torch.optim.AdamW(
        trainable.values(), lr=recipe.learning_rate, betas=(0.9, 0.99), weight_decay=recipe.weight_decay
    )
    torch.manual_seed(recipe.seed)
    state = _State(model, trainable, optimizer, History(), {})
    first = state.load(folder / CHECKPOINT, fingerprint)
    saved = time.monotonic()
    model.train()
    look_at = {round(len(steps) * (number + 1) / recipe.looks) - 1 for number in range(recipe.looks)}
    with _interrupts() as interrupted:
        for number in range(first, len(steps)):
            state.history.steps.append(_step(state, steps[number], number, len(steps), recipe))
            if validation and number in look_at:
                _look(state, validation, number, recipe, last=number + 1 == len(steps))
            on_step(Progress(number + 1, len(steps), state.history))
            if state.history.stopped:
                break
            if interrupted or time.monotonic() - saved > CHECKPOINT_EVERY:
                state.save(folder / CHECKPOINT, number + 1, fingerprint)
                saved = time.monotonic()
            if interrupted:
                raise KeyboardInterrupt
    state.take_best()
    return state.history


@contextmanager
def _interrupts() -> Iterator[list[int]]:
    """Collects the first Ctrl-C, so that the step can end; the next one interrupts as usual."""
    interrupts: list[int] = []
    if threading.current_thread() is not threading.main_thread():
        yield interrupts  # Only the main thread may handle signals.
        return
    before = signal.getsignal(signal.SIGINT)

    def note(number: int, frame: object) -> None:
        interrupts.append(number)
        signal.signal(signal.SIGINT, before)

    signal.signal(signal.SIGINT, note)
    try:
        yield interrupts
    finally:
        signal.signal(signal.SIGINT, before)


def _step(state: "_State", packs: Sequence[Pack], number: int, steps: int, recipe: Recipe) -> Step:
    began = time.monotonic()
    rate = learning_rate(number, steps, recipe)
    for group in state.optimizer.param_groups:
        group["lr"] = rate
    weight = sum(pack.weight for pack in packs)
    nats = 0.0
    for pack in packs:
        loss = pack_loss(state.model, pack)
        (loss / weight).backward()
        nats += loss.item()
    if not math.isfinite(nats):
        raise TrainingError(f"the loss is no number at step {number + 1}; try a smaller --learning-rate")
    torch.nn.utils.clip_grad_norm_(list(state.trainable.values()), recipe.clip)
    state.optimizer.step()
    state.optimizer.zero_grad(set_to_none=True)
    tokens = sum(len(pack.ids) for pack in packs)
    seconds = time.monotonic() - began
    return Step(step=number + 1, loss=nats / weight, tokens=tokens, seconds=round(seconds, 3), learning_rate=rate)


def _look(state: "_State", validation: Sequence[Pack], number: int, recipe: Recipe, *, last: bool) -> None:
    loss = score(state.model, validation)
    history = state.history
    best = history.best
    history.looks.append(Look(step=number + 1, loss=loss.mean, by_role=loss.by_role()))
    if best is None or loss.mean < best.loss:
        state.best = {name: weight.detach().clone() for name, weight in state.trainable.items()}
    elif not last and len(history.looks) - 1 - history.looks.index(best) >= recipe.patience:
        history.stopped = f"the validation loss has not fallen for {recipe.patience} looks"


def remove_checkpoint(folder: Path) -> None:
    """Remove a finished run's checkpoint, and an unfinished one that a kill left."""
    for path in (folder / CHECKPOINT, *left_behind(folder / CHECKPOINT)):
        path.unlink(missing_ok=True)


@dataclass
class _State:
    """The state in a checkpoint."""

    model: Any
    trainable: dict[str, Any]
    optimizer: Any
    history: History
    best: dict[str, Any]

    def save(self, path: Path, step: int, fingerprint: str) -> None:
        content = {
            "fingerprint": fingerprint,
            "step": step,
            "weights": {name: weight.detach() for name, weight in self.trainable.items()},
            "best": self.best,
            "optimizer": self.optimizer.state_dict(),
            "random": torch.get_rng_state(),
            "random_gpu": torch.cuda.get_rng_state_all(),
            "history": self.history.model_dump_json(),
        }
        with replacing(path) as file:
            torch.save(content, file)

    def load(self, path: Path, fingerprint: str) -> int:
        """Restore a checkpoint if there is one; returns the number of finished steps."""
        if not path.exists():
            return 0
        try:
            content = torch.load(path, weights_only=True)
            saved_fingerprint = content["fingerprint"]
        except Exception as error:  # Torch passes on any error of unpickling.
            raise TrainingError(f"{path} cannot be read ({type(error).__name__}); remove it to begin anew") from None
        if saved_fingerprint != fingerprint:
            raise TrainingError(
                f"{path} belongs to a run with other data, base or recipe; give another --out, or remove it"
            )
        self._copy(content["weights"])
        self.best = content["best"]
        self.optimizer.load_state_dict(content["optimizer"])
        torch.set_rng_state(content["random"])
        torch.cuda.set_rng_state_all(content["random_gpu"])
        self.history = History.model_validate_json(content["history"])
        self.history.resumed += 1
        return int(content["step"])

    def take_best(self) -> None:
        if self.best:
            self._copy(self.best)

    def _copy(self, weights: dict[str, Any]) -> None:
        with torch.no_grad():
            for name, weight in self.trainable.items():
                weight.copy_(weights[name])
