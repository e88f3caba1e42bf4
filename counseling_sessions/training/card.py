"""A trained adapter's card for people: what it was made of, how it went, what it is for, and the curve as a picture."""

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from counseling_sessions.training.adapter import TrainingCard

_CARD = """\
# An adapter for {base_name}

LoRA of rank {rank} (alpha {alpha}) on all linear layers, {trainable:,} parameters, trained by `run.py train lora` for the roles of
simulated counseling sessions: {roles}.

- Data: {examples:,} examples of {sessions} sessions with {clients} invented clients ({too_long} left out as too long), of which the
  run has seen {tokens:,} tokens in {steps} steps. SHA-256 of the training split: `{data}`.
- Recipe: learning rate {learning_rate:g}, {epochs:g} of an epoch in packs of up to {pack_tokens:,} tokens, dropout {dropout:g},
  seed {seed}.
- Time: {minutes:.0f} minutes on {machine}{resumed}. {packages}.
{stopped}
Nats per answer token on a part of the validation split, whose clients are not in the training data:

| after step | all roles | {role_names} |
| --- | --- | {dashes} |
{looks}

![Loss by step](curve.png)

For research on counseling dialogue with invented clients. It is no counselor, and nothing it writes is care or advice.
"""


def write_card(card: "TrainingCard", folder: Path) -> None:
    """Write `README.md` and `curve.png` into the adapter's folder."""
    history, recipe = card.history, card.recipe
    names = sorted({role for look in history.looks for role in look.by_role})
    looks = "\n".join(
        f"| {look.step} | {look.loss:.3f} | " + " | ".join(f"{look.by_role.get(role, 0):.3f}" for role in names) + " |"
        for look in history.looks
    )
    text = _CARD.format(
        base_name=card.base_name,
        rank=recipe.rank,
        alpha=recipe.alpha,
        trainable=card.trainable,
        roles=", ".join(card.roles) if card.roles else "all that the data has",
        examples=card.examples,
        sessions=card.sessions,
        clients=card.clients,
        too_long=card.too_long,
        tokens=history.tokens,
        steps=len(history.steps),
        data=card.data_sha256["train"][:16],
        learning_rate=recipe.learning_rate,
        epochs=recipe.epochs,
        pack_tokens=recipe.pack_tokens,
        dropout=recipe.dropout,
        seed=recipe.seed,
        minutes=history.seconds / 60,
        machine=card.machine,
        resumed=f", taken up again {history.resumed} times" if history.resumed else "",
        packages=", ".join(f"{name} {number}" for name, number in card.packages.items()),
        stopped=f"- Stopped early: {history.stopped}.\n" if history.stopped else "",
        role_names=" | ".join(names),
        dashes=" | ".join("---" for _ in names) or "---",
        looks=looks or "| – | – | – |",
    )
    (folder / "README.md").write_text(text, encoding="utf-8")
    _draw(card, folder / "curve.png")


def _draw(card: "TrainingCard", path: Path) -> None:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7, 3.4), layout="constrained")
    axes = figure.subplots()
    steps = card.history.steps
    axes.plot(
        [step.step for step in steps], [step.loss for step in steps], color="#9bbfe0", linewidth=0.8, label="a step"
    )
    size = max(1, len(steps) // 20)
    smooth = [
        sum(step.loss for step in steps[max(0, n - size) : n + 1]) / (n + 1 - max(0, n - size))
        for n in range(len(steps))
    ]
    axes.plot([step.step for step in steps], smooth, color="#3b82c4", label=f"mean of {size + 1} steps")
    looks = card.history.looks
    axes.plot([look.step for look in looks], [look.loss for look in looks], "o-", color="#d9772b", label="validation")
    axes.set_xlabel("step")
    axes.set_ylabel("nats per answer token")
    axes.legend(frameon=False)
    axes.grid(alpha=0.3)
    figure.savefig(path, dpi=110)
