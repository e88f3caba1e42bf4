"""Splits by client: every session of an intake form is in the same split, whatever its attitude, method and seed.

A client's split follows from a hash of the client and a seed, not from a count. So an export needs one pass, and later clients
move nobody to another split: a model's test data stay out of its training data. The shares hold only in expectation; the
report and the card give the true numbers.
"""

import hashlib
import re
from typing import Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from counseling_sessions.generation.exports.files import SPLITS, ExportError


class Splits(BaseModel):
    """The expected shares of clients in each split; they add up to 1. A share of 0 leaves the split out."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    train: float = Field(default=0.8, gt=0, le=1)
    validation: float = Field(default=0.1, ge=0, lt=1)
    test: float = Field(default=0.1, ge=0, lt=1)

    @model_validator(mode="after")
    def _add_up(self) -> Self:
        if abs(self.train + self.validation + self.test - 1) > 1e-6:
            raise ValueError("the shares of train, validation and test should add up to 1")
        return self

    @classmethod
    def of(cls, text: str) -> Self:
        """Read shares such as `80/10/10` or `0.8,0.1,0.1` (train, validation, test). Raises `ExportError`."""
        try:
            shares = [float(part) for part in re.split(r"[/,:\s]+", text.strip())]
            if len(shares) != len(SPLITS) or sum(shares) <= 0:
                raise ValueError
            return cls(**{name: share / sum(shares) for name, share in zip(SPLITS, shares, strict=True)})
        except ValueError:
            raise ExportError(
                f"splits {text!r}: give three shares for train, validation and test, such as 80/10/10"
            ) from None

    @property
    def names(self) -> tuple[str, ...]:
        """The splits that have a share."""
        return tuple(name for name in SPLITS if getattr(self, name) > 0)

    def split_of(self, client: str, seed: int) -> str:
        """The split of a client (as `client_group` names it)."""
        digest = hashlib.sha256(f"{seed}/{client}".encode()).digest()
        place = int.from_bytes(digest[:8], "big") / 2**64
        for name in self.names[:-1]:
            place -= getattr(self, name)
            if place < 0:
                return name
        return self.names[-1]
