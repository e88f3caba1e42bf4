"""The embedded model's server, a separate process: llama.cpp's server on a free loopback port, until its parent ends.

    python embedded_server.py MODEL NAME CONTEXT [ADAPTER]

It writes one JSON object to standard output: its `port`, or why it has none as `unloadable` or `failed`. Standard input ends with the
parent. It runs as a file and imports nothing of the project, so it starts fast and needs no path.
"""

import json
import os
import sys
from typing import Any
from urllib.parse import urlsplit

SLOTS = {"counselor": 0, "client": 1}
MOST_THREADS = 8


def main(model: str, name: str, context: str, adapter: str | None = None) -> None:
    """Serve the GGUF `model` under `name` until standard input ends.

    Each slot has `context` tokens; `adapter` is the GGUF of its number 0.
    """
    output = os.fdopen(os.dup(1), "w", encoding="utf-8", newline="\n")
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # The library may print too.
    server, answer = start(model, name, int(context), adapter)
    with output:
        json.dump(answer, output)
    if server:
        sys.stdin.buffer.read()
    os._exit(0)  # The library would wait for its requests, whose clients are gone.


def start(model: str, name: str, context: int, adapter: str | None) -> tuple[Any, dict[str, Any]]:
    """The running server or None, and the answer for the parent."""
    try:
        import xllamacpp
    except ImportError as error:
        return None, {"unloadable": error.msg}
    try:
        parameters = _parameters(xllamacpp, model, name, context)
        if adapter:
            lora = xllamacpp.CommonAdapterLoraInfo()
            lora.path, lora.scale = adapter, 1.0
            parameters.lora_adapters = [lora]
        server = xllamacpp.Server(parameters)
    except Exception as error:  # The bindings make any type of a C++ exception.
        return None, {"failed": str(error) or type(error).__name__}
    return server, {"port": urlsplit(server.listening_address).port}


def _parameters(bindings: Any, model: str, name: str, context: int) -> Any:
    parameters = bindings.CommonParams()
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    threads = min(cores, MOST_THREADS)
    parameters.model.path = model
    # Without it answers, and so records, name the model by its path on the user's machine.
    parameters.model_alias = {name}
    if hasattr(parameters, "hostnames"):
        parameters.hostnames = ["127.0.0.1"]
    else:  # Releases up to xllamacpp 2026.8.
        parameters.hostname = "127.0.0.1"
    parameters.port = 0
    parameters.ui = False
    parameters.endpoint_slots = True
    if hasattr(parameters, "load_mode"):
        # A mapped file would stay in memory beside the weights that llama.cpp lays out anew.
        parameters.load_mode = bindings.llama_load_mode.LLAMA_LOAD_MODE_NONE
    parameters.n_parallel = len(SLOTS)
    parameters.n_ctx = context * len(SLOTS)  # The server divides it evenly among the slots.
    parameters.verbosity = 0
    parameters.warmup = False  # The first request does it.
    parameters.cpuparams.n_threads = threads
    parameters.cpuparams_batch.n_threads = threads
    # There are reports that the prompt cache in RAM restores another conversation's text; the slots are enough.
    parameters.cache_ram_mib = 0
    return parameters


if __name__ == "__main__":
    main(*sys.argv[1:])
