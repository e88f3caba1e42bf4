"""The embedded model: llama.cpp's own server, in this process, on a free loopback port, with an adapter trained for the task.

It has two slots, one for each side of the dialogue: the counselor's prompts and the client's share no prefix, and each side's
slot keeps its own warm. Calls are made in sequence (`models.chat` allows one at a time): the slots share the same cores.
"""

import atexit
import hashlib
import http.client
import os
import socket
import stat
import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import Any, Self
from urllib.parse import urlsplit

from counseling_sessions.models.embedded_file import SMOLLM2, EmbeddedModelError, model_file
from counseling_sessions.models.errors import MOST_WORDS
from counseling_sessions.store.reading import open_plain
from counseling_sessions.texts.harmless import one_line

CONTEXT = 8192
"""Tokens each slot can hold: what the model was trained for. The server divides its context evenly among the slots."""
SLOTS = {"counselor": 0, "client": 1}
MOST_THREADS = 8
ADAPTER = Path(__file__).parent / "tuned" / "counseling-lora.gguf"
"""The adapter that `run.py train` made from the corpus; docs/embedded-model.md tells how."""
TUNED = "SmolLM2-135M-counseling"
ADAPTER_VARIABLE = "COUNSELING_SESSIONS_ADAPTER"
"""Environment variable that names another adapter for the embedded model; `none` for none."""
ANSWERS_WITHIN = 60.0
"""Seconds for the started server's first sign of life."""
SPINS_VARIABLE = "GOMP_SPINCOUNT"
SPINS = "1000"
"""How often a thread of the model looks whether the others are done before it sleeps. By default libgomp, which runs them, goes on
looking; where anything else wants the cores, the threads then wait for each other most of the time."""
DRAIN = 5.0
"""Seconds to wait for requests that were cut off; the server looks once a second whether it still has a client."""


class EmbeddedServer:
    """The server and its model, for any thread. A stopped server can be started again, and then has another port."""

    model_name = SMOLLM2.name

    def __init__(self, *, offline: bool = False) -> None:
        self._offline = offline
        self._server: Any = None
        self._tuned_name: str | None = None
        self._lock = threading.RLock()

    @property
    def base_url(self) -> str:
        """The OpenAI-compatible endpoint. Raises `EmbeddedModelError` while the server does not run."""
        server = self._server
        if server is None:
            raise EmbeddedModelError("the embedded server is not running")
        return f"{server.listening_address}/v1"

    @property
    def tuned_name(self) -> str | None:
        """What the model is called with the adapter, which the running server has as its number 0; None without one.

        The name ends in the beginning of the adapter's SHA-256, so that a record tells which one it was.
        """
        return self._tuned_name

    def start(self) -> None:
        """Fetch the model if need be, and start; blocks meanwhile. Does nothing if it runs. Raises `EmbeddedModelError`."""
        with self._lock:
            if self._server is not None:
                return
            path = model_file(offline=self._offline)
            bindings = _bindings()
            adapter = adapter_file()
            try:
                parameters = _parameters(bindings.CommonParams(), str(path))
                if adapter:
                    parameters.lora_adapters = [_lora(bindings.CommonAdapterLoraInfo(), adapter)]
                server = bindings.Server(parameters)
                _await_loop(_port(server))
            except Exception as error:  # whatever the bindings make of a C++ exception
                # llama.cpp's words on files of this machine: it is sent no key that they could quote.
                problem = one_line(str(error))[:MOST_WORDS] or type(error).__name__
            else:
                self._server = server
                self._tuned_name = f"{TUNED}-{_digest(adapter)[:8]}" if adapter else None
                return
            files = f"{path} and the adapter {adapter}" if adapter else str(path)
            raise EmbeddedModelError(f"the embedded server did not start with {files}: {problem}")

    def stop(self) -> None:
        """Stop the server, cutting off requests in flight: their clients see a closed connection. May be called twice."""
        with self._lock:
            if self._server is None:
                return
            # The destructor holds Python's global lock while it waits for every request, and a request waits for its
            # client to go: a client in this process never could, so the connections are cut first.
            _cut_connections(_port(self._server))
            self._server = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()


def adapter_file() -> Path | None:
    """The adapter that the embedded model is served with, if there is one. Raises `EmbeddedModelError` for one that is not there."""
    named = os.environ.get(ADAPTER_VARIABLE, "").strip()
    if named == "none":
        return None
    path = Path(named).expanduser() if named else ADAPTER
    if not named and not path.exists():
        return None
    try:
        with open_plain(path) as file:
            magic = file.read(4)
    except OSError as error:
        raise EmbeddedModelError(f"{ADAPTER_VARIABLE}: {path} cannot be read: {error.strerror}") from None
    if magic != b"GGUF":
        raise EmbeddedModelError(f"{path} is no GGUF; make one with: run.py train export ADAPTER --gguf FILE")
    return path


