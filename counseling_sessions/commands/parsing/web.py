"""What `web` is asked: the page in the browser."""

from pathlib import Path

from counseling_sessions.commands.parsing.declared import CommandRequest, argument, group, option, switch
from counseling_sessions.commands.parsing.options import PRICES, ModelOptions, SessionOptions
from counseling_sessions.settings import MethodName

DEFAULT_PORT = 8765


class WebRequest(CommandRequest):
    """The page, served on this machine."""

    runs: Path = argument("folder of the sessions (default runs)", "RUNS", nargs="?", default=Path("runs"))
    port: int = option("of the server", default=DEFAULT_PORT)
    no_browser: bool = switch("do not open the page in the browser")
    new_token: bool = switch("another token: addresses from before lead nowhere")
    origin: str | None = option("the address by which a proxy on this machine serves the page", "URL")
    exercises: Path | None = option("an exercise to practise (YAML), or a folder of them", reads=True)
    method: MethodName | None = option("who advises you (default magnet)")
    prices: Path | None = option(PRICES, "FILE", reads=True)
    session: SessionOptions = group(SessionOptions)
    models: ModelOptions = group(ModelOptions)
