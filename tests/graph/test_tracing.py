"""What LangSmith and an OpenTelemetry collector are sent of a session, by a process of its own, on the loopback interface."""

import json
import os
import threading
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from counseling_sessions.graph.tracing import VARIABLE, check_tracing, start_tracing
from counseling_sessions.settings import SettingsError
from tests.forking import Forking
from tests.loopback import LoopbackServer
from tests.loopback.hostile import HOSTILE

PROJECT = Path(__file__).parents[2]
KEY = "sk-canary-4711"
SESSION = """
import asyncio, sys, tempfile
from pathlib import Path
from counseling_sessions.graph.session import SessionTask, run_session
from counseling_sessions.models.chat import Models
from counseling_sessions.settings import ModelSettings
from tests.scripted import config, profile

async def main():
    models = Models(requests=1)
    served = {"default": ModelSettings(model="loopback", base_url=sys.argv[1])}
    task = SessionTask(profile=profile(), attitude="negative", config=config(max_turns=1, seed=7, models=served))
    with tempfile.TemporaryDirectory() as folder:
        record = await run_session(task, Path(folder), models)
    await models.close()
    print(record.model_dump_json())

asyncio.run(main())
"""
FORM = "stall again and again"
"""Words of the client's form."""


@dataclass
class Collector:
    """Takes whatever is posted to it."""

    url: str = ""
    posted: list[tuple[str, bytes]] = field(default_factory=list)

    @property
    def everything(self) -> bytes:
        return b"".join(body for _, body in self.posted)

    def runs(self) -> list[dict[str, Any]]:
        """LangSmith's runs, what came of each in several posts put together."""
        runs: dict[str, dict[str, Any]] = {}
        for _, body in self.posted:
            sent = json.loads(body)
            for run in [*sent.get("post", []), *sent.get("patch", [])]:
                runs.setdefault(run["id"], {}).update({name: value for name, value in run.items() if value is not None})
        return list(runs.values())

    def spans(self) -> list[dict[str, Any]]:
        """OpenTelemetry's spans: name, trace, attributes, and those of what sent them."""
        spans = []
        for path, body in self.posted:
            assert path == "/v1/traces"
            for batch in ExportTraceServiceRequest.FromString(body).resource_spans:
                sender = {item.key: item.value.string_value for item in batch.resource.attributes}
                for span in (span for scope in batch.scope_spans for span in scope.spans):
                    attributes = {item.key: item.value.string_value for item in span.attributes}
                    spans.append({"name": span.name, "trace": span.trace_id, "sender": sender, **attributes})
        return spans


@contextmanager
def collector(answer: tuple[int, str] = (200, "{}")) -> Iterator[Collector]:
    collected = Collector()

    class Handler(BaseHTTPRequestHandler):
        def log_message(self, *_: Any) -> None:
            pass

        def do_GET(self) -> None:
            limits = {"size_limit": 100, "size_limit_bytes": 2**24, "scale_up_nthreads_limit": 1}
            ingest = {"use_multipart_endpoint": False, "scale_up_qsize_trigger": 1000, **limits}
            self._answer(200, json.dumps({"batch_ingest_config": ingest}))

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            if self.headers.get("Content-Encoding") == "gzip":
                body = zlib.decompress(body, 31)
            collected.posted.append((self.path, body))
            self._answer(*answer)

        def _answer(self, status: int, text: str) -> None:
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text.encode())

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    collected.url = f"http://127.0.0.1:{server.server_port}"
    try:
        yield collected
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


Run = Callable[[dict[str, str], str], dict[str, Any]]


@pytest.fixture(scope="module")
def forking(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Forking]:
    modules = ("counseling_sessions.graph.session", "openai", "tests.scripted")
    forking = Forking(tmp_path_factory.mktemp("forking"), modules, bare())
    yield forking
    assert forking.close() == b""


