"""Asking a model over real HTTP: what is retried and counted, what is refused, and what never leaves the process."""

import asyncio
import errno
import socket
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import HumanMessage, SystemMessage

from counseling_sessions.graph.session import SessionTask, run_options, run_session, session_input
from counseling_sessions.graph.session_graph import build_session_graph
from counseling_sessions.models.breaker import RETRY_AFTER_CAP
from counseling_sessions.models.chat import Models
from counseling_sessions.models.dialect import PLAIN
from counseling_sessions.models.endpoints import OPENAI_MODEL, OPENAI_URL, Endpoint, find_endpoint
from counseling_sessions.models.errors import ModelError
from counseling_sessions.models.requests import Reply, wire_request
from counseling_sessions.models.roles import pinned, serving
from counseling_sessions.models.structured import MODES, AnswerSchema, read_object
from counseling_sessions.sessions.writing import keep
from counseling_sessions.settings import ModelSettings
from counseling_sessions.store.machine import Shortage
from tests.loopback import FaultKind, Faults, Latency, LoopbackServer
from tests.models.canary import everything_of
from tests.scripted import config, profile

KEY = "sk-planted-canary-0123456789"
COLOR = AnswerSchema("color", {"color": {"type": "string", "minLength": 1, "enum": ["red", "green"]}})
HELLO = [SystemMessage("You are brief."), HumanMessage("Say hello.")]
KINDS: dict[FaultKind, tuple[str, str]] = {
    "429": ("rate_limited", "answers 429: Rate limit reached"),
    "500": ("server_error", "answers 500: The server had an error"),
    "503": ("server_error", "answers 503: The server is overloaded"),
    "timeout": ("timeout", "did not answer in time"),
    "cut": ("connection", "cannot be reached (the connection was cut"),
    "reset": ("connection", "cannot be reached ("),
    "garbage": ("garbled", "something unreadable (no JSON: "),
    "html": ("garbled", "something unreadable ("),
}


pytestmark = pytest.mark.usefixtures("no_surroundings")


def settings(server: LoopbackServer, **options: Any) -> ModelSettings:
    return ModelSettings(**{"base_url": server.base_url, "model": "m", "max_requests": 3, "timeout": 5, **options})


def patience(kind: FaultKind) -> float:
    """The seconds after which an answer is late: few only for a fault that is to be late, as a busy machine takes its time."""
    return 1 if kind == "timeout" else 20


async def refused(models: Models, asked: ModelSettings, **options: Any) -> ModelError:
    with pytest.raises(ModelError) as caught:
        await models.ask("client", asked, HELLO, **options)
    return caught.value


@pytest.mark.parametrize("kind", KINDS)
async def test_a_fault_is_retried_and_stands_in_the_reply(models: Models, kind: FaultKind) -> None:
    with LoopbackServer(faults=Faults.script([kind, kind], retry_after=0, hold=5)) as server:
        reply = await models.ask("client", settings(server, timeout=patience(kind)), HELLO)
        assert reply.requests == len(server.requests) == 3
    assert reply.text
    assert len(reply.errors) == 2
    for error in reply.errors:
        assert error.startswith(server_url(error))
        assert KINDS[kind][1] in error


@pytest.mark.parametrize("kind", KINDS)
async def test_a_fault_that_stays_ends_in_a_clear_error(models: Models, kind: FaultKind) -> None:
    with LoopbackServer(faults=Faults(rate=1, kinds=(kind,), retry_after=0, hold=5)) as server:
        error = await refused(models, settings(server, timeout=patience(kind)))
        assert error.requests == len(server.requests) == 3
        assert server.base_url in str(error)
    assert (error.kind, error.permanent) == (KINDS[kind][0], False)
    assert KINDS[kind][1] in str(error)
    assert len(error.errors) == 3
    assert error.errors[-1] == str(error)


async def test_where_the_settings_bound_no_requests_the_models_do() -> None:
    with LoopbackServer(faults=Faults(rate=1, kinds=("503",))) as server:
        error = await refused(Models(backoff=0.001, requests=2), ModelSettings(base_url=server.base_url, model="m"))
        assert len(server.requests) == 2
    assert error.kind == "server_error"


async def test_the_server_says_how_long_to_wait(models: Models) -> None:
    with LoopbackServer(faults=Faults.script(["429"], retry_after=0.4)) as server:
        await models.ask("client", settings(server), HELLO)
        first, second = server.requests
    assert 0.4 <= second.received - first.received < 2


