"""`run.py studio`: sessions of a run and the graph under `langgraph dev`, the server behind LangGraph Studio, asked over HTTP
as Studio asks it."""

import asyncio
import dataclasses
import json
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from langgraph_sdk import get_client
from langgraph_sdk.client import LangGraphClient

from counseling_sessions.graph.checkpoints import VARIABLE, open_checkpoints
from counseling_sessions.graph.served import ServedConfig
from counseling_sessions.graph.session import SessionTask, run_session
from counseling_sessions.inspection import studio as studio_server
from counseling_sessions.inspection.studio import create_assistants, method_assistants
from counseling_sessions.models.chat import Models
from counseling_sessions.nodes.methods import METHODS
from counseling_sessions.profiles.library import load_builtin
from counseling_sessions.sessions.journal_lines import SUFFIX
from counseling_sessions.sessions.record import SessionRecord
from counseling_sessions.sessions.writing import keep
from counseling_sessions.settings import ModelSettings, SessionConfig
from counseling_sessions.state import replace
from tests.loopback import LoopbackServer

pytestmark = pytest.mark.slow

PROJECT = Path(__file__).parents[1]
START_SECONDS = 90
END_SECONDS = 30
INPUT = {"profile_id": "amira-exam-panic", "attitude": "negative"}
CANARY = "canary-of-a-database-password-0123456789"
KEY = "sk-canary-of-the-owners-key-0123456789"


@dataclass(frozen=True)
class Studio:
    """A running `run.py studio`, a session made before it in the same file of checkpoints, and those that it imported."""

    url: str
    model: LoopbackServer
    made_before: SessionRecord
    finished: SessionRecord
    unfinished: SessionRecord
    told: str
    project: Path
    environment: dict[str, str]

    @property
    def client(self) -> LangGraphClient:
        return get_client(url=self.url)


@pytest.fixture(scope="module")
def studio(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Studio]:
    folder = tmp_path_factory.mktemp("studio")
    checkpoints = folder / "sessions.sqlite"
    with LoopbackServer() as model:
        run = folder / "run"
        run.mkdir()
        record, finished, unfinished = asyncio.run(_sessions(checkpoints, folder, run, model.base_url))
        before = {path: path.read_bytes() for path in run.rglob("*") if path.is_file()}
        environment = {
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
            "HOME": str(folder),  # neither keys nor settings of whoever runs the tests
            "OPENAI_BASE_URL": model.base_url,
            "OPENAI_API_KEY": KEY,
            "SOME_DB_PASSWORD": CANARY,
            VARIABLE: str(checkpoints),
            "LANGSMITH_TRACING": "false",
            "PYTHONDONTWRITEBYTECODE": "1",
            # Offline: whatever asks for more than the loopback interface meets a closed port.
            **dict.fromkeys(("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"), "http://127.0.0.1:9"),
            "NO_PROXY": "127.0.0.1,localhost",
        }
        project = _linked_project(folder / "project")
        with _studio_command(project, [str(run)], environment) as (url, told):
            yield Studio(url, model, record, finished, unfinished, told, project, environment)
        assert {path: path.read_bytes() for path in run.rglob("*") if path.is_file()} == before, (
            "the run directory was changed"
        )


async def test_the_graph_is_listed_and_drawn(studio: Studio) -> None:
    (listed,) = await studio.client.assistants.search(graph_id="session", metadata={"created_by": "system"})
    drawn = await studio.client.assistants.get_graph("session", xray=True)

    about = {node["id"]: node.get("metadata", {}).get("description", "") for node in drawn["nodes"]}
    assert {"plan", "router", "reflection", "client", "counselor"} <= about.keys()
    assert "Input:" in (listed["description"] or "")
    assert "picks the techniques" in about["router"]
    assert all(about[name] for name in about if not name.startswith("__"))


async def test_the_context_form_is_the_session_config(studio: Studio) -> None:
    schemas = await _schemas(studio.client)

    fields = schemas["context_schema"]["properties"]
    assert set(fields) == set(SessionConfig.model_fields)
    described = {**SessionConfig.model_fields, **ServedConfig.model_fields}
    assert all(fields[name]["description"] == field.description for name, field in described.items())
    assert set(fields["models"]["additionalProperties"]["properties"]) == {
        "model",
        "temperature",
        "top_p",
        "max_tokens",
    }
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


