"""`train report`: an adapter against its base and against itself, on what it is asked for."""

import json
import math
from pathlib import Path

import pytest

pytest.importorskip("torch")
pytest.importorskip("peft")

from counseling_sessions.training.adapter import train_adapter
from counseling_sessions.training.corpus import COLLECTIONS, Collection, corpus_records
from counseling_sessions.training.errors import TrainingError
from counseling_sessions.training.report import ALL_ROLES, _rows, compare_adapters
from run import main
from tests.training.runs import RECIPE
from tests.training.small import base_folder, data_folder, rows

pytestmark = pytest.mark.filterwarnings("ignore:`is_gradient_checkpointing`:FutureWarning")


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """An adapter, and the examples that it was trained on."""
    folder = tmp_path_factory.mktemp("report")
    data, base = data_folder(folder / "data"), base_folder(folder / "base")
    train_adapter(data, folder / "adapter", str(base), RECIPE)
    return folder / "adapter", data / "train.jsonl"


def test_an_adapter_knows_what_it_was_trained_on_better_than_its_base(trained: tuple[Path, Path]) -> None:
    adapter, examples = trained
    report = compare_adapters(adapter, "base", str(examples))
    *roles, together = report.roles
    assert together.role == ALL_ROLES
    assert together.tokens == sum(role.tokens for role in roles) > 0
    assert together.adapter * together.tokens == pytest.approx(sum(role.adapter * role.tokens for role in roles))
    for role in report.roles:
        assert role.adapter < role.against - 0.5, role
        assert role.difference is not None
        assert role.difference < 0
        assert role.perplexity == pytest.approx(math.exp(role.adapter))


def test_clients_that_an_adapter_was_trained_on_are_no_test_of_it(
    trained: tuple[Path, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    adapter, examples = trained
    assert compare_adapters(adapter, "base", str(examples)).clients_trained_on == 2
    assert main(["train", "report", str(adapter), "--on", str(examples), "--sessions", "1"]) == 0
    assert "NOT HELD OUT: 1 of these clients" in capsys.readouterr().out
    others = tmp_path / "others.jsonl"
    others.write_text("".join(json.dumps(row) + "\n" for row in rows(6)), encoding="utf-8")
    assert main(["train", "report", str(adapter), "--on", str(others)]) == 0
    assert "NOT HELD OUT" not in capsys.readouterr().out


def test_what_an_adapter_is_compared_with_is_looked_at_first(trained: tuple[Path, Path], tmp_path: Path) -> None:
    adapter, examples = trained
    with pytest.raises(TrainingError, match="holds no finished adapter"):
        compare_adapters(adapter, str(tmp_path / "gone"), str(examples))


def test_an_adapter_is_no_better_than_itself(trained: tuple[Path, Path]) -> None:
    adapter, examples = trained
    report = compare_adapters(adapter, str(adapter), str(examples), roles=["client"], sessions=1)
    assert [role.role for role in report.roles] == ["client", ALL_ROLES]
    assert {role.sessions for role in report.roles} == {1}
    assert all(role.difference == pytest.approx(0, abs=1e-6) for role in report.roles)


@pytest.mark.parametrize("name", COLLECTIONS)
def test_a_split_of_a_collection_is_that_ones_sessions(name: Collection) -> None:
    """The clients are the same in both: only the sessions tell them apart."""
    wanted = {record.session_id for split, record in corpus_records(name) if split == "test"}
    for as_embedded in (False, True):
        rows = list(_rows(f"{name}:test", as_embedded))
        assert {row["session_id"] for row in rows} == wanted
        asked = [row["prompt"][-1]["content"] for row in rows]
        assert any("Asked for now" in last for last in asked) != as_embedded


@pytest.mark.parametrize("name", COLLECTIONS)
def test_a_split_that_there_is_not_is_told(name: Collection) -> None:
    with pytest.raises(TrainingError, match=f"{name} has no split 'tset'; it has train, validation, test"):
        _rows(f"{name}:tset", False)


def test_the_command_shows_the_figures_and_writes_them(
    trained: tuple[Path, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    adapter, examples = trained
    figures = tmp_path / "figures.json"
    assert main(["train", "report", str(adapter), "--on", str(examples), "--json", str(figures)]) == 0
    shown = capsys.readouterr().out
    assert "perplexity" in shown
    assert "client" in shown
    assert '"role"' in figures.read_text(encoding="utf-8")
