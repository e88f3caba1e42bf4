"""The graph under `langgraph dev`, the server behind LangGraph Studio, asked over HTTP as Studio asks it."""

import asyncio
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from langgraph_sdk import get_client
from langgraph_sdk.client import LangGraphClient

from graph.checkpoints import VARIABLE, open_checkpoints
from graph.session import SessionTask, run_session
from models.chat import Models
from profiles.library import load_builtin
from settings import ModelSettings, SessionConfig
from state import SessionRecord, replace
from tests.loopback import LoopbackServer

pytestmark = pytest.mark.slow

PROJECT = Path(__file__).parents[1]
START_SECONDS = 60
END_SECONDS = 20
INPUT = {"profile_id": "amira-exam-panic", "attitude": "negative"}


@dataclass(frozen=True)
class Studio:
    """A running `langgraph dev`, and a session that was made without it in the same file of checkpoints."""

    url: str
    made_before: SessionRecord

    @property
    def client(self) -> LangGraphClient:
        return get_client(url=self.url)


@pytest.fixture(scope="module")
def studio(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Studio]:
    folder = tmp_path_factory.mktemp("studio")
    checkpoints = folder / "sessions.sqlite"
    with LoopbackServer() as model:
        record = asyncio.run(_session_of_the_command_line(checkpoints, folder, model.base_url))
        environment = {
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
            "HOME": str(folder),  # neither keys nor settings of whoever runs the tests
            "OPENAI_BASE_URL": model.base_url,
            VARIABLE: str(checkpoints),
            "LANGSMITH_TRACING": "false",
            "LANGGRAPH_CLI_NO_ANALYTICS": "1",
            "PYTHONDONTWRITEBYTECODE": "1",
            # Offline: whatever asks for more than the loopback interface meets a closed port.
            **dict.fromkeys(("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"), "http://127.0.0.1:9"),
            "NO_PROXY": "127.0.0.1,localhost",
        }
        with _langgraph_dev(_linked_project(folder / "project"), environment, folder / "log") as url:
            yield Studio(url, record)


async def test_the_graph_is_listed_and_drawn(studio: Studio) -> None:
    listed = await studio.client.assistants.search(graph_id="session")
    drawn = await studio.client.assistants.get_graph("session", xray=True)

    assert len(listed) == 1
    assert {"plan", "router", "reflection", "client", "counselor"} <= {node["id"] for node in drawn["nodes"]}


async def test_the_context_form_is_the_session_config(studio: Studio) -> None:
    schemas = await _schemas(studio.client)

    fields = schemas["context_schema"]["properties"]
    assert set(fields) == set(SessionConfig.model_fields)
    assert all(fields[name]["description"] == field.description for name, field in SessionConfig.model_fields.items())
    assert {"magnet", "single"} < set(fields["method"]["enum"])
    assert fields["method"]["default"] == "magnet"
    assert (fields["max_turns"]["minimum"], fields["max_turns"]["maximum"]) == (1, 200)


async def test_the_input_form_is_the_session_input(studio: Studio) -> None:
    schemas = await _schemas(studio.client)

    assert schemas["input_schema"] is not None
    fields = schemas["input_schema"]["properties"]
    assert set(fields) == {"profile_id", "profile", "attitude", "session_id"}
    assert fields["attitude"]["enum"] == ["positive", "neutral", "negative"]


async def test_a_session_runs_to_its_turn_limit(studio: Studio) -> None:
    thread, nodes = await _run(studio.client, {"max_turns": 3})

    values = (await studio.client.threads.get_state(thread))["values"]
    assert {"plan", "router", "client"} < nodes
    assert nodes & set(SessionConfig().techniques)
    assert values["end_reason"] == "turn_limit"
    assert values["attitude"] == "negative"
    assert [said["turn"] for said in values["utterances"]] == [0, 0, 1, 1, 2, 2, 3, 3, 4]
    assert values["utterances"][-1]["closing"]


