"""A planted key is sent through every hostile answer, and then looked for in all that a process keeps, sends or shows."""

import asyncio
import logging
import time
import tracemalloc
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from langchain_core.messages import HumanMessage
from langgraph.checkpoint.sqlite.aio import AsyncSqliteSaver
from openinference.instrumentation.langchain import LangChainInstrumentor
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from counseling_sessions.graph.check import check
from counseling_sessions.graph.session import SessionTask, run_session
from counseling_sessions.models.answers import MOST_CHARACTERS, MOST_TOKENS
from counseling_sessions.models.chat import Models
from counseling_sessions.models.errors import FailedCall, ModelError, retry_seconds
from counseling_sessions.models.requests import Reply
from counseling_sessions.models.roles import serving
from counseling_sessions.nodes.mending import tidy
from counseling_sessions.sessions.writing import keep
from counseling_sessions.settings import ModelSettings
from tests.loopback import LoopbackServer, Raw, Request, http_answer, sensible_answer
from tests.loopback.hostile import HOSTILE, SLOW, WORDS, completion, everywhere
from tests.models.canary import everything_of, listening
from tests.scripted import config, profile

KEY = "sk-planted/Canary+0123456789"
SECONDS = 0.4
"""What a call is given: long enough for each answer that is one, on a busy machine."""
HELLO = [HumanMessage("Say hello.")]
LOGGERS = ("counseling_sessions", "asyncio")

pytestmark = pytest.mark.usefixtures("no_surroundings", "key")


