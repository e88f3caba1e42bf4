"""What differs between systems: signals, and names that Windows does not give while somebody reads."""

import os
import signal
from pathlib import Path

import pytest

from counseling_sessions.store import system


def test_a_signal_calls_for_as_long_as_the_block_lasts() -> None:
    before, calls = signal.getsignal(signal.SIGTERM), []
    with system.on_stopping(lambda: calls.append("stop")):
        os.kill(os.getpid(), signal.SIGTERM)
        os.kill(os.getpid(), signal.SIGINT)
        assert calls == ["stop"] * 2
    assert signal.getsignal(signal.SIGTERM) == before


class Read(type(Path())):
    """A file that somebody has open for so many tries."""

    tries = 3

    def replace(self, target: Path) -> Path:
        Read.tries -= 1
        if Read.tries > 0:
            raise PermissionError(13, "it is being used")
        return super().replace(target)


@pytest.mark.parametrize(("windows", "moved"), [(True, True), (False, False)])
def test_a_name_is_waited_for_on_windows_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, windows: bool, moved: bool
) -> None:
    monkeypatch.setattr(system, "WINDOWS", windows)
    Read.tries, source = 3, Read(tmp_path / "a")
    source.write_bytes(b"one")
    if moved:
        system.replace(source, tmp_path / "b")
        assert (tmp_path / "b").read_bytes() == b"one"
    else:
        with pytest.raises(PermissionError):
            system.replace(source, tmp_path / "b")


def test_the_wait_for_a_name_ends(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(system, "WINDOWS", True)
    monkeypatch.setattr(system, "PATIENCE", 0.1)
    Read.tries, source = 10**6, Read(tmp_path / "a")
    source.write_bytes(b"one")
    with pytest.raises(PermissionError):
        system.replace(source, tmp_path / "b")