async def test_a_merged_utterance_is_edited_before_the_client_hears_it(studio: Studio) -> None:
    client = studio.client
    thread = (await client.threads.create())["thread_id"]
    context = {"max_turns": 2}

    await client.runs.wait(thread, "session", input=INPUT, context=context, interrupt_before=["client"])
    stopped = await client.threads.get_state(thread)
    said = stopped["values"]["utterances"]
    words = "What would the smallest possible step look like, an embarrassingly small one?"
    await client.threads.update_state(
        thread, {"utterances": replace([*said[:-1], {**said[-1], "text": words}])}, as_node="router"
    )
    edited = await client.threads.get_state(thread)
    asked = len(studio.model.requests)
    await client.runs.wait(thread, "session", input=None, context=context)

    assert (stopped["next"], edited["next"]) == (["client"], ["client"])
    assert (said[-1]["turn"], said[-1]["speaker"]) == (1, "counselor")
    heard = studio.model.requests[asked].prompt
    assert "You are the client in a counseling session" in heard
    assert words in heard
    assert said[-1]["text"] not in heard
    values = (await client.threads.get_state(thread))["values"]
    assert next(item["text"] for item in values["utterances"] if item["turn"] == 1) == words
    assert values["end_reason"] == "turn_limit"


async def test_every_method_has_an_assistant_and_is_created_once(studio: Studio) -> None:
    client = studio.client
    again = await create_assistants(client, method_assistants())

    own = await client.assistants.search(graph_id="session", metadata={"made_by": "counseling-sessions"}, limit=100)
    by_name = {item["name"]: item for item in own}
    assert again == 0
    assert METHODS.keys() < by_name.keys()
    assert all(by_name[name]["description"] == method.description for name, method in METHODS.items())
    thread = (await client.threads.create())["thread_id"]
    single = by_name["single"]["assistant_id"]
    await client.runs.wait(thread, single, input=INPUT, context={"max_turns": 1})
    values = (await client.threads.get_state(thread))["values"]
    assert not values.get("picks")
    assert not values.get("plan")


async def test_a_changed_assistant_is_brought_up_to_date(studio: Studio) -> None:
    client, wanted = studio.client, next(item for item in method_assistants() if item["name"] == "magnet-no-plan")
    await client.assistants.update(wanted["assistant_id"], description="something else")

    changed = await create_assistants(client, method_assistants())

    there = await client.assistants.get(wanted["assistant_id"])
    assert changed == 1
    assert (there["description"], there["context"]) == (wanted["description"], {"method": "magnet-no-plan"})


async def test_the_sessions_of_a_run_are_threads(studio: Studio) -> None:
    client, record = studio.client, studio.finished
    threads = {thread["thread_id"]: thread for thread in await client.threads.search(limit=100)}

    about = threads[record.session_id]["metadata"] or {}
    told = {name: about[name] for name in ("profile", "attitude", "method", "seed", "status")}
    assert told == {
        "profile": "amira-exam-panic",
        "attitude": "neutral",
        "method": "magnet",
        "seed": 7,
        "status": "finished",
    }
    assert (threads[studio.unfinished.session_id]["metadata"] or {})["status"] == "unfinished"
    assert f"{record.session_id}  finished  magnet  seed 7  2 turns" in studio.told
    history = await client.threads.get_history(record.session_id, limit=100)
    steps = [state["next"] for state in reversed(history)]
    techniques = sorted(record.turns[0].pick.techniques) if record.turns[0].pick else []
    assert steps[:7] == [["__start__"], ["intake"], ["plan"], ["router"], techniques, ["router"], ["client"]]
    assert steps[-1] == []
    assert [said["text"] for said in history[0]["values"]["utterances"]] == [said.text for said in record.dialogue]


async def test_an_imported_session_is_forked_at_a_turn_with_another_pick(studio: Studio) -> None:
    client, record = studio.client, studio.finished
    thread = record.session_id
    assistant = await _assistant_of(client, thread)
    history = await client.threads.get_history(thread, limit=100)
    picked = next(
        state
        for state in history
        if (state["values"].get("picks") or [{}])[-1].get("turn") == 2
        and set(state["next"]) & set(SessionConfig().techniques)
    )
    picks = [*picked["values"]["picks"]]
    picks[-1] = {**picks[-1], "techniques": ["normalizing"], "reason": "chosen by hand"}

    fork = await client.threads.update_state(
        thread, {"picks": replace(picks)}, as_node="router", checkpoint_id=picked["checkpoint"]["checkpoint_id"]
    )
    nodes = await _nodes_of_run(client, thread, assistant, fork["checkpoint"]["checkpoint_id"])

    values = (await client.threads.get_state(thread))["values"]
    past = len(picked["values"]["utterances"])
    assert nodes == ["normalizing", "router", "client", "router"]
    assert [said["text"] for said in values["utterances"][:past]] == [said.text for said in record.dialogue[:past]]
    assert [said["turn"] for said in values["utterances"]] == [0, 0, 1, 1, 2, 2, 3]
    assert values["utterances"][past]["text"] != record.dialogue[past].text


