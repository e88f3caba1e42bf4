"""Runs the page's server until it is stopped; open streams end with it."""

from collections.abc import Callable

import uvicorn
from starlette.types import ASGIApp

GRACE = 3
"""Seconds that requests in progress have when the server stops."""


class PageServer:
    """A server on one address of this machine. `app` is made with a function that says whether the server is stopping."""

    def __init__(self, host: str, port: int, make_app: Callable[[Callable[[], bool]], ASGIApp]) -> None:
        app = make_app(lambda: self._server.should_exit)
        config = uvicorn.Config(
            app, host=host, port=port, log_level="warning", access_log=False, timeout_graceful_shutdown=GRACE
        )
        self._server = uvicorn.Server(config)

    def stop(self) -> None:
        """Stop soon."""
        self._server.should_exit = True

    async def run(self) -> None:
        """Serve until it is stopped, or until Ctrl-C."""
        await self._server.serve()
