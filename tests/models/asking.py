"""What the tests of asking a model ask with."""

import asyncio
from dataclasses import dataclass, field
from typing import Any

import pytest
from langchain_core.messages import HumanMessage, SystemMessage

from counseling_sessions.models.chat import Models
from counseling_sessions.models.errors import ModelError
from counseling_sessions.models.requests import Reply
from counseling_sessions.models.structured import AnswerSchema
from counseling_sessions.settings import ModelSettings
from tests.loopback import LoopbackServer

KEY = "sk-planted-canary-0123456789"
COLOR = AnswerSchema("color", {"color": {"type": "string", "minLength": 1, "enum": ["red", "green"]}})
HELLO = [SystemMessage("You are brief."), HumanMessage("Say hello.")]


def settings(server: LoopbackServer, **options: Any) -> ModelSettings:
    return ModelSettings(**{"base_url": server.base_url, "model": "m", "max_requests": 3, "timeout": 5, **options})


async def refused(models: Models, asked: ModelSettings, **options: Any) -> ModelError:
    with pytest.raises(ModelError) as caught:
        await models.ask("client", asked, HELLO, **options)
    return caught.value


def server_url(error: str) -> str:
    return error.split(" ", 1)[0] if error.startswith("http://127.0.0.1:") else "not an endpoint"


def one_url(reply: Reply) -> str:
    return reply.endpoint if reply.endpoint.endswith("/v1") else "not an endpoint"


def most_at_once(spans: list[tuple[float, float]]) -> int:
    return max(sum(began <= start < ended for began, ended in spans) for start, _ in spans)


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
