"""Checkpoints of a session that runs: a file that cannot be written costs itself and nothing else; only its owner reads it."""

import os
import resource
import sqlite3
import stat
from pathlib import Path
from typing import Any

import pytest
from langgraph.checkpoint.base import BaseCheckpointSaver
from langgraph.checkpoint.memory import InMemorySaver

from counseling_sessions.graph.checkpoints import VARIABLE, SparedSaver, open_checkpoints, spared_checkpoints
from counseling_sessions.graph.practice import Practice
from counseling_sessions.graph.session import run_session
from counseling_sessions.nodes.person import PersonAnswer
from tests.forked import ended, start
from tests.graph.test_journal import assert_whole, task
from tests.kept import kept_in
from tests.loopback import LoopbackServer
from tests.scripted import Sensible, scripted_models

FULL = sqlite3.OperationalError("database or disk is full")


class Failing(InMemorySaver):
    """A file whose n-th write and all after it fail."""

    def __init__(self, left: int, error: Exception = FULL) -> None:
        super().__init__()
        self.left, self.error, self.tried = left, error, 0

    def _write(self) -> None:
        self.tried += 1
        self.left -= 1
        if self.left < 0:
            raise self.error

    async def aput(self, *args: Any) -> Any:
        self._write()
        return await super().aput(*args)

    async def aput_writes(self, *args: Any) -> None:
        self._write()
        await super().aput_writes(*args)

    async def adelete_thread(self, thread_id: str) -> None:
        self._write()
        await super().adelete_thread(thread_id)


@pytest.mark.parametrize("left", [0, 1, 2, 3, 8, 20])
@pytest.mark.parametrize("error", [FULL, OSError(28, "No space left on device")])
async def test_a_file_that_fails_at_any_write_costs_the_session_nothing(
    tmp_path: Path, left: int, error: Exception
) -> None:
    messages: list[str] = []
    file = Failing(left, error)
    models, _ = scripted_models(Sensible())
    record = await run_session(task(max_turns=4), tmp_path, models, checkpointer=SparedSaver(file, messages.append))
    assert_whole(record, 4)
    assert len(messages) == 1
    assert messages[0].endswith(("database or disk is full", "No space left on device"))
    assert file.tried <= left + 4  # what was under way at the same time; nothing more is written


async def test_a_file_that_holds_has_all_that_the_session_left(tmp_path: Path) -> None:
    messages: list[str] = []
    file = InMemorySaver()
    job = task(max_turns=2)
    models, _ = scripted_models(Sensible())
    record = await run_session(job, tmp_path, models, checkpointer=SparedSaver(file, messages.append))
    there = await file.aget_tuple({"configurable": {"thread_id": job.session_id}})
    assert there
    assert there.checkpoint["channel_values"]["utterances"] == [
        said.model_dump(mode="json") for said in record.dialogue
    ]
    assert messages == []


@pytest.mark.parametrize("left", [0, 1, 5, 12])
async def test_a_practice_session_goes_on_when_the_file_fails(tmp_path: Path, left: int) -> None:
    """Its turns are taken up from checkpoints: those in memory do."""
    messages: list[str] = []
    saver: BaseCheckpointSaver[Any] = SparedSaver(Failing(left), messages.append)
    models, _ = scripted_models(Sensible())
    practice = Practice.begin(task(router="rules", max_turns=2), "counselor", tmp_path, models, saver)
    await practice.start()
    for words in ("What is it about the nights?", "And before that?", "Then we stop here. Goodbye, Ada."):
        assert practice.waiting
        await practice.answer(PersonAnswer(text=words))
    assert practice.record().status == "finished"
    assert len(messages) == 1
    practice.close()


@pytest.mark.parametrize("kind", ["folder", "garbage", "no place", "of another make", "pipe"])
async def test_a_file_that_cannot_be_opened_is_told_and_the_session_runs(
    tmp_path: Path, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "files" / "checkpoints.sqlite"
    path.parent.mkdir()
    if kind == "folder":
        path.mkdir()
    elif kind == "garbage":
        path.write_bytes(b"no database " * 1000)
    elif kind == "no place":
        path = path / "below" / "a.sqlite"
        path.parent.parent.write_text("")
    elif kind == "pipe":
        os.mkfifo(path)
    else:
        path.write_bytes(b"")
        with sqlite3.connect(path) as made:
            made.execute("PRAGMA journal_mode=WAL")
            made.execute("CREATE TABLE checkpoints (one)")
    monkeypatch.setenv(VARIABLE, str(path))
    messages: list[str] = []
    models, _ = scripted_models(Sensible())
    async with spared_checkpoints(messages.append) as saver:
        record = await run_session(task(max_turns=2), tmp_path, models, checkpointer=saver)
    assert_whole(record, 2)
    assert len(messages) == 1
    assert messages[0].startswith(f"no checkpoints for Studio: {path}: ")


async def test_only_its_owner_reads_the_file_and_what_lies_beside_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "new" / "checkpoints.sqlite"
    monkeypatch.setenv(VARIABLE, str(path))
    before = os.umask(0)
    try:
        async with open_checkpoints() as saver:
            await saver.adelete_thread("one")
            assert {"checkpoints.sqlite-wal", "checkpoints.sqlite-shm"} <= {item.name for item in path.parent.iterdir()}
            assert {stat.S_IMODE(item.stat().st_mode) for item in path.parent.iterdir()} == {0o600}
            assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
        path.chmod(0o644)  # as a version before made it
        async with open_checkpoints():
            assert stat.S_IMODE(path.stat().st_mode) == 0o600
    finally:
        os.umask(before)


@pytest.mark.slow
def test_a_disk_with_no_room_for_checkpoints_costs_a_line_and_no_session(tmp_path: Path) -> None:
    """In a process of its own whose files may have 120 kB: room for the journal, not for the checkpoints of ten turns."""
    out, shown = tmp_path / "one", tmp_path / "shown.txt"
    environment = os.environ | {VARIABLE: str(tmp_path / "checkpoints.sqlite")}
    with LoopbackServer() as server:
        options = [
            "session",
            "--base-url",
            server.base_url,
            "--model",
            "loopback",
            "--turns",
            "10",
            "--min-turns",
            "10",
            "--out",
            str(out),
        ]
        code = ended(start(options, shown, environment, {resource.RLIMIT_FSIZE: 120_000}))
    text = " ".join(shown.read_text().split())
    assert code == 0, text
    assert text.count("no checkpoints for Studio: ") == 1
    assert "the session goes on without them" in text
    assert "Traceback" not in text
    (record,) = kept_in(out).values()
    assert len(record.turns) == 10
    assert "no checkpoints for Studio" in (out / "run.log").read_text()