def bare() -> dict[str, str]:
    """An environment that says nothing of traces."""
    inherited = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    return {**inherited, "OPENAI_API_KEY": KEY, "PYTHONPATH": str(PROJECT)}


@pytest.fixture
def run_session_with(forking: Forking) -> Run:
    """A function that has a session of one turn in a process of its own, and gives its record."""

    def run(environment: dict[str, str], base_url: str) -> dict[str, Any]:
        done = forking.run([base_url], PROJECT, bare() | environment, program=SESSION)
        assert done.code == 0, done.err
        return dict(json.loads(done.out.splitlines()[-1]))

    return run


def langsmith(collected: Collector, **more: str) -> dict[str, str]:
    return {"LANGSMITH_TRACING": "true", "LANGSMITH_API_KEY": "ls-key-5", "LANGSMITH_ENDPOINT": collected.url, **more}


HIDDEN = {"LANGSMITH_HIDE_INPUTS": "true", "LANGSMITH_HIDE_OUTPUTS": "true"}
HIDDEN_OTLP = {"OPENINFERENCE_HIDE_INPUTS": "true", "OPENINFERENCE_HIDE_OUTPUTS": "true"}


def test_langsmith_is_told_which_session_role_and_turn(run_session_with: Run) -> None:
    with LoopbackServer() as model, collector() as collected:
        record = run_session_with(langsmith(collected), model.base_url)

    runs = collected.runs()
    names = [run["name"] for run in runs]
    session = {
        "session_id": record["session_id"],
        "profile_id": "ada-test",
        "attitude": "negative",
        "method": "magnet",
        "seed": 7,
    }
    assert names[0] == "session"
    assert {"intake", "plan", "router", "client"} <= set(names)
    for run in runs:
        assert run["extra"]["metadata"].items() >= session.items(), run["name"]
        assert {"magnet", "negative"} <= set(run["tags"])
    calls = [run for run in runs if run["run_type"] == "llm"]
    labels = [(run["name"], run["extra"]["metadata"]["role"], run["extra"]["metadata"]["turn"]) for run in calls]
    picked = [(name, name, 1) for name in record["turns"][0]["pick"]["techniques"]]
    merged = [("merge", "merge", 1)] if len(picked) > 1 else []  # a single draft is said as it is
    assert sorted(labels) == sorted(
        [
            ("plan", "plan", 1),
            ("router", "router", 1),
            *picked,
            *merged,
            ("client", "client", 1),
            ("merge", "merge", 2),
        ]
    )
    assert all(run["name"] in run["tags"] for run in calls)
    assert FORM.encode() in collected.everything


def test_langsmith_gets_no_texts_where_they_are_hidden(run_session_with: Run) -> None:
    with LoopbackServer() as model, collector() as collected:
        record = run_session_with(langsmith(collected, **HIDDEN), model.base_url)

    assert collected.runs()
    texts = [FORM, *(said["text"] for said in (record["turns"][0]["counselor"], record["turns"][0]["client"]))]
    assert not [text for text in texts if text.encode() in collected.everything]


@pytest.mark.parametrize("otlp", [False, True])
def test_no_key_reaches_a_trace_even_where_a_server_quotes_it(otlp: bool, run_session_with: Run) -> None:
    refusal = json.dumps({"error": {"message": f"Incorrect API key provided: {KEY}", "code": "invalid_api_key"}})
    with collector((401, refusal)) as model, collector() as collected:
        environment = {VARIABLE: collected.url} if otlp else langsmith(collected)
        record = run_session_with(environment, f"{model.url}/v1")

    assert record["failure"]["kind"] == "refused"
    assert "Incorrect API key provided: ***" in record["failure"]["message"]
    assert b"Incorrect API key provided: ***" in collected.everything
    assert KEY.encode() not in collected.everything
    assert b"ls-key-5" not in collected.everything


