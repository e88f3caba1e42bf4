"""`run.py web`: the page in the browser, served on this machine until it is stopped."""

import asyncio
import socket
import webbrowser
from asyncio import Lock
from contextlib import AsyncExitStack, suppress
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from platformdirs import user_state_path

from counseling_sessions.commands.build import (
    checked,
    opened_models,
    refuse_unnamed,
    serve_new,
    session_config,
    set_fields,
)
from counseling_sessions.commands.parsing.web import WebRequest
from counseling_sessions.commands.practice import roles_of
from counseling_sessions.commands.telling import tell, warn
from counseling_sessions.graph.provenance import refuse_other_prompts
from counseling_sessions.models.chat import Models
from counseling_sessions.models.roles import serving_line
from counseling_sessions.sessions.journal_lines import JournalContent
from counseling_sessions.settings import SessionConfig, SettingsError

HOST = "127.0.0.1"
NAMES = (HOST, "localhost")


def run(request: WebRequest) -> int:
    """Serve the page until Ctrl-C."""
    try:
        import fastapi.sse  # noqa: F401
        import uvicorn  # noqa: F401
    except ImportError:
        raise SettingsError("the page needs the extra 'web': pip install -e '.[web]'") from None
    if request.runs.exists() and not request.runs.is_dir():
        raise SettingsError(f"{request.runs} is no folder")
    port = free_port(request.port)
    with suppress(KeyboardInterrupt):
        asyncio.run(_serve(request, port))
    tell("stopped; sessions that were left can be taken up on the page")
    return 0


async def _serve(request: WebRequest, port: int) -> None:
    from counseling_sessions.commands.web_parts import parts_of
    from counseling_sessions.web.app import page_app
    from counseling_sessions.web.exercises import read_exercises
    from counseling_sessions.web.guard import Guard, token_of
    from counseling_sessions.web.runs import Runs
    from counseling_sessions.web.seats import Seats
    from counseling_sessions.web.server import PageServer

    exercises = read_exercises(request.exercises) if request.exercises else {}
    token = token_of(user_state_path("counseling-sessions") / "web-token", new=request.new_token)
    origins = [f"http://{name}:{port}" for name in NAMES] + ([_origin(request.origin)] if request.origin else [])
    async with AsyncExitStack() as stack:
        models = await stack.enter_async_context(opened_models(offline=request.models.offline, on_wait=warn))
        seats = Seats(request.runs, models, Configuring(request, models))
        runs = Runs(request.runs)
        parts = parts_of(request, models, runs)
        server = PageServer(
            HOST,
            port,
            lambda stopping: Guard(
                page_app(seats, runs, stopping=stopping, exercises=exercises, parts=parts), token, origins
            ),
        )
        address = f"{origins[-1] if request.origin else origins[0]}/{token}/"
        tell(f"The page: {address}\nOnly this machine reaches it. Ctrl-C stops it.")
        if not request.no_browser:
            webbrowser.open(address)
        await server.run()


class Configuring:
    """Makes the configuration of a session; the first time it looks whether its models are served, and says who serves."""

    def __init__(self, request: WebRequest, models: Models) -> None:
        fields = set_fields(request.session, method=request.method)
        self._fields: dict[str, Any] = {"router": "rules"} | fields  # a hint comes at once, without a call
        self._request, self._models = request, models
        self._made: SessionConfig | None = None
        self._looking = Lock()
        session_config(request.models, self._fields)  # what is wrong with the options is said before the page opens

    def allow(self, journal: Path, content: JournalContent) -> None:
        """Raise `UserError` for a session that would reach servers which nobody has named, or that other prompts have begun."""
        config = checked(content.head.configuration)
        refuse_unnamed(config, self._request.models, self._request.arguments, journal)
        refuse_other_prompts(journal, content.prompts_on_record, config)

    async def __call__(self) -> SessionConfig:
        """The configuration of a new session, with a seed of its own. Raises `UserError`."""
        config = session_config(self._request.models, self._fields)
        async with self._looking:
            if self._made is None:
                self._made, served = await serve_new(self._models, config, self._fields, roles_of(config))
                tell(serving_line(served))
        return self._made.model_copy(update={"seed": config.seed})


def _origin(url: str) -> str:
    """The scheme, name and port of an address. Raises `SettingsError` for one that is none."""
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"} or not parts.netloc or parts.path.strip("/") or parts.query:
        raise SettingsError(f"--origin {url}: should be like https://practice.example.org")
    return f"{parts.scheme}://{parts.netloc}"


def free_port(port: int) -> int:
    """The port, if this machine can listen on it. Raises `SettingsError`."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except (OSError, OverflowError) as error:
            raise SettingsError(f"--port {port}: {error}; name another one") from None
        return int(probe.getsockname()[1])
