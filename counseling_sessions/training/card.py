"""A trained adapter's card: its data, its recipe and its history, as JSON, as a text for people and as a curve."""

from pathlib import Path
from statistics import fmean

from pydantic import BaseModel, ConfigDict

from counseling_sessions.store.reading import read_text
from counseling_sessions.training.errors import TrainingError
from counseling_sessions.training.loop import History
from counseling_sessions.training.recipe import Recipe

CARD_DATA = "training.json"
TEXT = Path(__file__).parent / "texts" / "card.md"


class TrainingCard(BaseModel):
    """How an adapter was made. Times are in seconds, losses in nats per answer token.

    `roles` are those of its examples. `as_embedded`: their prompts were the embedded model's. `client_groups` names the clients;
    older cards have none.
    """

    model_config = ConfigDict(extra="forbid")

    base: str
    base_name: str
    base_sha256: str
    data_sha256: dict[str, str]
    roles: list[str] | None
    as_embedded: bool = False
    recipe: Recipe
    sessions: int
    clients: int
    client_groups: list[str] = []
    examples: int
    too_long: int
    packs: int
    trainable: int
    history: History
    machine: str
    packages: dict[str, str]


def read_card(folder: Path) -> TrainingCard:
    """The card of a trained adapter. Raises `TrainingError`."""
    try:
        return TrainingCard.model_validate_json(read_text(folder / CARD_DATA))
    except (OSError, ValueError):
        raise TrainingError(
            f"{folder} holds no finished adapter (no readable {CARD_DATA}); train one with train lora"
        ) from None


def write_card(card: TrainingCard, folder: Path) -> None:
    """Write `README.md` and `curve.png` into the adapter's folder."""
    history = card.history
    names = sorted({role for look in history.looks for role in look.by_role})
    looks = "\n".join(
        f"| {look.step} | {look.loss:.3f} | " + " | ".join(f"{look.by_role.get(role, 0):.3f}" for role in names) + " |"
        for look in history.looks
    )
    text = TEXT.read_text(encoding="utf-8").format(
        card=card,
        recipe=card.recipe,
        history=history,
        roles=", ".join(card.roles) if card.roles else "all that the data has",
        layers=f" from layer {card.recipe.lowest_layer} up" if card.recipe.lowest_layer else "",
        steps=len(history.steps),
        data=card.data_sha256["train"][:16],
        minutes=history.seconds / 60,
        resumed=f", taken up again {history.resumed} times" if history.resumed else "",
        packages=", ".join(f"{name} {number}" for name, number in card.packages.items()),
        stopped=f"- Stopped early: {history.stopped}.\n" if history.stopped else "",
        role_names=" | ".join(names),
        dashes=" | ".join("---" for _ in names) or "---",
        looks=looks or "| – | – | – |",
    )
    (folder / "README.md").write_text(text, encoding="utf-8", newline="\n")
    _draw(card, folder / "curve.png")


def _draw(card: TrainingCard, path: Path) -> None:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7, 3.4), layout="constrained")
    axes = figure.subplots()
    steps, looks = card.history.steps, card.history.looks
    numbers, losses = [step.step for step in steps], [step.loss for step in steps]
    axes.plot(numbers, losses, color="#9bbfe0", linewidth=0.8, label="a step")
    size = max(1, len(steps) // 20)
    smooth = [fmean(losses[max(0, n - size) : n + 1]) for n in range(len(steps))]
    axes.plot(numbers, smooth, color="#3b82c4", label=f"mean of {size + 1} steps")
    axes.plot([look.step for look in looks], [look.loss for look in looks], "o-", color="#d9772b", label="validation")
    axes.set_xlabel("step")
    axes.set_ylabel("nats per answer token")
    axes.legend(frameon=False)
    axes.grid(alpha=0.3)
    figure.savefig(path, dpi=110)
