"""The server itself: a thread with its own event loop, the record of requests, and the sending of replies."""

import asyncio
import contextlib
import threading
import time
from collections import deque
from collections.abc import Callable
from types import TracebackType
from typing import Self

from .answers import sensible_answer
from .chat import Api, Behaviour
from .faults import Faults
from .raw import Raw, send_raw
from .replies import Reply, error_reply
from .request import Answer, Latency, Request
from .wire import BadRequest, chunk, head, read_request

_HOLD_STEP = 0.02


class LoopbackServer:
    """An OpenAI-compatible server on 127.0.0.1, running from `__enter__` to `__exit__`.

    `answer` gets the recorded request and returns what the model says; it runs in the server's thread, one call at a
    time. `latency` and `faults` are none by default. `cache_blocks` limits the prefix cache that `cached_tokens`
    counts (blocks of 16 crude tokens), None for no limit. `report_usage=False` leaves usage out.
    `supports_schema=False` refuses `json_schema` with a 400. With an `api_key` every request needs it as its bearer.
    `keep` bounds how many of the newest requests are recorded (None: all), for long benchmarks. What `raw` gives for a
    request (see `Raw`) is sent in place of an answer; it is asked for every request, good or not, and may give None.
    `greeting` is sent to whoever connects, before any request.
    """

    def __init__(
        self,
        answer: Callable[[Request], Answer | str] = sensible_answer,
        *,
        latency: Latency | None = None,
        faults: Faults | None = None,
        cache_blocks: int | None = None,
        report_usage: bool = True,
        supports_schema: bool = True,
        api_key: str | None = None,
        models: tuple[str, ...] = ("loopback",),
        keep: int | None = None,
        raw: Callable[[Request], Raw | None] | None = None,
        greeting: bytes = b"",
    ) -> None:
        self._behaviour = Behaviour(
            answer, latency or Latency(), faults, cache_blocks, report_usage, supports_schema, api_key, models, raw
        )
        self._greeting = greeting
        self._api = Api(self._behaviour)
        self._requests: deque[Request] = deque(maxlen=keep)
        self._lock = threading.RLock()
        self._connections: set[asyncio.Task[None]] = set()
        self._thread: threading.Thread | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stopping: asyncio.Event | None = None
        self._startup_error: OSError | None = None
        self._port = 0

    def __enter__(self) -> Self:
        if self._thread is not None:
            raise RuntimeError("this server is already running")
        started = threading.Event()
        self._thread = threading.Thread(
            target=lambda: asyncio.run(self._run(started)), name="loopback-server", daemon=True
        )
        self._thread.start()
        started.wait()
        if self._startup_error is not None:
            self._join()
            raise self._startup_error
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._loop is not None and self._stopping is not None:
            self._loop.call_soon_threadsafe(self._stopping.set)
        self._join()

    @property
    def base_url(self) -> str:
        """What a client takes as its `base_url`."""
        if self._thread is None:
            raise RuntimeError("the server runs only inside its `with` block")
        return f"http://127.0.0.1:{self._port}/v1"

    @property
    def requests(self) -> list[Request]:
        """The requests so far, refused ones too, in the order they came in."""
        with self._lock:
            return list(self._requests)

    @property
    def accepted(self) -> int:
        """How many chat requests were accepted, those that then went wrong too."""
        return self._api.totals.accepted

    @property
    def prompt_tokens(self) -> int:
        """Prompt tokens of all requests worked on; those refused or reset before that count nothing."""
        return self._api.totals.prompt_tokens

    @property
    def cached_tokens(self) -> int:
        """How many of `prompt_tokens` were in the prefix cache."""
        return self._api.totals.cached_tokens

    @property
    def completion_tokens(self) -> int:
        """Tokens of all the answers."""
        return self._api.totals.completion_tokens

    def fail_with(self, status: int, message: str) -> None:
        """Answer every request with this error until `clear`."""
        with self._lock:
            self._api.failure = (status, message)

    def clear(self) -> None:
        """Forget everything: requests, totals, cache, used texts, `fail_with`; faults count from request 0 again."""
        with self._lock:
            self._requests.clear()
            self._api = Api(self._behaviour)

    def _join(self) -> None:
        if self._thread is not None:
            self._thread.join()
        self._thread = self._loop = self._stopping = None

    async def _run(self, started: threading.Event) -> None:
        self._loop, self._stopping = asyncio.get_running_loop(), asyncio.Event()
        stopping = self._stopping
        try:
            server = await asyncio.start_server(self._serve, "127.0.0.1", 0, backlog=1024)
        except OSError as error:
            self._startup_error = error
            started.set()
            return
        self._port = server.sockets[0].getsockname()[1]
        started.set()
        await stopping.wait()
        server.close()
        held = list(self._connections)
        for connection in held:
            connection.cancel()
        await asyncio.gather(*held, return_exceptions=True)
        await server.wait_closed()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._connections.add(task)
        # Cancelled means that the server stops; a connection error, that the client left. Both just end the connection.
        with contextlib.suppress(asyncio.CancelledError, ConnectionError, asyncio.IncompleteReadError):
            writer.write(self._greeting)
            while await self._exchange(reader, writer):
                pass
        self._connections.discard(task)
        writer.close()
        with contextlib.suppress(asyncio.CancelledError, ConnectionError):
            await writer.wait_closed()

    async def _exchange(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        """One request and its answer; whether the connection stays open for the next."""
        try:
            message = await read_request(reader)
        except BadRequest as error:
            return await _send(error_reply(400, str(error)), Request(), writer, keep_alive=False)
        if message is None:
            return False
        request = Request(message.path, {}, message.headers, message.method)
        with self._lock:
            self._requests.append(request)
            reply = self._api.reply(request, message.body)
        try:
            if reply.raw:
                await send_raw(reply.raw, reader, writer)
                return False
            if reply.ending == "reset":
                writer.transport.abort()
                return False
            if not await _client_waits(reader, reply.wait):
                return False
            return await _send(reply, request, writer, keep_alive=message.keep_alive)
        finally:
            request.finished = request.finished or time.monotonic()


async def _client_waits(reader: asyncio.StreamReader, seconds: float) -> bool:
    """Let the seconds pass; False as soon as the client has closed the connection."""
    end = time.monotonic() + seconds
    while (left := end - time.monotonic()) > 0:
        if reader.at_eof():
            return False
        await asyncio.sleep(min(left, _HOLD_STEP))
    return True


async def _send(reply: Reply, request: Request, writer: asyncio.StreamWriter, *, keep_alive: bool) -> bool:
    parts = [reply.body] if reply.events is None else [chunk(part) for part in (*reply.events, b"")]
    if reply.ending == "cut":
        parts = [reply.body[: len(reply.body) // 2]] if reply.events is None else parts[: len(parts) // 2]
    framing = ("Content-Length", str(len(reply.body))) if reply.events is None else ("Transfer-Encoding", "chunked")
    connection = ("Connection", "keep-alive" if keep_alive else "close")
    start = head(reply.status, (("Content-Type", reply.content_type), framing, connection, *reply.headers))
    request.status = reply.status
    if reply.pace > 0:
        writer.write(start)
        start = b""
        for part in parts[:-1]:
            writer.write(part)
            await asyncio.sleep(reply.pace)
        parts = parts[-1:]
    request.finished = time.monotonic()
    writer.write(start + b"".join(parts))
    await writer.drain()
    return keep_alive and reply.ending == "whole"
