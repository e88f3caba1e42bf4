"""What the commands are asked that look at sessions and go on from there: `trace`, `replay`, `diff` and `studio`."""

from pathlib import Path

from counseling_sessions.commands.parsing.declared import CommandRequest, Options, argument, group, option, switch
from counseling_sessions.commands.parsing.options import OTHER_PROMPTS, PRICES, SALVAGE, ModelOptions, SessionOptions
from counseling_sessions.commands.parsing.values import names
from counseling_sessions.profiles.schema import Attitude
from counseling_sessions.settings import MethodName

MOST = 50
"""Sessions that Studio imports unless named: each takes one or two megabytes of the checkpoints' file."""
_SERVER = "http://127.0.0.1:2024"


class TraceRequest(CommandRequest):
    """What happened in a session, or which sessions there are."""

    place: Path = argument("run directory, folder of single sessions, journal, or file of records", "PLACE")
    session: str | None = argument(
        "its id, how that begins, or its number in the list (default: the only one, or the list)", "SESSION", nargs="?"
    )
    turn: int | None = option("one turn in full; 0 is the opening with the plan", "N")
    full: bool = switch("every turn in full")
    prompts: bool = switch("in full, with the prompts that were sent")
    html: Path | None = option("write a page to look at in a browser: of SESSION, or of all", "FILE")
    prices: Path | None = option(PRICES, "FILE")
    list: bool = switch("only list the sessions")
    json: bool = switch("print it as JSON")
    salvage: bool = switch(SALVAGE)


class EditOptions(Options):
    """What is different in the turn that is played anew."""

    say: str | None = option("what the counselor says in it", "TEXT")
    pick: tuple[str, ...] | None = option("the techniques picked in it", "A,B", type=names)
    client_says: str | None = option("what the client had said last before it", "TEXT")


class FutureOptions(Options):
    """What is different from that turn on; None stays as it was."""

    method: MethodName | None = option()
    attitude: Attitude | None = option()
    session: SessionOptions = group(SessionOptions)
    seed: int | None = option("default: one that follows from the fork")
    models: ModelOptions = group(ModelOptions)


class ReplayRequest(CommandRequest):
    """A session to be forked: the same past, another future."""

    place: str = argument("run directory, folder, journal, or PLACE/SESSION", "PLACE")
    session: str | None = argument("its id, or how it begins; where there are several", "SESSION", nargs="?")
    from_turn: int = option("the first turn that is played anew", "K")
    edits: EditOptions = group(EditOptions, "edits of that turn")
    future: FutureOptions = group(
        FutureOptions, "the future", "what is not given stays as it was in the session, whatever the defaults below"
    )
    out: Path | None = option("folder for the session (default runs/<time>-<profile>-<attitude>-turn-<K>)")
    other_prompts: bool = switch(OTHER_PROMPTS)
    quiet: bool = switch("print only where the session was saved")
    json: bool = switch("print the session record as JSON and nothing else")
    salvage: bool = switch(SALVAGE)

    @property
    def models(self) -> ModelOptions:
        """Which models serve the future."""
        return self.future.models


class DiffRequest(CommandRequest):
    """Two sessions, to be shown side by side."""

    a: str = argument("a place with one session, or PLACE/SESSION", "A")
    b: str = argument("a place with one session, or PLACE/SESSION", "B")
    all: bool = switch("show the turns too that are alike")
    json: bool = switch("print it as JSON")
    salvage: bool = switch(SALVAGE)


class StudioRequest(CommandRequest):
    """LangGraph Studio, with sessions as threads."""

    place: Path | None = argument("run directory, folder of single sessions, or journal", "PLACE", nargs="?")
    sessions: tuple[str, ...] = argument(
        f"ids, how they begin, or numbers (default: the first {MOST})", "SESSION", nargs="*"
    )
    port: int | None = option("of the server (default 2024, or a free one where that is taken)")
    models_file: Path | None = option(
        "YAML with the models that the server may use, per role", "FILE", flags=("--models",)
    )
    no_browser: bool = switch("do not open Studio in the browser")
    fresh: bool = switch("import again what is there, without what was forked in it")
    assistants: bool = switch("only create an assistant for each method, on --url")
    url: str = option(f"a LangGraph server, for --assistants (default {_SERVER})", default=_SERVER)
    salvage: bool = switch(SALVAGE)