async def test_the_wait_grows_stays_bounded_and_is_never_shorter_than_asked(models: Models) -> None:
    slow = Models(backoff=1.0, backoff_cap=8.0)
    for request in range(1, 12):
        full = min(2.0 ** (request - 1), 8.0)
        assert all(full / 2 <= slow._wait(request, None) <= full for _ in range(20))
    assert slow._wait(1, 5.0) == 5.0
    assert slow._wait(1, 1e9) == RETRY_AFTER_CAP
    assert slow._wait(1, 0.0) >= 0.5


@dataclass
class Body:
    """A tiny HTTP server with one fixed answer, for bodies that no sane server sends."""

    body: bytes
    status: str = "200 OK"
    content_type: str = "application/json"
    server: asyncio.Server | None = field(default=None)

    async def __aenter__(self) -> str:
        self.server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        return f"http://127.0.0.1:{self.server.sockets[0].getsockname()[1]}/v1"

    async def __aexit__(self, *_: object) -> None:
        assert self.server
        self.server.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        head = f"HTTP/1.1 {self.status}\r\nContent-Type: {self.content_type}\r\nContent-Length: {len(self.body)}\r\n"
        writer.write(head.encode() + b"Connection: close\r\n\r\n" + self.body)
        await writer.drain()
        writer.close()


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"null",
        b"[]",
        b"{}",
        b'"text"',
        b'{"error": {"message": "out of memory"}}',
        b'{"choices": null}',
        b'{"choices": []}',
        b'{"choices": [{}]}',
        b'{"choices": [{"message": null}]}',
        b'{"choices": "no"}',
        b"\xff\xfe\x00",
    ],
)
async def test_a_body_that_is_no_completion_is_garbled_whatever_the_library_trips_over(
    models: Models, body: bytes
) -> None:
    async with Body(body) as url:
        error = await refused(models, ModelSettings(base_url=url, model="m", max_requests=2))
    assert (error.kind, error.requests, len(error.errors)) == ("garbled", 2, 2)
    assert len(str(error)) <= 400


async def test_a_page_with_an_error_status_is_shown_shortened(models: Models) -> None:
    async with Body(b"<html>" + b"gateway " * 500, "502 Bad Gateway", "text/html") as url:
        error = await refused(models, ModelSettings(base_url=url, model="m", max_requests=1))
    assert error.kind == "server_error"
    assert len(str(error)) <= 400


@pytest.mark.parametrize(
    ("status", "words"),
    [
        (400, "Unknown parameter: 'seed'."),
        (401, "Incorrect API key provided."),
        (403, "Your country is not supported."),
        (404, "The model `m` does not exist."),
        (422, "messages: too many"),
    ],
)
async def test_a_refusal_is_final_and_says_what_the_server_said(models: Models, status: int, words: str) -> None:
    with LoopbackServer() as server:
        server.fail_with(status, words)
        error = await refused(models, settings(server))
        assert len(server.requests) == error.requests == 1
        assert str(error) == f"{server.base_url} answers {status}: {words}"
    assert (error.kind, error.permanent) == ("refused", True)


async def test_an_exhausted_quota_is_not_waited_for(models: Models) -> None:
    body = b'{"error": {"message": "You exceeded your current quota.", "code": "insufficient_quota"}}'
    async with Body(body, "429 Too Many Requests") as url:
        error = await refused(models, ModelSettings(base_url=url, model="m", max_requests=3))
    assert (error.kind, error.requests) == ("refused", 1)


async def test_a_server_that_is_not_there(models: Models) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{taken.getsockname()[1]}/v1"
    error = await refused(models, ModelSettings(base_url=url, model="m", max_requests=2))
    assert (error.kind, error.requests) == ("connection", 2)
    nameless = await refused(models, ModelSettings(base_url=url, max_requests=2))
    assert nameless.kind == "connection"
    assert "--model" in str(nameless)


async def test_an_error_of_ours_is_not_taken_for_the_servers(models: Models) -> None:
    class Broken(BaseChatModel):
        @property
        def _llm_type(self) -> str:
            return "broken"

        def _generate(self, *_: Any, **__: Any) -> Any:
            raise TypeError("a bug")

    def make(endpoint: Endpoint, settings: ModelSettings) -> BaseChatModel:
        return Broken()

    asked = ModelSettings(base_url="http://127.0.0.1:1/v1", model="m", max_requests=3)
    with pytest.raises(TypeError, match="a bug"):
        await Models(make).ask("client", asked, HELLO)


