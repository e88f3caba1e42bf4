"""The descriptions of the embedded models, and the names that choose one."""

from pathlib import Path

import pytest

from counseling_sessions.ladder.models import (
    EmbeddedModel,
    default_model,
    embedded_model,
    embedded_names,
    ladder,
    sizes,
)
from counseling_sessions.settings import SessionConfig
from counseling_sessions.training.data import PROMPTING

EACH = pytest.mark.parametrize("model", ladder(), ids=lambda model: str(model.size))


def test_the_ladder_goes_up() -> None:
    assert sizes() == ["small", "medium"]
    assert default_model().automatic
    assert ladder()[0].automatic, "every machine can run the smallest"
    for lower, upper in zip(ladder(), ladder()[1:], strict=False):
        assert lower.file.size < upper.file.size
        assert lower.needs.memory < upper.needs.memory


@EACH
def test_the_parts_are_the_whole_file(model: EmbeddedModel) -> None:
    assert sum(part.size for part in model.file.parts) == model.file.size
    assert len({part.requirement for part in model.file.parts}) == len(model.file.parts)
    assert all("==" in part.requirement and part.member.endswith((".bin", ".gguf")) for part in model.file.parts)


@EACH
def test_the_defaults_of_sessions_are_fields_of_a_configuration(model: EmbeddedModel) -> None:
    config = SessionConfig.model_validate(model.session)
    assert {name: getattr(config, name) for name in model.session} == model.session


def test_the_prompts_of_all_sizes_are_the_same() -> None:
    """`train data --as-embedded` makes one set of examples for all of them."""
    assert len({tuple(model.session[name] for name in PROMPTING) for model in ladder()}) == 1


def test_names_choose_a_model_or_leave_it_to_the_machine() -> None:
    assert [embedded_model(name) for name in ("embedded", "embedded-base", "gpt-5")] == [None] * 3
    for model in ladder():
        assert embedded_model(model.model_name()) == embedded_model(model.model_name(tuned=False)) == model
        assert {model.model_name(), model.model_name(tuned=False)} <= embedded_names()
    assert {"embedded", "embedded-base"} <= embedded_names()


@EACH
def test_the_page_describes_every_model(model: EmbeddedModel) -> None:
    lines = (Path(__file__).parents[2] / "docs" / "embedded-model.md").read_text(encoding="utf-8").splitlines()
    (row,) = (line for line in lines if line.startswith(f"| `{model.size}`"))
    for fact in (
        model.name,
        model.licence,
        f"{model.file.size / 1e6:,.0f} MB",
        f"about {model.speed.minutes:g} minutes",
    ):
        assert fact in row
    assert f"two slots of {model.context:,} tokens" in " ".join(lines)
