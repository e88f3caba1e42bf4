"""The recipe of a training run: the parameters of LoRA and of the optimiser, and the presets."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

Preset = Literal["embedded-small", "embedded-medium", "paper"]


class Recipe(BaseModel):
    """The parameters of a training run. The learning rate rises linearly, then falls as a cosine to a tenth of its height."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    rank: int = Field(default=16, ge=1, le=512, description="Rank of the adapter")
    alpha: int = Field(default=32, ge=1, description="Scale of the adapter: what it adds counts alpha / rank")
    lowest_layer: int = Field(
        default=0, ge=0, description="The first layer with an adapter; those below stay as they are"
    )
    dropout: float = Field(default=0.05, ge=0, lt=1, description="Dropout in front of the adapter")
    learning_rate: float = Field(default=1.5e-3, gt=0, le=1)
    weight_decay: float = Field(default=0.0, ge=0)
    warmup_steps: int = Field(default=8, ge=0)
    epochs: float = Field(
        default=1.0, gt=0, le=100, description="How often every example is seen; below 1 only a part of them is"
    )
    always: tuple[str, ...] = Field(
        default=(), description="Roles whose examples are all seen also where only a part of the packs is"
    )
    shares: dict[str, float] = Field(
        default_factory=dict,
        description="Roles of which only this share of the examples is taken, 0 to 1; a session's closing words are always",
    )
    packs_per_step: int = Field(default=1, ge=1, description="Packs whose gradients make one step")
    pack_tokens: int = Field(
        default=3000, ge=1, description="Tokens of a pack, at most (memory grows with it); 1: a pack for every example"
    )
    max_length: int = Field(
        default=2048, ge=256, description="Tokens of an example; a longer dialogue loses its oldest turns"
    )
    clip: float = Field(default=1.0, gt=0, description="Largest norm of a step's gradient")
    seed: int = Field(default=1, ge=0)
    looks: int = Field(default=4, ge=1, description="How often the validation loss is looked at, the end included")
    look_packs: int = Field(default=8, ge=1, description="Packs of the validation split that are looked at")
    patience: int = Field(default=2, ge=1, description="Looks in a row without a better loss until training stops")
    four_bit: bool = Field(
        default=False, description="Keep the base in 4-bit NF4 with double quantisation (QLoRA; needs a GPU)"
    )


PRESETS: dict[Preset, Recipe] = {
    # Two hours on two idle cores and 20 GB: the layers below the eighteenth stay as they are and need no second pass. It has
    # no picks, as rules pick by default. No example comes twice, so there is no dropout.
    "embedded-medium": Recipe(
        lowest_layer=18,
        dropout=0.0,
        learning_rate=8e-4,
        warmup_steps=4,
        shares={"router": 0.0, "merge": 0.15},
        epochs=0.4,
        pack_tokens=4000,
        max_length=2600,
        looks=3,
        look_packs=6,
    ),
    # Within an hour on two cores: most of the packs, with every plan and closing. It has all roles that every turn calls, fewer
    # drafts of rarer roles, and few picks and merges, as by default rules pick and join. No example comes twice, so there is no
    # dropout.
    "embedded-small": Recipe(
        dropout=0.0,
        epochs=0.93,
        always=("plan", "merge"),
        shares={
            "router": 0.03,
            "merge": 0.05,
            "normalizing": 0.5,
            "psychoeducation": 0.5,
            "empathy": 0.15,
            "cognitive_restructuring": 0.15,
        },
        pack_tokens=4000,
        looks=3,
        look_packs=6,
    ),
    # MAGneT, section on fine-tuning: QLoRA on Llama-3-8B-Instruct, three epochs, batch 1: every example is a step.
    "paper": Recipe(
        rank=64,
        alpha=16,
        dropout=0.1,
        learning_rate=2e-4,
        warmup_steps=10,
        epochs=3.0,
        pack_tokens=1,
        max_length=8192,
        looks=9,
        look_packs=64,
        four_bit=True,
    ),
}
