"""The embedded model: llama.cpp's own server in a child process, on a free loopback port, with an adapter trained for the task.

It has two slots, one for each side of the dialogue: the counselor's prompts and the client's share no prefix, and each side's
slot keeps its own warm. Calls are made in sequence (`models.chat` allows one at a time): the slots share the same cores.
"""

import atexit
import hashlib
import json
import os
import signal
import subprocess
import sys
import threading
from contextlib import suppress
from pathlib import Path
from typing import Any, Self

from counseling_sessions.models.embedded_file import SMOLLM2, EmbeddedModelError, model_file
from counseling_sessions.models.errors import MOST_WORDS
from counseling_sessions.store.reading import open_plain
from counseling_sessions.texts.harmless import one_line

ADAPTER = Path(__file__).parent / "tuned" / "counseling-lora.gguf"
"""The adapter that `run.py train` made from the corpus; docs/embedded-model.md tells how."""
TUNED = "SmolLM2-135M-counseling"
ADAPTER_VARIABLE = "COUNSELING_SESSIONS_ADAPTER"
"""Environment variable that names another adapter for the embedded model; `none` for none."""
SERVER = (sys.executable, "-P", str(Path(__file__).with_name("embedded_server.py")))
"""-P: the modules beside it must not stand in for others of their names."""
GRACE = 5.0
"""Seconds that the server has to end before it is killed."""
DYING = 1.0
"""Seconds within which a server that has cut a connection must have ended, if that is why."""
SPINS_VARIABLE = "GOMP_SPINCOUNT"
SPINS = "1000"
"""How often a thread of the model looks whether the others are done before it sleeps. By default libgomp, which runs them, goes on
looking; where anything else wants the cores, the threads then wait for each other most of the time."""


class EmbeddedServer:
    """The server and its model, for any thread. One that has ended can be started again, and then has another port."""

    model_name = SMOLLM2.name

    def __init__(self, *, offline: bool = False) -> None:
        self.tuned_name: str | None = None
        """What the model is called with the adapter, which the running server has as its number 0; None without one.

        The name ends in the beginning of the adapter's SHA-256, so that a record tells which one it was.
        """
        self._offline = offline
        self._process: subprocess.Popen[bytes] | None = None
        self._base_url: str | None = None
        self._end = "it is not running"
        self._lock = threading.RLock()

    @property
    def base_url(self) -> str:
        """The OpenAI-compatible endpoint. Raises `EmbeddedModelError` while the server does not run."""
        if (url := self._base_url) is None:
            raise EmbeddedModelError("the embedded server is not running")
        return url

    def start(self) -> None:
        """Fetch the model if need be, and start; blocks meanwhile. Does nothing if it runs. Raises `EmbeddedModelError`."""
        with self._lock:
            if self._runs():
                return
            path = model_file(offline=self._offline)
            adapter = adapter_file()
            self._process = _launch(path, adapter)
            try:
                # While the server loads.
                digest = hashlib.sha256(adapter.read_bytes()).hexdigest() if adapter else ""
                self.tuned_name = f"{TUNED}-{digest[:8]}" if adapter else None
                self._base_url = f"http://127.0.0.1:{_port(self._process, path, adapter)}/v1"
            except BaseException:  # Ctrl-C above all
                self.stop()
                raise

    def stop(self) -> None:
        """End the server, cutting off requests in flight: their clients see a closed connection. May be called twice."""
        with self._lock:
            if (process := self._process) is None:
                return
            with process:
                process.terminate()
                with suppress(subprocess.TimeoutExpired):
                    process.wait(GRACE)
                process.kill()
            self._process = self._base_url = None
            self._end = _ended(process.returncode)

    def why_gone(self, base_url: str) -> str | None:
        """How the server at an address ended, in words; None while it runs. Blocks a moment: it may be about to end."""
        with self._lock:
            return None if base_url == self._base_url and self._runs(DYING) else self._end

    def _runs(self, within: float = 0.0) -> bool:
        """Whether the process is there, and does not end within so many seconds."""
        if self._process:
            with suppress(subprocess.TimeoutExpired):
                self._process.wait(within)
                self.stop()
        return self._process is not None

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


def why_gone(base_url: str) -> str | None:
    """As `EmbeddedServer.why_gone`, of this process's one server; None also where there has been none."""
    return _shared.why_gone(base_url) if _shared else None


def _launch(path: Path, adapter: Path | None) -> subprocess.Popen[bytes]:
    """Run the server in a session of its own: Ctrl-C is ours, and may still want an answer. Its standard input ends with us."""
    environment = dict(os.environ)
    # An environment that says how libgomp's threads wait is obeyed.
    if "OMP_WAIT_POLICY" not in environment:
        environment.setdefault(SPINS_VARIABLE, SPINS)
    return subprocess.Popen(
        [*SERVER, str(path), SMOLLM2.name, *([str(adapter)] if adapter else [])],
        env=environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        start_new_session=True,
    )


def _port(process: subprocess.Popen[bytes], path: Path, adapter: Path | None) -> int:
    """Wait for the port that the server says. Raises `EmbeddedModelError` where it says none."""
    assert process.stdout
    said: dict[str, Any] = json.loads(process.stdout.read() or "{}")
    if port := said.get("port"):
        return int(port)
    if "unloadable" in said:
        problem = one_line(said["unloadable"])[:MOST_WORDS]
        raise EmbeddedModelError(
            f"the embedded server cannot be loaded ({problem}); install xllamacpp, or name an endpoint with --base-url"
        )
    # llama.cpp's words on files of this machine: it is sent no key that they could quote.
    problem = one_line(said.get("failed") or _ended(process.wait()))[:MOST_WORDS]
    files = f"{path} and the adapter {adapter}" if adapter else str(path)
    raise EmbeddedModelError(f"the embedded server did not start with {files}: {problem}")


def _ended(code: int) -> str:
    """How a process ended, in words."""
    signaled = signal.strsignal(-code) if code < 0 else None
    return f"its process ended: {signaled or f'status {code}'}"
