"""Asking a model over real HTTP: what is read of an answer, and how many are asked for at once."""

import asyncio

import pytest
from langchain_core.messages import HumanMessage, SystemMessage

from counseling_sessions.graph.session import run_options, session_input
from counseling_sessions.graph.session_graph import build_session_graph
from counseling_sessions.models.chat import Models
from counseling_sessions.models.structured import MODES, read_object
from counseling_sessions.settings import ModelSettings
from tests.loopback import Faults, Latency, LoopbackServer
from tests.models.asking import COLOR, HELLO, Body, most_at_once, one_url, refused, settings
from tests.scripted import config, profile

pytestmark = pytest.mark.usefixtures("no_surroundings")


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
