"""The loopback server as the `openai` client sees it, over real HTTP."""

import asyncio
import itertools
import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any, Literal

import httpx2
import openai
import pytest
from openai import AsyncOpenAI
from openai.types.chat import ChatCompletion
from pydantic import BaseModel, Field

from tests.loopback import Answer, FaultKind, Faults, Latency, LoopbackServer, Request, SmallTalk, sensible_answer
from tests.loopback.small_talk import TEXTS, text_at

Technique = Literal["reflection", "questioning", "solutions", "normalizing", "psychoeducation"]


class Step(BaseModel):
    name: str = Field(max_length=20)
    note: str | None


class Pick(BaseModel):
    techniques: list[Technique] = Field(min_length=2, max_length=4)
    phase: Literal["opening", "exploring", "working", "closing"]
    score: int = Field(ge=1, le=7)
    weight: float = Field(gt=0, lt=1)
    steps: list[Step]
    done: bool


@pytest.fixture
def server() -> Iterator[LoopbackServer]:
    with LoopbackServer() as running:
        yield running


def client_of(server: LoopbackServer, **options: Any) -> AsyncOpenAI:
    return AsyncOpenAI(base_url=server.base_url, max_retries=0, **{"api_key": "any", **options})


async def ask(client: AsyncOpenAI, text: str = "How was the week?", **options: Any) -> ChatCompletion:
    return await client.chat.completions.create(
        model="loopback", messages=[{"role": "user", "content": text}], **options
    )


def content_of(completion: ChatCompletion) -> str:
    return completion.choices[0].message.content or ""


async def streamed(client: AsyncOpenAI, text: str = "How was the week?", **options: Any) -> list[Any]:
    return [chunk async for chunk in await ask(client, text, stream=True, **options)]  # type: ignore[attr-defined]


async def until(condition: Callable[[], bool]) -> None:
    for _ in range(1000):
        if condition():
            return
        await asyncio.sleep(0.005)
    pytest.fail("waited 5 s in vain")


def overlap(one: str, other: str) -> float:
    grams = [set(zip(words, words[1:], words[2:], strict=False)) for words in (one.split(), other.split())]
    return len(grams[0] & grams[1]) / len(grams[0] | grams[1])


class TestAnswers:
    async def test_plain(self, server: LoopbackServer) -> None:
        async with client_of(server) as client:
            completion = await ask(client)
            assert [model.id async for model in client.models.list()] == ["loopback"]
        assert completion.choices[0].finish_reason == "stop"
        assert content_of(completion)[-1] in ".?"
        request = server.requests[0]
        assert (request.path, request.status, request.fault) == ("/v1/chat/completions", 200, None)
        assert request.prompt == "How was the week?"
        assert request.body["model"] == "loopback"
        assert request.headers["authorization"] == "Bearer any"
        assert request.finished is not None
        assert request.received <= request.finished <= time.monotonic()

    async def test_own_answer_function_sees_the_request(self) -> None:
        def answer(request: Request) -> Answer | str:
            return request.prompt.upper() if "loud" in request.prompt else Answer("cut", "length")

        with LoopbackServer(answer) as server:
            async with client_of(server) as client:
                assert content_of(await ask(client, "loud")) == "LOUD"
                assert (await ask(client, "soft")).choices[0].finish_reason == "length"

    async def test_error_in_the_answer_function_is_a_500_and_recorded(self) -> None:
        def answer(request: Request) -> str:
            raise LookupError("no such line")

        with LoopbackServer(answer) as server:
            async with client_of(server) as client:
                with pytest.raises(openai.InternalServerError, match="LookupError: no such line"):
                    await ask(client)
            assert isinstance(server.requests[0].error, LookupError)

    async def test_streaming_with_usage(self, server: LoopbackServer) -> None:
        async with client_of(server) as client:
            chunks = await streamed(client, stream_options={"include_usage": True})
            bare = await streamed(client)
        pieces = [chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices]
        assert len([piece for piece in pieces if piece]) > 10
        assert "".join(pieces)[-1] in ".?"
        assert [chunk.choices[0].finish_reason for chunk in chunks if chunk.choices][-1] == "stop"
        assert chunks[-1].usage.completion_tokens == server.requests[0].completion_tokens > 10
        assert all(chunk.usage is None for chunk in bare)

    async def test_structured(self, server: LoopbackServer) -> None:
        picks = []
        async with client_of(server) as client:
            for number in range(40):
                completion = await client.chat.completions.parse(
                    model="loopback", messages=[{"role": "user", "content": f"turn {number}"}], response_format=Pick
                )
                pick = completion.choices[0].message.parsed
                assert pick is not None
                picks.append(pick)
        assert {pick.phase for pick in picks} == {"opening", "exploring", "working", "closing"}
        assert {pick.score for pick in picks} == set(range(1, 8))
        assert {len(pick.techniques) for pick in picks} == {2, 3, 4}
        assert all(len(set(pick.techniques)) == len(pick.techniques) for pick in picks)
        assert all(step.name and step.note for pick in picks for step in pick.steps)

    def test_choices_depend_on_the_prompt_alone(self) -> None:
        def pick(prompt: str) -> Any:
            form = {"type": "json_schema", "json_schema": {"schema": Pick.model_json_schema()}}
            body = {"messages": [{"role": "user", "content": prompt}], "response_format": form}
            return json.loads(sensible_answer(Request(body=body)).text)

        assert pick("one") == pick("one") != pick("two")

    async def test_json_object(self, server: LoopbackServer) -> None:
        async with client_of(server) as client:
            empty = await ask(client, "Answer in JSON.", response_format={"type": "json_object"})
            prompt = f"Answer {{so}}, by this schema: {json.dumps(Pick.model_json_schema(), indent=1)}\nNow."
            filled = await ask(client, prompt, response_format={"type": "json_object"})
        assert content_of(empty) == "{}"
        Pick.model_validate_json(content_of(filled))

    async def test_schema_unsupported(self) -> None:
        with LoopbackServer(supports_schema=False) as server:
            async with client_of(server) as client:
                with pytest.raises(openai.BadRequestError, match="response_format") as caught:
                    await client.chat.completions.parse(
                        model="m", messages=[{"role": "user", "content": "?"}], response_format=Pick
                    )
                assert caught.value.param == "response_format"
                assert content_of(await ask(client))


