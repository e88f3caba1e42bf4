"""The commands and their options; only those of the command that is chosen are made, so that help comes at once."""

import argparse
import sys
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from typing import NamedTuple, NoReturn

from counseling_sessions.commands.parsing.declared import CommandRequest, declare, read
from counseling_sessions.texts.harmless import one_line


class Command(NamedTuple):
    """A command: its help, and its request as `module.Class` of this room."""

    help: str
    request: str

    def kind(self) -> type[CommandRequest]:
        """The class of its requests."""
        module, _, name = self.request.partition(".")
        kind: type[CommandRequest] = getattr(import_module(f"{__package__}.{module}"), name)
        return kind


DEFAULT = "session"
COMMANDS = {
    DEFAULT: Command("one session, live on the terminal, saved under runs/", "session.SessionRequest"),
    "generate": Command("many sessions, resumable, into a run directory", "generate.GenerateRequest"),
    "status": Command("how a run stands: done, failed and why, rates, tokens, time left", "runs.StatusRequest"),
    "merge": Command("put parts of a run (--shard) together", "runs.MergeRequest"),
    "export": Command("a run as a data set, with its card", "runs.ExportRequest"),
    "evaluate": Command("integrity, structure, diversity and judged scales of sessions", "evaluation.EvaluateRequest"),
    "compare": Command("groups of sessions compared, paired by client, attitude and seed", "evaluation.CompareRequest"),
    "reference": Command(
        "BLEU, chrF and ROUGE of generated counselor turns against reference turns", "evaluation.ReferenceRequest"
    ),
    "prefer": Command("judges compare sessions with the same client on nine aspects", "evaluation.PreferRequest"),
    "rate": Command("pages on which people compare sessions, without a server", "evaluation.RateRequest"),
    "agreement": Command("what people answered, and how far they agree", "evaluation.AgreementRequest"),
    "trace": Command("what happened in a session, step by step", "inspection.TraceRequest"),
    "replay": Command("fork a session: the same past, another future", "inspection.ReplayRequest"),
    "diff": Command("two sessions side by side, turn by turn", "inspection.DiffRequest"),
    "studio": Command(
        "sessions in LangGraph Studio: step through them, fork them, run them on", "inspection.StudioRequest"
    ),
    "practice": Command(
        "take part: as the counselor of a simulated client, or as the client", "session.PracticeRequest"
    ),
    "train data": Command("fine-tuning examples from any sessions, ours or imported", "training.TrainDataRequest"),
    "train lora": Command(
        "train an adapter on a folder of examples; again: goes on where it was", "training.TrainLoraRequest"
    ),
    "train export": Command("an adapter as GGUF for llama.cpp, or merged into its base", "training.TrainExportRequest"),
    "train report": Command(
        "how well an adapter predicts held-out answers, against its base", "training.TrainReportRequest"
    ),
    "profiles": Command("built-in and foreign client profiles", "about.ProfilesRequest"),
    "check": Command("which model serves which role, and what it can do", "about.CheckRequest"),
    "graph": Command("the state machine as Mermaid", "about.GraphRequest"),
    "schema": Command("the JSON Schema of a format", "about.SchemaRequest"),
}
"""Every command; of two words where it is one of a family."""
FAMILIES = {"train": "fine-tuning data, LoRA adapters, their export and report"}


class CommandParser(argparse.ArgumentParser):
    """A parser whose complaints about what was typed are harmless: a shell's `*` may type the name of any file."""

    def error(self, message: str) -> NoReturn:
        """Say what is wrong with the arguments, in a line, and exit with 2."""
        super().error(one_line(message))


def parse(arguments: Sequence[str]) -> tuple[str, CommandRequest]:
    """The command that is chosen, and what is asked of it. Exits with 0 after help, with 2 for what cannot be parsed."""
    parser: argparse.ArgumentParser = CommandParser(
        prog="counseling-sessions" if Path(sys.argv[0]).stem == "counseling-sessions" else "run.py",
        description="Simulated counseling sessions with invented clients, for research. Without a command: one session.",
    )
    parser.set_defaults(command=None)
    places = {"": parser.add_subparsers(metavar="command")}
    for name, command in COMMANDS.items():
        family, _, last = name.rpartition(" ")
        if family not in places:
            members = places[""].add_parser(family, help=FAMILIES[family])
            places[family] = members.add_subparsers(metavar="what", required=True)
        own = places[family].add_parser(last, help=command.help)
        own.set_defaults(command=name)
        if set(name.split()) <= set(arguments):
            declare(own, command.kind())
    parsed = parser.parse_args(arguments)
    if parsed.command is None:
        return DEFAULT, COMMANDS[DEFAULT].kind()(arguments=tuple(arguments))
    return parsed.command, read(COMMANDS[parsed.command].kind(), parsed, arguments=tuple(arguments))
