"""The embedded model's server, a process of its own: llama.cpp's server on a free loopback port, for as long as its parent lives.

    python embedded_server.py MODEL NAME [ADAPTER]

It says on standard output, as one JSON object, its `port`, or why it has none: `unloadable` or `failed`, in words. The end of standard
input is its parent's end. It is run as a file and imports nothing of the project: so it starts soon, and needs no path to it.
"""

import json
import os
import sys
from typing import Any
from urllib.parse import urlsplit

CONTEXT = 8192
"""Tokens each slot can hold: what the model was trained for. The server divides its context evenly among the slots."""
SLOTS = {"counselor": 0, "client": 1}
MOST_THREADS = 8


def main(model: str, name: str, adapter: str | None = None) -> None:
    """Serve the GGUF `model` under `name` until standard input ends; `adapter` is the GGUF of its number 0."""
    said = os.fdopen(os.dup(1), "w")
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # whatever the library prints is no answer of ours
    server, answer = start(model, name, adapter)
    with said:
        json.dump(answer, said)
    if server:
        sys.stdin.buffer.read()
    os._exit(0)  # the library's own end would wait for its requests, whose clients are gone


def start(model: str, name: str, adapter: str | None) -> tuple[Any, dict[str, Any]]:
    """The running server, or None, and what is to be said of it."""
    try:
        import xllamacpp
    except ImportError as error:
        return None, {"unloadable": error.msg}
    try:
        parameters = _parameters(xllamacpp.CommonParams(), model, name)
        if adapter:
            lora = xllamacpp.CommonAdapterLoraInfo()
            lora.path, lora.scale = adapter, 1.0
            parameters.lora_adapters = [lora]
        server = xllamacpp.Server(parameters)
    except Exception as error:  # whatever the bindings make of a C++ exception
        return None, {"failed": str(error) or type(error).__name__}
    return server, {"port": urlsplit(server.listening_address).port}


def _parameters(parameters: Any, model: str, name: str) -> Any:
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    threads = min(cores, MOST_THREADS)
    parameters.model.path = model
    # Without it the answers name the model by its path, and records would tell where their user's files lie.
    parameters.model_alias = {name}
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
    parameters.warmup = False  # the first request warms it up as well
    parameters.cpuparams.n_threads = threads
    parameters.cpuparams_batch.n_threads = threads
    # The prompt cache in RAM has been reported to restore another conversation's text; the slots themselves suffice.
    parameters.cache_ram_mib = 0
    return parameters


if __name__ == "__main__":
    main(*sys.argv[1:])
