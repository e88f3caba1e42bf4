"""`run.py session` killed, interrupted, or failed by its server: it is taken up again and ends whole."""

import os
import random
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import pytest

from graph.journal import SUFFIX, read_journal
from graph.store import read_records
from state import SessionRecord
from tests.loopback import Answer, Latency, LoopbackServer, Request, sensible_answer

ROOT = Path(__file__).parents[2]
TURNS = 8
KILLS = 20


@dataclass
class Runs:
    """Starts `python run.py session` for one folder, new or, if it holds a journal, taken up again."""

    folder: Path
    server: LoopbackServer
    seed: int
    models: Path | None = None

    def start(self) -> subprocess.Popen[str]:
        options = ["--resume", str(self.folder)]
        if not self.journal:
            endpoint = ["--base-url", self.server.base_url, "--model", "loopback"]
            endpoint = ["--models", str(self.models)] if self.models else endpoint
            options = [*endpoint, "--turns", str(TURNS), "--seed", str(self.seed), "--out", str(self.folder)]
        environment = {name: value for name, value in os.environ.items() if not name.startswith("OPENAI_")}
        environment["COUNSELING_SESSIONS_CHECKPOINTS"] = str(self.folder.with_suffix(".sqlite"))
        pipe = subprocess.PIPE
        command = [sys.executable, "run.py", "session", *options]
        return subprocess.Popen(command, cwd=ROOT, env=environment, stdout=pipe, stderr=pipe, text=True)

    def start_and_wait_for(self, requests: int) -> subprocess.Popen[str]:
        """Start, and come back when the server has got so many more requests, or the process has ended."""
        before = len(self.server.requests)
        process = self.start()
        while len(self.server.requests) < before + requests and process.poll() is None:
            time.sleep(0.002)
        return process

    @property
    def journal(self) -> Path | None:
        return next(self.folder.glob(f"*{SUFFIX}"), None)

    @property
    def record(self) -> SessionRecord:
        (record,) = read_records(self.folder).values()
        return record


def end(process: subprocess.Popen[str]) -> tuple[int, str]:
    output, errors = process.communicate(timeout=100)
    return process.returncode, output + errors


def killed_over_and_over(folder: Path, seed: int, kills: int) -> list[SessionRecord]:
    """Sessions, one after another, killed at seeded moments until so many kills have been made."""
    draw = random.Random(seed)
    records = []
    made = 0
    with LoopbackServer(latency=Latency(base=0.01)) as server:
        while made < kills:
            runs = Runs(folder / f"{seed}-{len(records)}", server, seed)
            resumed = 0
            while True:
                resumed += runs.journal is not None
                process = runs.start_and_wait_for(draw.randint(1, 14) if made < kills else 0)
                if made == kills:
                    break
                time.sleep(draw.uniform(0, 0.03))
                if process.poll() is not None:
                    break
                process.kill()
                end(process)
                made += 1
            code, output = end(process)
            assert code == 0, output
            assert runs.journal is None, output
            assert (runs.folder / f"{runs.record.session_id}.md").is_file()
            # A session killed after its record and before its journal's end would need one run less.
            assert runs.record.resumed == resumed
            records.append(runs.record)
    return records


@pytest.mark.slow
def test_sessions_killed_at_any_moment_end_whole(tmp_path: Path) -> None:
    with ThreadPoolExecutor(2) as pool:
        halves = list(pool.map(killed_over_and_over, [tmp_path] * 2, [1, 2], [KILLS // 2] * 2))
    records = [record for half in halves for record in half]
    assert sum(record.resumed for record in records) == KILLS
    for record in records:
        assert_whole(record)


@pytest.mark.slow
def test_ctrl_c_leaves_a_session_that_can_be_taken_up_again(tmp_path: Path) -> None:
    with LoopbackServer(latency=Latency(base=0.01)) as server:
        runs = Runs(tmp_path / "one", server, 3)
        process = runs.start_and_wait_for(14)
        process.send_signal(signal.SIGINT)
        code, output = end(process)
        assert code == 130, output
        assert f"python run.py session --resume {runs.folder}" in output
        assert "Traceback" not in output
        assert runs.journal
        before = read_journal(runs.journal).finished_updates
        assert any(item.node == "client" for item in before)
        code, output = end(runs.start())
    assert code == 0, output
    assert runs.journal is None
    assert_whole(runs.record)
    said = [said for item in before for said in item.update.get("utterances", ())]
    assert [said.model_dump(mode="json") for said in runs.record.dialogue[: len(said)]] == said


@pytest.mark.slow
def test_a_session_that_its_server_fails_keeps_its_turns_and_goes_on_when_the_server_is_well(tmp_path: Path) -> None:
    ill = True

    def answer(request: Request) -> Answer:
        if ill and request.number >= 13:
            raise RuntimeError("out of memory")
        return sensible_answer(request)

    with LoopbackServer(answer) as server:
        models = tmp_path / "models.yaml"
        models.write_text(f"default: {{base_url: '{server.base_url}', model: loopback, max_requests: 1}}\n")
        runs = Runs(tmp_path / "one", server, 4, models)
        code, output = end(runs.start())
        assert code == 1, output
        assert "answers 500" in output
        assert f"--resume {runs.folder}" in output
        failed = runs.record
        assert failed.status == "failed"
        assert failed.failure
        assert [turn.turn for turn in failed.turns if turn.client] == [1, 2]
        assert runs.journal
        ill = False
        code, output = end(runs.start())
    assert code == 0, output
    assert runs.journal is None
    assert_whole(runs.record)
    assert runs.record.turns[:2] == failed.turns[:2]


def assert_whole(record: SessionRecord) -> None:
    """No turn is missing, none is there twice, and the speakers alternate from the opening to the goodbye."""
    assert (record.status, record.end_reason) == ("finished", "turn_limit")
    assert [said.speaker for said in record.dialogue] == ["counselor", "client"] * (TURNS + 1) + ["counselor"]
    turns = [said.turn for said in record.dialogue]
    assert turns == [turn for number in range(TURNS + 1) for turn in (number, number)] + [TURNS + 1]
    assert [turn.turn for turn in record.turns] == list(range(1, TURNS + 1))
    for turn in record.turns:
        assert turn.pick
        assert {candidate.technique for candidate in turn.candidates} == set(turn.pick.techniques)
        assert len(turn.candidates) == len(turn.pick.techniques)
    assert record.plan
    assert record.closing
    texts = [said.text for said in record.dialogue]
    assert len(set(texts)) == len(texts)