_lock = threading.Lock()
_shared: EmbeddedServer | None = None


def shared_server(*, offline: bool = False) -> EmbeddedServer:
    """This process's one server, running; it is stopped when the process ends. Raises `EmbeddedModelError`."""
    global _shared  # noqa: PLW0603 - one server a process is the point
    with _lock:
        if _shared is None:
            server = EmbeddedServer(offline=offline)
            server.start()
            atexit.register(server.stop)
            _shared = server
        else:
            _shared.start()
        return _shared


def _bindings() -> Any:
    """The server's Python bindings. Raises `EmbeddedModelError`.

    libgomp reads its environment once, when it is loaded with them. Who has said there how threads wait is obeyed.
    """
    ours = {"OMP_WAIT_POLICY", SPINS_VARIABLE}.isdisjoint(os.environ)
    if ours:
        os.environ[SPINS_VARIABLE] = SPINS
    try:
        import xllamacpp

        return xllamacpp
    except ImportError as error:
        problem = one_line(error.msg)[:MOST_WORDS]
    finally:
        if ours:
            del os.environ[SPINS_VARIABLE]
    raise EmbeddedModelError(
        f"the embedded server cannot be loaded ({problem}); install xllamacpp, or name an endpoint with --base-url"
    )


def _parameters(parameters: Any, path: str) -> Any:
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    threads = min(cores, MOST_THREADS)
    parameters.model.path = path
    # Without it the answers name the model by its path, and records would tell where their user's files lie.
    parameters.model_alias = {SMOLLM2.name}
    if hasattr(parameters, "hostnames"):
        parameters.hostnames = ["127.0.0.1"]
    else:  # older releases, xllamacpp 2026.8 among them
        parameters.hostname = "127.0.0.1"
    parameters.port = 0
    parameters.ui = False
    parameters.endpoint_slots = True
    parameters.n_parallel = len(SLOTS)
    parameters.n_ctx = CONTEXT * len(SLOTS)
    parameters.verbosity = 0
    parameters.cpuparams.n_threads = threads
    parameters.cpuparams_batch.n_threads = threads
    # The prompt cache in RAM has been reported to restore another conversation's text; the slots themselves suffice.
    parameters.cache_ram_mib = 0
    return parameters


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _lora(info: Any, path: Path) -> Any:
    info.path = str(path)
    info.scale = 1.0
    return info


def _port(server: Any) -> int:
    return urlsplit(server.listening_address).port or 0


def _await_loop(port: int) -> None:
    """Wait until the server works through its queue: being stopped just before that would go unnoticed, and hang."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=ANSWERS_WITHIN)
    try:
        connection.request("GET", "/slots")
        connection.getresponse().read()
    finally:
        connection.close()


def _cut_connections(port: int) -> None:
    """Shut down what is connected to the server in this process, and wait until its requests are over.

    The bindings have no call for it, so the sockets are found among the process's open files, where /dev/fd lists them.
    """
    cut: dict[int, int] = {}
    deadline = time.monotonic() + DRAIN
    while True:
        cut |= _shut_down_sockets(port)
        cut = {number: inode for number, inode in cut.items() if _inode(number) == inode}
        if not cut or time.monotonic() > deadline:
            return
        time.sleep(0.01)


def _shut_down_sockets(port: int) -> dict[int, int]:
    """Shut down the server's ends of its connections; returns their file numbers, with the inodes that tell them apart."""
    found: dict[int, int] = {}
    numbers = [int(name) for name in os.listdir("/dev/fd") if name.isdigit()] if os.path.isdir("/dev/fd") else []
    for number in numbers:
        with suppress(OSError):  # closed meanwhile, or a listening socket, which has no peer
            if not stat.S_ISSOCK(os.fstat(number).st_mode):
                continue
            with socket.socket(fileno=os.dup(number)) as end:
                if end.family == socket.AF_INET and end.getsockname() == ("127.0.0.1", port) and end.getpeername():
                    end.shutdown(socket.SHUT_RDWR)
                    found[number] = os.fstat(number).st_ino
    return found


def _inode(number: int) -> int | None:
    with suppress(OSError):
        return os.fstat(number).st_ino
    return None
