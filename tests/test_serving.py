"""The graph as a service with PostgreSQL: the example of docs/serving.md as it stands there, and sessions in the database."""

import json
import os
import pwd
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
from langgraph.checkpoint.memory import InMemorySaver

from counseling_sessions.graph.session import SessionTask, run_session
from counseling_sessions.graph.session_graph import build_session_graph
from counseling_sessions.graph.threads import import_session
from tests.loopback import Latency, LoopbackServer
from tests.scripted import Sensible, config, profile, scripted_models

PROJECT = Path(__file__).parents[1]
SERVER_USER = "postgres"
"""PostgreSQL does not run as root; Debian's package makes this user."""


def _programs() -> Path | None:
    found = shutil.which("initdb")
    return (
        Path(found).resolve().parent if found else next(iter(sorted(Path("/usr/lib/postgresql").glob("*/bin"))), None)
    )


PROGRAMS = _programs()

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(PROGRAMS is None, reason="PostgreSQL is not installed (Debian: apt-get install postgresql)"),
]


@pytest.fixture(scope="module")
def database() -> Iterator[str]:
    """The URL of an empty PostgreSQL cluster of its own."""
    user = SERVER_USER if os.getuid() == 0 else pwd.getpwuid(os.getuid()).pw_name
    port = _free_port()
    with tempfile.TemporaryDirectory(prefix="sessions-postgres-") as folder:
        shutil.chown(folder, user)
        data = f"{folder}/data"
        _postgres(user, folder, "initdb", "-D", data, "-A", "trust", "-U", "sessions", "-E", "UTF8", "--locale=C", "-N")
        options = f"-p {port} -c listen_addresses=127.0.0.1 -c unix_socket_directories={folder} -c fsync=off"
        _postgres(user, folder, "pg_ctl", "-D", data, "-w", "-l", f"{folder}/log", "-o", options, "start")
        try:
            yield f"postgresql://sessions@127.0.0.1:{port}/postgres"
        finally:
            _postgres(user, folder, "pg_ctl", "-D", data, "-w", "-m", "immediate", "stop")


def _postgres(user: str, folder: str, program: str, *options: str) -> None:
    assert PROGRAMS
    other = {"user": user} if os.getuid() == 0 else {}
    # Into a file: the server keeps what pg_ctl inherits open, and a pipe would never end.
    with Path(folder, "output").open("ab") as output:
        subprocess.run(
            [PROGRAMS / program, *options], check=True, cwd=folder, stdout=output, stderr=output, timeout=120, **other
        )


async def test_a_session_leaves_the_same_checkpoints_in_postgresql(database: str) -> None:
    from langgraph.checkpoint.postgres.aio import AsyncPostgresSaver

    task = SessionTask(profile=profile(), attitude="positive", config=config(max_turns=2))
    memory = InMemorySaver()
    models, _ = scripted_models(Sensible())
    async with AsyncPostgresSaver.from_conn_string(database) as saver:
        await saver.setup()
        with tempfile.TemporaryDirectory() as folder:
            record = await run_session(task, Path(folder), models, checkpointer=saver)
        await import_session(record, memory)
        run = await _history(saver, record.session_id)
        await import_session(record, saver)
        again = await _history(saver, record.session_id)

    assert record.status == "finished"
    assert run == again == await _history(memory, record.session_id)


def test_the_documented_service_takes_a_session_up_after_a_crash(database: str, tmp_path: Path) -> None:
    (tmp_path / "serve.py").write_text(_example(), encoding="utf-8")
    with LoopbackServer(latency=Latency(base=0.05)) as model:
        environment = {"DATABASE_URL": database, "OPENAI_BASE_URL": model.base_url, "TURNS": "3"}
        with _service(tmp_path, environment) as (url, process):
            for foreign in ({"Origin": "https://evil.example"}, {"Origin": "null"}, {"Host": "rebound.example"}):
                assert _refused(f"{url}/sessions", {}, foreign) == 403
            session = _ask(f"{url}/sessions", {"profile_id": "amira-exam-panic", "attitude": "negative"})["session_id"]
            _until(lambda: len(_ask(f"{url}/sessions/{session}")["dialogue"]) > 4)
            assert _refused(f"{url}/sessions/{session}/resume", {}) == 409
            assert _refused(f"{url}/sessions/{'0' * 8}") == 404
            process.kill()
            process.wait()
        with _service(tmp_path, environment) as (url, _):
            cut = _ask(f"{url}/sessions/{session}")
            _ask(f"{url}/sessions/{session}/resume", {})
            _until(lambda: not _ask(f"{url}/sessions/{session}")["running"])
            whole = _ask(f"{url}/sessions/{session}")
            assert _refused(f"{url}/sessions/{session}/resume", {}) == 409

    assert cut["next"]
    assert not cut["running"]
    assert len(cut["dialogue"]) > 4
    assert whole["dialogue"][: len(cut["dialogue"])] == cut["dialogue"]
    assert [said["turn"] for said in whole["dialogue"]] == [0, 0, 1, 1, 2, 2, 3, 3, 4]
    assert (whole["end_reason"], whole["failure"], whole["next"]) == ("turn_limit", None, [])


async def _history(saver: Any, session_id: str) -> list[Any]:
    thread: Any = {"configurable": {"thread_id": session_id}}
    states = build_session_graph(saver).aget_state_history(thread)
    return [(state.values, state.next, dict(state.metadata or {})) async for state in states]


def _example() -> str:
    """The service of docs/serving.md."""
    text = (PROJECT / "docs" / "serving.md").read_text(encoding="utf-8")
    return text.split("```python\n")[1].split("```")[0]


@contextmanager
def _service(folder: Path, environment: dict[str, str]) -> Iterator[tuple[str, subprocess.Popen[bytes]]]:
    port = _free_port()
    inherited = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    log = folder / "log"
    with log.open("ab") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "uvicorn", "serve:app", "--host", "127.0.0.1", "--port", str(port)],
            cwd=folder,
            env={**inherited, "PYTHONPATH": str(PROJECT), "LANGGRAPH_STRICT_MSGPACK": "true", **environment},
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    url = f"http://127.0.0.1:{port}"
    try:
        _until(lambda: process.poll() is not None or _answers(f"{url}/openapi.json"))
        assert process.poll() is None, log.read_text()[-3000:]
        yield url, process
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
            process.wait(30)


def _ask(url: str, body: Any = None, headers: dict[str, str] | None = None) -> Any:
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url, data=data, headers={"Content-Type": "application/json", **(headers or {})})
    with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=20) as answer:
        return json.load(answer)


def _answers(url: str) -> bool:
    with suppress(OSError):
        return bool(_ask(url))
    return False


def _refused(url: str, body: Any = None, headers: dict[str, str] | None = None) -> int:
    with pytest.raises(urllib.error.HTTPError) as caught:
        _ask(url, body, headers)
    return caught.value.code


def _until(holds: Any, seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end, "took too long"
        time.sleep(0.02)


def _free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])
