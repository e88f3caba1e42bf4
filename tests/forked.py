"""The program in a process of its own, forked from one that has imported it: a start costs no two seconds of imports."""

import multiprocessing
import os
import signal
import sys
from collections.abc import Sequence
from multiprocessing.context import ForkServerProcess
from pathlib import Path

ROOT = Path(__file__).parents[1]
FORKS = multiprocessing.get_context("forkserver")
FORKS.set_forkserver_preload([f"counseling_sessions.commands.{name}" for name in ("session", "generate", "practice")])


def start(arguments: Sequence[str], output: Path | str, environment: dict[str, str]) -> ForkServerProcess:
    """Start `run.py` with these arguments. It writes to `output`, or reads and writes there where that is a terminal."""
    process = FORKS.Process(target=_run, args=(list(arguments), str(output), environment))
    process.start()
    return process


def _run(arguments: list[str], output: str, environment: dict[str, str]) -> None:
    """Become what a shell would have started: its directory, environment, signals, terminal and output."""
    os.setsid()
    os.chdir(ROOT)
    os.environ.clear()
    os.environ.update(environment)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    # The first terminal that a session opens is the one that interrupts it.
    opened = os.open(output, os.O_RDWR | os.O_CREAT | os.O_TRUNC)
    for standard in range(3) if os.isatty(opened) else (1, 2):
        os.dup2(opened, standard)
    os.close(opened)
    sys.stdin, sys.stdout, sys.stderr = (
        open(standard, mode, encoding="utf-8", buffering=1, closefd=False)  # noqa: SIM115
        for standard, mode in enumerate(("r", "w", "w"))
    )
    sys.argv = ["run.py", *arguments]
    import run

    sys.exit(run.main())
