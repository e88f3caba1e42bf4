"""Programs forked from a process that has imported ours: a start costs no two seconds. They end as Python ends, unlike `forked`'s.

This module is both sides: tests make a `Forking`, and `python forking.py` is the process that it asks.
"""

import gc
import importlib
import json
import os
import signal
import subprocess
import sys
import warnings
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from types import SimpleNamespace
from typing import BinaryIO


class Forking:
    """A process that has imported some modules and forks others from itself, one at a time."""

    def __init__(self, folder: Path, modules: Sequence[str], environment: Mapping[str, str]) -> None:
        """Files are kept in the folder; the environment is the one in which the modules are imported."""
        self._standard = [folder / name for name in ("in", "out", "err")]
        asked, self._asks = os.pipe()
        self._answers, answered = os.pipe()
        self._process = subprocess.Popen(
            [sys.executable, __file__, str(asked), str(answered), *modules],
            env=dict(environment),
            pass_fds=(asked, answered),
            start_new_session=True,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
        )
        os.close(asked)
        os.close(answered)

    def run(
        self,
        arguments: Sequence[str],
        folder: Path,
        environment: Mapping[str, str],
        *,
        program: str = "",
        typed: str = "",
        encoding: str = "utf-8",
    ) -> SimpleNamespace:
        """Run `run.py`, or another program, to its end: its `code`, and what it wrote, `out` and `err`."""
        for path, text in zip(self._standard, (typed, "", ""), strict=True):
            path.write_text(text, encoding=encoding)
        asked = [list(arguments), program, str(folder), dict(environment), list(map(str, self._standard))]
        os.write(self._asks, json.dumps(asked).encode() + b"\n")
        code = os.read(self._answers, 100)
        out, err = (path.read_text(encoding=encoding) for path in self._standard[1:])
        return SimpleNamespace(code=int(code), out=out, err=err)

    def close(self) -> bytes:
        """End it. Gives what it wrote to its own standard error."""
        os.close(self._asks)
        os.close(self._answers)
        try:
            return self._process.communicate(timeout=20)[1]
        finally:
            with suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)


def _serve(asked: BinaryIO, answered: BinaryIO) -> None:
    while line := asked.readline():
        child = os.fork()
        if not child:
            asked.close()
            answered.close()
            _become(*json.loads(line))
            break
        code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        answered.write(f"{code}\n".encode())
        answered.flush()


def _become(arguments: list[str], program: str, folder: str, environment: dict[str, str], standard: list[str]) -> None:
    """Go on as a program of its own, with these files as its standard input, output and errors."""
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)
    for number, path in enumerate(standard):
        opened = os.open(path, os.O_RDWR | getattr(os, "O_BINARY", 0))
        os.dup2(opened, number)
        os.close(opened)
    sys.argv = ["-c" if program else "run.py", *arguments]
    if program:
        warnings.simplefilter("ignore")
        exec(program, {"__name__": "__main__"})
    else:
        import run

        sys.exit(run.main())


if __name__ == "__main__":
    for name in sys.argv[3:]:
        importlib.import_module(name)
    gc.collect()
    gc.freeze()  # else each would look through all that was imported when it ends
    with open(int(sys.argv[1]), "rb") as asked, open(int(sys.argv[2]), "wb") as answered:
        _serve(asked, answered)
