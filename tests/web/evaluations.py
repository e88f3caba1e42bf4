"""What an evaluation in a process of its own may do; a module without imports, which such a process reads at once."""

import time
from multiprocessing.connection import Connection
from pathlib import Path


def slow(said: Connection, place: Path, out: Path) -> None:
    said.send(("reading", 1, 3))
    time.sleep(600)


def dies(said: Connection, place: Path, out: Path) -> None:
    raise SystemExit(1)


def refuses(said: Connection, place: Path, out: Path) -> None:
    said.send("there is nothing to evaluate")
