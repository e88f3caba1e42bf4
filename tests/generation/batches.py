"""What the tests of `run.py generate` start batches with, and look at them with."""

import subprocess
import time
from collections.abc import Callable
from multiprocessing.context import ForkServerProcess
from pathlib import Path
from typing import Any

import run
from counseling_sessions.sessions.folder import RunFolder
from tests.loopback import Request

ROOT = Path(__file__).parents[2]


def generate(out: Path, *options: str, url: str = "") -> int:
    where = ["--base-url", url, "--model", "loopback"] if url else []
    return run.main(["generate", "--out", str(out), "--quiet", *where, *options])


def command(out: Path, *options: str) -> list[str]:
    return ["generate", "--out", str(out), "--model", "loopback", *options]


def check_whole(out: Path, count: int, turns: int) -> None:
    """All sessions are there, finished, once, with all their turns, and no journal is left."""
    records = list(RunFolder(out).records())
    assert len(records) == count
    assert len({record.session_id for record in records}) == count
    for record in records:
        assert record.status == "finished"
        assert [turn.turn for turn in record.turns] == list(range(1, len(record.turns) + 1))
        assert len(record.turns) == turns
        assert record.closing
        speakers = [said.speaker for said in record.dialogue]
        assert speakers == ["counselor", "client"] * (len(speakers) // 2) + ["counselor"]
    assert list((out / "journals").iterdir()) == []


def turn_of(request: Request) -> int:
    """The turn of a client's request: how often the counselor has spoken, beside the greeting."""
    if "You are the client in a counseling session" not in request.prompt:
        return 0
    return sum(role == "user" for role, _ in request.messages) - 1


def done(out: Path) -> int:
    return len(RunFolder(out).entries())


def wait_for(
    condition: Callable[[], bool], process: "subprocess.Popen[Any] | ForkServerProcess", seconds: float = 60
) -> None:
    """Come back when it holds, which it has to before the process ends and the time is over."""
    until = time.monotonic() + seconds
    while not condition():
        ended = process.poll() is not None if isinstance(process, subprocess.Popen) else not process.is_alive()
        assert not ended, "the process has ended"
        assert time.monotonic() < until, "nothing came of it"
        time.sleep(0.02)
