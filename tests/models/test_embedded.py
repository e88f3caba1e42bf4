"""The embedded model: how its server starts and ends, and the real one, once."""

import asyncio
import hashlib
import http.client
import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from langchain_core.messages import HumanMessage

from counseling_sessions.ladder.models import EMBEDDED, ladder
from counseling_sessions.models import embedded
from counseling_sessions.models.chat import Models
from counseling_sessions.models.embedded import EmbeddedServer, shared_server
from counseling_sessions.models.embedded_file import EmbeddedModelError, model_file
from counseling_sessions.models.embedded_server import SLOTS
from counseling_sessions.models.errors import ModelError
from counseling_sessions.settings import ModelSettings

SMALL = ladder()[0]

BINDINGS = """
import http.server, json, os, pathlib, signal, sys, threading, time, types

HERE = pathlib.Path(__file__).parent


def CommonParams():
    parts = {name: types.SimpleNamespace() for name in ("model", "cpuparams", "cpuparams_batch")}
    return types.SimpleNamespace(hostnames=["0.0.0.0"], load_mode="mapped", **parts)


llama_load_mode = types.SimpleNamespace(LLAMA_LOAD_MODE_NONE="not mapped")


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
    monkeypatch.setattr(embedded, "model_file", lambda model, *, offline: tmp_path / "model.gguf")
    monkeypatch.setattr(embedded, "_shared", {})
    yield tmp_path
    for server in embedded._shared.values():
        server.stop()


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
    with EmbeddedServer(SMALL) as server:
        assert server.base_url.startswith("http://127.0.0.1:")
        assert server.base_url.endswith("/v1")
    (bindings / "xllamacpp.py").write_text(BINDINGS.replace("hostnames=[", "hostname=[").replace("load_mode=", "mode="))
    with EmbeddedServer(SMALL):
        pass
    new, old = started(bindings)
    assert new["hostnames"] == ["127.0.0.1"]
    assert old["hostname"] == "127.0.0.1"
    assert (new["load_mode"], "load_mode" in old) == ("not mapped", False), "else the file is in memory twice"
    assert new["cache_ram_mib"] == old["cache_ram_mib"] == new["port"] == 0
    assert str(Path(embedded.__file__).parent) not in new["path"], "requests.py there is not the library of that name"


def test_the_adapter_is_loaded_with_the_model(bindings: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with EmbeddedServer(SMALL) as server:
        assert (server.tuned_name or "").startswith(SMALL.tuned_name)
    monkeypatch.setenv(embedded.ADAPTER_VARIABLE, "none")
    with EmbeddedServer(SMALL) as server:
        assert server.tuned_name is None
    loaded, without = started(bindings)
    assert loaded["lora_adapters"] == [{"path": str(embedded.TUNED / "small" / embedded.ADAPTER), "scale": 1.0}]
    assert "lora_adapters" not in without


@pytest.mark.timeout(60)
def test_server_can_be_stopped_twice_and_started_again(bindings: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(embedded, "GRACE", 3600.0)
    server = EmbeddedServer(SMALL)
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
        servers = set(pool.map(lambda _: shared_server(SMALL), range(16)))
    assert len(servers) == len(started(bindings)) == 1
    servers.pop().stop()
    assert shared_server(SMALL).base_url
    assert len(started(bindings)) == 2


def test_server_that_cannot_start_says_so_and_may_be_tried_again(bindings: Path) -> None:
    def refusal(line: str) -> str:
        (bindings / "xllamacpp.py").write_text(BINDINGS.replace(BROKEN, f"{BROKEN}        {line}\n"))
        with pytest.raises(EmbeddedModelError) as caught:
            shared_server(SMALL)
        return str(caught.value)

    assert re.search(
        r"model\.gguf and the adapter .*\.gguf: No such model$", refusal("raise RuntimeError('No such\\nmodel')")
    )
    assert refusal("os.abort()").endswith(": its process ended: Aborted")
    assert refusal("os._exit(3)").endswith(": its process ended: status 3")
    (bindings / "xllamacpp.py").write_text("raise ImportError('no libgomp')")
    with pytest.raises(EmbeddedModelError, match=r"\(no libgomp\); install xllamacpp"):
        shared_server(SMALL)
    (bindings / "xllamacpp.py").write_text(BINDINGS)
    assert shared_server(SMALL).base_url


def test_one_that_does_not_end_when_asked_is_killed(bindings: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(embedded, "GRACE", 0.2)
    deaf = f"{BROKEN}        signal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
    (bindings / "xllamacpp.py").write_text(BINDINGS.replace(BROKEN, deaf))
    server = EmbeddedServer(SMALL)
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
            EmbeddedServer(SMALL).start()
    finally:
        signal.signal(signal.SIGINT, before)
    wait_until_gone(started(bindings)[0]["pid"])


PARENT = """
import http.client, sys, time
from pathlib import Path
from counseling_sessions.ladder.models import EMBEDDED, ladder
from counseling_sessions.models import embedded
embedded.model_file = lambda model, *, offline: Path("model.gguf")
server = embedded.shared_server(ladder()[0])
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
    monkeypatch.setattr(embedded, "model_file", lambda model, *, offline: tmp_path / "missing.gguf")
    with pytest.raises(EmbeddedModelError, match="did not start"):
        EmbeddedServer(SMALL).start()
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
    with EmbeddedServer(SMALL):
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
from counseling_sessions.ladder.models import ladder
from counseling_sessions.models.embedded import shared_server
server = shared_server(ladder()[0], offline=True)
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
    with EmbeddedServer(SMALL) as server:
        yield server


@pytest.mark.slow
class TestRealModel:
    """The model itself, from the machine's own cache folder; fetched only if it is not there yet."""

    def test_file_is_the_pinned_one(self) -> None:
        path = model_file(SMALL)
        assert hashlib.sha256(path.read_bytes()).hexdigest() == SMALL.file.sha256

    def test_answers_a_chat(self, server: EmbeddedServer) -> None:
        messages = [{"role": "user", "content": "Tell me about the sea."}]
        answer = post(server.base_url, model=SMALL.name, messages=messages, max_tokens=16, temperature=0)
        assert answer["model"] == SMALL.name
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
            assert [slot["n_ctx"] for slot in json.load(response)] == [SMALL.context] * len(SLOTS)

    def test_stops_and_starts_again_at_once(self) -> None:
        server = EmbeddedServer(SMALL, offline=True)
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
