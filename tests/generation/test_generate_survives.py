"""Batches that are killed, or moved while they are written."""

from pathlib import Path

import pytest

from counseling_sessions.sessions.folder import RunFolder
from tests.forked import ended, start
from tests.generation.batches import check_whole, command, done, generate, wait_for
from tests.generation.survival import batch, killed
from tests.loopback import Latency, LoopbackServer

SLOWLY = ["--turns", "6", "--seeds", "8", "--concurrency", "3"]


@pytest.mark.slow
@pytest.mark.parametrize("workers", [1, 2])
def test_a_run_that_is_moved_while_it_is_written_does_not_come_into_being_again(
    tmp_path: Path, forms: str, workers: int
) -> None:
    out, moved, shown = tmp_path / "run", tmp_path / "moved", tmp_path / "shown.txt"
    with LoopbackServer(latency=Latency(base=0.01)) as server:
        options = ["--profiles", forms, *SLOWLY, "--base-url", server.base_url, "--workers", str(workers)]
        process = start([*command(out, *options), "--quiet"], shown)
        wait_for(lambda: done(out) >= 3, process)
        out.rename(moved)
        code, errors = ended(process), shown.read_text()
        assert code == 2, errors
        assert "not there any more" in errors
        assert "Traceback" not in errors
        assert not out.exists()
        kept = len(list(RunFolder(moved).records()))
        assert generate(moved, "--max-hours", "0.000001") == 1
        assert len(list(RunFolder(moved).records())) >= kept >= 3


@pytest.mark.slow
def test_another_folder_in_a_moved_runs_place_gets_nothing(tmp_path: Path, forms: str) -> None:
    out, shown = tmp_path / "run", tmp_path / "shown.txt"
    with LoopbackServer(latency=Latency(base=0.01)) as server:
        options = ["--profiles", forms, *SLOWLY, "--base-url", server.base_url, "--quiet"]
        process = start(command(out, *options), shown)
        wait_for(lambda: done(out) >= 1, process)
        out.rename(tmp_path / "moved")
        out.mkdir()
        (out / "lock").touch()
        code, errors = ended(process), shown.read_text()
        assert code == 2, errors
        assert f"{out} is not there any more, or not the same" in errors
        assert [path.name for path in out.rglob("*")] == ["lock"]


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize("workers", [1, 2])
def test_thirty_sessions_survive_faults_and_kills(tmp_path: Path, workers: int) -> None:
    """30 sessions of 3 turns, 20 % of the calls failing in mixed ways, the process killed three times."""
    out = tmp_path / "run"
    with batch(tmp_path, 30, 3, "--workers", str(workers)) as arguments:
        survived = killed(arguments, out, [4, 9, 14], 3)
    assert survived.code == 0, survived.output
    assert survived.kills == 3
    check_whole(out, 30, 3)
