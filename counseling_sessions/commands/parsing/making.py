"""What `profiles make` is asked: how many new clients, drawn from which tables, written by which model."""

from pathlib import Path

from counseling_sessions.commands.parsing import values
from counseling_sessions.commands.parsing.declared import CommandRequest, group, option, switch
from counseling_sessions.commands.parsing.options import PRICES, ModelOptions


class ProfilesMakeRequest(CommandRequest):
    """New clients, or a set of them to go on with."""

    count: int = option("how many clients", "N", type=values.positive)
    out: Path = option("folder, or .jsonl file; a set that is there is gone on with", "FOLDER|FILE")
    seed: int = option("of the drawing (default 1)", "S", type=values.count, default=1)
    tables: Path | None = option("tables to draw from (default: the built-in ones)", "FILE", reads=True)
    language: str = option("the language of the forms (default English)", default="English")
    attempts: int = option("answers for one client, at most (default 4)", "N", type=values.positive, default=4)
    concurrency: int = option("forms at once (default 8)", "N", type=values.positive, default=8)
    prices: Path | None = option(PRICES, "FILE", reads=True)
    licence: str | None = option("for the card, such as cc-by-4.0", "ID")
    dry_run: bool = switch("show what is drawn, and ask no model")
    quiet: bool = switch("print only how it ended")
    models: ModelOptions = group(ModelOptions, "models")
