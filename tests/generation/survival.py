"""A batch of which every fifth call fails, killed over and over with `kill -9`, until it ends by itself."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from counseling_sessions.sessions.folder import RunFolder
from tests.loopback import Faults, LoopbackServer
from tests.scripted import profile

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Survived:
    """What became of it: finished sessions, how many of them twice or with turns missing, and the exit code of the last start."""

    finished: int
    twice: int
    incomplete: int
    journals: int
    kills: int
    code: int
    seconds: float
    errors: str


@contextmanager
def batch(folder: Path, sessions: int, turns: int, *options: str) -> Iterator[list[str]]:
    """The command of a batch on a server with faults."""
    models, forms = folder / "models.yaml", folder / "forms.jsonl"
    values = [profile(id=f"client-{number}").model_dump(mode="json") for number in range(sessions // 2)]
    forms.write_text("".join(json.dumps(value) + "\n" for value in values), encoding="utf-8")
    with LoopbackServer(faults=Faults(0.2, hold=2.0, retry_after=0.01), keep=10) as server:
        endpoint = f"{{model: loopback, base_url: {server.base_url}, timeout: 1, max_requests: 20}}"
        models.write_text(f"default: {endpoint}\n", encoding="utf-8")
        asked = ["--profiles", str(forms), "--seeds", "2", "--turns", str(turns), "--models", str(models)]
        asked += ["--techniques", "reflection,questioning", "--router", "rules", *options]
        yield [sys.executable, "run.py", "generate", "--out", str(folder / "run"), *asked]


def killed(started: list[str], out: Path, waits: Sequence[float | int], turns: int, seconds: float = 400) -> Survived:
    """Start, kill, start again …, and let the last start end.

    `waits` says when each kill comes: a whole number is so many ended sessions, a fraction so many seconds after the start.
    """
    began, kills = time.monotonic(), 0
    for wait in waits:
        process = subprocess.Popen(
            started, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
        )
        until = time.monotonic() + (150 if isinstance(wait, int) else wait)
        while process.poll() is None and time.monotonic() < until and not _reached(out, wait):
            time.sleep(0.02)
        if process.poll() is None:
            os.kill(process.pid, signal.SIGKILL)
            kills += 1
        process.wait()
    last = subprocess.run(started, cwd=ROOT, capture_output=True, text=True, timeout=seconds, check=False)
    records = list(RunFolder(out).records())
    return Survived(
        finished=len({record.session_id for record in records}),
        twice=len(records) - len({record.session_id for record in records}),
        incomplete=sum([turn.turn for turn in record.turns] != list(range(1, turns + 1)) for record in records),
        journals=len(list((out / "journals").iterdir())),
        kills=kills,
        code=last.returncode,
        seconds=time.monotonic() - began,
        errors=last.stderr,
    )


def _reached(out: Path, wait: float | int) -> bool:
    return isinstance(wait, int) and len(RunFolder(out).entries()) >= wait
