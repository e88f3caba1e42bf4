"""Which embedded model serves a machine, and what is said where it is not the largest."""

import shutil
from pathlib import Path
from types import SimpleNamespace

import psutil
import pytest

from counseling_sessions.ladder.models import ladder
from counseling_sessions.models import embedded_choice
from counseling_sessions.models.embedded_choice import SIZE_VARIABLE, fitting_model
from counseling_sessions.models.embedded_error import EmbeddedModelError

SMALL, MEDIUM = (model.model_copy(update={"automatic": True}) for model in ladder())
MUCH = 64 * 10**9


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> SimpleNamespace:
    """A machine with all that is needed and no file; its fields may change."""
    has = SimpleNamespace(cores=8, memory=MUCH, disk=MUCH, files=set())
    monkeypatch.delenv(SIZE_VARIABLE)
    monkeypatch.setenv("COUNSELING_SESSIONS_CACHE", str(tmp_path))
    monkeypatch.setattr(embedded_choice, "ladder", lambda: (SMALL, MEDIUM))
    monkeypatch.setattr(embedded_choice, "cores", lambda: has.cores)
    monkeypatch.setattr(psutil, "virtual_memory", lambda: SimpleNamespace(available=has.memory))
    monkeypatch.setattr(shutil, "disk_usage", lambda folder: SimpleNamespace(free=has.disk))
    monkeypatch.setattr(embedded_choice, "is_here", lambda model: model.size in has.files)
    return has


def test_a_machine_that_can_gets_the_largest_without_a_word(
    machine: SimpleNamespace, capsys: pytest.CaptureFixture[str]
) -> None:
    assert fitting_model() == MEDIUM
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize(
    ("lacks", "why"),
    [
        ({"cores": 1}, "needs 2 cores, and there is 1"),
        ({"memory": 10**9}, "GB of free memory, and there are 1.0 GB"),
        ({"disk": 10**9}, "needs 1.2 GB of free disk, and there are 1.0 GB"),
    ],
)
def test_another_machine_gets_the_small_one_and_the_reason(
    machine: SimpleNamespace, lacks: dict[str, int], why: str, capsys: pytest.CaptureFixture[str]
) -> None:
    vars(machine).update(lacks)
    assert fitting_model() == SMALL
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(f"{MEDIUM.name} ")
    assert why in line
    assert f"{SMALL.name} serves in its place (--embedded medium takes it all the same)" in line


def test_what_is_not_automatic_has_to_be_named(machine: SimpleNamespace, monkeypatch: pytest.MonkeyPatch) -> None:
    named = MEDIUM.model_copy(update={"automatic": False})
    monkeypatch.setattr(embedded_choice, "ladder", lambda: (SMALL, named))
    assert fitting_model() == SMALL
    monkeypatch.setenv(SIZE_VARIABLE, "medium")
    assert fitting_model() == named


def test_a_file_that_is_here_needs_no_disk(machine: SimpleNamespace) -> None:
    machine.disk = 0
    machine.files = {"medium"}
    assert fitting_model() == fitting_model(offline=True) == MEDIUM


def test_offline_what_is_here_serves(machine: SimpleNamespace, capsys: pytest.CaptureFixture[str]) -> None:
    machine.files = {"small"}
    assert fitting_model(offline=True) == SMALL
    assert "is not here yet, and --offline fetches nothing" in capsys.readouterr().err


def test_the_environment_names_a_size_whatever_the_machine(
    machine: SimpleNamespace, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    machine.memory = 0
    monkeypatch.setenv(SIZE_VARIABLE, "medium")
    assert fitting_model() == MEDIUM
    assert capsys.readouterr().err == ""
    monkeypatch.setenv(SIZE_VARIABLE, "huge")
    with pytest.raises(
        EmbeddedModelError, match=r"COUNSELING_SESSIONS_EMBEDDED is 'huge', and the sizes are small, medium"
    ):
        fitting_model()
