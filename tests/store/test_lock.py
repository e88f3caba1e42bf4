"""Locks: one process at a time, until it ends, however it ends; a log's lock is the same."""

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from counseling_sessions.store.lock import Lock, is_held
from counseling_sessions.store.log import Log

HOLDER = """
import pathlib, sys, time
from counseling_sessions.store.lock import Lock
lock = Lock(pathlib.Path(sys.argv[1]))
print("held", flush=True)
time.sleep(60)
"""


def holder(path: Path) -> "subprocess.Popen[str]":
    """A process that has the lock."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(path)], stdout=subprocess.PIPE, text=True, cwd=Path(__file__).parents[2]
    )
    assert process.stdout
    assert process.stdout.readline() == "held\n"
    return process


def test_a_lock_is_anothers_until_its_process_is_dead(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    process = holder(path)
    with pytest.raises(BlockingIOError, match=rf"in use by another process \(process {process.pid} on "):
        Lock(path)
    assert is_held(path)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    assert process.stdout
    process.stdout.close()
    assert not is_held(path)
    with Lock(path):
        assert is_held(path)
    assert not is_held(path)


def test_a_lock_can_be_waited_for(tmp_path: Path) -> None:
    first = Lock(tmp_path / "lock")
    began = time.monotonic()
    threading.Timer(0.3, first.close).start()
    with Lock(tmp_path / "lock", wait=10):
        assert 0.2 < time.monotonic() - began < 5


def test_a_lock_that_was_moved_away_is_gone(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    with Lock(tmp_path / "in" / "lock") as lock:
        assert not lock.gone
        (tmp_path / "in").rename(tmp_path / "out")
        assert lock.gone
        (tmp_path / "in").mkdir()
        (tmp_path / "in" / "lock").touch()
        assert lock.gone


def test_a_log_is_locked_itself_and_keeps_its_content(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"one\n")
    with Log(tmp_path / "a") as log, Log(tmp_path / "a") as other:
        log.lock()
        with pytest.raises(BlockingIOError, match="in use by another process"):
            other.lock()
        log.append(b"two\n")
        log.close()
        other.lock()
    assert (tmp_path / "a").read_bytes() == b"one\ntwo\n"


def test_what_is_no_plain_file_is_no_lock(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(OSError, match="it is a pipe"):
        Lock(tmp_path / "pipe")
    assert not is_held(tmp_path / "none")


def test_who_has_a_lock_is_told_without_what_could_command_a_terminal(tmp_path: Path) -> None:
    with Lock(tmp_path / "lock") as lock:
        lock.path.write_text("process 3\x1b[31m\non  here")
        with pytest.raises(BlockingIOError, match=r"\(process 3\[31m on here\)"):
            Lock(tmp_path / "lock")
