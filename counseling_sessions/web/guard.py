"""Who may speak to the page's server, and what its pages may do.

Every address begins with a token that only its opener has. A request has to name this server (`Host`), and one from another page
(`Origin`) is refused, so that no website and no rebound name reaches it. Pages run only the scripts of this server, and
reach nothing else.
"""

import json
import secrets
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from counseling_sessions.store.atomic import write_atomically

LARGEST_BODY = 64 * 1024
"""Bytes of the largest request: a message has at most a few thousand characters."""
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
HEADERS = {
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "cache-control": "no-store",
}


@dataclass(frozen=True)
class Guard:
    """ASGI: lets requests with the token pass, from the pages of `origins` (such as `http://127.0.0.1:8765`) alone.

    What is passed on has the token in `root_path`. Others get 403 (400 without a length, 413 for a body over `LARGEST_BODY`).
    """

    app: ASGIApp
    token: str
    origins: Collection[str]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            if scope["type"] == "lifespan":
                await self.app(scope, receive, send)
            return
        status, problem = self._refusal(scope)
        if status:
            await _refuse(send, status, problem)
            return
        prefix = f"/{self.token}"
        await self.app({**scope, "root_path": prefix}, receive, _with_headers(send))

    def _refusal(self, scope: Scope) -> tuple[int, str]:
        """The status and the words with which a request is refused; 0 for one that may pass."""
        headers, path = Headers(scope=scope), scope["path"]
        first, _, _ = path.removeprefix("/").partition("/")
        if not secrets.compare_digest(first.encode(), self.token.encode()):
            return 403, "This address has no valid token. Open the one that the command prints."
        if headers.get("host", "") not in {origin.partition("://")[2] for origin in self.origins}:
            return 403, "This server does not go by that name."
        origin = headers.get("origin")
        if (origin is not None and origin not in self.origins) or headers.get("sec-fetch-site") == "cross-site":
            return 403, "Another page may not speak to this server."
        if scope["method"] in {"GET", "HEAD"}:
            return 0, ""
        length = headers.get("content-length", "")
        if not length.isdecimal():
            return 400, "A request says how long it is."
        return (413, "That is too long.") if int(length) > LARGEST_BODY else (0, "")


def _with_headers(send: Send) -> Send:
    async def sending(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            for name, value in {"content-security-policy": POLICY, **HEADERS}.items():
                headers.setdefault(name, value)
        await send(message)

    return sending


async def _refuse(send: Send, status: int, problem: str) -> None:
    body = json.dumps({"problem": problem}).encode()
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
    headers += [(name.encode(), value.encode()) for name, value in HEADERS.items()]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


def token_of(file: Path, *, new: bool = False) -> str:
    """The token in a file that only its owner reads, made where there is none; the same after a restart, so that tabs go on."""
    if not new and file.is_file() and (token := file.read_text(encoding="ascii").strip()):
        return token
    token = secrets.token_urlsafe(24)
    file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    write_atomically(file, f"{token}\n".encode(), private=True)
    return token
