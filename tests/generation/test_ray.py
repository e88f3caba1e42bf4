"""A batch on a Ray cluster of two nodes, one of which goes away."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.forked import ended, start
from tests.generation.batches import ROOT, check_whole, done, wait_for
from tests.loopback import Latency, LoopbackServer

ray = pytest.importorskip("ray")


@pytest.mark.slow
@pytest.mark.timeout(400)
def test_a_node_goes_away_and_every_session_is_finished_once(tmp_path: Path) -> None:
    from ray.cluster_utils import Cluster

    out = tmp_path / "run"
    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 1})
    try:
        lost = cluster.add_node(num_cpus=1)
        cluster.wait_for_nodes()
        # Slow enough that the first worker to stand does not do it all before the second one does.
        with LoopbackServer(latency=Latency(base=0.03)) as server:
            options = ["--out", str(out), "--base-url", server.base_url, "--model", "loopback", "--turns", "4"]
            options += ["--engine", "ray", "--ray-address", cluster.address, "--workers", "2"]
            process = subprocess.Popen(
                [sys.executable, "run.py", "generate", *options],
                cwd=ROOT,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
                env={**os.environ, "PYTHONPATH": str(ROOT)},
            )
            wait_for(lambda: done(out) >= 5 and workers(out) == {"w0", "w1"}, process, seconds=120)
            cluster.remove_node(lost, allow_graceful=False)
            _, errors = process.communicate(timeout=300)
            assert process.returncode == 0, errors
    finally:
        ray.shutdown()
        cluster.shutdown()
    check_whole(out, 35, 4)


def test_a_cluster_that_is_not_there_is_told(tmp_path: Path) -> None:
    with LoopbackServer() as server:
        options = [
            "--base-url",
            server.base_url,
            "--model",
            "loopback",
            "--engine",
            "ray",
            "--ray-address",
            "127.0.0.1:9",
        ]
        code = ended(start(["generate", "--out", str(tmp_path / "run"), *options], tmp_path / "shown.txt"))
    assert code == 2
    assert "no Ray cluster at 127.0.0.1:9" in (tmp_path / "shown.txt").read_text()


def workers(out: Path) -> set[str]:
    """The workers that have brought a session to its end."""
    return {path.stem for path in (out / "ledger").glob("*.jsonl")}
