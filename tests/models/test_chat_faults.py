"""Asking a model over real HTTP: what is retried and counted, and what is refused."""

import errno
import socket
from typing import Any

import aiohttp
import pytest
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import HumanMessage

from counseling_sessions.models.breaker import RETRY_AFTER_CAP
from counseling_sessions.models.chat import Models
from counseling_sessions.models.endpoints import Endpoint
from counseling_sessions.models.errors import ModelError
from counseling_sessions.settings import ModelSettings
from counseling_sessions.store.machine import Shortage
from tests.loopback import FaultKind, Faults, LoopbackServer
from tests.models.asking import HELLO, KEY, Body, refused, server_url, settings
from tests.models.canary import everything_of

pytestmark = pytest.mark.usefixtures("no_surroundings")


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


def patience(kind: FaultKind) -> float:
    """The seconds after which an answer is late: few only for a fault that is to be late, as a busy machine takes its time."""
    return 1 if kind == "timeout" else 20


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
