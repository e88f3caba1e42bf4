"""Answers that are no answers: bytes that go on the wire as they are, whatever HTTP thinks of them."""

import asyncio
import json
from collections.abc import Sequence
from dataclasses import dataclass

from .wire import head

_LOOK = 0.02
"""Seconds between two looks at whether the client is still there."""


@dataclass(frozen=True)
class Raw:
    """Bytes in place of an answer: `start`, then `again` over and over, `pace` seconds apart, until the client leaves.

    Without `again` the connection closes after `start`, or stays open and silent where it is `held`.
    """

    start: bytes
    again: bytes = b""
    pace: float = 0.0
    held: bool = False


def http_answer(
    body: object, status: int = 200, headers: Sequence[tuple[str, str]] = (), content_type: str = "application/json"
) -> Raw:
    """A whole answer of HTTP: bytes as they are, anything else as JSON (lone surrogates and NaN as Python writes them)."""
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    framing = (("Content-Type", content_type), ("Content-Length", str(len(content))), ("Connection", "close"))
    return Raw(head(status, (*framing, *headers)) + content)


async def send_raw(raw: Raw, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Send it; returns when the client has left, or when there is nothing more to send."""
    writer.write(raw.start)
    await writer.drain()
    while (raw.again or raw.held) and not reader.at_eof():
        writer.write(raw.again)
        await writer.drain()
        await asyncio.sleep(raw.pace if raw.again else _LOOK)
