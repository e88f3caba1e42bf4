"""The embedded model: llama.cpp's own server in a child process, on a free loopback port, with an adapter trained for the task.

It has two slots, one for each side of the dialogue, as the counselor's prompts and the client's share no prefix. The slots share
the same cores, so `models.chat` makes one call at a time.
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

from counseling_sessions.ladder.models import ladder
from counseling_sessions.models.embedded_file import EmbeddedModelError, model_file
from counseling_sessions.models.errors import MOST_WORDS
from counseling_sessions.store.reading import open_plain
from counseling_sessions.store.system import own_group
from counseling_sessions.texts.harmless import one_line

ADAPTER = Path(__file__).parent / "tuned" / "small" / "counseling-lora.gguf"
"""The adapter that `run.py train` made from the corpus; docs/embedded-model.md says how."""
TUNED = "SmolLM2-135M-counseling"
ADAPTER_VARIABLE = "COUNSELING_SESSIONS_ADAPTER"
"""Environment variable that names another adapter for the embedded model; `none` for none."""
SERVER = (sys.executable, "-P", str(Path(__file__).with_name("embedded_server.py")))
"""-P: modules beside it must not hide others of the same name."""
GRACE = 5.0
"""Seconds between the request to end and the kill."""
DYING = 1.0
"""Seconds to wait for the end of a server that has cut a connection."""
SPINS_VARIABLE = "GOMP_SPINCOUNT"
SPINS = "1000"
"""How often a thread of the model looks for the end of the others before it sleeps. By default libgomp never lets it sleep, which
is slow on cores that other processes use too."""


class EmbeddedServer:
    """The server and its model, for any thread. After its end it can start again, on another port."""

    model_name = ladder()[0].name

    def __init__(self, *, offline: bool = False) -> None:
        self.tuned_name: str | None = None
        """The model's name with the adapter, which is number 0 of the server; None without one. It ends in the first digits of the
        adapter's SHA-256."""
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
        """Fetch the model if necessary, and start; blocks. Does nothing if it runs. Raises `EmbeddedModelError`."""
        with self._lock:
            if self._runs():
                return
            path = model_file(ladder()[0], offline=self._offline)
            adapter = adapter_file()
            self._process = _launch(path, adapter)
            try:
                # While the server loads.
                digest = hashlib.sha256(adapter.read_bytes()).hexdigest() if adapter else ""
                self.tuned_name = f"{TUNED}-{digest[:8]}" if adapter else None
                self._base_url = f"http://127.0.0.1:{_port(self._process, path, adapter)}/v1"
            except BaseException:  # Above all Ctrl-C.
                self.stop()
                raise

    def stop(self) -> None:
        """End the server and its requests in flight, whose clients see a closed connection. May be called twice."""
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
        """How the server at an address ended, in words; None while it runs. Waits a moment for its end."""
        with self._lock:
            return None if base_url == self._base_url and self._runs(DYING) else self._end

    def _runs(self, within: float = 0.0) -> bool:
        """Whether the process runs, and still runs after so many seconds."""
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
    """The embedded model's adapter, if it has one. Raises `EmbeddedModelError` if the environment names a file that is none."""
    name = os.environ.get(ADAPTER_VARIABLE, "").strip()
    if name == "none":
        return None
    path = Path(name).expanduser() if name else ADAPTER
    if not name and not path.exists():
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
    """This process's one server, running until the process ends. Raises `EmbeddedModelError`."""
    global _shared  # noqa: PLW0603 - one server a process is the point
    with _lock:
        server = _shared or EmbeddedServer(offline=offline)
        server.start()
        if _shared is None:
            atexit.register(server.stop)
        _shared = server
        return server


def why_gone(base_url: str) -> str | None:
    """As `EmbeddedServer.why_gone`, for this process's one server; None also if it has none."""
    return _shared.why_gone(base_url) if _shared else None


def _launch(path: Path, adapter: Path | None) -> subprocess.Popen[bytes]:
    """Run the server where Ctrl-C does not reach it. Its standard input ends with this process."""
    environment = dict(os.environ)
    # The environment may say how libgomp's threads wait.
    if "OMP_WAIT_POLICY" not in environment:
        environment.setdefault(SPINS_VARIABLE, SPINS)
    return subprocess.Popen(
        [*SERVER, str(path), ladder()[0].name, *([str(adapter)] if adapter else [])],
        env=environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        **own_group(),
    )


def _port(process: subprocess.Popen[bytes], path: Path, adapter: Path | None) -> int:
    """Wait for the server's port. Raises `EmbeddedModelError` if it has none."""
    assert process.stdout
    answer: dict[str, Any] = json.loads(process.stdout.read() or "{}")
    if port := answer.get("port"):
        return int(port)
    if "unloadable" in answer:
        problem = one_line(answer["unloadable"])[:MOST_WORDS]
        raise EmbeddedModelError(
            f"the embedded server cannot be loaded ({problem}); install xllamacpp, or name an endpoint with --base-url"
        )
    # llama.cpp's words about files of this machine; it gets no key that they could quote.
    problem = one_line(answer.get("failed") or _ended(process.wait()))[:MOST_WORDS]
    files = f"{path} and the adapter {adapter}" if adapter else str(path)
    raise EmbeddedModelError(f"the embedded server did not start with {files}: {problem}")


def _ended(code: int) -> str:
    """How a process ended, in words."""
    name = signal.strsignal(-code) if code < 0 else None
    return f"its process ended: {name or f'status {code}'}"