async def test_what_cannot_be_sent_is_not_asked_again(models: Models) -> None:
    with LoopbackServer() as server:
        with pytest.raises(ModelError, match="characters that UTF-8 cannot carry") as caught:
            await models.ask("client", settings(server), [HumanMessage("half \ud800")])
        assert server.requests == []
    assert (caught.value.kind, caught.value.requests) == ("configuration", 1)
    error = await refused(models, ModelSettings(base_url="http://\u0660/v1", model="m", max_requests=3))
    assert (error.kind, error.requests) == ("configuration", 1)


async def test_what_the_machine_runs_out_of_is_said_anew_and_not_asked_again(
    models: Models, monkeypatch: pytest.MonkeyPatch, key: str
) -> None:
    with LoopbackServer() as server:
        await models.ask("client", settings(server), HELLO)

        async def exhausted(*_: Any, **__: Any) -> Any:
            raise aiohttp.ClientOSError(errno.EMFILE, f"Too many open files for Bearer {key}")

        monkeypatch.setattr(aiohttp.TCPConnector, "connect", exhausted)
        for asked in (settings(server), ModelSettings(base_url=server.base_url)):
            with pytest.raises(Shortage) as caught:
                await models.ask("client", asked, HELLO)
            assert (caught.value.what, caught.value.__cause__, caught.value.__context__) == ("open files", None, None)
            assert key not in everything_of(caught.value)
        assert len(server.requests) == 1


async def test_what_a_library_trips_over_is_garbled_and_not_repeated(models: Models) -> None:
    with LoopbackServer() as server:
        error = await refused(models, settings(server, extra_body={"planted": [KEY[3:], float("nan")]}))
        assert server.requests == []
    assert (error.kind, error.requests) == ("garbled", 3)
    assert str(error).endswith("answered something unreadable (ValueError)")
    assert "planted" not in everything_of(error)


async def test_an_answer_is_read_as_a_whole_even_where_its_pieces_are_watched(models: Models) -> None:
    with LoopbackServer() as server:
        asked = config(method="single", models={"default": settings(server)}, max_turns=1)
        graph = build_session_graph(method="single", specialists=asked.techniques, models=models)
        begin = session_input("one", profile(), "neutral")
        options = run_options("one", "ada-test", "neutral", asked)
        pieces = [piece async for piece in graph.astream(begin, options, context=asked, stream_mode="messages")]
        assert server.requests
        assert not [request for request in server.requests if request.body.get("stream")]
    assert pieces


async def test_tokens_are_counted_and_those_from_the_cache(models: Models) -> None:
    long = [SystemMessage("Be kind and brief. " * 40), HumanMessage("Say hello.")]
    with LoopbackServer() as server:
        first = await models.ask("client", settings(server), long)
        second = await models.ask("client", settings(server), long)
        one, two = server.requests
    assert (first.prompt_tokens, first.cached_tokens, first.completion_tokens) == (
        one.prompt_tokens,
        0,
        one.completion_tokens,
    )
    assert second.cached_tokens == two.cached_tokens
    assert (second.cached_tokens or 0) > 50
    assert (first.finish_reason, first.model, first.endpoint) == ("stop", "m", one_url(first))


async def test_a_server_that_reports_no_usage_leaves_it_unknown(models: Models) -> None:
    with LoopbackServer(report_usage=False) as server:
        reply = await models.ask("client", settings(server), HELLO)
    assert (reply.prompt_tokens, reply.cached_tokens, reply.completion_tokens) == (None, None, None)


async def test_a_server_without_schemas_is_asked_in_the_next_mode_and_remembered(models: Models) -> None:
    asks = [HumanMessage('Answer as JSON: {"color": "red" or "green"}.')]
    with LoopbackServer(supports_schema=False, answer=lambda request: '{"color": "red"}') as server:
        first = await models.ask("router", settings(server), asks, schema=COLOR)
        assert [request.response_type for request in server.requests] == ["json_schema", "json_schema", "json_object"]
        assert (first.structured, first.requests, len(first.errors)) == ("json_object", 3, 2)
        assert all("response_format" in error for error in first.errors)
        second = await models.ask("router", settings(server), asks, schema=COLOR)
        assert (second.structured, second.requests, second.errors) == ("json_object", 1, ())
        # Another model of the same server may know schemas.
        await models.ask("router", settings(server, model="other"), asks, schema=COLOR)
        assert server.requests[4].response_type == "json_schema"
    assert read_object(first.text) == {"color": "red"}