async def test_the_context_chooses_the_method(studio: Studio) -> None:
    # 14 turns take more supersteps than LangGraph's usual limit of 25: the graph's own limit has to reach the server.
    thread, nodes = await _run(studio.client, {"method": "single", "max_turns": 14})

    values = (await studio.client.threads.get_state(thread))["values"]
    assert nodes == {"intake", "counselor", "client"}
    assert values["end_reason"] == "turn_limit"


async def test_a_value_out_of_bounds_is_refused_by_name(studio: Studio) -> None:
    client = studio.client
    thread = (await client.threads.create())["thread_id"]

    with pytest.raises(Exception, match=r"max_turns[\s\S]*less than or equal to 200"):
        await client.runs.wait(thread, "session", input=INPUT, context={"max_turns": 201})


async def test_a_thread_runs_to_another_future_from_turn_2(studio: Studio) -> None:
    client = studio.client
    thread, _ = await _run(client, {"max_turns": 3})
    first = (await client.threads.get_state(thread))["values"]["utterances"]
    before = await client.threads.get_history(thread, limit=100)
    start = _begin_of_turn(before, 2)

    await client.runs.wait(
        thread, "session", input=None, context={"max_turns": 3}, checkpoint_id=start["checkpoint"]["checkpoint_id"]
    )

    second = (await client.threads.get_state(thread))["values"]["utterances"]
    past = start["values"]["utterances"]
    assert [said["turn"] for said in past] == [0, 0, 1, 1]
    assert second[: len(past)] == first[: len(past)] == past
    assert len(second) == len(first)
    assert not {said["text"] for said in second[len(past) :]} & {said["text"] for said in first}
    kept = await client.threads.get_state(thread, checkpoint_id=before[0]["checkpoint"]["checkpoint_id"])
    assert kept["values"]["utterances"] == first


async def test_a_session_of_the_command_line_opens_as_a_thread(studio: Studio) -> None:
    client, record = studio.client, studio.made_before
    await client.threads.create(thread_id=record.session_id, graph_id="session", if_exists="do_nothing")

    state = await client.threads.get_state(record.session_id)
    history = await client.threads.get_history(record.session_id, limit=100)

    said = [utterance.text for utterance in record.dialogue]
    assert [utterance["text"] for utterance in state["values"]["utterances"]] == said
    assert state["next"] == []
    assert len(history) > len(said)


async def test_a_session_of_the_command_line_is_forked_with_other_words(studio: Studio) -> None:
    client, thread = studio.client, studio.made_before.session_id
    await client.threads.create(thread_id=thread, graph_id="session", if_exists="do_nothing")
    history = await client.threads.get_history(thread, limit=100)
    start = _begin_of_turn(history, 2)
    changed = [*start["values"]["utterances"]]
    changed[-1] = {**changed[-1], "text": "I told my sister about it last night, and she only listened."}

    fork = await client.threads.update_state(
        thread, {"utterances": replace(changed)}, as_node="client", checkpoint_id=start["checkpoint"]["checkpoint_id"]
    )
    await client.runs.wait(
        thread, "session", input=None, context={"max_turns": 2}, checkpoint_id=fork["checkpoint"]["checkpoint_id"]
    )

    values = (await client.threads.get_state(thread))["values"]
    assert values["utterances"][: len(changed)] == changed
    assert [said["turn"] for said in values["utterances"]] == [0, 0, 1, 1, 2, 2, 3]
    assert values["end_reason"] == "turn_limit"
    kept = await client.threads.get_state(thread, checkpoint_id=history[0]["checkpoint"]["checkpoint_id"])
    assert [said["text"] for said in kept["values"]["utterances"]] == [
        said.text for said in studio.made_before.dialogue
    ]


