"""The gate of a server on this machine: who may talk to it, by the Host and Origin that a browser must tell.

A page of another origin can have a browser send requests to 127.0.0.1, and a name that resolves to it (DNS rebinding) makes
such a page count as the server's own. Neither passes. `app` is what `langgraph dev` reads from langgraph.json.
"""

import json
import os
import re
from collections.abc import Collection

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.types import ASGIApp, Receive, Scope, Send

from counseling_sessions.models.trust import is_loopback

ORIGINS = "COUNSELING_SESSIONS_ORIGINS"
"""Environment variable: further origins whose pages may call the server, such as http://localhost:3000, separated by commas."""
HOSTS = "COUNSELING_SESSIONS_HOSTS"
"""Environment variable: further names under which the server may be called, separated by commas."""
STUDIO = ("https://smith.langchain.com", "https://eu.smith.langchain.com")
"""Where LangGraph Studio is served from."""
PATHS = frozenset({"ok", "info", "docs", "openapi.json", "assistants", "threads", "runs"})
"""First parts of the paths that Studio needs; the development server has others, such as /deploy, which uploads the project."""
EXPOSED = ("x-pagination-total", "x-pagination-next", "content-location")
"""Headers of answers that Studio reads."""

_HOST = re.compile(r"(\[[0-9a-fA-F:.]+\]|[A-Za-z0-9._-]+)(:[0-9]{1,5})?")


class Gate:
    """ASGI middleware that refuses (403, or a closed WebSocket) what a foreign page or a foreign name of this server sends.

    The Host header may have loopback names and `hosts`, the Origin header the server's own and `origins`; a request without an
    Origin comes from no page. With `paths`, only the root and paths that begin with one of them are served.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        origins: Collection[str] = (),
        hosts: Collection[str] = (),
        paths: Collection[str] | None = None,
    ) -> None:
        self._app = app
        self._origins = {origin.lower().rstrip("/") for origin in origins}
        self._hosts = {host.lower() for host in hosts}
        self._paths = paths

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        why = self._refusal(scope) if scope["type"] in ("http", "websocket") else None
        if why is None:
            await self._app(scope, receive, send)
        elif scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1008, "reason": why[:100]})
        else:
            headers = [(b"content-type", b"application/json")]
            await send({"type": "http.response.start", "status": 403, "headers": headers})
            await send({"type": "http.response.body", "body": json.dumps({"detail": why}).encode()})

    def _refusal(self, scope: Scope) -> str | None:
        named = _values(scope, b"host")
        if len(named) != 1 or not self._is_ours(named[0]):
            return f"this server has another name; its owner can allow one with {HOSTS}"
        if not {*self._origins, f"http://{named[0]}", f"https://{named[0]}"}.issuperset(_values(scope, b"origin")):
            return f"pages of this origin may not call this server; its owner can allow one with {ORIGINS}"
        path = str(scope["path"]).removeprefix(str(scope.get("root_path", "")))
        if self._paths is None or path in ("", "/") or path.removeprefix("/").split("/")[0] in self._paths:
            return None
        return "this part of the server is switched off"

    def _is_ours(self, host: str) -> bool:
        match = _HOST.fullmatch(host)
        return match is not None and (is_loopback(match[1].strip("[]")) or match[1] in self._hosts)


def names_in(variable: str) -> list[str]:
    """The names in a comma-separated environment variable; none where it is not set."""
    return [name.strip() for name in os.environ.get(variable, "").split(",") if name.strip()]


def _values(scope: Scope, header: bytes) -> list[str]:
    return [value.decode("latin-1").strip().lower() for name, value in scope["headers"] if name.lower() == header]


_ALLOWED = [*STUDIO, *names_in(ORIGINS)]

app = Starlette(
    middleware=[
        Middleware(Gate, origins=_ALLOWED, hosts=names_in(HOSTS), paths=PATHS),
        Middleware(
            CORSMiddleware,
            allow_origins=_ALLOWED,
            allow_methods=["*"],
            allow_headers=["*"],
            allow_private_network=True,  # from Studio's public page to a private address
            expose_headers=EXPOSED,
        ),
    ]
)
"""What LangGraph's server puts its own routes into."""
