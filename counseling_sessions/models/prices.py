"""What calls cost: prices per model from a small YAML file.

gpt-6-luna: {input: 0.10, cached: 0.01, output: 0.50}       # per million tokens
default: {input: 0.10, output: 0.10}                        # any other model; `cached` is `input` unless given
"""

from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from counseling_sessions.settings import SessionConfig, SettingsError, read_yaml, validation_message


class Price(BaseModel):
    """Money for a million tokens, in the file's currency."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    input: float = Field(ge=0)
    output: float = Field(ge=0)
    cached: float | None = Field(default=None, ge=0)

    def of(self, prompt: int, cached: int, completion: int) -> float:
        """The cost of so many tokens; `prompt` includes the `cached` ones."""
        cached_price = self.input if self.cached is None else self.cached
        return ((prompt - cached) * self.input + cached * cached_price + completion * self.output) / 1e6


class Prices:
    """Prices by model name; `default` is for every other model."""

    def __init__(self, by_model: dict[str, Price]) -> None:
        self._by_model = by_model

    def of_role(self, config: SessionConfig, role: str) -> Price | None:
        """The price of the model that serves a role, or None."""
        return self._by_model.get(config.model_for(role).model or "", self._by_model.get("default"))

    def cost(self, config: SessionConfig, tokens_by_role: dict[str, tuple[int, int, int]]) -> float:
        """The cost of the roles' prompt, cached and completion tokens. Raises `SettingsError` for a model without a price."""
        cost = 0.0
        for role, tokens in tokens_by_role.items():
            price = self.of_role(config, role)
            if price is None:
                model = config.model_for(role).model
                raise SettingsError(f"no price for the model {model!r}, and no default; add one to the file of prices")
            cost += price.of(*tokens)
        return cost


def read_prices(path: Path) -> Prices:
    """Read a file of prices. Raises `SettingsError`, which says what is wrong."""
    try:
        return Prices(TypeAdapter(dict[str, Price]).validate_python(read_yaml(path)))
    except ValidationError as error:
        raise SettingsError(f"{path}: {validation_message(error)}") from None
