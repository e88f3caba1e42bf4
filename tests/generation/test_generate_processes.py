"""Batches in processes of their own: interrupted, out of room, out of files, or with a worker that dies."""

import os
import resource
import signal
from collections import Counter
from multiprocessing.context import ForkServerProcess
from pathlib import Path

import psutil
import pytest

from counseling_sessions.sessions.folder import RunFolder
from tests.forked import ended, start
from tests.generation.batches import check_whole, command, done, generate, wait_for
from tests.loopback import Latency, LoopbackServer


@pytest.mark.slow
@pytest.mark.parametrize("workers", [1, 2])
def test_what_nobody_foresaw_fails_its_sessions_with_a_line_and_a_traceback_in_the_log(
    tmp_path: Path, forms: str, workers: int
) -> None:
    """A node that fails for one client."""
    out, program, shown = tmp_path / "run", tmp_path / "broken.py", tmp_path / "shown.txt"
    program.write_text(BROKEN, encoding="utf-8")
    with LoopbackServer() as server:
        options = ["--profiles", forms, "--turns", "1", "--base-url", server.base_url, "--workers", str(workers)]
        code = ended(start(command(out, *options), shown, program=program))
    text = shown.read_text()
    assert code == 1, text
    assert "Traceback" not in text
    assert "internal: ZeroDivisionError at " in text
    assert "3 of 4 sessions finished, 1 failed" in text
    log = (out / "run.log").read_text()
    assert log.count("in fails_for_one") == 1
    assert "caused by" not in log
    (failed,) = [record for record in RunFolder(out).records(failed=True) if record.status == "failed"]
    assert failed.failure
    assert (failed.failure.kind, failed.profile_id) == ("internal", "client-2")


BROKEN = """
import sys
from counseling_sessions.nodes import plan
import run

def fails_for_one(models, request):
    folder = sys.argv[sys.argv.index("--out") + 1]
    if '"client-2"' in open(f"{folder}/journals/{request.session_id}.journal.jsonl").read():
        return 1 / 0
    return decide(models, request)

decide = plan.decide
plan.decide = fails_for_one
if __name__ == "__main__":
    sys.exit(run.main())
"""


def test_ctrl_c_ends_soon_and_says_how_to_go_on(tmp_path: Path) -> None:
    out, shown = tmp_path / "run", tmp_path / "shown.txt"
    with LoopbackServer() as server:
        process = start(command(out, "--turns", "40", "--base-url", server.base_url), shown)
        wait_for(lambda: len(server.requests) > 100, process)
        assert process.pid
        os.kill(process.pid, signal.SIGINT)
        assert ended(process, 60) == 130
    errors = shown.read_text()
    assert f"go on with: python run.py generate --out {out}" in errors
    assert "Traceback" not in errors
    assert any((out / "journals").iterdir())


def test_a_second_process_is_refused(tmp_path: Path) -> None:
    out, shown = tmp_path / "run", tmp_path / "shown.txt"
    with LoopbackServer() as server:
        options = ["--turns", "40", "--base-url", server.base_url]
        process = start(command(out, *options), tmp_path / "first.txt")
        try:
            wait_for(lambda: len(server.requests) > 20, process)
            assert ended(start(command(out, *options), shown)) == 2
            refused = f"{out} cannot be written: it is in use by another process (process {process.pid} on "
            assert refused in shown.read_text()
        finally:
            process.kill()
            process.join()


def test_a_disk_that_fills_ends_the_batch_and_loses_nothing(tmp_path: Path, forms: str) -> None:
    out, shown = tmp_path / "run", tmp_path / "shown.txt"
    with LoopbackServer() as server:
        options = ["--profiles", forms, "--turns", "3", "--seeds", "5", "--base-url", server.base_url]
        code = ended(start(command(out, *options), shown, limits={resource.RLIMIT_FSIZE: 150_000}))
        assert code == 2
        assert "cannot be written: File too large" in " ".join(shown.read_text().split())
        assert "Traceback" not in shown.read_text()
        kept = Counter(record.session_id for record in RunFolder(out).records())
        assert 0 < len(kept) < 20
        assert generate(out) == 0
    check_whole(out, 20, 3)


@pytest.mark.slow
def test_a_process_with_few_files_runs_fewer_sessions_and_loses_none(tmp_path: Path, forms: str) -> None:
    out, shown = tmp_path / "run", tmp_path / "shown.txt"
    with LoopbackServer(latency=Latency(base=0.02)) as server:
        options = ["--profiles", forms, "--turns", "3", "--seeds", "6", "--base-url", server.base_url]
        code = ended(start(command(out, *options), shown, limits={resource.RLIMIT_NOFILE: 40}))
    errors = shown.read_text()
    assert "Traceback" not in errors
    assert "the machine has run out of open files" in errors
    assert code == 0, errors
    check_whole(out, 24, 3)


@pytest.mark.slow
def test_a_worker_process_that_dies_is_replaced(tmp_path: Path, forms: str) -> None:
    out, shown = tmp_path / "run", tmp_path / "shown.txt"
    with LoopbackServer() as server:
        options = ["--profiles", forms, "--turns", "3", "--seeds", "8", "--workers", "2", "--base-url", server.base_url]
        process = start(command(out, *options), shown)
        wait_for(lambda: done(out) >= 5, process)
        workers = workers_of(process)
        assert len(workers) == 2
        os.kill(workers[0], signal.SIGKILL)
        assert ended(process) == 0, shown.read_text()
    check_whole(out, 32, 3)


def workers_of(process: ForkServerProcess) -> list[int]:
    """A program's workers, which are forked from a process that it started."""
    return [worker.pid for child in psutil.Process(process.pid).children() for worker in child.children()]