@pytest.fixture
def key(monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    return KEY


@pytest.fixture(scope="module")
def server() -> Iterator[LoopbackServer]:
    with LoopbackServer(raw=lambda request: HOSTILE[request.headers["x-session-id"]].raw(sent(request))) as server:
        yield server


def sent(request: Request) -> str:
    return request.headers["authorization"].removeprefix("Bearer ")


def shows(text: str) -> bool:
    """Whether a text shows the key, or enough of its end to matter."""
    return "planted" in text.casefold() or "canary" in text.casefold() or "0123456789" in text


async def outcome(models: Models, server: LoopbackServer, name: str, **options: Any) -> Reply | ModelError:
    asked = ModelSettings(**{"base_url": server.base_url, "model": "m", "max_requests": 1, "timeout": 10, **options})
    try:
        return await models.ask("client", asked, HELLO, session_id=name)
    except ModelError as error:
        return error


@pytest.mark.parametrize("name", HOSTILE)
async def test_no_hostile_answer_brings_the_key_out(
    models: Models,
    server: LoopbackServer,
    name: str,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
) -> None:
    for logger in LOGGERS:
        caplog.set_level(logging.DEBUG, logger)
    caplog.set_level(logging.WARNING)
    ends = HOSTILE[name].ends
    seconds = SECONDS if ends >= SLOW else 10
    with listening() as (tracer, listener):
        began = time.monotonic()
        ended = await outcome(models, server, name, timeout=seconds)
        took = time.monotonic() - began
    assert (ended.kind if isinstance(ended, ModelError) else "answered") in ends
    assert took < seconds + 20  # no answer goes on and on
    if isinstance(ended, ModelError):
        assert type(ended) is ModelError
        assert (ended.__cause__, ended.__context__) == (None, None)
        assert not shows(everything_of(ended))
        assert len(str(ended)) <= 400
        assert str(ended).isprintable()
    else:
        assert_sound(ended)
        assert not shows(repr(ended))
    for error in listener.errors:
        assert isinstance(error, (FailedCall, asyncio.CancelledError))
        assert (error.__cause__, error.__context__) == (None, None)
    assert tracer.texts or ends >= SLOW
    assert not [text for text in tracer.texts + listener.texts if shows(text)]
    records = [
        record for record in caplog.records if record.name.startswith(LOGGERS) or record.levelno >= logging.WARNING
    ]
    assert not [record for record in records if shows(f"{record.getMessage()} {record.exc_info} {record.exc_text}")]
    out, err = capfd.readouterr()
    assert not shows(out + err)


def assert_sound(reply: Reply) -> None:
    counts = (reply.prompt_tokens, reply.cached_tokens, reply.completion_tokens)
    assert all(count is None or (type(count) is int and 0 <= count <= MOST_TOKENS) for count in counts)
    assert type(reply.model) is str
    assert reply.finish_reason is None or type(reply.finish_reason) is str
    assert len(reply.text) <= MOST_CHARACTERS
    reply.text.encode()


async def test_an_odd_field_costs_the_field_and_not_the_answer(models: Models, server: LoopbackServer) -> None:
    for name in (
        "usage that is a list",
        "prompt tokens of true",
        "tokens of -1",
        "a model of 3",
        "a finish reason of []",
    ):
        reply = await outcome(models, server, name)
        assert isinstance(reply, Reply)
        assert reply.text == WORDS
        counted = reply.prompt_tokens is not None
        assert counted == ("tokens" not in name and "usage" not in name)
        assert (reply.model, reply.finish_reason) == ("m", None if "finish" in name else "stop")


async def test_text_in_parts_is_put_together_and_half_characters_go(models: Models, server: LoopbackServer) -> None:
    for name in ("text in parts", "half a character"):
        reply = await outcome(models, server, name)
        assert isinstance(reply, Reply)
        assert reply.text.strip() == WORDS


async def test_a_key_in_an_answer_is_masked_where_it_stood(models: Models, server: LoopbackServer) -> None:
    reply = await outcome(models, server, "the key everywhere")
    assert isinstance(reply, Reply)
    assert (reply.text, reply.model, reply.finish_reason) == (f"{WORDS} *** *** ***", "***", "***")


@pytest.mark.parametrize(
    "within",
    [
        "<think>a</think>",
        "\u200b",
        "\xad",
        "\ufeff",
        "[THINK]a[/THINK]",
        "&lt;think&gt;a&lt;/think&gt;",
        "<|end_of_box|>",
    ],
)
async def test_what_is_taken_off_a_message_puts_no_key_together(models: Models, within: str) -> None:
    halves = f"{WORDS} {KEY[:14]}{within}{KEY[14:]}"
    with LoopbackServer(raw=lambda request: http_answer(completion(halves))) as server:
        reply = await outcome(models, server, "")
    assert isinstance(reply, Reply)
    assert tidy(reply.text, "client") == f"{WORDS} ***"


async def test_a_long_answer_is_cut_and_says_so(models: Models, server: LoopbackServer) -> None:
    reply = await outcome(models, server, "a very long answer", max_tokens=100)
    assert isinstance(reply, Reply)
    assert (len(reply.text), reply.finish_reason, reply.cut_at) == (800, "length", 800)


@pytest.mark.parametrize("ordinary", ["none", "EMPTY", "password", "abc"])
async def test_a_key_that_is_a_word_changes_no_answer(
    models: Models, monkeypatch: pytest.MonkeyPatch, ordinary: str
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", ordinary)
    with LoopbackServer(raw=lambda request: http_answer(completion(f"It was {ordinary} of that."))) as server:
        reply = await outcome(models, server, "")
    assert isinstance(reply, Reply)
    assert reply.text == f"It was {ordinary} of that."


LARGE = (
    "a bomb of gzip",
    "a packed refusal",
    "a body without end",
    "gigabytes announced",
    "wide JSON",
    "deep JSON aside",
)


@pytest.mark.parametrize("name", [*LARGE, "chunks without end", "trailers without end", "headers without end"])
async def test_no_answer_uses_up_memory(models: Models, server: LoopbackServer, name: str) -> None:
    await outcome(models, server, "half a character")  # what the first call of a process loads is not counted
    tracemalloc.start()
    try:
        HOSTILE[name].raw(KEY)
        tracemalloc.reset_peak()
        await outcome(models, server, name, timeout=1)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 48 * 2**20


@pytest.mark.parametrize(
    "name", [*LARGE, "a number of many digits", "a very long answer of commands", "the key everywhere"]
)
async def test_no_answer_holds_the_event_loop_up(models: Models, server: LoopbackServer, name: str) -> None:
    await outcome(models, server, "half a character")
    watch = asyncio.create_task(longest_stall())
    await outcome(models, server, name)
    watch.cancel()
    assert (await asyncio.gather(watch))[0] < 0.5


async def longest_stall() -> float:
    """Seconds of this thread's computing for which the event loop did nothing else, at most, until this is cancelled."""
    longest = 0.0
    try:
        while True:
            before = time.thread_time()  # other threads and processes use the cores too
            await asyncio.sleep(0.005)
            longest = max(longest, time.thread_time() - before)
    except asyncio.CancelledError:
        return longest


async def test_a_redirect_takes_the_key_nowhere(models: Models) -> None:
    with LoopbackServer() as other:
        location = (("Location", f"{other.base_url}/chat/completions"),)
        with LoopbackServer(raw=lambda request: http_answer(b"", 307, location)) as server:
            error = await outcome(models, server, "")
            nameless = await outcome(models, server, "", model=None)
        assert other.requests == []
        target = f"{other.base_url}/chat/completions"
    assert isinstance(error, ModelError)
    assert (error.kind, error.status) == ("refused", 307)
    assert str(error).endswith(f"a redirect, which is not followed; name the address itself ({target})")
    assert isinstance(nameless, ModelError)
    assert nameless.kind == "refused"


async def test_a_banner_before_any_request(models: Models) -> None:
    with LoopbackServer(greeting=b"SSH-2.0-OpenSSH_9.6\r\n", raw=lambda request: Raw(b"Invalid\r\n")) as server:
        error = await outcome(models, server, "")
    assert isinstance(error, ModelError)
    assert error.kind in {"garbled", "connection"}
    assert not shows(everything_of(error))


LISTS: dict[str, Raw] = {
    "an id that is the key": http_answer({"data": [{"id": KEY}]}),
    "an id with a command": http_answer({"data": [{"id": "m\x1b[2J"}]}),
    "an id of megabytes": http_answer({"data": [{"id": "m" * 2**20}]}),
    "an error": http_answer({"error": f"bad {KEY}"}, 401),
    "a body without end": Raw(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n", b"[" * 2**16),
    "a banner": Raw(f"SSH-2.0-{KEY}\r\n".encode()),
    "deep JSON": http_answer(b"[" * 100_000),
    "an overlong header": http_answer({"data": []}, 200, (("X-Echo", KEY * 1000),)),
}


@pytest.mark.parametrize("name", LISTS)
async def test_the_list_of_models_brings_no_key_out(models: Models, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("counseling_sessions.models.endpoints.LIST_PAUSE", 0.001)
    with LoopbackServer(raw=lambda request: LISTS[name]) as server:
        error = await outcome(models, server, "", model=None)
        served = await serving(models, config(models={"default": ModelSettings(base_url=server.base_url)}))
    assert isinstance(error, ModelError)
    assert (error.__cause__, error.__context__) == (None, None)
    assert not shows(everything_of(error))
    assert served[0].problem
    assert not shows(repr(served))


@pytest.mark.parametrize("name", ["the key everywhere", "a 401 that quotes the key", "an overlong header", "deep JSON"])
async def test_a_check_shows_no_key(models: Models, name: str) -> None:
    with LoopbackServer(raw=lambda request: HOSTILE[name].raw(sent(request))) as server:
        settings = ModelSettings(base_url=server.base_url, model="m", timeout=5)
        asked = config(models={"default": settings})
        (served,) = await serving(models, asked, ["plan", "client"])
        await check(models, served, asked)
    assert served.problem or served.usage
    assert not shows(repr(served))


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        *[("3", 3.0), (" 0.5 ", 0.5), ("Sat, 01 Jan 2000 00:00:00 GMT", 0.0), ("9" * 20, 1e9)],
        *[
            (value, None)
            for value in ("inf", "nan", "1e400", "-5", "", "soon", "1_0", "Fri, 31 Dec 99999 23:59:59 GMT")
        ],
    ],
)
def test_how_long_to_wait(value: str, seconds: float | None) -> None:
    assert retry_seconds(value) == seconds


def echo(request: Request) -> Raw:
    """A sensible answer, with the key in it and around it."""
    key, answer = sent(request), sensible_answer(request).text
    text = answer.replace('"goal": "', f'"goal": "{key} ') if answer.startswith("{") else answer + f" So it is, {key}."
    body = everywhere(key)
    body["choices"][0]["message"] |= {"content": text, "refusal": None}
    return http_answer(body, 200, (("X-Echo", key),))


def files_of(folder: Path) -> dict[str, str]:
    return {str(path): path.read_bytes().decode("latin-1") for path in folder.rglob("*") if path.is_file()}


RAW = {
    "the key in good answers": echo,
    "the key in refusals": lambda request: http_answer(everywhere(sent(request))),
}
SESSIONS = {
    "the key in good answers": None,
    "the key in refusals": "failed",
    **dict.fromkeys(("an SSH server", "an overlong header", "a 401 that quotes the key", "deep JSON"), "failed"),
    **dict.fromkeys(("an error that quotes the key", "a wait of 'inf'", "a body without end"), "failed"),
}


@pytest.mark.parametrize("name", SESSIONS)
async def test_no_file_trace_or_log_of_a_session_has_the_key(
    models: Models, tmp_path: Path, name: str, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    spans = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(spans))
    LangChainInstrumentor().instrument(tracer_provider=provider)
    try:
        with LoopbackServer(raw=RAW.get(name) or (lambda request: HOSTILE[name].raw(sent(request)))) as server:
            settings = ModelSettings(base_url=server.base_url, model="m", timeout=5, max_requests=2)
            task = SessionTask(
                profile=profile(),
                attitude="neutral",
                config=config(models={"default": settings}, max_turns=2, router="llm"),
            )
            async with AsyncSqliteSaver.from_conn_string(str(tmp_path / "checkpoints.sqlite")) as saver:
                await saver.setup()
                with listening() as (tracer, listener):
                    record = await run_session(task, tmp_path, models, checkpointer=saver)
            journal = task.journal_path(tmp_path).read_text()
            keep(record, tmp_path)
            assert server.requests
            assert KEY in server.requests[0].headers["authorization"]
    finally:
        LangChainInstrumentor().uninstrument()
    assert record.status == (SESSIONS[name] or "finished"), record.failure
    if record.failure:
        assert record.failure.kind != "internal"
    else:
        assert any("***" in item.text for item in record.dialogue)
    written = files_of(tmp_path)
    assert {Path(path).suffix for path in written} >= {".sqlite", ".jsonl"}
    sent_out = [f"{span.to_json()} {span.events!r}" for span in spans.get_finished_spans()]
    assert sent_out
    assert tracer.texts
    shown = capfd.readouterr()
    logged = [f"{entry.getMessage()} {entry.exc_text}" for entry in caplog.records if entry.levelno >= logging.WARNING]
    everything = [*written.values(), journal, repr(record), *sent_out, *tracer.texts, *listener.texts, *shown, *logged]
    assert not [text for text in everything if shows(text)]