async def test_an_unfinished_session_is_run_on_to_its_end(studio: Studio) -> None:
    client, thread = studio.client, studio.unfinished.session_id
    before = await client.threads.get_state(thread)

    nodes = await _nodes_of_run(client, thread, await _assistant_of(client, thread))

    values = (await client.threads.get_state(thread))["values"]
    assert before["next"] == ["client"]
    assert nodes == ["client", "counselor"]
    assert values["utterances"][: len(before["values"]["utterances"])] == before["values"]["utterances"]
    assert values["end_reason"] == "turn_limit"
    assert values["utterances"][-1]["closing"]


async def test_no_call_of_the_api_sends_a_key_to_an_address_of_the_callers(
    studio: Studio, elsewhere: LoopbackServer
) -> None:
    reach = {"base_url": elsewhere.base_url, "replicas": [elsewhere.base_url], "api_key_env": "SOME_DB_PASSWORD"}
    context = {"max_turns": 1, "models": {"default": {"model": "loopback"} | reach, "client": reach}}
    run = {"assistant_id": "session", "input": {}}
    client, answers = studio.client, []

    for name in ("session", "practice"):
        asked = run | {"assistant_id": name, "input": {"part": "client"} if name == "practice" else {}}
        answers.append(await _post(studio, "/runs/wait", asked | {"context": context}))
        answers.append(await _post(studio, "/runs/wait", asked | {"config": {"configurable": context}}))
        made = await client.assistants.create(name, context=context)
        answers.append(await _post(studio, "/runs/wait", asked | {"assistant_id": made["assistant_id"]}))
    thread = (await client.threads.create(metadata={"context": context, "configuration": context}))["thread_id"]
    answers.append(await _post(studio, f"/threads/{thread}/runs/wait", run | {"context": context}))
    assert all("base_url: not a caller's to say" in answer for answer in answers), answers

    # What is no context has no say in it: state, input, metadata, commands.
    ran = run | {"context": {"max_turns": 1, "method": "single"}}
    answers.append(await _post(studio, f"/threads/{thread}/state", {"values": context | {"session_id": "s"}}))
    answers.append(
        await _post(studio, f"/threads/{thread}/runs/wait", ran | {"input": context | {"configuration": context}})
    )
    command = {"update": context, "goto": "client"}
    answers.append(await _post(studio, f"/threads/{thread}/runs/wait", ran | {"input": None, "command": command}))
    answers.append(await _post(studio, "/runs/crons", run | {"schedule": "* * * * *", "context": context}))
    answers.append(await _post(studio, "/runs/wait", ran | {"webhook": elsewhere.base_url}))
    assert "Webhook" in answers[-1]
    assert elsewhere.requests == []
    path = next(studio.project.parent.rglob("studio-*.log"))
    assert path.stat().st_mode & 0o077 == 0
    log = path.read_text()
    for text in (*answers, log):
        assert CANARY not in text
        assert KEY not in text


async def test_a_model_that_the_server_has_not_is_told_and_one_that_it_has_serves(studio: Studio) -> None:
    """The environment names a server; which of its models is a caller's choice, and how it is sampled."""
    thread, _ = await _run(studio.client, {"max_turns": 1, "models": {"client": {"model": "loopback", "top_p": 0.5}}})
    assert (await studio.client.threads.get_state(thread))["values"]["end_reason"] == "turn_limit"
    asked = [request.body for request in studio.model.requests if request.body.get("top_p") == 0.5]
    assert {body["model"] for body in asked} == {"loopback"}


async def test_a_failure_has_no_words_of_the_models_server(studio: Studio) -> None:
    thread = (await studio.client.threads.create())["thread_id"]
    studio.model.fail_with(403, "words-of-an-internal-service")
    try:
        streamed = ""
        async for part in studio.client.runs.stream(
            thread, "session", input=INPUT, stream_mode=["values", "updates", "debug", "messages-tuple", "events"]
        ):
            streamed += str(part)
    finally:
        studio.model.clear()
    state = await studio.client.threads.get_state(thread)
    assert "(refused, status 403)" in state["values"]["failure"]["message"]
    for text in (streamed, str(state), str(await studio.client.threads.get_history(thread))):
        assert "words-of-an-internal-service" not in text
        assert studio.model.base_url not in text
        assert KEY not in text
    assert "words-of-an-internal-service" in next(studio.project.parent.rglob("studio-*.log")).read_text()


