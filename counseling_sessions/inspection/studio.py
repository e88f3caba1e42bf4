"""LangGraph Studio's server with our sessions: their checkpoints, threads and assistants, and the server itself."""

import asyncio
import hashlib
import json
import os
import socket
import subprocess
import sys
import time
import urllib.request
import uuid
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from langgraph_sdk import get_client
from langgraph_sdk.client import LangGraphClient

from counseling_sessions.graph.checkpoints import VARIABLE, checkpoints_path, open_checkpoints
from counseling_sessions.graph.served import VARIABLE as MODELS
from counseling_sessions.graph.served import for_caller
from counseling_sessions.graph.threads import import_session
from counseling_sessions.inspection.find import status_of
from counseling_sessions.nodes.methods import METHODS
from counseling_sessions.sessions.errors import RunError
from counseling_sessions.sessions.record import SessionRecord
from counseling_sessions.settings import ModelSettings, SessionConfig
from counseling_sessions.store.private import for_its_owner
from counseling_sessions.store.system import interrupt_group, kill_group, own_group

GRAPH = "session"
PROJECT = Path(__file__).parents[2]
START_SECONDS = 120
END_SECONDS = 20
LOOK_EVERY = 0.2
ASSISTANTS = uuid.uuid5(uuid.NAMESPACE_URL, "counseling-sessions/assistant")
MADE_BY = "counseling-sessions"

Assistant = dict[str, Any]


async def write_checkpoints(records: Iterable[SessionRecord], *, fresh: bool = False) -> dict[str, str]:
    """Write the sessions' checkpoints into the file that the server reads, each into the thread of its id.

    An existing thread stays as it is, with its forks, unless `fresh`. Returns the result by session id: "imported",
    "there already", or why the import failed.
    """
    results: dict[str, str] = {}
    async with open_checkpoints() as saver:
        for record in records:
            existing = await saver.aget_tuple({"configurable": {"thread_id": record.session_id}})
            if existing and not fresh:
                results[record.session_id] = "there already"
                continue
            try:
                await import_session(record, saver)
            except ValueError as error:
                results[record.session_id] = f"cannot be imported: {' '.join(str(error).split())[:200]}"
            else:
                results[record.session_id] = "imported"
    return results


def method_assistants() -> list[Assistant]:
    """One assistant for each method: its name, its description, and the method as its context."""
    return [
        _assistant(method.name, method.name, method.description, {"method": method.name}) for method in METHODS.values()
    ]


def session_assistants(
    records: Iterable[SessionRecord], models: Mapping[str, ModelSettings] | None = None
) -> dict[str, Assistant]:
    """The assistant with a session's configuration, which runs its thread on, by session id.

    Sessions whose configurations differ only in the seed share one without a seed. It holds no address of a model: the server's
    `models` serve by role (none if its environment names the model), those with a session's names first.
    """
    assistants = {}
    for record in records:
        config, missing = for_caller(SessionConfig.model_validate(record.configuration), models or {})
        context = config.model_dump(mode="json", exclude={"seed"}, exclude_none=True)
        key = json.dumps([context, missing] if missing else context, sort_keys=True)
        digest = hashlib.sha256(key.encode()).hexdigest()[:8]
        about = f"The configuration of imported sessions: {config.method}, up to {config.max_turns} turns"
        if missing:
            about += f". The server's default model serves: it has none called {', '.join(missing)}"
        assistants[record.session_id] = _assistant(digest, f"{config.method} as imported ({digest})", about, context)
    return assistants


async def create_assistants(client: LangGraphClient, assistants: Iterable[Assistant]) -> int:
    """Create or update assistants of the session graph; returns the number of changes.

    Raises `RunError` if the server does not answer, or does not serve the graph.
    """
    changes = 0
    with _server_errors():
        for assistant in assistants:
            existing = await client.assistants.search(metadata=assistant["metadata"], graph_id=GRAPH, limit=1)
            if existing and all(
                existing[0].get(name) == assistant[name] for name in ("name", "description", "context")
            ):
                continue
            changes += 1
            if existing:
                about = {name: assistant[name] for name in ("name", "description", "context", "metadata")}
                await client.assistants.update(existing[0]["assistant_id"], graph_id=GRAPH, **about)
            else:
                await client.assistants.create(GRAPH, if_exists="do_nothing", **assistant)
    return changes


