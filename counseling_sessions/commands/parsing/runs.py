"""What `status`, `merge` and `export` are asked: run directories."""

from pathlib import Path

from counseling_sessions.commands.parsing.declared import CommandRequest, argument, option, switch
from counseling_sessions.commands.parsing.options import OTHER_PROMPTS, PRICES, SALVAGE
from counseling_sessions.generation.formats import FormatName


class StatusRequest(CommandRequest):
    """How a run stands."""

    run: Path = argument("run directory", "FOLDER")
    watch: bool = switch("go on showing it until the run is not at work any more")
    json: bool = switch("print it as JSON")
    prices: Path | None = option(PRICES, "FILE")
    salvage: bool = switch(SALVAGE)


class MergeRequest(CommandRequest):
    """Parts of a run, to be put together."""

    parts: tuple[Path, ...] = argument("run directories of one batch", "FOLDER", nargs="+")
    out: Path | None = option("default: the parts' common name, without -I-of-N", "FOLDER")
    other_prompts: bool = switch(OTHER_PROMPTS)


class ExportRequest(CommandRequest):
    """A run, to be written as a data set."""

    run: Path = argument("run directory, or a folder of single sessions", "FOLDER")
    format: FormatName = option()
    out: Path = option(None, "FOLDER")
    splits: str | None = option("train/validation/test by client, such as 80/10/10 (default: one)", "A/B/C")
    seed: int = option("of the splits (default 0)", default=0)
    licence: str | None = option("for the card, such as cc-by-4.0", "ID")
    overwrite: bool = switch("replace an export that is there")
    salvage: bool = switch(SALVAGE)