class TestRefusals:
    async def test_api_key(self) -> None:
        with LoopbackServer(api_key="right") as server:
            async with client_of(server, api_key="wrong") as client:
                with pytest.raises(openai.AuthenticationError):
                    await ask(client)
                with pytest.raises(openai.AuthenticationError):
                    await client.models.list()
            async with client_of(server, api_key="right") as client:
                assert content_of(await ask(client))
            assert [request.status for request in server.requests] == [401, 401, 200]

    async def test_fail_with_until_clear(self, server: LoopbackServer) -> None:
        server.fail_with(403, "no access to this model")
        async with client_of(server) as client:
            for _ in range(2):
                with pytest.raises(openai.PermissionDeniedError, match="no access to this model"):
                    await ask(client)
            server.clear()
            assert server.requests == []
            assert content_of(await ask(client))
        assert server.requests[0].number == 0

    async def test_not_found_and_bad_bodies(self, server: LoopbackServer) -> None:
        async with httpx2.AsyncClient(base_url=server.base_url) as http:
            assert (await http.post("/embeddings", json={})).status_code == 404
            assert (await http.get("/chat/completions")).status_code == 404
            for body in (b"{", b"[]", b"{}", b'{"messages": []}', b'{"messages": ["hi"]}'):
                response = await http.post("/chat/completions", content=body)
                assert response.status_code == 400
                assert response.json()["error"]["message"]
        assert [request.number for request in server.requests] == [-1] * 7

    def test_bytes_that_are_not_http(self, server: LoopbackServer) -> None:
        with socket.create_connection(("127.0.0.1", int(server.base_url.split(":")[2].split("/")[0]))) as raw:
            raw.sendall(b"hello\r\n\r\n")
            assert raw.recv(100).startswith(b"HTTP/1.1 400 ")