@pytest.mark.parametrize("kind", ["application/json", "text/plain", "application/x-www-form-urlencoded"])
@pytest.mark.parametrize("origin", ["https://evil.example", "null", "http://127.0.0.1:1"])
async def test_a_foreign_page_starts_nothing_and_reads_nothing(studio: Studio, origin: str, kind: str) -> None:
    asked, headers = len(studio.model.requests), {"Origin": origin, "Content-Type": kind}
    answer = await _request(studio, "POST", "/runs/wait", headers, '{"assistant_id": "session", "input": {}}')
    read = await _request(studio, "GET", "/info", {"Origin": origin})
    before = {"Origin": origin, "Access-Control-Request-Method": "POST"}
    preflight = await _request(studio, "OPTIONS", "/runs/wait", before)
    for refused in (answer, read, preflight):
        assert refused.status_code == 403
        assert "access-control-allow-origin" not in refused.headers
    assert len(studio.model.requests) == asked


async def test_studio_itself_is_let_in(studio: Studio) -> None:
    wanted = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "content-type,x-api-key"}
    private = {"Access-Control-Request-Private-Network": "true"}
    origin = {"Origin": "https://smith.langchain.com"}
    preflight = await _request(studio, "OPTIONS", "/threads/search", origin | wanted | private)
    answer = await _request(studio, "POST", "/threads/search", origin | {"Content-Type": "application/json"}, "{}")
    assert (preflight.status_code, answer.status_code) == (200, 200)
    assert preflight.headers["access-control-allow-private-network"] == "true"
    for one in (preflight, answer):
        assert one.headers["access-control-allow-origin"] == "https://smith.langchain.com"


async def test_another_name_of_this_machine_is_refused(studio: Studio) -> None:
    assert (await _request(studio, "GET", "/info", {"Host": "rebound.example"})).status_code == 403
    assert (await _request(studio, "GET", "/info", {"Host": "localhost:1"})).status_code == 200


async def test_a_foreign_page_opens_no_websocket(studio: Studio) -> None:
    path = f"/threads/{studio.finished.session_id}/stream/events"
    upgrade = {
        "Connection": "Upgrade",
        "Upgrade": "websocket",
        "Sec-WebSocket-Version": "13",
        "Sec-WebSocket-Key": "AAAAAAAAAAAAAAAAAAAAAA==",
    }
    refused = await _request(studio, "GET", path, upgrade | {"Origin": "https://evil.example"})
    assert refused.status_code == 403


@pytest.mark.parametrize("path", ["/deploy", "/internal/truncate", "/store/items", "/mcp", "/a2a/session", "/metrics"])
async def test_what_studio_does_not_need_is_off(studio: Studio, path: str) -> None:
    for method in ("GET", "POST", "PUT"):
        assert (await _request(studio, method, path, {}, "{}")).status_code == 403


async def test_a_server_started_by_hand_is_as_closed(studio: Studio, elsewhere: LoopbackServer, tmp_path: Path) -> None:
    with _by_hand(studio, tmp_path) as by_hand:
        foreign = {"Origin": "https://evil.example", "Content-Type": "text/plain"}
        assert (await _request(by_hand, "POST", "/runs/wait", foreign, "{}")).status_code == 403
        assert (await _request(by_hand, "GET", "/ok", {"Host": "rebound.example"})).status_code == 403
        models = {"default": {"base_url": elsewhere.base_url, "api_key_env": "SOME_DB_PASSWORD"}}
        asked = {"assistant_id": "session", "input": {}, "context": {"models": models}}
        assert "default.base_url: not a caller's to say" in await _post(by_hand, "/runs/wait", asked)
    assert elsewhere.requests == []


@pytest.fixture
def elsewhere() -> Iterator[LoopbackServer]:
    with LoopbackServer() as server:
        yield server


async def _post(studio: Studio, path: str, body: Any) -> str:
    return (await _request(studio, "POST", path, {"Content-Type": "application/json"}, json.dumps(body))).text


async def _request(studio: Studio, method: str, path: str, headers: dict[str, str], body: str = "") -> httpx.Response:
    async with httpx.AsyncClient(base_url=studio.url, trust_env=False, timeout=60) as client:
        return await client.request(method, path, headers=headers, content=body or None)


