"""How long the counselor's messages are, in words: what prompts aim at, and what guards let pass."""

from dataclasses import dataclass
from typing import Literal

Kind = Literal["utterance", "closing"]


@dataclass(frozen=True)
class Length:
    """Words that a kind of message aims at, and the most that it may have."""

    aim: int
    most: int


LENGTHS: dict[Kind, Length] = {"utterance": Length(aim=40, most=80), "closing": Length(aim=90, most=110)}
