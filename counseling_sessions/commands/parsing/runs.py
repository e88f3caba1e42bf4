"""What `status`, `merge` and `export` are asked: run directories."""

from dataclasses import dataclass
from pathlib import Path
from typing import get_args

from counseling_sessions.commands.parsing.declared import CommandRequest, argument, option, switch
from counseling_sessions.commands.parsing.options import prices_option, salvage_option
from counseling_sessions.generation.formats import FormatName


@dataclass(frozen=True, kw_only=True)
class StatusRequest(CommandRequest):
    """How a run stands."""

    run: Path = argument("run directory", metavar="FOLDER")
    watch: bool = switch("go on showing it until the run is not at work any more")
    json: bool = switch("print it as JSON")
    prices: Path | None = prices_option()
    salvage: bool = salvage_option()


@dataclass(frozen=True, kw_only=True)
class MergeRequest(CommandRequest):
    """Parts of a run, to be put together."""

    parts: tuple[Path, ...] = argument("run directories of one batch", nargs="+", metavar="FOLDER")
    out: Path | None = option("default: the parts' common name, without -I-of-N", metavar="FOLDER")


@dataclass(frozen=True, kw_only=True)
class ExportRequest(CommandRequest):
    """A run, to be written as a data set."""

    run: Path = argument("run directory, or a folder of single sessions", metavar="FOLDER")
    format: FormatName = option(choices=get_args(FormatName), required=True)
    out: Path = option(required=True, metavar="FOLDER")
    splits: str | None = option("train/validation/test by client, such as 80/10/10 (default: one)", metavar="A/B/C")
    seed: int = option("of the splits (default 0)", default=0)
    licence: str | None = option("for the card, such as cc-by-4.0", metavar="ID")
    overwrite: bool = switch("replace an export that is there")
    salvage: bool = salvage_option()
