"""The embedded model: llama.cpp's own server, in this process, on a free loopback port.

It has two slots, one for each side of the dialogue: the counselor's prompts and the client's share no prefix, and each side's
slot keeps its own warm. Calls are made in sequence (`models.chat` allows one at a time): the slots share the same cores.
"""

import atexit
import os
import threading
from typing import Any

from models.embedded_file import SMOLLM2, EmbeddedModelError, model_file

CONTEXT = 8192
"""Tokens a slot can hold: what the model was trained for."""
SLOTS = {"counselor": 0, "client": 1}
MOST_THREADS = 8


class EmbeddedServer:
    """The server and its model. `start` blocks for a second or two; a stopped server can be started again."""

    model_name = SMOLLM2.name

    def __init__(self, *, offline: bool = False) -> None:
        self._offline = offline
        self._server: Any = None

    @property
    def base_url(self) -> str:
        """The OpenAI-compatible endpoint. Raises `EmbeddedModelError` while the server does not run."""
        if self._server is None:
            raise EmbeddedModelError("the embedded server is not running")
        return f"{self._server.listening_address}/v1"

    def start(self) -> None:
        """Fetch the model if need be, and start. Raises `EmbeddedModelError`."""
        if self._server is not None:
            return
        path = model_file(offline=self._offline)
        try:
            from xllamacpp import CommonParams, Server
        except ImportError as error:
            raise EmbeddedModelError(
                f"the embedded server cannot be loaded ({error}); install xllamacpp, or name an endpoint with --base-url"
            ) from error
        try:
            self._server = Server(_parameters(CommonParams(), str(path)))
        except Exception as error:  # llama.cpp raises whatever its bindings make of a C++ exception
            raise EmbeddedModelError(f"the embedded server did not start: {error}") from error

    def stop(self) -> None:
        """Stop the server; its destructor ends its threads."""
        self._server = None

    def __enter__(self) -> "EmbeddedServer":
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()


_lock = threading.Lock()
_shared: EmbeddedServer | None = None


def shared_server(*, offline: bool = False) -> EmbeddedServer:
    """This process's one server, started on first use and stopped when the process ends. Raises `EmbeddedModelError`."""
    global _shared  # noqa: PLW0603 - one server a process is the point
    with _lock:
        if _shared is None:
            server = EmbeddedServer(offline=offline)
            server.start()
            atexit.register(server.stop)
            _shared = server
        return _shared


def _parameters(parameters: Any, path: str) -> Any:
    threads = min(
        len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1, MOST_THREADS
    )
    parameters.model.path = path
    if hasattr(parameters, "hostnames"):
        parameters.hostnames = ["127.0.0.1"]
    else:  # before xllamacpp 2026.10
        parameters.hostname = "127.0.0.1"
    parameters.port = 0
    parameters.n_parallel = len(SLOTS)
    parameters.n_ctx = CONTEXT * len(SLOTS)
    parameters.verbosity = 0
    parameters.cpuparams.n_threads = threads
    parameters.cpuparams_batch.n_threads = threads
    # The prompt cache in RAM has been reported to restore another conversation's text; the slots themselves suffice.
    parameters.cache_ram_mib = 0
    return parameters
