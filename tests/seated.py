"""Somebody at a pseudo-terminal, in front of the program in a process of its own."""

import codecs
import fcntl
import os
import pty
import re
import select
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Callable
from multiprocessing.context import ForkServerProcess
from pathlib import Path
from typing import Any

import pytest

from tests.forked import ROOT, ended, start
from tests.loopback import LoopbackServer

WAIT = 60.0
"""Seconds for which the program is waited for."""


class Person:
    """Somebody at a terminal, in front of `run.py practice` or another program: forked, or started `anew` as a shell does."""

    def __init__(
        self,
        environment: dict[str, str],
        *options: str,
        program: Path = ROOT / "run.py",
        anew: bool = False,
        columns: int = 80,
    ) -> None:
        self._master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
        self._process: subprocess.Popen[bytes] | ForkServerProcess
        if anew:
            self._process = subprocess.Popen(
                [sys.executable, "-c", CONTROLLING, str(program), "practice", *options],
                stdin=slave, stdout=slave, stderr=slave, env=environment, start_new_session=True,
            )  # fmt: skip
        else:
            self._process = start(["practice", *options], os.ttyname(slave), environment, program=program)
        os.close(slave)
        self.seen = ""
        self._decoder = codecs.getincrementaldecoder("utf-8")(errors="replace")

    def types(self, text: str) -> None:
        os.write(self._master, text.encode() + b"\n")

    def interrupts(self, until: str = "left;") -> None:
        """Press Ctrl-C until the program takes notice, as people do: between a prompt and the wait for keys, Python misses one."""
        for _ in range(int(WAIT)):
            os.write(self._master, b"\x03")
            patience = time.monotonic() + 3.0
            while self._more(patience):
                if until in plain(self.seen):
                    return

    def presses(self, key: bytes) -> None:
        os.write(self._master, key)

    def reads(self, awaited: str) -> str:
        """What is shown up to this text, without control codes."""
        begin, end = len(self.seen), time.monotonic() + WAIT
        while awaited not in plain(self.seen[begin:]):
            if not self._more(end):
                pytest.fail(f"{awaited!r} was not shown:\n{plain(self.seen)}")
        return plain(self.seen[begin:])

    def ends(self) -> int | None:
        """The exit code, once all the output has been read."""
        end = time.monotonic() + WAIT
        while self._more(end):
            pass
        return self._waits()

    def goes(self) -> None:
        """Closes the terminal."""
        os.close(self._master)
        self._waits()

    def _waits(self) -> int | None:
        if isinstance(self._process, subprocess.Popen):
            return self._process.wait(WAIT)
        return ended(self._process, WAIT)

    def _more(self, end: float) -> bool:
        ready, _, _ = select.select([self._master], [], [], max(0.0, end - time.monotonic()))
        try:
            data = os.read(self._master, 65536) if ready else b""
        except OSError:  # the other end is closed
            data = b""
        self.seen += self._decoder.decode(data)  # a letter can be cut in two
        return bool(data)


CONTROLLING = (
    "import fcntl, os, sys, termios; fcntl.ioctl(0, termios.TIOCSCTTY, 0); "
    "os.execv(sys.executable, [sys.executable, *sys.argv[1:]])"
)
"""Makes the terminal the one that interrupts the program."""


def plain(text: str) -> str:
    return re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", text).replace("\r", "")


Sit = Callable[..., Person]
"""Seats a person: the command's options, and what `Person` takes besides."""


def in_line(text: str) -> str:
    """A text without its lines' ends, which follow the terminal's width."""
    return " ".join(plain(text).split())


def confirmed(sit: Sit, out: Path, *options: str, **more: Any) -> Person:
    """A person who has read the notice and said yes, and has the first turn."""
    person = sit(
        "--as", "client", "--country", "gb", "--turns", "4", "--router", "rules", "--out", str(out), *options, **more
    )
    person.reads("go on: ")
    person.types("yes")
    person.reads("[1/4] you> ")
    return person


LEAVING: dict[str, Callable[[Person], None]] = {
    "yes": lambda person: person.types("Yes."),
    "/quit": lambda person: person.types("/quit"),
    "/end": lambda person: person.types("/end"),
    "Ctrl-D": lambda person: person.presses(b"\x04"),
    "Ctrl-C": lambda person: person.interrupts(until="findahelpline"),
}
"""Ways of leaving, by their names."""


def completions(server: LoopbackServer) -> int:
    return len([request for request in server.requests if request.path.endswith("/completions")])
