"""The gate of a server on this machine: which Host and Origin pass, over HTTP and as a WebSocket."""

from typing import Any

import pytest

from counseling_sessions.graph.gate import HOSTS, ORIGINS, PATHS, STUDIO, Gate, names_in

HERE = "127.0.0.1:2024"


async def passes(
    path: str = "/threads", kind: str = "http", host: str | None = HERE, origin: str | None = None, **options: Any
) -> bool:
    """Whether a request reaches the application; what it is told instead has to be a refusal."""
    headers = [(b"Host", host.encode("latin-1"))] if host is not None else []
    headers += [(b"origin", origin.encode())] if origin is not None else []
    sent: list[Any] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        sent.append("reached")

    async def send(message: Any) -> None:
        sent.append((message["type"], message.get("status")))

    async def receive() -> Any:
        raise AssertionError("nothing is read of what is refused")

    gate = Gate(app, **options)
    await gate({"type": kind, "method": "POST", "path": path, "headers": headers}, receive, send)
    if sent == ["reached"]:
        return True
    assert sent[0] == ("websocket.close", None) if kind == "websocket" else sent[0] == ("http.response.start", 403)
    return False


@pytest.mark.parametrize("kind", ["http", "websocket"])
@pytest.mark.parametrize(
    ("host", "passed"),
    [
        *((host, True) for host in ("127.0.0.1", "127.0.0.1:2024", "localhost:8000", "LOCALHOST", "[::1]:2024")),
        *((host, False) for host in ("evil.example", "evil.example:2024", "127.0.0.1.evil.example", "localhost.evil")),
        *((host, False) for host in ("", "10.0.0.1", "a@127.0.0.1", "127.0.0.1:x", "127.0.0.1, evil", "0.0.0.0:2024")),
        (None, False),
    ],
)
async def test_only_this_machines_names_pass(kind: str, host: str | None, passed: bool) -> None:
    assert await passes(kind=kind, host=host) is passed


@pytest.mark.parametrize("kind", ["http", "websocket"])
@pytest.mark.parametrize(
    ("origin", "passed"),
    [
        *((origin, True) for origin in (None, "http://127.0.0.1:2024", *STUDIO)),
        *(
            (origin, False)
            for origin in ("null", "", "https://evil.example", "http://127.0.0.1:3000", "http://localhost:2024")
        ),
        *((origin, False) for origin in ("https://smith.langchain.com.evil", "http://smith.langchain.com", "file://")),
    ],
)
async def test_only_its_own_pages_and_studios_pass(kind: str, origin: str | None, passed: bool) -> None:
    assert await passes(kind=kind, origin=origin, origins=STUDIO) is passed


async def test_the_owner_names_further_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(HOSTS, "Sessions.lab.example , other")
    monkeypatch.setenv(ORIGINS, "http://localhost:3000/,*")
    options = {"hosts": names_in(HOSTS), "origins": names_in(ORIGINS)}
    assert await passes(host="sessions.lab.example:80", **options)
    assert await passes(origin="http://localhost:3000", **options)
    assert not await passes(origin="https://evil.example", **options)
    assert not await passes(host="third", **options)


@pytest.mark.parametrize(
    ("path", "passed"),
    [
        *((path, True) for path in ("/", "/ok", "/info", "/threads/1/state", "/runs/wait", "/assistants/search")),
        *((path, False) for path in ("/deploy", "//deploy", "/internal/truncate", "/store/items", "/mcp", "/a2a/x")),
        *(
            (path, False)
            for path in ("/metrics", "/profile", "/ui/session", "/.well-known/agent-card.json", "/Threads")
        ),
    ],
)
async def test_what_studio_does_not_need_is_switched_off(path: str, passed: bool) -> None:
    assert await passes(path, paths=PATHS) is passed
    assert await passes(path)