class TestUsage:
    async def test_cached_tokens_grow_with_the_shared_prefix(self, server: LoopbackServer) -> None:
        shared = "the transcript so far " * 20  # 80 tokens; with the role's one, five whole blocks
        async with client_of(server) as client:
            usages = [(await ask(client, text)).usage for text in (shared, shared + "and on", shared * 2, shared * 2)]
        details = [(usage.prompt_tokens, usage.prompt_tokens_details.cached_tokens) for usage in usages if usage]  # type: ignore[union-attr]
        assert details == [(81, 0), (83, 80), (161, 80), (161, 160)]
        assert (server.prompt_tokens, server.cached_tokens) == (81 + 83 + 161 + 161, 80 + 80 + 160)
        assert server.completion_tokens == sum(usage.completion_tokens for usage in usages if usage)

    async def test_last_token_is_always_computed(self, server: LoopbackServer) -> None:
        text = "word " * 31  # with the role's token exactly two blocks
        async with client_of(server) as client:
            for _ in range(2):
                await ask(client, text)
        assert [request.cached_tokens for request in server.requests] == [0, 16]

    @pytest.mark.parametrize(("blocks", "cached"), [(0, 0), (2, 0), (3, 16), (5, 48), (8, 64), (None, 64)])
    async def test_small_cache_forgets(self, blocks: int | None, cached: int) -> None:
        first, second = "apple " * 70, "pear " * 40  # four blocks and two
        with LoopbackServer(cache_blocks=blocks) as server:
            async with client_of(server) as client:
                for text in (first, second, first):
                    await ask(client, text)
            assert [request.cached_tokens for request in server.requests] == [0, 0, cached]

    async def test_no_usage(self) -> None:
        with LoopbackServer(report_usage=False) as server:
            async with client_of(server) as client:
                assert (await ask(client)).usage is None
                chunks = await streamed(client, stream_options={"include_usage": True})
            assert all(chunk.usage is None for chunk in chunks)
            assert server.prompt_tokens > 0

    async def test_latency_counts_what_is_computed(self) -> None:
        text = "word " * 100
        with LoopbackServer(latency=Latency(per_prompt_token=0.003)) as server:
            async with client_of(server) as client:
                for _ in range(2):
                    await ask(client, text)
            first, second = [request.finished - request.received for request in server.requests if request.finished]
        assert first >= 0.3
        assert 0.015 <= second < first

    async def test_latency_paces_a_stream(self) -> None:
        with LoopbackServer(lambda _: "one two three four", latency=Latency(per_completion_token=0.01)) as server:
            async with client_of(server) as client:
                arrivals = [time.monotonic() async for _ in await ask(client, stream=True)]  # type: ignore[attr-defined]
        assert arrivals[-1] - arrivals[0] >= 0.02


class TestFaults:
    @pytest.mark.parametrize(
        ("kind", "error"),
        [
            ("429", openai.RateLimitError),
            ("500", openai.InternalServerError),
            ("503", openai.InternalServerError),
            ("cut", openai.APIConnectionError),
            ("reset", openai.APIConnectionError),
            ("timeout", openai.APITimeoutError),
            ("garbage", json.JSONDecodeError),
        ],
    )
    async def test_raises_then_recovers(self, kind: FaultKind, error: type[Exception]) -> None:
        with LoopbackServer(faults=Faults.script([kind])) as server:
            async with client_of(server, timeout=1 if kind == "timeout" else 20) as client:
                with pytest.raises(error) as caught:
                    await ask(client)
                assert content_of(await ask(client))
            assert [request.fault for request in server.requests] == [kind, None]
        if isinstance(caught.value, openai.APIStatusError):
            assert str(caught.value.status_code) == kind
        if isinstance(caught.value, openai.RateLimitError):
            assert caught.value.response.headers["retry-after"] == "0.05"

    @pytest.mark.parametrize(
        ("kind", "error"), [("cut", httpx2.RemoteProtocolError), ("garbage", json.JSONDecodeError)]
    )
    async def test_streams_break(self, kind: FaultKind, error: type[Exception]) -> None:
        with LoopbackServer(faults=Faults.script([kind])) as server:
            async with client_of(server) as client:
                with pytest.raises((error, openai.APIConnectionError)):
                    await streamed(client)

    async def test_timeout_answers_a_patient_client_after_hold(self) -> None:
        with LoopbackServer(faults=Faults.script(["timeout"], hold=0.05)) as server:
            async with client_of(server) as client:
                assert content_of(await ask(client))
            (request,) = server.requests
        assert request.finished is not None
        assert request.finished - request.received >= 0.05

    async def test_empty_and_truncated(self) -> None:
        with LoopbackServer(faults=Faults.script(["empty", "truncated"])) as server:
            async with client_of(server) as client:
                assert content_of(await ask(client)) == ""
                truncated = await ask(client)
        assert truncated.choices[0].finish_reason == "length"
        assert content_of(truncated)[-1] not in ".?"

    async def test_html_reaches_the_client_as_text(self) -> None:
        with LoopbackServer(faults=Faults.script(["html"])) as server:
            async with client_of(server) as client:
                assert str(await ask(client)).startswith("<html>")

    async def test_malformed_concerns_structured_requests(self) -> None:
        form = {"type": "json_schema", "json_schema": {"name": "pick", "schema": Pick.model_json_schema()}}
        with LoopbackServer(faults=Faults.script(["malformed", "malformed"])) as server:
            async with client_of(server) as client:
                spoilt = content_of(await ask(client, response_format=form))
                assert content_of(await ask(client))[-1] in ".?"
            assert [request.fault for request in server.requests] == ["malformed", None]
        with pytest.raises(json.JSONDecodeError):
            json.loads(spoilt)

    def test_rate_and_seed(self) -> None:
        faults = Faults(rate=0.2, kinds=("429", "cut"), seed=7)
        drawn = [faults.kind_for(number) for number in range(2000)]
        assert drawn == [Faults(rate=0.2, kinds=("429", "cut"), seed=7).kind_for(number) for number in range(2000)]
        assert drawn != [Faults(rate=0.2, kinds=("429", "cut"), seed=8).kind_for(number) for number in range(2000)]
        assert 300 < sum(kind is not None for kind in drawn) < 500
        assert set(drawn) == {None, "429", "cut"}

    async def test_refused_requests_take_no_fault(self) -> None:
        with LoopbackServer(faults=Faults.script(["empty"]), api_key="right") as server:
            async with client_of(server) as client:
                with pytest.raises(openai.AuthenticationError):
                    await ask(client)
            async with client_of(server, api_key="right") as client:
                assert content_of(await ask(client)) == ""

    def test_wrong_settings(self) -> None:
        with pytest.raises(ValueError, match="unknown fault '502'"):
            Faults.script(["502"])  # type: ignore[list-item]
        with pytest.raises(ValueError, match="between 0 and 1"):
            Faults(rate=20)


