"""What `read` is asked."""

from pathlib import Path

from counseling_sessions.commands.parsing.declared import CommandRequest, argument, group, option, switch
from counseling_sessions.commands.parsing.options import ReadingOptions
from counseling_sessions.commands.parsing.values import count


class ReadRequest(CommandRequest):
    """Sessions in anybody's files, of which is shown what is understood."""

    sources: tuple[Path, ...] = argument("files or folders", "FILE", nargs="+", reads=True)
    reading: ReadingOptions = group(ReadingOptions)
    lines: int = option("messages that are shown of each kind of file (default 4)", "N", type=count, default=4)
    shapes: bool = switch("list the shapes that ship, too")
    json: bool = switch("print it as JSON")
