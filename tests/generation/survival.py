"""A batch of which every fifth call fails, killed over and over with `kill -9`, until it ends by itself."""

import json
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from counseling_sessions.sessions.folder import RunFolder
from tests.forked import ended, start
from tests.loopback import Faults, LoopbackServer
from tests.scripted import profile


@dataclass(frozen=True)
class Survived:
    """What became of it: finished sessions, how many of them twice or with turns missing, and the exit code of the last start."""

    finished: int
    twice: int
    incomplete: int
    journals: int
    kills: int
    code: int | None
    seconds: float
    output: str


@contextmanager
def batch(folder: Path, sessions: int, turns: int, *options: str) -> Iterator[list[str]]:
    """The arguments of a batch on a server with faults."""
    models, forms = folder / "models.yaml", folder / "forms.jsonl"
    values = [profile(id=f"client-{number}").model_dump(mode="json") for number in range(sessions // 2)]
    forms.write_text("".join(json.dumps(value) + "\n" for value in values), encoding="utf-8")
    with LoopbackServer(faults=Faults(0.2, hold=2.0, retry_after=0.01), keep=10) as server:
        endpoint = f"{{model: loopback, base_url: {server.base_url}, timeout: 1, max_requests: 20}}"
        models.write_text(f"default: {endpoint}\n", encoding="utf-8")
        asked = ["--profiles", str(forms), "--seeds", "2", "--turns", str(turns), "--models", str(models)]
        asked += ["--techniques", "reflection,questioning", "--router", "rules", *options]
        yield ["generate", "--out", str(folder / "run"), *asked]


def killed(arguments: list[str], out: Path, waits: Sequence[float | int], turns: int, seconds: float = 400) -> Survived:
    """Start, kill, start again …, and let the last start end, within so many `seconds`.

    `waits` says when each kill comes: a whole number is so many ended sessions, a fraction so many seconds after the start.
    """
    began, kills = time.monotonic(), 0
    output = out.with_suffix(".txt")
    for wait in waits:
        process = start(arguments, output)
        until = time.monotonic() + (150 if isinstance(wait, int) else wait)
        while process.is_alive() and time.monotonic() < until and not _reached(out, wait):
            time.sleep(0.02)
        kills += process.is_alive()
        process.kill()
        process.join()
    code = ended(start(arguments, output), seconds)
    records = list(RunFolder(out).records())
    return Survived(
        finished=len({record.session_id for record in records}),
        twice=len(records) - len({record.session_id for record in records}),
        incomplete=sum([turn.turn for turn in record.turns] != list(range(1, turns + 1)) for record in records),
        journals=len(list((out / "journals").iterdir())),
        kills=kills,
        code=code,
        seconds=time.monotonic() - began,
        output=output.read_text(),
    )


def _reached(out: Path, wait: float | int) -> bool:
    return isinstance(wait, int) and len(RunFolder(out).entries()) >= wait
