"""The program in a process of its own, forked from one that has imported it: a start costs no two seconds of imports.

So are the processes of its workers.
"""

import fcntl
import multiprocessing
import os
import resource
import runpy
import signal
import sys
import termios
from collections.abc import Mapping, Sequence
from multiprocessing.connection import Connection
from multiprocessing.context import ForkServerProcess
from pathlib import Path

ROOT = Path(__file__).parents[1]
FORKS = multiprocessing.get_context("forkserver")
FORKS.set_forkserver_preload(["tests.preloaded", "tests.preloaded_lists"])


def start(
    arguments: Sequence[str],
    output: Path | str,
    environment: Mapping[str, str] | None = None,
    limits: Mapping[int, int] | None = None,
    program: Path = ROOT / "run.py",
) -> ForkServerProcess:
    """Start a program with these arguments. It writes to `output`, or reads and writes there where that is a terminal.

    The environment is this process's, if no other is named; `limits` are those of the machine, as `resource` numbers them.
    """
    surroundings = dict(os.environ if environment is None else environment)
    with Connection(os.open(output, os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_NOCTTY, 0o644)) as opened:
        process = FORKS.Process(
            target=_run, args=([str(program), *arguments], opened, surroundings, dict(limits or {}))
        )
        process.start()
    return process


def ended(process: ForkServerProcess, seconds: float = 100) -> int | None:
    """The exit code, once it has ended; it is killed if it takes longer."""
    process.join(seconds)
    process.kill()
    process.join()
    return process.exitcode


def _run(arguments: list[str], output: Connection, environment: dict[str, str], limits: dict[int, int]) -> None:
    """Become what a shell would have started: its directory, environment, signals, terminal and output."""
    os.setsid()
    os.chdir(ROOT)
    os.environ.clear()
    os.environ.update(environment)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    terminal = os.isatty(output.fileno())
    if terminal:
        fcntl.ioctl(output.fileno(), termios.TIOCSCTTY, 0)  # the one that interrupts it
    for standard in range(3) if terminal else (1, 2):
        os.dup2(output.fileno(), standard)
    output.close()
    sys.stdin, sys.stdout, sys.stderr = (
        open(standard, mode, encoding="utf-8", buffering=1, closefd=False)  # noqa: SIM115
        for standard, mode in enumerate(("r", "w", "w"))
    )
    for limit, most in limits.items():
        resource.setrlimit(limit, (most, most))
    sys.argv = arguments
    from counseling_sessions.generation import processes

    processes.STARTING = FORKS
    FORKS.set_forkserver_preload(["tests.preloaded"])  # workers are forked from a process that it starts
    runpy.run_path(arguments[0], run_name="__main__")