@pytest.mark.parametrize(("otlp", "name"), [(False, "an overlong header"), (True, "the key everywhere")])
def test_no_key_reaches_a_trace_whatever_a_server_sends(otlp: bool, name: str, run_session_with: Run) -> None:
    with LoopbackServer(raw=lambda request: HOSTILE[name].raw(KEY)) as model, collector() as collected:
        environment = {VARIABLE: collected.url} if otlp else langsmith(collected)
        record = run_session_with(environment, model.base_url)
        assert KEY in model.requests[0].headers["authorization"]

    assert collected.posted
    assert KEY.encode() not in collected.everything
    assert KEY not in json.dumps(record)


def test_a_collector_gets_every_node_and_call_under_one_session(run_session_with: Run) -> None:
    with LoopbackServer() as model, collector() as collected:
        record = run_session_with({VARIABLE: collected.url}, model.base_url)

    spans = collected.spans()
    assert {span["session.id"] for span in spans} == {record["session_id"]}
    assert len({span["trace"] for span in spans}) == 1
    assert {"session", "intake", "plan", "router", "client", "merge"} <= {span["name"] for span in spans}
    calls = [span for span in spans if span["openinference.span.kind"] == "LLM"]
    assert len(calls) == len(model.requests)
    metadata = [json.loads(span["metadata"]) for span in calls]
    assert all({"role", "turn", "profile_id", "attitude", "method", "seed"} <= item.keys() for item in metadata)
    assert {span["sender"]["service.name"] for span in spans} == {"counseling-sessions"}
    assert FORM.encode() in collected.everything


def test_a_collector_gets_no_texts_where_they_are_hidden(run_session_with: Run) -> None:
    with LoopbackServer() as model, collector() as collected:
        record = run_session_with({VARIABLE: collected.url, **HIDDEN_OTLP}, model.base_url)

    assert collected.spans()
    texts = [FORM, *(said["text"] for said in (record["turns"][0]["counselor"], record["turns"][0]["client"]))]
    assert not [text for text in texts if text.encode() in collected.everything]


def test_the_standard_variables_say_where(run_session_with: Run) -> None:
    with LoopbackServer() as model, collector() as collected:
        run_session_with({VARIABLE: "otlp", "OTEL_EXPORTER_OTLP_ENDPOINT": collected.url}, model.base_url)

    assert collected.spans()


def test_nothing_is_sent_without_being_asked(run_session_with: Run) -> None:
    with LoopbackServer() as model, collector() as collected:
        run_session_with(
            {"OTEL_EXPORTER_OTLP_ENDPOINT": collected.url, "LANGSMITH_ENDPOINT": collected.url}, model.base_url
        )

    assert not collected.posted


@pytest.mark.parametrize(
    ("value", "url"),
    [
        ("", None),
        ("otlp", ""),
        ("otlp://127.0.0.1:6006", "http://127.0.0.1:6006/v1/traces"),
        ("http://127.0.0.1:6006/", "http://127.0.0.1:6006/v1/traces"),
        ("https://collector.example/otel/v1/traces", "https://collector.example/otel/v1/traces"),
    ],
)
def test_where_traces_go(monkeypatch: pytest.MonkeyPatch, value: str, url: str | None) -> None:
    monkeypatch.setenv(VARIABLE, value)

    assert check_tracing() == url


@pytest.mark.parametrize("value", ["yes", "127.0.0.1:6006", "ftp://127.0.0.1", "http://me:secret@127.0.0.1:6006"])
def test_a_value_that_says_nothing_is_refused(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    monkeypatch.setenv(VARIABLE, value)

    with pytest.raises(SettingsError, match=VARIABLE) as caught:
        check_tracing()
    assert "secret" not in str(caught.value)


def test_what_is_not_installed_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, "otlp")
    monkeypatch.setattr("counseling_sessions.graph.tracing.find_spec", lambda name: None)
    start_tracing.cache_clear()

    with pytest.raises(SettingsError, match=r"pip install -e '\.\[traces\]'"):
        start_tracing()