async def create_threads(
    client: LangGraphClient, records: Iterable[SessionRecord], models: Mapping[str, ModelSettings] | None = None
) -> None:
    """Create the server's threads for sessions with checkpoints, with metadata to search. Raises `RunError`.

    `models` are the server's by role, as for `session_assistants`.
    """
    records = list(records)
    assistants = session_assistants(records, models)
    await create_assistants(client, {item["assistant_id"]: item for item in assistants.values()}.values())
    with _server_errors():
        for record in records:
            metadata = {
                "profile": record.profile_id,
                "attitude": record.attitude,
                "method": record.configuration.get("method"),
                "seed": record.configuration.get("seed"),
                "status": status_of(record),
                "assistant": assistants[record.session_id]["name"],
            }
            thread = await client.threads.create(
                thread_id=record.session_id, graph_id=GRAPH, if_exists="do_nothing", metadata=metadata
            )
            if any((thread["metadata"] or {}).get(name) != value for name, value in metadata.items()):
                await client.threads.update(record.session_id, metadata=metadata)


@contextmanager
def server(
    port: int | None = None, *, browser: bool = False, models: Path | None = None
) -> Iterator[tuple[str, subprocess.Popen[bytes], Path]]:
    """`langgraph dev` on a loopback port: gives URL, process and log once it answers, and ends with the context.

    Without a port it takes 2024, or another free one. `models` is the owner's models file. Raises `RunError` if the server is not
    installed, or does not start.
    """
    if not (find_spec("langgraph_cli") and find_spec("langgraph_api")):
        raise RunError("LangGraph's development server is not installed: pip install -e '.[studio]'")
    if not (PROJECT / "langgraph.json").exists():
        raise RunError(f"{PROJECT} has no langgraph.json: Studio needs the project's folder, not the installed package")
    port = port or _free_port()
    if not _is_free(port):
        raise RunError(f"port {port} is taken; give another one with --port")
    log = checkpoints_path().parent.absolute() / f"studio-{port}.log"
    log.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    command = [sys.executable, "-m", "langgraph_cli", "dev", "--no-reload", "--host", "127.0.0.1", "--port", str(port)]
    variables = {VARIABLE: str(checkpoints_path().absolute())}
    if models:
        variables[MODELS] = str(models.absolute())
    with open(log, "wb", opener=for_its_owner) as output:
        process = subprocess.Popen(
            command if browser else [*command, "--no-browser"],
            cwd=PROJECT,
            env={"LANGGRAPH_CLI_NO_ANALYTICS": "1", "PYTHONUTF8": "1", **os.environ, **variables},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            **own_group(),  # Ctrl-C comes to us alone: the last messages appear before the server ends.
        )
    try:
        wait_until_ok(f"http://127.0.0.1:{port}", process, log)
        yield f"http://127.0.0.1:{port}", process, log
    finally:
        _end(process)


def wait_for_end(process: subprocess.Popen[bytes]) -> int:
    """Wait for a process, where Ctrl-C can interrupt: on Windows it interrupts no `Popen.wait`. Returns its status."""
    while (status := process.poll()) is None:
        time.sleep(LOOK_EVERY)
    return status


def connect(url: str) -> LangGraphClient:
    """A client of a server, without a key."""
    return get_client(url=url, api_key=None)


def _assistant(key: str, name: str, description: str, context: dict[str, Any]) -> Assistant:
    return {
        "assistant_id": str(uuid.uuid5(ASSISTANTS, key)),
        "name": name,
        "description": description,
        "context": context,
        "metadata": {"made_by": MADE_BY, "key": key},
    }


@contextmanager
def _server_errors() -> Iterator[None]:
    """Turns a server's refusal or silence into a `RunError`."""
    try:
        yield
    except (RunError, asyncio.CancelledError):
        raise
    except Exception as error:
        if type(error).__module__.split(".")[0] in ("httpx", "langgraph_sdk"):
            message = " ".join(str(error).split())[:300] or type(error).__name__
            raise RunError(f"the LangGraph server refused, or does not answer: {message}") from None
        raise


def _free_port() -> int:
    if _is_free(2024):
        return 2024
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


def _is_free(port: int) -> bool:
    with suppress(OSError), socket.create_server(("127.0.0.1", port)):
        return True
    return False


def wait_until_ok(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    """Wait until a server answers. Raises `RunError`, with the log's last line, if its process ends or takes too long."""
    direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    end = time.monotonic() + START_SECONDS
    while time.monotonic() < end and process.poll() is None:
        with suppress(OSError), direct.open(f"{url}/ok", timeout=2) as answer:
            if answer.status == 200:
                return
        time.sleep(0.1)
    last = log.read_text(encoding="utf-8", errors="replace").strip().splitlines()[-1:]
    raise RunError(f"langgraph dev did not start; see {log}: {' '.join(last)[:300]}")


def _end(process: subprocess.Popen[bytes]) -> None:
    interrupt_group(process)
    with suppress(subprocess.TimeoutExpired):
        process.wait(END_SECONDS)
    kill_group(process)  # Usually it has ended.
    process.wait()
