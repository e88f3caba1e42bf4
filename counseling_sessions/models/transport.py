"""The only way over HTTP to a server of models: it bounds every answer, and passes on only what was read and cleaned.

aiohttp bounds the headers (8,190 bytes a line, 128 lines). The caller's time-out bounds the wait.
"""

import ssl
from collections.abc import Callable
from contextlib import aclosing
from functools import cache
from typing import Any

import httpx2
import openai

from counseling_sessions.models.answers import MOST_BYTES
from counseling_sessions.models.errors import FailedCall, failure_of, refusal, retry_seconds, unreadable
from counseling_sessions.models.streamed import MOST_STREAMED, STREAM, joined
from counseling_sessions.store.machine import Shortage

HERE = ("127.0.0.1", "localhost", "[::1]")
"""The addresses of this machine, which the embedded model has too. Requests to them use no proxy, which can be elsewhere."""
NO_KEY = "no-key-needed"
"""Sent as the key if none is configured: local servers need none, but the client insists on one."""
MOST_OF_A_REFUSAL = 2**16
"""Bytes of an error's body that are read: enough for its message."""

Read = Callable[[bytes, str], dict[str, Any] | FailedCall]


class ModelClient(openai.DefaultAioHttpClient):
    """An HTTP client that returns what `read` (of a body and the key) makes of an answer. Raises `FailedCall` or `Shortage`.

    It accepts only uncompressed bodies of up to `MOST_BYTES`. It follows no redirect, as another host must not get the key. A
    response holds no header of the server. It uses the environment's proxy, except for this machine's addresses.
    """

    def __init__(self, read: Read) -> None:
        direct = {f"all://{host}": None for host in HERE}
        super().__init__(follow_redirects=False, mounts=direct, verify=_trusted_authorities())
        self._read = read

    async def send(self, request: httpx2.Request, *, stream: bool = False, **options: Any) -> httpx2.Response:
        """Send a request. The response is new and complete, with status 200 and a body of JSON."""
        key = _key_of(request)
        request.headers["Accept-Encoding"] = "identity"
        answer: dict[str, Any] | FailedCall | Shortage
        try:
            answer = await self._answer(request, key, options)
        except Exception as error:
            # For example UnicodeError, which a status line causes in aiohttp's adapter.
            answer = failure_of(error, key) or unreadable(type(error).__name__)
        if isinstance(answer, (FailedCall, Shortage)):
            raise answer
        return httpx2.Response(200, json=answer, request=request)

    async def _answer(self, request: httpx2.Request, key: str, options: dict[str, Any]) -> dict[str, Any] | FailedCall:
        response = await super().send(request, **{**options, "stream": True, "follow_redirects": False})
        try:
            packed = response.headers.get("content-encoding", "").strip().casefold() not in ("", "identity")
            streamed = response.headers.get("content-type", "").startswith(STREAM)
            most = (MOST_STREAMED if streamed else MOST_BYTES) if response.is_success else MOST_OF_A_REFUSAL
            body = b"" if packed else await _read_body(response, most)
        finally:
            await response.aclose()
        if not response.is_success:
            return refusal(response.status_code, body[:most], response.headers, key)
        if packed:
            return unreadable("a compressed body, although the request asked for a plain one")
        if len(body) > most:
            return unreadable(f"more than {most:,} bytes")
        completion = joined(body) if streamed else body
        answer = completion if isinstance(completion, FailedCall) else self._read(completion, key)
        if isinstance(answer, FailedCall) and answer.retry_after is None:
            answer.retry_after = retry_seconds(response.headers.get("retry-after", ""))
        return answer


def without_surroundings(client: openai.AsyncOpenAI, *, is_openai: bool) -> None:
    """Remove what the library read from its variables (`OPENAI_CUSTOM_HEADERS`) and would send to every server.

    Such headers can hold a key, or replace a server's. Only OpenAI may see organization and project.
    """
    client._custom_headers = {}
    if not is_openai:
        client.organization = client.project = None


@cache
def _trusted_authorities() -> ssl.SSLContext:
    """What a client makes by default, but once: it takes 30 ms to read the certificates, for each client and each proxy."""
    return httpx2.create_ssl_context()


async def _read_body(response: httpx2.Response, most: int) -> bytes:
    """The body. One that is longer than `most` stops soon after it."""
    body = bytearray()
    async with aclosing(response.aiter_raw()) as parts:
        async for part in parts:
            body += part
            if len(body) > most:
                break
    return bytes(body)


def _key_of(request: httpx2.Request) -> str:
    """The key in a request; empty if there is none."""
    key = request.headers.get("authorization", "").removeprefix("Bearer ")
    return "" if key == NO_KEY or len(key) < 4 else key