async def test_the_weakest_mode_sends_no_response_format(models: Models) -> None:
    body = b'{"error": {"message": "response_format is unknown", "code": null}}'
    async with Body(body, "400 Bad Request") as url:
        error = await refused(models, ModelSettings(base_url=url, model="m", max_requests=9), schema=COLOR)
    # The fourth refusal came to a request without response_format: there is nothing left to leave out.
    assert (error.kind, error.requests) == ("refused", len(MODES))


async def test_a_late_refusal_does_not_take_back_what_another_call_found_out() -> None:
    models = Models(backoff=0.001)
    with LoopbackServer(supports_schema=False) as server:
        asked = settings(server, max_requests=6)
        replies = await asyncio.gather(*(models.ask("router", asked, HELLO, schema=COLOR) for _ in range(20)))
        seen = len(server.requests)
        await models.ask("router", asked, HELLO, schema=COLOR)
        assert len(server.requests) == seen + 1
    assert {reply.structured for reply in replies} == {"json_object"}
    await models.close()


async def test_calls_without_a_schema_say_so(models: Models) -> None:
    with LoopbackServer() as server:
        reply = await models.ask("client", settings(server), HELLO)
        assert "response_format" not in server.requests[0].body
    assert reply.structured is None


async def test_no_more_calls_in_flight_than_allowed(models: Models) -> None:
    with LoopbackServer(latency=Latency(base=0.05)) as server:
        asked = settings(server, max_in_flight=3)
        await asyncio.gather(*(models.ask("client", asked, HELLO) for _ in range(12)))
        spans = [(request.received, request.finished or 0.0) for request in server.requests]
    assert most_at_once(spans) == 3


async def test_a_wait_before_the_next_request_holds_no_place() -> None:
    models = Models(backoff=2.0)  # the wait is one to two seconds
    with LoopbackServer(faults=Faults.script(["500"])) as server:
        asked = settings(server, max_in_flight=1)
        waiting = asyncio.create_task(models.ask("client", asked, HELLO))
        while not server.requests:  # noqa: ASYNC110 - the server is another thread and has no event of ours
            await asyncio.sleep(0.005)
        await models.ask("client", asked, [HumanMessage("Meanwhile.")])
        assert (await waiting).requests == 2
        assert ["Meanwhile." in request.prompt for request in server.requests] == [False, True, False]
    await models.close()


async def test_the_time_spent_in_the_queue_is_not_the_servers(models: Models) -> None:
    with LoopbackServer(latency=Latency(base=0.3)) as server:
        asked = settings(server, max_in_flight=1, timeout=1.5, max_requests=1)
        replies = await asyncio.gather(*(models.ask("client", asked, HELLO) for _ in range(6)))
    assert [reply.requests for reply in replies] == [1] * 6


async def test_the_model_is_found_where_none_is_named(models: Models) -> None:
    with LoopbackServer(models=("first", "second")) as server:
        asked = ModelSettings(base_url=server.base_url, max_requests=1)
        replies = await asyncio.gather(*(models.ask("client", asked, HELLO) for _ in range(5)))
        assert {request.body["model"] for request in server.requests[1:]} == {"first"}
        assert [request.path for request in server.requests].count("/v1/models") == 1
    assert {reply.model for reply in replies} == {"first"}


async def test_an_endpoint_that_lists_nothing_asks_for_a_name(models: Models) -> None:
    with LoopbackServer(models=()) as server:
        error = await refused(models, ModelSettings(base_url=server.base_url))
    assert error.kind == "configuration"
    assert "--model" in str(error)


@pytest.mark.parametrize(
    ("status", "kind"), [(401, "refused"), (404, "refused"), (503, "server_error"), (429, "rate_limited")]
)
async def test_a_list_of_models_that_cannot_be_had(models: Models, status: int, kind: str) -> None:
    with LoopbackServer() as server:
        server.fail_with(status, "not now")
        error = await refused(models, ModelSettings(base_url=server.base_url))
        assert error.kind == kind
        assert f"answers {status}: not now" in str(error)
        # A failure is not remembered: the server may be up a moment later.
        server.clear()
        assert (await models.ask("client", ModelSettings(base_url=server.base_url), HELLO)).model == "loopback"