class TestSmallTalk:
    def test_texts_hardly_overlap(self) -> None:
        talk = SmallTalk()
        texts = [talk.text(f"turn {number % 150}") for number in range(300)]
        assert max(itertools.starmap(overlap, itertools.combinations(texts, 2))) < 0.3
        assert all(15 <= len(text.split()) <= 40 and text[-1] in ".?" and ":" not in text for text in texts)

    def test_worst_pairs(self) -> None:
        # (x - a)(x - b)(x - c) added to a text's polynomial keeps the phrases of slots a, b and c: the most possible.
        for a, b, c in itertools.combinations(range(8), 3):
            difference = (-a * b * c, a * b + a * c + b * c, -(a + b + c), 1)
            for index in range(0, TEXTS, 4999):
                digits = [(index // 23**place + step) % 23 for place, step in enumerate(difference)]
                other = sum(digit * 23**place for place, digit in enumerate(digits))
                assert 0 < overlap(text_at(index), text_at(other)) < 0.3

    def test_never_repeats(self) -> None:
        talk = SmallTalk()
        assert len({talk.text("the same prompt") for _ in range(20_000)}) == 20_000

    def test_equal_servers_say_the_same(self) -> None:
        one, other = SmallTalk(), SmallTalk()
        assert [one.text(seed) for seed in "abca"] == [other.text(seed) for seed in "abca"]


class TestLifetime:
    async def test_many_at_once_and_one_connection_many_times(self, server: LoopbackServer) -> None:
        async with client_of(server) as client:
            completions = await asyncio.gather(*(ask(client, f"question {number}") for number in range(100)))
        assert len({content_of(completion) for completion in completions}) == 100
        assert sorted(request.number for request in server.requests) == list(range(100))

    async def test_exit_cancels_held_requests_and_frees_everything(self) -> None:
        server = LoopbackServer(faults=Faults.script(["timeout"], hold=600))
        with server:
            port = int(server.base_url.split(":")[2].split("/")[0])
            client = client_of(server)
            held = asyncio.create_task(ask(client))
            await until(lambda: bool(server.requests))
            started = time.monotonic()
        assert time.monotonic() - started < 5
        with pytest.raises(openai.APIConnectionError):
            await held
        await client.close()
        assert "loopback-server" not in [thread.name for thread in threading.enumerate()]
        assert server.requests[0].status is None
        assert server.requests[0].finished is not None
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", port))
        with pytest.raises(RuntimeError, match="inside its `with` block"):
            _ = server.base_url

    async def test_client_that_left_is_noticed(self) -> None:
        with LoopbackServer(faults=Faults.script(["timeout"])) as server:
            async with client_of(server, timeout=0.05) as client:
                with pytest.raises(openai.APITimeoutError):
                    await ask(client)
            await until(lambda: server.requests[0].finished is not None)
            assert server.requests[0].status is None

    async def test_enters_again_and_keeps_the_newest(self) -> None:
        server = LoopbackServer(keep=2)
        for _ in range(2):
            with server:
                async with client_of(server) as client:
                    for number in range(3):
                        await ask(client, str(number))
        assert [request.prompt for request in server.requests] == ["1", "2"]
        assert server.requests[-1].number == 5
