"""What the commands of `train` are asked."""

from pathlib import Path
from typing import Any

from counseling_sessions.commands.parsing.declared import CommandRequest, Options, argument, group, option, switch
from counseling_sessions.commands.parsing.options import ReadingOptions
from counseling_sessions.ladder.models import EMBEDDED, sizes
from counseling_sessions.training.recipe import Preset, Recipe
from counseling_sessions.training.roles import role_names


def _parameter(name: str) -> Any:
    return option(Recipe.model_fields[name].description)


class RecipeOptions(Options):
    """The fields of a `Recipe` that take the place of the preset's."""

    rank: int | None = _parameter("rank")
    alpha: int | None = _parameter("alpha")
    dropout: float | None = _parameter("dropout")
    learning_rate: float | None = _parameter("learning_rate")
    epochs: float | None = _parameter("epochs")
    packs_per_step: int | None = _parameter("packs_per_step")
    pack_tokens: int | None = _parameter("pack_tokens")
    max_length: int | None = _parameter("max_length")
    seed: int | None = _parameter("seed")


class TrainDataRequest(CommandRequest):
    """Sessions, to become fine-tuning examples."""

    sources: tuple[Path, ...] = argument("run directories, folders or files of sessions", "SESSIONS", nargs="+")
    out: Path = option(None, "FOLDER")
    roles: str = option(f"all, or some of {', '.join(role_names())}", default="all")
    splits: str = option("shares of clients for train, validation and test", default="80/10/10")
    seed: int = option("which clients are in which split", default=0)
    as_embedded: bool = switch("with the prompts of the embedded model's sessions: appraisals by rules, no reasons")
    skip_invalid: bool = switch("leave out what cannot be read, and count it", flags=("--skip-invalid", "--salvage"))
    with_risk: bool = switch("take sessions with a risk as well, which are refused without it")
    overwrite: bool = switch("replace examples that lie there")
    reading: ReadingOptions = group(ReadingOptions)


class TrainLoraRequest(CommandRequest):
    """An adapter, to be trained."""

    data: Path = argument("a folder made by train data", "DATA")
    base: str = option(
        f"embedded (default), {EMBEDDED}-SIZE ({', '.join(sizes())}), an id of the Hub, a folder or a GGUF file",
        default=EMBEDDED,
    )
    out: Path = option(None, "FOLDER")
    roles: str | None = option("only examples of these roles, and all of them (one adapter per agent)")
    preset: Preset | None = option(
        "embedded-small and embedded-medium: for these bases on two cores; paper: MAGneT's (default by the base)"
    )
    qlora: bool = switch("keep the base in 4 bits (a GPU and bitsandbytes)")
    no_qlora: bool = switch("the paper's preset on a whole base")
    recipe: RecipeOptions = group(RecipeOptions)
    offline: bool = switch("never fetch the embedded model")


class TrainExportRequest(CommandRequest):
    """An adapter, to be exported."""

    adapter: Path = argument("a folder made by train lora", "ADAPTER")
    gguf: Path | None = option("write a GGUF: the adapter, or with --merged the whole model", "FILE")
    merged: bool = switch("the whole model, in Q8_0, in place of the adapter")
    folder: Path | None = option("write the merged model as transformers and vLLM read it", "FOLDER")
    overwrite: bool = switch("replace what lies there")


class TrainReportRequest(CommandRequest):
    """An adapter, to be compared on held-out answers."""

    adapter: Path = argument(None, "ADAPTER")
    against: str = option("what it is compared with (default base)", "base|ADAPTER", default="base")
    on: str = option("corpus:test (default), plain:test, or a file of examples", "DATA", default="corpus:test")
    roles: str | None = option("only these roles")
    sessions: int | None = option("only the first N sessions", "N")
    json: Path | None = option("write the figures too", "FILE")
