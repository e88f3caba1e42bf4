"""What the options leave open is fitted to the embedded model; what they set stays."""

from pathlib import Path
from typing import Any

import pytest

from counseling_sessions.commands.build import for_embedded, named_models
from counseling_sessions.commands.parsing.options import ModelOptions
from counseling_sessions.ladder.models import default_model, ladder
from counseling_sessions.models.endpoints import Endpoint
from counseling_sessions.models.roles import Served
from counseling_sessions.settings import ModelSettings, SessionConfig, SettingsError

DEFAULTS = default_model().session
TURNS = DEFAULTS["max_turns"]
UNLIKE = {"router": "llm", "merge": "llm", "appraisal": "llm", "choices": 1, "max_turns": 12, "strict": False}
"""The values of a session that the embedded model does not serve."""


def served(*embedded: bool) -> list[Served]:
    return [
        Served([str(number)], Endpoint("http://127.0.0.1:1/v1", "m", "key", embedded=default_model() if one else None))
        for number, one in enumerate(embedded)
    ]


def fitted(*embedded: bool, **fields: Any) -> SessionConfig:
    return for_embedded(SessionConfig(**fields), fields, served(*embedded))


def test_what_is_left_open_is_fitted() -> None:
    config = fitted(True, True)
    assert {name: getattr(config, name) for name in DEFAULTS} == DEFAULTS
    assert (config.min_turns, config.max_turns) == (8, TURNS)


@pytest.mark.parametrize("name", DEFAULTS)
def test_what_an_option_sets_stays(name: str) -> None:
    config = fitted(True, **{name: UNLIKE[name]})
    assert {name: getattr(config, name) for name in DEFAULTS} == DEFAULTS | {name: UNLIKE[name]}


@pytest.mark.parametrize(
    ("fields", "turns"),
    [({"max_turns": 30}, (8, 30)), ({"min_turns": 3}, (3, TURNS)), ({"min_turns": 2, "max_turns": 4}, (2, 4))],
)
def test_turns_that_an_option_sets_stay(fields: dict[str, int], turns: tuple[int, int]) -> None:
    config = fitted(True, **fields)
    assert (config.min_turns, config.max_turns) == turns


def test_where_another_model_serves_a_role_nothing_is_fitted() -> None:
    assert fitted(True, False) == SessionConfig()


def test_of_two_sizes_the_smaller_one_decides() -> None:
    small, medium = ladder()[0], ladder()[-1]
    served = [
        Served([model.size], Endpoint("http://127.0.0.1:1/v1", model.name, "key", embedded=model))
        for model in (medium, small)
    ]
    assert for_embedded(SessionConfig(), {}, served).choices == small.session["choices"] != SessionConfig().choices


def test_a_size_takes_the_place_of_the_default_of_a_file_and_of_its_server(tmp_path: Path) -> None:
    file = tmp_path / "models.yaml"
    file.write_text(
        "default: {model: d, base_url: http://127.0.0.1:1/v1, temperature: 0.3}\n"
        "client: {model: m, base_url: http://127.0.0.1:2/v1}\n"
    )
    named = named_models(ModelOptions(embedded="medium", file=file))
    assert named["default"] == ModelSettings(model="embedded-medium", temperature=0.3)
    assert named["client"].model == "m"


@pytest.mark.parametrize("other", [{"model": "m"}, {"base_url": "http://127.0.0.1:1/v1"}])
def test_a_size_and_another_model_are_no_choice(other: dict[str, str]) -> None:
    with pytest.raises(SettingsError, match="--embedded names the model; leave --model and --base-url out"):
        named_models(ModelOptions(embedded="small", **other))
