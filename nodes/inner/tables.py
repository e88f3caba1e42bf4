"""The numbers of the client's inner state: data files, checked when they are read."""

from functools import cache
from pathlib import Path
from typing import Literal, TypeVar

from pydantic import ValidationError

from counseling_sessions.profiles.manner import Amount, Resistance
from counseling_sessions.profiles.schema import Attitude
from counseling_sessions.settings import SettingsError, read_yaml, validation_message
from counseling_sessions.state import Appraisal, FrozenData, Readiness
from counseling_sessions.texts.questions import Asked

Weight = Literal["slight", "moderate", "severe", "unknown"]
"""How bad the last two weeks were; unknown: the form does not say."""
Length = Literal["few_words", "sentence", "some", "long"]
Lengths = dict[Length, float]


class Move(FrozenData):
    """What something moves, in points of the scales and in stages of readiness."""

    trust: float
    belief: float
    feeling: float
    readiness: float


class AppraisalMove(Move):
    """What an appraisal moves; trust not below `lowest`. `words` mean it in a form."""

    lowest: int = 0
    words: frozenset[str]


class Arrival(FrozenData):
    """How a client arrives."""

    trust: dict[Attitude, int]
    belief: int
    belief_by_severity: dict[Literal["slight", "moderate", "severe"], int]
    belief_by_insight: dict[Amount, int]
    feeling_by_severity: dict[Weight, int]
    readiness: dict[Attitude, Readiness]


class Traits(FrozenData):
    """Factors of the moves: of trust won and lost, of belief by insight and stage, of belief and feeling that fall by severity.

    Trust does not fall below `stays_at`, but for clients who hold back first by one of `walks_out`.
    """

    gains: dict[Attitude, float]
    losses: dict[Attitude, float]
    insight: dict[Amount, float]
    relief: dict[Weight, float]
    stage: dict[Readiness, float]
    stays_at: dict[Attitude, int]
    walks_out: frozenset[Resistance]
    named: float


class Moves(FrozenData):
    """The content of `moves.yaml`."""

    arrival: Arrival
    moves: dict[Appraisal, AppraisalMove]
    steps: dict[Literal["takes", "bargains", "complies", "refuses"], Move]
    says: dict[Literal["insight", "tried", "commitment"], Move]
    painful: Move
    traits: Traits
    belief_from_trust: int
    opens_at: dict[int, int]
    closes_below: dict[int, int]
    shuts: frozenset[Appraisal]
    feelings: tuple[frozenset[str], ...]


class Factors(FrozenData):
    """What makes a length likelier."""

    verbosity: dict[Amount, Lengths]
    asked: dict[Asked, Lengths]
    openness: dict[int, Lengths]
    manner: dict[Literal["tells", "deflects"] | Resistance, Lengths]


class HoldsBack(FrozenData):
    """How likely a client is to hold back."""

    bad_turn: float
    by_trust: dict[int, float]
    anyhow: float


class Answers(FrozenData):
    """The content of `answers.yaml`."""

    lengths: Lengths
    factors: Factors
    holds_back: HoldsBack
    asks_for: dict[str, frozenset[str]]


@cache
def moves() -> Moves:
    """What moves a client. Raises `SettingsError` for a file that cannot be used."""
    return _read("moves.yaml", Moves)


@cache
def answers() -> Answers:
    """How clients answer. Raises `SettingsError` for a file that cannot be used."""
    return _read("answers.yaml", Answers)


_Table = TypeVar("_Table", Moves, Answers)


def _read(name: str, table: type[_Table]) -> _Table:
    path = Path(__file__).parent / name
    try:
        return table.model_validate(read_yaml(path))
    except ValidationError as error:
        raise SettingsError(f"{path}: {validation_message(error)}") from None
