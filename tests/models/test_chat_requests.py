"""Asking a model over real HTTP: whom the variables and settings name, and what a request carries."""

import asyncio
from typing import Any

import pytest

from counseling_sessions.models.chat import Models
from counseling_sessions.models.dialect import PLAIN
from counseling_sessions.models.endpoints import OPENAI_MODEL, OPENAI_URL, find_endpoint
from counseling_sessions.models.errors import ModelError
from counseling_sessions.models.requests import Reply, wire_request
from counseling_sessions.settings import ModelSettings
from tests.loopback import Faults, LoopbackServer
from tests.models.asking import COLOR, HELLO, KEY, Body, refused, settings

pytestmark = pytest.mark.usefixtures("no_surroundings")


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