async def test_a_baseline_stays_one_when_its_state_is_edited(studio: Studio) -> None:
    client = studio.client
    thread, _ = await _run(client, {"method": "single", "max_turns": 2})
    start = _begin_of_turn(await client.threads.get_history(thread, limit=100), 2)
    edited = replace([{**said, "text": f"{said['text']} Yes."} for said in start["values"]["utterances"]])

    # An edit is no run and has no context: only the state can say who speaks next.
    await client.threads.update_state(
        thread, {"utterances": edited}, as_node="client", checkpoint_id=start["checkpoint"]["checkpoint_id"]
    )

    assert (await client.threads.get_state(thread))["next"] == ["counselor"]


async def _schemas(client: LangGraphClient) -> Any:
    (assistant,) = await client.assistants.search(graph_id="session")
    return await client.assistants.get_schemas(assistant["assistant_id"])


async def _run(client: LangGraphClient, context: dict[str, Any]) -> tuple[str, set[str]]:
    """A new thread with one session streamed to its end; its id, and the nodes that gave updates."""
    thread = (await client.threads.create())["thread_id"]
    nodes: set[str] = set()
    async for part in client.runs.stream(thread, "session", input=INPUT, context=context, stream_mode="updates"):
        assert part.event in {"metadata", "updates"}, part
        if part.event == "updates":
            nodes |= part.data.keys()
    return thread, nodes


def _begin_of_turn(history: list[Any], turn: int) -> Any:
    """The checkpoint at which this turn begins: the oldest one whose dialogue ends with the client's turn before."""
    for state in reversed(history):
        said = state["values"].get("utterances")
        if said and (said[-1]["turn"], said[-1]["speaker"]) == (turn - 1, "client"):
            return state
    pytest.fail(f"no checkpoint before turn {turn}")


async def _session_of_the_command_line(checkpoints: Path, folder: Path, base_url: str) -> SessionRecord:
    config = SessionConfig(max_turns=2, models={"default": ModelSettings(base_url=base_url)})
    task = SessionTask(profile=load_builtin("amira-exam-panic"), attitude="positive", config=config)
    models = Models()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(VARIABLE, str(checkpoints))
        patch.delenv("OPENAI_API_KEY", raising=False)
        async with open_checkpoints() as saver:
            record = await run_session(task, folder, models, checkpointer=saver)
    await models.close()
    assert record.status == "finished", record.failure
    return record


def _linked_project(folder: Path) -> Path:
    """The project folder as links: the server writes `.langgraph_api` where it runs, not into a person's own."""
    folder.mkdir()
    for entry in PROJECT.iterdir():
        if not entry.name.startswith("."):
            (folder / entry.name).symlink_to(entry)
    return folder


@contextmanager
def _langgraph_dev(project: Path, environment: dict[str, str], log: Path) -> Iterator[str]:
    """The development server on a free port; its whole process group is ended, however the tests go."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    options = ["--no-browser", "--no-reload", "--host", "127.0.0.1", "--port", str(port), "--config", "langgraph.json"]
    with log.open("wb") as output:
        server = subprocess.Popen(
            ["langgraph", "dev", *options],
            cwd=project,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            _wait_until_ok(f"http://127.0.0.1:{port}", server, log)
            yield f"http://127.0.0.1:{port}"
        finally:
            _end(server)


def _wait_until_ok(url: str, server: subprocess.Popen[bytes], log: Path) -> None:
    direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    end = time.monotonic() + START_SECONDS
    while time.monotonic() < end and server.poll() is None:
        with suppress(urllib.error.URLError, OSError), direct.open(f"{url}/ok", timeout=2) as answer:
            if answer.status == 200:
                return
        time.sleep(0.1)
    pytest.fail(f"langgraph dev did not start:\n{log.read_text(errors='replace')[-4000:]}")


def _end(server: subprocess.Popen[bytes]) -> None:
    with suppress(ProcessLookupError):
        os.killpg(server.pid, signal.SIGINT)
    with suppress(subprocess.TimeoutExpired):
        server.wait(END_SECONDS)
    with suppress(ProcessLookupError):  # the usual case: nothing of the group is left
        os.killpg(server.pid, signal.SIGKILL)
    server.wait()
