"""What `profiles adapt` is asked."""

from pathlib import Path

from counseling_sessions.commands.parsing.declared import CommandRequest, argument, option, switch
from counseling_sessions.commands.parsing.options import ENCODING


class ProfilesAdaptRequest(CommandRequest):
    """Client profiles in other formats, to become ours, or ours to become another's."""

    source: Path = argument("a file or folder of profiles", "FILE", reads=True)
    out: Path | None = option(
        "write the profiles there: .jsonl, .json or .yaml (default: only show what becomes of them)", "FILE"
    )
    format: str | None = option("the format's name, or a YAML file with your own (default: as it looks)", "NAME|FILE")
    name: str | None = option(
        "the name of a client whose record has none; %%d stands for its number, as in 'Client %%d'", "NAME"
    )
    reason_from_problem: bool = switch("where there is no reason for counseling, the presenting problem stands for it")
    to: str | None = option("the other way: from ours to this format, or to cactus", "NAME")
    encoding: str | None = option(ENCODING, "NAME")
    formats: bool = switch("list the formats, too")
    overwrite: bool = switch("replace the file that --out names")
