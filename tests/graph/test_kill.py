"""`run.py session` killed, interrupted, or failed by its server: it is taken up again and ends whole."""

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from multiprocessing.context import ForkServerProcess
from pathlib import Path

import pytest

from counseling_sessions.sessions.journal_lines import SUFFIX
from counseling_sessions.sessions.journal_reading import read_journal
from counseling_sessions.sessions.record import SessionRecord
from tests import long
from tests.forked import ended, start
from tests.kept import kept_in
from tests.loopback import Answer, Latency, LoopbackServer, Request, sensible_answer

ROOT = Path(__file__).parents[2]
TURNS = 8
KILLS = 20 if long.ASKED_FOR else 8


@dataclass
class Runs:
    """Starts `run.py session` for one folder, new or, if it holds a journal, taken up again."""

    folder: Path
    server: LoopbackServer
    seed: int
    models: Path | None = None

    def start(self) -> subprocess.Popen[str]:
        """Start as a user does."""
        pipe, command = subprocess.PIPE, [sys.executable, "run.py", "session", *self.options]
        # Where a shell started the tests in the background they ignore SIGINT, and would hand that down.
        before = signal.signal(signal.SIGINT, signal.default_int_handler)
        try:
            return subprocess.Popen(command, cwd=ROOT, env=self.environment, stdout=pipe, stderr=pipe, text=True)
        finally:
            signal.signal(signal.SIGINT, before)

    def fork(self) -> ForkServerProcess:
        """Start in a process that has imported the program already, which else takes two seconds each time."""
        return start(["session", *self.options], self.output, self.environment)

    def await_requests(self, requests: int, ended: Callable[[], bool]) -> None:
        """Come back when the server has got so many requests in all, or the process has ended."""
        while len(self.server.requests) < requests and not ended():
            time.sleep(0.002)

    @property
    def options(self) -> list[str]:
        if self.journal:
            return ["--resume", str(self.folder)]
        endpoint = ["--base-url", self.server.base_url, "--model", "loopback"]
        endpoint = ["--models", str(self.models)] if self.models else endpoint
        return [*endpoint, "--turns", str(TURNS), "--seed", str(self.seed), "--out", str(self.folder)]

    @property
    def environment(self) -> dict[str, str]:
        ours = {name: value for name, value in os.environ.items() if not name.startswith("OPENAI_")}
        return ours | {"COUNSELING_SESSIONS_CHECKPOINTS": str(self.folder.with_suffix(".sqlite"))}

    @property
    def output(self) -> Path:
        return self.folder.with_suffix(".txt")

    @property
    def journal(self) -> Path | None:
        return next(self.folder.rglob(f"*{SUFFIX}"), None)

    @property
    def record(self) -> SessionRecord:
        (record,) = kept_in(self.folder).values()
        return record


def end(process: subprocess.Popen[str]) -> tuple[int, str]:
    output, errors = process.communicate(timeout=100)
    return process.returncode, output + errors


def forked_to_end(runs: Runs) -> tuple[int | None, str]:
    return ended(runs.fork()), runs.output.read_text()


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
                before = len(server.requests)
                process = runs.fork()
                if made < kills:
                    runs.await_requests(before + draw.randint(1, 14), lambda: not process.is_alive())  # noqa: B023
                    time.sleep(draw.uniform(0, 0.03))
                    made += process.is_alive()
                    process.kill()
                process.join(100)
                if process.exitcode != -signal.SIGKILL:
                    break
            output = runs.output.read_text()
            assert process.exitcode == 0, output
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
        process = runs.start()
        runs.await_requests(14, lambda: process.poll() is not None)
        process.send_signal(signal.SIGINT)
        code, output = end(process)
        assert code == 130, output
        assert f"python run.py session --resume {runs.folder}" in output
        assert "Traceback" not in output
        assert runs.journal
        before = read_journal(runs.journal).finished_updates
        assert any(item.node == "client" for item in before)
        code, output = forked_to_end(runs)
    assert code == 0, output
    assert runs.journal is None
    assert_whole(runs.record)
    said = [said for item in before for said in item.update.get("utterances", ())]
    assert [said.model_dump(mode="json") for said in runs.record.dialogue[: len(said)]] == said


@pytest.mark.slow
def test_a_session_that_its_server_fails_keeps_its_turns_and_goes_on_when_the_server_is_well(tmp_path: Path) -> None:
    ill, replies = True, 0

    def answer(request: Request) -> Answer:
        nonlocal replies
        if ill and replies == 2:
            raise RuntimeError("out of memory")
        replies += "You are the client in a counseling session" in request.prompt
        return sensible_answer(request)

    with LoopbackServer(answer) as server:
        models = tmp_path / "models.yaml"
        models.write_text(f"default: {{base_url: '{server.base_url}', model: loopback, max_requests: 1}}\n")
        runs = Runs(tmp_path / "one", server, 4, models)
        code, output = forked_to_end(runs)
        assert code == 1, output
        assert "answers 500" in output
        assert f"--resume {runs.folder}" in output
        failed = runs.record
        assert failed.status == "failed"
        assert failed.failure
        assert [turn.turn for turn in failed.turns if turn.client] == [1, 2]
        assert runs.journal
        ill = False
        code, output = forked_to_end(runs)
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
