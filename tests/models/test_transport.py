"""Where requests go and what goes with them, whatever variables the libraries read of their own accord."""

import ssl
from typing import Any

import pytest
from langchain_core.messages import HumanMessage

from counseling_sessions.models.chat import Models
from counseling_sessions.models.endpoints import OPENAI_URL, Endpoint
from counseling_sessions.settings import ModelSettings
from tests.loopback import LoopbackServer

PASSWORD = "canary-of-a-proxy-0123456789"
HELLO = [HumanMessage("Say hello.")]

pytestmark = pytest.mark.usefixtures("no_surroundings")


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
async def test_what_is_meant_for_this_machine_goes_to_no_proxy(
    models: Models, monkeypatch: pytest.MonkeyPatch, host: str
) -> None:
    monkeypatch.delenv("NO_PROXY", raising=False)
    monkeypatch.delenv("no_proxy", raising=False)
    with LoopbackServer() as proxy, LoopbackServer() as server:
        for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
            monkeypatch.setenv(name, proxy.base_url.removesuffix("/v1"))
        url = server.base_url.replace("127.0.0.1", host)

        await models.ask("client", ModelSettings(base_url=url, max_requests=1), HELLO)

        assert not proxy.requests
        assert server.requests


async def test_a_proxy_of_the_library_s_own_changes_nothing(models: Models, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_PROXY", f"http://user:{PASSWORD}@127.0.0.1:9")
    with LoopbackServer() as server:
        reply = await models.ask("client", ModelSettings(base_url=server.base_url, max_requests=1), HELLO)

    assert reply.text


async def test_headers_of_the_environment_go_to_no_server(models: Models, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-the-key-that-is-meant")
    monkeypatch.setenv("OPENAI_CUSTOM_HEADERS", f"X-Api-Key: {PASSWORD}\nAuthorization: Bearer {PASSWORD}")
    monkeypatch.setenv("OPENAI_ORG_ID", PASSWORD)
    monkeypatch.setenv("OPENAI_PROJECT_ID", PASSWORD)
    with LoopbackServer() as server:
        await models.ask("client", ModelSettings(base_url=server.base_url, max_requests=1), HELLO)

        assert len(server.requests) == 2  # the list of models, and the answer
        assert {request.headers["authorization"] for request in server.requests} == {"Bearer sk-the-key-that-is-meant"}
        assert PASSWORD not in repr([request.headers for request in server.requests])


async def test_the_certificates_are_read_once(monkeypatch: pytest.MonkeyPatch) -> None:
    times, load = [], ssl.SSLContext.load_verify_locations

    def counting(context: ssl.SSLContext, *where: Any, **options: Any) -> None:
        times.append(where)
        load(context, *where, **options)

    monkeypatch.setattr(ssl.SSLContext, "load_verify_locations", counting)
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:9")
    for _ in range(2):
        models = Models()
        with LoopbackServer() as server:
            await models.ask("client", ModelSettings(base_url=server.base_url, max_requests=1), HELLO)
        await models.close()

    assert len(times) <= 1  # none where an earlier test has read them


def test_a_name_that_begins_like_openai_s_is_another_server() -> None:
    assert Endpoint(OPENAI_URL, "m", "k").is_openai
    assert not Endpoint("https://api.openai.com.example/v1", "m", "k").is_openai