@pytest.mark.parametrize("body", [b"<html>hello</html>", b"[]", b"null", b'{"data": [1]}', b'{"data": null}'])
async def test_a_page_in_place_of_the_list_of_models(models: Models, body: bytes) -> None:
    async with Body(body) as url:
        error = await refused(models, ModelSettings(base_url=url))
    assert error.kind in {"garbled", "configuration"}
    assert "--model" in str(error)


async def test_the_standard_variables_are_honoured(models: Models, monkeypatch: pytest.MonkeyPatch) -> None:
    with LoopbackServer(api_key=KEY) as server:
        monkeypatch.setenv("OPENAI_BASE_URL", server.base_url + "/")
        monkeypatch.setenv("OPENAI_API_KEY", f" {KEY}\n")
        reply = await models.ask("client", ModelSettings(), HELLO)
        assert {request.headers["authorization"] for request in server.requests} == {f"Bearer {KEY}"}
        assert reply.endpoint == server.base_url


async def test_settings_win_over_the_variables(models: Models, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_BASE_URL", "http://127.0.0.1:1/v1")
    monkeypatch.setenv("OPENAI_API_KEY", "sk-another-one")
    monkeypatch.setenv("COUNSELING_KEY", KEY)
    with LoopbackServer(api_key=KEY) as server:
        await models.ask("client", settings(server, api_key_env="COUNSELING_KEY"), HELLO)


async def test_two_keys_for_one_endpoint_are_not_mixed_up(models: Models, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KEY_ONE", "sk-number-one")
    monkeypatch.setenv("KEY_TWO", "sk-number-two")
    with LoopbackServer() as server:
        for name in ("KEY_ONE", "KEY_TWO", "KEY_ONE"):
            await models.ask("client", settings(server, api_key_env=name), HELLO)
        sent = [request.headers["authorization"].removeprefix("Bearer ") for request in server.requests]
    assert sent == ["sk-number-one", "sk-number-two", "sk-number-one"]


async def test_no_endpoint_and_no_key_are_said_before_anything_is_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ModelError, match=r"gpt-5.*needs an endpoint: give --base-url") as caught:
        await find_endpoint(ModelSettings(model="gpt-5"))
    assert caught.value.kind == "configuration"
    with pytest.raises(ModelError, match="needs a key: the environment variable OPENAI_API_KEY is not set"):
        await find_endpoint(ModelSettings(base_url=OPENAI_URL))
    with pytest.raises(ModelError, match="the environment variable MY_KEY is not set"):
        await find_endpoint(ModelSettings(base_url="http://127.0.0.1:1/v1", api_key_env="MY_KEY"))
    monkeypatch.setenv("OPENAI_API_KEY", "  ")
    with pytest.raises(ModelError, match="is not set"):
        await find_endpoint(ModelSettings(model="gpt-5"))


async def test_only_openai_itself_gets_openais_name_for_the_limit(
    models: Models, monkeypatch: pytest.MonkeyPatch
) -> None:
    with LoopbackServer() as server:
        await models.ask("client", settings(server, max_tokens=77), HELLO)
        body = server.requests[0].body
    assert body["max_tokens"] == 77
    assert "max_completion_tokens" not in body
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    asked = ModelSettings(model="gpt-5", max_tokens=77, temperature=0.7)
    request = wire_request("client", asked, await find_endpoint(asked), HELLO, None, None, PLAIN, "")
    assert request.sent == {"temperature": 0.7, "max_completion_tokens": 77}
    assert request.options["extra_body"] == {"max_completion_tokens": 77}


async def test_openais_default_model_does_not_reason_unless_the_settings_say(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", KEY)

    async def effort(**fields: Any) -> object:
        asked = ModelSettings(**fields)
        request = wire_request("client", asked, await find_endpoint(asked), HELLO, None, None, PLAIN, "")
        return request.sent.get("reasoning_effort")

    assert await effort() == await effort(model=OPENAI_MODEL) == "none"
    assert await effort(reasoning_effort="low") == "low"
    assert await effort(model="gpt-5.4") is None
    assert await effort(base_url="http://127.0.0.1:1/v1", model=OPENAI_MODEL) is None


async def test_what_a_request_carries(models: Models) -> None:
    with LoopbackServer() as server:
        asked = settings(server, temperature=0.4, top_p=0.8, extra_body={"min_p": 0.1})
        await models.ask("client", asked, HELLO, seed=7, session_id="one-two")
        request = server.requests[0]
    assert request.headers["x-session-id"] == "one-two"
    assert {name: request.body[name] for name in ("temperature", "top_p", "seed", "min_p", "model")} == {
        **{"temperature": 0.4, "top_p": 0.8, "seed": 7, "min_p": 0.1, "model": "m"}
    }
    assert request.messages == [("system", "You are brief."), ("user", "Say hello.")]


async def test_what_the_settings_leave_out_is_not_sent(models: Models) -> None:
    with LoopbackServer() as server:
        for fields in (
            {"omit": ("temperature", "top_p", "seed", "max_tokens")},
            {"extra_body": {"temperature": None, "top_p": None, "seed": None, "max_tokens": None}},
        ):
            reply = await models.ask(
                "client", settings(server, temperature=0.4, top_p=0.8, max_tokens=64, **fields), HELLO, seed=7
            )
            assert server.requests[-1].body.keys() == {"model", "messages", "stream"}
            assert reply.sent == {}
        kept = {"omit": ("max_tokens",), "extra_body": {"max_completion_tokens": 99, "min_p": None}}
        await models.ask("client", settings(server, max_tokens=64, **kept), HELLO)
        assert server.requests[-1].body.keys() == {"model", "messages", "stream", "max_completion_tokens"}


async def test_a_reasoning_effort_and_a_folded_system_message_can_be_said_at_once(models: Models) -> None:
    with LoopbackServer() as server:
        asked = settings(server, reasoning_effort="low", system_role="fold")
        reply = await models.ask("client", asked, HELLO)
        (request,) = server.requests
    assert request.body["reasoning_effort"] == reply.sent["reasoning_effort"] == "low"
    assert request.messages == [("user", "You are brief.\n\nSay hello.")]
    assert reply.sent["system_role"] == "folded"


@pytest.mark.parametrize("model", ["o1", "gpt-5-mini", "gpt-5.4", "o4-mini"])
async def test_the_library_adds_and_takes_away_nothing_for_some_names_of_models(models: Models, model: str) -> None:
    with LoopbackServer() as server:
        await models.ask("client", settings(server, model=model, temperature=0.4, max_tokens=64), HELLO, seed=7)
        await models.ask("client", settings(server, model=model, omit=("temperature", "seed", "max_tokens")), HELLO)
        first, second = (request.body for request in server.requests)
    assert {**first, "messages": 0, "model": 0} == {
        **{"messages": 0, "model": 0, "temperature": 0.4, "seed": 7, "max_tokens": 64, "stream": False}
    }
    assert second.keys() == {"messages", "model", "stream"}


async def test_a_field_that_the_owner_added_is_the_owners_to_take_out(models: Models) -> None:
    words = b'{"error": {"message": "Unsupported parameter: \'reasoning_effort\'", "param": "reasoning_effort"}}'
    async with Body(words, "400 Bad Request") as url:
        error = await refused(models, ModelSettings(base_url=url, model="m", reasoning_effort="low"))
    assert (error.kind, error.requests) == ("refused", 1)


async def test_errors_without_words_lower_the_mode_for_a_schema_only_where_none_has_worked(models: Models) -> None:
    with LoopbackServer(faults=Faults.script([None, "500", "500", None])) as server:
        asked = settings(server, max_requests=6)
        for expected in ("json_schema", "json_schema_without_bounds", "json_schema"):
            assert (await models.ask("router", asked, HELLO, schema=COLOR)).structured == expected
    with LoopbackServer(faults=Faults.script(["500", None])) as server:
        # One such error may be an accident.
        assert (await models.ask("router", settings(server), HELLO, schema=COLOR)).structured == "json_schema"


def test_several_event_loops_of_one_process_share_the_models() -> None:
    models = Models(backoff=0.001)

    async def both(url: str) -> list[Reply]:
        asked = ModelSettings(base_url=url, max_requests=1, max_in_flight=1)
        return await asyncio.gather(*(models.ask("client", asked, HELLO) for _ in range(3)))

    with LoopbackServer() as server:
        replies = [reply for _ in range(3) for reply in asyncio.run(both(server.base_url))]
    assert len(replies) == 9
    assert all(reply.text for reply in replies)


@pytest.fixture
def key(monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    return KEY


@pytest.mark.parametrize("status", [400, 401, 404, 429, 500])
async def test_a_server_that_says_the_key_is_not_quoted(models: Models, key: str, status: int) -> None:
    with LoopbackServer() as server:
        server.fail_with(status, f"Incorrect API key provided: {key}. Bearer {key}")
        error = await refused(models, settings(server, max_requests=2))
    assert "***" in str(error)
    assert key not in everything_of(error)


async def test_a_garbled_body_with_the_key_is_not_quoted(models: Models, key: str) -> None:
    async with Body(f'{{"error": {{"message": "bad key {key}"}}}}'.encode()) as url:
        error = await refused(models, ModelSettings(base_url=url, model="m", max_requests=2))
        nameless = await refused(models, ModelSettings(base_url=url))
    assert error.kind == "garbled"
    assert key not in f"{error} {error.errors} {nameless} {nameless.errors}"


async def test_a_key_that_no_header_can_carry_is_refused_without_being_shown(
    models: Models, monkeypatch: pytest.MonkeyPatch
) -> None:
    with LoopbackServer() as server:
        for bad in ("sk-planted\nsecond-line", "sk-planted-\x7f", "sk-planted-é", "sk-planted-“quoted”"):
            monkeypatch.setenv("OPENAI_API_KEY", bad)
            error = await refused(Models(), settings(server))
            assert error.kind == "configuration"
            assert "OPENAI_API_KEY" in str(error)
            assert "planted" not in everything_of(error)
        assert server.requests == []


@pytest.mark.parametrize("url", ["http://user:planted-secret@127.0.0.1:1/v1", "127.0.0.1:1/planted-secret"])
async def test_a_base_url_with_a_secret_or_without_a_scheme_is_refused(
    models: Models, monkeypatch: pytest.MonkeyPatch, url: str
) -> None:
    monkeypatch.setenv("OPENAI_BASE_URL", url)
    error = await refused(models, ModelSettings(model="m"))
    assert error.kind == "configuration"
    assert str(error).startswith("OPENAI_BASE_URL: base_url: ")
    assert "planted" not in everything_of(error)


async def test_the_key_shows_in_no_repr(models: Models, key: str) -> None:
    with LoopbackServer(api_key=key) as server:
        asked = settings(server)
        await models.ask("client", asked, HELLO)
        endpoint = await models.endpoint(asked)
        (state,) = models._loops.values()
    assert endpoint.key == key
    for thing in (endpoint, models, state, asked, *state.chats.values(), dict(state.endpoints)):
        assert key not in f"{thing!r} {thing!s}"


@pytest.mark.parametrize("well", [True, False])
async def test_the_key_is_in_no_file_of_a_session(models: Models, key: str, tmp_path: Path, well: bool) -> None:
    with LoopbackServer(faults=Faults.script(["500", "html", None, "cut"])) as server:
        if not well:
            server.fail_with(401, f"Incorrect API key provided: {key}")
        settings = config(
            models={"default": ModelSettings(base_url=server.base_url, model="m", timeout=5)}, max_turns=2
        )
        settings = pinned(settings, await serving(models, settings))
        task = SessionTask(profile=profile(), attitude="neutral", config=settings)
        record = await run_session(task, tmp_path, models)
        journal = task.journal_path(tmp_path).read_text()
        keep(record, tmp_path)
        assert key in server.requests[0].headers["authorization"]
    assert record.status == ("finished" if well else "failed")
    assert key not in journal + repr(record)
    assert_nowhere(key, tmp_path)


def server_url(error: str) -> str:
    return error.split(" ", 1)[0] if error.startswith("http://127.0.0.1:") else "not an endpoint"


def one_url(reply: Reply) -> str:
    return reply.endpoint if reply.endpoint.endswith("/v1") else "not an endpoint"


def most_at_once(spans: list[tuple[float, float]]) -> int:
    return max(sum(began <= start < ended for began, ended in spans) for start, _ in spans)


def assert_nowhere(key: str, folder: Path) -> None:
    written = [path for path in folder.rglob("*") if path.is_file()]
    assert written
    assert all(key.encode() not in path.read_bytes() for path in written)