@contextmanager
def _by_hand(studio: Studio, folder: Path) -> Iterator[Studio]:
    """`langgraph dev` in the project's folder, as a person types it."""
    port = _free_port()
    log = folder / "by-hand.log"
    command = [sys.executable, "-m", "langgraph_cli", "dev", "--no-browser", "--no-reload", "--port", str(port)]
    here = studio.environment | {VARIABLE: str(folder / "sessions.sqlite"), "LANGGRAPH_CLI_NO_ANALYTICS": "1"}
    with log.open("wb") as output:
        process = subprocess.Popen(
            command, cwd=_linked_project(folder / "project"), env=here, stdout=output, stderr=output
        )
    try:
        studio_server.wait_until_ok(f"http://127.0.0.1:{port}", process, log)
        yield dataclasses.replace(studio, url=f"http://127.0.0.1:{port}")
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(END_SECONDS)


async def _schemas(client: LangGraphClient) -> Any:
    (assistant,) = await client.assistants.search(graph_id="session", metadata={"created_by": "system"})
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


async def _assistant_of(client: LangGraphClient, thread: str) -> str:
    """The assistant that has an imported session's configuration."""
    name = ((await client.threads.get(thread))["metadata"] or {})["assistant"]
    (found,) = await client.assistants.search(name=str(name))
    return found["assistant_id"]


async def _nodes_of_run(
    client: LangGraphClient, thread: str, assistant: str, checkpoint: str | None = None
) -> list[str]:
    """The nodes that give updates when a thread is run on with nothing but an assistant, in their order."""
    nodes: list[str] = []
    async for part in client.runs.stream(
        thread, assistant, input=None, checkpoint_id=checkpoint, stream_mode="updates"
    ):
        assert part.event in {"metadata", "updates"}, part
        nodes += part.data if part.event == "updates" else ()
    return nodes


async def _sessions(checkpoints: Path, folder: Path, run: Path, base_url: str) -> list[SessionRecord]:
    """One session made with the checkpoints; and in a run's folder a finished one, and one cut off before the client."""
    models = Models()
    made = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(VARIABLE, str(checkpoints))
        patch.delenv("OPENAI_API_KEY", raising=False)
        async with open_checkpoints() as saver:
            made.append(await run_session(_task(base_url, "positive"), folder, models, checkpointer=saver))
        finished = _task(base_url, "neutral", seed=7)
        made.append(await run_session(finished, run, models))
        keep(made[-1], run)
        cut = _task(base_url, "neutral", method="single")
        made.append(await run_session(cut, run, models))
    await models.close()
    assert all(record.status == "finished" for record in made)
    journal = run / f"{cut.session_id}{SUFFIX}"
    # intake, counselor, client, counselor are kept, and half of the client's second answer
    lines = journal.read_bytes().split(b"\n")
    journal.write_bytes(b"\n".join(lines[:5]) + b"\n" + lines[5][:40])
    return made


def _task(base_url: str, attitude: Any, **options: Any) -> SessionTask:
    config = SessionConfig(max_turns=2, models={"default": ModelSettings(base_url=base_url)}, **options)
    return SessionTask(profile=load_builtin("amira-exam-panic"), attitude=attitude, config=config)


def _linked_project(folder: Path) -> Path:
    """The project folder as links: the server writes `.langgraph_api` where it runs, not into a person's own."""
    folder.mkdir()
    for entry in PROJECT.iterdir():
        if not entry.name.startswith("."):
            (folder / entry.name).symlink_to(entry)
    return folder


@contextmanager
def _studio_command(project: Path, options: list[str], environment: dict[str, str]) -> Iterator[tuple[str, str]]:
    """The command on a free port, once it says that it serves, and what it said; Ctrl-C must end it, and the server."""
    port = _free_port()
    command = subprocess.Popen(
        [sys.executable, "-m", "run", "studio", *options, "--no-browser", "--port", str(port)],
        cwd=project,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    assert command.stdout
    late = threading.Timer(START_SECONDS, command.kill)
    late.start()
    told = ""
    try:
        for line in command.stdout:
            told += line
            if "Ctrl-C" in line:
                break
        late.cancel()
        assert "Ctrl-C" in told, f"the command did not start:\n{told}"
        yield f"http://127.0.0.1:{port}", told
        command.send_signal(signal.SIGINT)
        assert command.wait(END_SECONDS) == 0
        with socket.socket() as probe:
            assert probe.connect_ex(("127.0.0.1", port)) != 0, "the server goes on"
    finally:
        late.cancel()
        with suppress(ProcessLookupError):
            os.killpg(command.pid, signal.SIGTERM)
        command.wait(END_SECONDS)


def _free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])
