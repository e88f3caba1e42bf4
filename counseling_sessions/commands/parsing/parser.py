"""The commands and their options; only those of the command that is chosen are made, so that help comes at once."""

import argparse
import sys
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from typing import NoReturn

from counseling_sessions.commands.parsing.declared import CommandRequest, declare, read
from counseling_sessions.texts.harmless import one_line

DEFAULT = "session"
COMMANDS = {
    "session": ("session", "session:run", "one session, live on the terminal, saved under runs/"),
    "generate": ("generate", "generate:run", "many sessions, resumable, into a run directory"),
    "status": ("runs", "runs:show_status", "how a run stands: done, failed and why, rates, tokens, time left"),
    "merge": ("runs", "runs:merge_parts", "put parts of a run (--shard) together"),
    "export": ("runs", "runs:export_run", "a run as a data set, with its card"),
    "read": ("reading", "read:show", "what is understood of anybody's sessions, before anything is computed"),
    "evaluate": ("evaluation", "evaluate:evaluate", "integrity, structure, diversity and judged scales of sessions"),
    "compare": ("evaluation", "evaluate:compare", "groups of sessions compared, paired by client, attitude and seed"),
    "reference": (
        "evaluation",
        "evaluate:score_reference",
        "BLEU, chrF and ROUGE of generated counselor turns against reference turns",
    ),
    "prefer": ("evaluation", "pairs:prefer", "judges compare sessions with the same client on nine aspects"),
    "rate": ("evaluation", "pairs:rate", "pages on which people compare or rate sessions, without a server"),
    "agreement": (
        "evaluation",
        "pairs:report_agreement",
        "what people answered, how far they agree, and judges beside them",
    ),
    "plan-study": ("planning", "plan:plan_study", "how many clients, pairs and raters it takes to find a difference"),
    "trace": ("inspection", "trace:run", "what happened in a session, step by step"),
    "replay": ("inspection", "replay:replay", "fork a session: the same past, another future"),
    "diff": ("inspection", "replay:diff", "two sessions side by side, turn by turn"),
    "studio": ("inspection", "studio:run", "sessions in LangGraph Studio: step through them, fork them, run them on"),
    "practice": ("session", "practice:run", "take part: as the counselor of a simulated client, or as the client"),
    "web": ("web", "web:run", "practise as the counselor, and read sessions, in the browser"),
    "train data": ("training", "train:write_examples", "fine-tuning examples from any sessions, ours or imported"),
    "train lora": (
        "training",
        "train:train_lora",
        "train an adapter on a folder of examples; again: goes on where it was",
    ),
    "train export": ("training", "train:export_adapter", "an adapter as GGUF for llama.cpp, or merged into its base"),
    "train report": (
        "training",
        "train:report_adapter",
        "how well an adapter predicts held-out answers, against its base",
    ),
    "profiles": ("about", "about:show_profiles", "built-in and foreign client profiles"),
    "profiles adapt": ("adapting", "adapt:run", "other people's client profiles become ours, or ours another's"),
    "profiles make": ("making", "making:make_profiles", "new clients, drawn from tables and written by a model"),
    "check": ("about", "about:check_models", "which model serves which role, and what it can do"),
    "graph": ("about", "about:draw_graph", "the state machine as Mermaid"),
    "schema": ("about", "about:print_schema", "the JSON Schema of a format"),
}
"""Every command, of two words where it is one of a family: this room's module with its request, its function, its help."""
EXTRAS = {"evaluation": "evaluation", "web": "web"}
"""Modules of requests whose commands need an extra, and its name."""
FAMILIES = {"train": "fine-tuning data, LoRA adapters, their export and report"}


def request_kind(command: str) -> type[CommandRequest]:
    """The class of a command's requests."""
    module = import_module(f"{__package__}.{COMMANDS[command][0]}")
    kind: type[CommandRequest] = getattr(module, f"{command.title().replace(' ', '').replace('-', '')}Request")
    return kind


class CommandParser(argparse.ArgumentParser):
    """A parser whose complaints about what was typed are harmless: a shell's `*` may type the name of any file.

    `extra` is what its command needs installed; its help says so first.
    """

    extra = ""

    def format_help(self) -> str:
        """The help, after what has to be installed."""
        needed = f"With the extra {self.extra!r} (pip install -e '.[{self.extra}]').\n\n" if self.extra else ""
        return needed + super().format_help()

    def error(self, message: str) -> NoReturn:
        """Say what is wrong with the arguments, in a line, and exit with 2."""
        super().error(one_line(message))


def parse(typed: Sequence[str]) -> tuple[str, CommandRequest]:
    """The command that is chosen, and what is asked of it. Exits with 0 after help, with 2 for what cannot be parsed."""
    parser: argparse.ArgumentParser = CommandParser(
        prog="counseling-sessions" if Path(sys.argv[0]).stem == "counseling-sessions" else "run.py",
        description="Simulated counseling sessions with invented clients, for research. Without a command: one session.",
    )
    parser.set_defaults(command=None)
    places = {"": parser.add_subparsers(metavar="command", parser_class=CommandParser)}
    arguments = _joined(typed)
    for name, (module, _, text) in COMMANDS.items():
        family, _, last = name.rpartition(" ")
        if family in COMMANDS:
            family, last = "", name
        if family not in places:
            members = places[""].add_parser(family, help=FAMILIES[family])
            places[family] = members.add_subparsers(metavar="what", required=True, parser_class=CommandParser)
        command = places[family].add_parser(last, help=text)
        command.set_defaults(command=name)
        command.extra = EXTRAS.get(module, "")
        if name in arguments or set(name.split()) <= set(arguments):
            declare(command, request_kind(name))
    parsed = parser.parse_args(arguments)
    if parsed.command is None:
        return DEFAULT, request_kind(DEFAULT)(arguments=tuple(typed))
    return parsed.command, read(request_kind(parsed.command), parsed, arguments=tuple(typed))


def _joined(typed: Sequence[str]) -> list[str]:
    """What was typed, with a command of two words as one where the first word is a command by itself (`profiles make`)."""
    both = " ".join(typed[:2])
    joins = len(typed) > 1 and typed[0] in COMMANDS and both in COMMANDS
    return [both, *typed[2:]] if joins else list(typed)
