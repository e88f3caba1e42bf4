"""Which model is asked where none is named: the first that chats, whatever form the server's list has."""

from typing import Any

import pytest

from counseling_sessions.models.endpoints import find_endpoint
from counseling_sessions.models.errors import ModelError
from counseling_sessions.settings import ModelSettings
from tests.loopback import LoopbackServer
from tests.loopback.raw import http_answer

pytestmark = pytest.mark.usefixtures("no_surroundings")


async def chosen(body: Any, status: int = 200) -> str:
    with LoopbackServer(raw=lambda request: http_answer(body, status)) as server:
        return (await find_endpoint(ModelSettings(base_url=server.base_url))).model


async def problem(body: Any, status: int = 200) -> str:
    with pytest.raises(ModelError) as caught:
        await chosen(body, status)
    return str(caught.value)


def listed(*entries: Any) -> dict[str, Any]:
    return {"object": "list", "data": [{"id": entry} if isinstance(entry, str) else entry for entry in entries]}


@pytest.mark.parametrize(
    "other",
    [
        *("text-embedding-3-small", "nomic-embed-text", "BAAI/bge-m3", "intfloat/e5-mistral-7b", "bge-reranker-v2"),
        *(
            "whisper-large-v3",
            "tts-1",
            "gpt-4o-transcribe",
            "playai-tts",
            "dall-e-3",
            "gpt-image-1",
            "black-forest/FLUX.1",
        ),
        *(
            "omni-moderation-latest",
            "llama-guard-3-8b",
            "davinci-002",
            "gpt-3.5-turbo-instruct",
            "gpt-4o-realtime-preview",
        ),
        {"id": "odd", "capabilities": {"completion_chat": False}},
        {"id": "odd", "capabilities": ["embedding"]},
        {"id": "odd", "type": "embeddings"},
        {"id": "odd", "type": "image"},
        {"id": "odd", "architecture": {"output_modalities": ["image"]}},
        {"id": "odd", "endpoints": ["embed", "rerank"]},
    ],
)
async def test_a_model_that_does_not_chat_is_passed_over(other: Any) -> None:
    assert await chosen(listed(other, "mistral-small", "another")) == "mistral-small"


@pytest.mark.parametrize(
    "entry",
    [
        *(
            "gpt-5-mini",
            "meta-llama/Llama-3.1-8B-Instruct",
            "qwen3:8b",
            "gemma-3-27b-it",
            "deepseek-chat",
            "guardrail-free",
        ),
        {"id": "m", "capabilities": {"completion_chat": True}, "type": "base"},
        {"id": "m", "capabilities": ["completion", "multimodal"], "meta": {"n_vocab": 32000}},
        {"id": "m", "type": "llm"},
        {"id": "m", "type": "vlm"},
        {"id": "m", "type": "chat"},
        {"id": "m", "type": "model"},
        {"id": "m", "architecture": {"output_modalities": ["text"]}},
        {"id": "m", "capabilities": {"vision": True}},
    ],
)
async def test_a_model_that_chats_is_taken(entry: Any) -> None:
    assert await chosen(listed(entry, "another")) == (entry["id"] if isinstance(entry, dict) else entry)


@pytest.mark.parametrize(
    "body",
    [
        [{"id": "first"}, {"id": "second"}],
        ["first", "second"],
        {"models": [{"name": "first", "model": "first"}]},
        {"models": [{"name": "first", "endpoints": ["chat", "generate"]}]},
        {"data": [{"id": "first"}], "models": [{"name": "other"}]},
    ],
)
async def test_a_list_is_read_in_every_form(body: Any) -> None:
    assert await chosen(body) == "first"


async def test_a_list_without_a_model_that_chats_says_which_there_are() -> None:
    said = await problem(listed("bge-m3", "whisper-1"))
    assert "no model that chats (bge-m3, whisper-1)" in said
    assert "--model" in said


@pytest.mark.parametrize("status", [404, 405, 400, 501])
async def test_a_server_without_a_list_needs_a_name_and_not_another_key(status: int) -> None:
    said = await problem({"detail": "Not Found"}, status)
    assert said.endswith("name the model with --model")
    assert "key" not in said


@pytest.mark.parametrize("status", [401, 403])
async def test_a_server_that_wants_a_key_says_so(status: int) -> None:
    assert "OPENAI_API_KEY" in await problem({"error": {"message": "no"}}, status)
