"""What an installation holds, and that somebody's files of the same names are never taken for ours."""

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from hatchling.build import build_wheel

ROOT = Path(__file__).parents[1]
THEIRS = (
    "settings.py",
    "state.py",
    "run.py",
    "models/__init__.py",
    "graph/__init__.py",
    "nodes/__init__.py",
    "store/__init__.py",
)


@pytest.fixture
def elsewhere(tmp_path) -> Path:
    """A folder of somebody else, whose modules must never be imported."""
    for name in THEIRS:
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text("raise RuntimeError('somebody else wrote this')\n")
    return tmp_path


@pytest.mark.parametrize(
    "command",
    [
        ("-c", "import counseling_sessions.graph.session_graph, counseling_sessions.graph.practice_graph"),
        ("-m", "counseling_sessions.commands.main", "graph"),
        (str(ROOT / "run.py"), "graph"),
    ],
)
def test_modules_of_the_same_names_in_the_working_folder_change_nothing(elsewhere, command):
    done = subprocess.run(
        [sys.executable, *command],
        cwd=elsewhere,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_a_wheel_installs_one_package_with_all_that_it_reads(tmp_path, monkeypatch):
    monkeypatch.chdir(ROOT)
    with zipfile.ZipFile(tmp_path / build_wheel(str(tmp_path))) as wheel:
        names = set(wheel.namelist())
    assert {name.partition("/")[0].partition("-")[0] for name in names} == {"counseling_sessions"}
    tracked = subprocess.run(
        ["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.splitlines()
    ours = {
        name.removeprefix("counseling_sessions/")
        for name in tracked
        if name.startswith(("counseling_sessions/", *LINKED))
    }
    learned_from = {name for name in ours if name.startswith("corpus/codes/")}
    unread = {name for name in ours if name.startswith("corpus/") and not name.endswith(".jsonl")} | {
        *learned_from,
        "graph",
        "nodes",
        "prompts",
        "corpus",
    }
    assert {name.removeprefix("counseling_sessions/") for name in names if ".dist-info" not in name} == ours - unread


LINKED = ("graph/", "nodes/", "prompts/", "corpus/", "state.py")
