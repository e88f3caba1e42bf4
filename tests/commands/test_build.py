"""What the options leave open is fitted to the embedded model; what they set stays."""

from typing import Any

import pytest

from counseling_sessions.commands.build import for_embedded
from counseling_sessions.models.endpoints import Endpoint
from counseling_sessions.models.roles import Served
from counseling_sessions.settings import EMBEDDED_SESSION, EMBEDDED_TURNS, SessionConfig

UNLIKE = {"router": "llm", "merge": "llm", "appraisal": "llm", "choices": 1}
"""The values of a session that the embedded model does not serve."""


def served(*embedded: bool) -> list[Served]:
    return [
        Served([str(number)], Endpoint("http://127.0.0.1:1/v1", "m", "key", embedded=one))
        for number, one in enumerate(embedded)
    ]


def fitted(*embedded: bool, **fields: Any) -> SessionConfig:
    return for_embedded(SessionConfig(**fields), fields, served(*embedded))


def test_what_is_left_open_is_fitted() -> None:
    config = fitted(True, True)
    assert {name: getattr(config, name) for name in EMBEDDED_SESSION} == EMBEDDED_SESSION
    assert (config.min_turns, config.max_turns) == (8, EMBEDDED_TURNS)


@pytest.mark.parametrize("name", EMBEDDED_SESSION)
def test_what_an_option_sets_stays(name: str) -> None:
    config = fitted(True, **{name: UNLIKE[name]})
    assert {name: getattr(config, name) for name in EMBEDDED_SESSION} == EMBEDDED_SESSION | {name: UNLIKE[name]}


@pytest.mark.parametrize(
    ("fields", "turns"),
    [({"max_turns": 30}, (8, 30)), ({"min_turns": 3}, (3, EMBEDDED_TURNS)), ({"min_turns": 2, "max_turns": 4}, (2, 4))],
)
def test_turns_that_an_option_sets_stay(fields: dict[str, int], turns: tuple[int, int]) -> None:
    config = fitted(True, **fields)
    assert (config.min_turns, config.max_turns) == turns


def test_where_another_model_serves_a_role_nothing_is_fitted() -> None:
    assert fitted(True, False) == SessionConfig()
