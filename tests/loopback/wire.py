"""As much of HTTP/1.1 as an API server needs: requests with Content-Length, answers whole or in chunks, keep-alive."""

import asyncio
import json
from collections.abc import Sequence
from dataclasses import dataclass
from http import HTTPStatus


class BadRequest(Exception):
    """What came in is no HTTP request this server understands."""


@dataclass(frozen=True)
class HttpRequest:
    """A request off the wire; header names in lower case, the query cut off the path."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def keep_alive(self) -> bool:
        """Whether the client means to send another request on this connection."""
        return self.headers.get("connection", "").lower() != "close"


async def read_request(reader: asyncio.StreamReader) -> HttpRequest | None:
    """The connection's next request, or None when the client has closed it."""
    try:
        head = await reader.readuntil(b"\r\n\r\n")
    except asyncio.IncompleteReadError as error:
        if error.partial:
            raise BadRequest("the connection ended inside the headers") from error
        return None
    except asyncio.LimitOverrunError as error:
        raise BadRequest("the headers are too long") from error
    first, *lines = head.decode("latin-1").rstrip("\r\n").split("\r\n")
    parts = first.split(" ")
    if len(parts) != 3:
        raise BadRequest(f"not a request line: {first!r}")
    headers = {name.strip().lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    if "transfer-encoding" in headers:
        raise BadRequest("send the body with a Content-Length, not in chunks")
    length = headers.get("content-length", "0")
    if not length.isdecimal():
        raise BadRequest(f"not a Content-Length: {length!r}")
    body = await reader.readexactly(int(length))
    return HttpRequest(parts[0], parts[1].partition("?")[0], headers, body)


def head(status: int, headers: Sequence[tuple[str, str]]) -> bytes:
    """The status line and the headers of an answer, with the empty line that ends them."""
    lines = [f"HTTP/1.1 {status} {_phrase(status)}", *(f"{name}: {value}" for name, value in headers)]
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")


def chunk(data: bytes) -> bytes:
    """Data as one chunk of a chunked body; no data is the chunk that ends it."""
    return b"%x\r\n%s\r\n" % (len(data), data)


def event(data: object) -> bytes:
    """A server-sent event: text as it is, anything else as JSON."""
    text = data if isinstance(data, str) else json.dumps(data, ensure_ascii=False)
    return f"data: {text}\n\n".encode()


def _phrase(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "Unknown"
