"""The command line: parses, calls, prints.

python run.py                     one session, live on the terminal
python run.py session --help      all its options
python run.py profiles            the built-in clients
python run.py check               which model serves which role
python run.py graph               the state machine as Mermaid
python run.py schema record       the JSON Schema of what is read and written
"""

import argparse
import asyncio
import json
import os
import random
import shlex
import sqlite3
import sys
from contextlib import AsyncExitStack
from datetime import datetime
from pathlib import Path
from typing import Any, get_args

from pydantic import ValidationError
from rich.console import Console
from rich.text import Text

from graph.checkpoints import checkpoints_path, open_checkpoints
from graph.journal import JournalError, read_journal
from graph.methods import METHODS
from graph.session import SessionTask, find_session, resume_session, run_session
from graph.session_graph import build_session_graph, graph
from graph.store import keep, unfinished
from inspection.live import LiveView, show_summary
from inspection.schemas import SCHEMAS
from inspection.tables import models_table, profiles_table, show_profile
from inspection.transcript import transcript_markdown
from models.chat import Models
from models.errors import ModelError
from models.roles import check, pinned, serving, serving_line
from nodes.intake import DEFAULT_ATTITUDE, DEFAULT_CLIENT
from nodes.techniques import technique, techniques
from profiles.library import builtin_profiles
from profiles.readers import ProfileError, find_profile, read_profiles
from profiles.schema import ATTITUDES
from prompts import PromptError
from settings import ModelSettings, SessionConfig, SettingsError, read_models, validation_message
from state import SessionRecord

USER_ERRORS = (ProfileError, SettingsError, JournalError, ModelError, PromptError)
EMBEDDED_TURNS = 10
"""Turns of a session that the embedded model serves, unless told otherwise: it has no large context to lose itself in."""


def main(arguments: list[str] | None = None) -> int:
    """Run a command; 0 for success, 1 for a session that failed or a check that found a problem, 2 for a wrong input."""
    parser = _parser()
    args = parser.parse_args(arguments if arguments is not None else sys.argv[1:])
    errors = Console(stderr=True, soft_wrap=True, highlight=False)
    try:
        return int(args.command(args))
    except USER_ERRORS as error:
        errors.print(Text(f"error: {error}", style="red"))
    except ValidationError as error:
        errors.print(Text(f"error: {validation_message(error)}", style="red"))
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # the reader of our output has gone
        return 141
    except OSError as error:
        errors.print(Text(f"error: {error.filename or ''}: {error.strerror or error}", style="red"))
    except KeyboardInterrupt:
        errors.print("stopped")
        return 130
    return 2


def session(args: argparse.Namespace) -> int:
    """One session, new or taken up again."""
    try:
        return asyncio.run(_session(args))
    except KeyboardInterrupt:
        errors = Console(stderr=True, soft_wrap=True, highlight=False)
        place = Path(args.resume or args.out or "")
        if place.is_file() or (place.is_dir() and place != Path() and unfinished(place)):
            errors.print("\nstopped; nothing is lost but the turn in flight. Take it up with:")
            errors.print(f"  python run.py session --resume {shlex.quote(str(place))}")
        else:
            errors.print("stopped")
        return 130


async def _session(args: argparse.Namespace) -> int:
    console = _console(args)
    models = Models(offline=args.offline)
    async with AsyncExitStack() as stack:
        stack.push_async_callback(models.close)
        if args.resume:
            journal = find_session(Path(args.resume))
            content = read_journal(journal)
            head = content.head
            task = SessionTask(profile=head.profile, attitude=head.attitude, config=head.configuration)
            folder = journal.parent
            served = await serving(models, task.config)
        else:
            task, served, folder = await _new_task(args, models)
        for item in served:
            if item.problem:
                who = "" if len(served) == 1 else f"{', '.join(item.roles)}: "
                raise ModelError("configuration", who + item.problem)
        console.print(Text(serving_line(served), style="bold"))
        console.print(Text(_headline(task, folder), style="dim"))
        saver = await _checkpointer(stack, console)
        with LiveView(console, task) as view:
            if args.resume:
                view.replay(content)
                record = await resume_session(journal, models, checkpointer=saver, on_event=view)
            else:
                record = await run_session(task, folder, models, checkpointer=saver, on_event=view)
    return _finish(args, console, record, folder)


async def _new_task(args: argparse.Namespace, models: Models) -> tuple[SessionTask, list[Any], Path]:
    profile = find_profile(args.profile, args.record)
    config = _config(args)
    served = await serving(models, config)
    config = pinned(config, served)
    if args.turns is None and all(item.endpoint and item.endpoint.embedded for item in served):
        # Left open, the minimum follows the shorter session.
        kept = config.model_dump(exclude={"min_turns"} if args.min_turns is None else set())
        config = SessionConfig.model_validate({**kept, "max_turns": EMBEDDED_TURNS})
    attitude = args.attitude or profile.attitude or DEFAULT_ATTITUDE
    task = SessionTask(profile=profile, attitude=attitude, config=config)
    args.out = args.out or f"runs/{datetime.now():%Y%m%d-%H%M%S}-{profile.id}-{attitude}"
    folder = Path(args.out)
    task.refuse_if_done(folder)
    return task, served, folder


def _finish(args: argparse.Namespace, console: Console, record: SessionRecord, folder: Path) -> int:
    shard = keep(record, folder)
    transcript = folder / f"{record.session_id}.md"
    transcript.write_text(transcript_markdown(record), encoding="utf-8")
    if args.json:
        print(record.model_dump_json(indent=2))
    else:
        show_summary(console, record)
        (Console(soft_wrap=True, highlight=False) if args.quiet else console).print(
            Text(f"saved: {shard}"), soft_wrap=True
        )
    if record.failure:
        errors = Console(stderr=True, soft_wrap=True, highlight=False)
        errors.print(Text(f"the session failed: {record.failure.message}", style="red"))
        errors.print(
            f"its finished turns are kept; take it up with: python run.py session --resume {shlex.quote(str(folder))}"
        )
    return 1 if record.failure else 0


async def _checkpointer(stack: AsyncExitStack, console: Console) -> Any:
    try:
        return await stack.enter_async_context(open_checkpoints())
    except (OSError, sqlite3.Error) as error:
        console.print(Text(f"no checkpoints for Studio: {checkpoints_path()}: {error}", style="yellow"))
        return None


def profiles(args: argparse.Namespace) -> int:
    """List, show or validate client profiles."""
    console = Console(highlight=False)
    if args.action == "list":
        found = read_profiles(Path(args.name)).profiles if args.name else builtin_profiles()
        console.print(profiles_table(found))
        return 0
    if not args.name:
        raise ProfileError(f"profiles {args.action} needs {'an id' if args.action == 'show' else 'a file'}")
    if args.action == "show":
        show_profile(console, find_profile(args.name, args.record))
        return 0
    result = read_profiles(Path(args.name), skip_invalid=True)
    for problem in [*result.problems, *result.warnings]:
        console.print(Text(str(problem), style="red" if problem in result.problems else "yellow"), soft_wrap=True)
    console.print(f"{len(result.profiles)} valid, {len(result.problems)} problems, {len(result.warnings)} warnings")
    return 2 if result.problems and not args.skip_invalid else 0


def check_models(args: argparse.Namespace) -> int:
    """Which model serves which role, and what it can do."""

    async def run() -> int:
        models = Models(offline=args.offline)
        served = await serving(models, _config(args), None)
        for item in served:
            if item.endpoint:
                await check(models, item)
        await models.close()
        Console(highlight=False).print(models_table(served))
        return 1 if any(item.problem for item in served) else 0

    return asyncio.run(run())


def draw(args: argparse.Namespace) -> int:
    """The state machine as Mermaid."""
    if args.method == "all":
        drawn = graph
    else:
        config = _config(args)
        drawn = build_session_graph(method=config.method, specialists=config.techniques)
    print(drawn.get_graph().draw_mermaid())
    return 0


def schema(args: argparse.Namespace) -> int:
    """The JSON Schema of a format."""
    print(json.dumps(SCHEMAS[args.what](), indent=2, ensure_ascii=False))
    return 0


def _config(args: argparse.Namespace) -> SessionConfig:
    models = read_models(Path(args.models)) if getattr(args, "models", None) else {}
    given = {name: value for name in ("model", "base_url") if (value := getattr(args, name, None))}
    if given:
        models["default"] = ModelSettings(**given).over(models.get("default", ModelSettings()))
    options: dict[str, Any] = {"models": models}
    for option, name in _OPTIONS.items():
        if (value := getattr(args, option, None)) is not None:
            options[name] = value
    options.setdefault("seed", random.randrange(2**31))
    config = SessionConfig(**options)
    for name in config.techniques:
        technique(name)
    return config


_OPTIONS = {
    "method": "method",
    "router": "router",
    "fan_out": "fan_out",
    "techniques": "techniques",
    "prompt_layout": "prompt_layout",
    "turns": "max_turns",
    "min_turns": "min_turns",
    "language": "language",
    "seed": "seed",
}


def _console(args: argparse.Namespace) -> Console:
    return Console(highlight=False, quiet=args.quiet or args.json)


def _headline(task: SessionTask, folder: Path) -> str:
    config = task.config
    return (
        f"{task.profile.demographics.name} ({task.profile.id}), {task.attitude} · {config.method} · "
        f"up to {config.max_turns} turns · seed {config.seed} · {folder}/"
    )


def _names(text: str) -> list[str]:
    return [name.strip() for name in text.split(",") if name.strip()]


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="run.py",
        description="Simulated counseling sessions with invented clients, for research. Without a command: one session.",
    )
    commands = parser.add_subparsers(metavar="command")
    one = commands.add_parser("session", help="one session, live on the terminal, saved under runs/")
    _session_options(one)
    _model_options(one)
    listing = commands.add_parser("profiles", help="built-in and foreign client profiles")
    listing.add_argument("action", nargs="?", choices=["list", "show", "validate"], default="list")
    listing.add_argument("name", nargs="?", help="a built-in id, or a file or folder of profiles")
    listing.add_argument("--record", help="which record of the file: its number or its id")
    listing.add_argument("--skip-invalid", action="store_true", help="broken records do not make the exit status 2")
    listing.set_defaults(command=profiles)
    checking = commands.add_parser("check", help="which model serves which role, and what it can do")
    _model_options(checking)
    checking.add_argument("--techniques", type=_names, help="comma-separated")
    checking.set_defaults(command=check_models)
    drawing = commands.add_parser("graph", help="the state machine as Mermaid")
    drawing.add_argument("--method", choices=[*METHODS, "all"], help="default: magnet")
    drawing.add_argument("--techniques", type=_names, help="comma-separated")
    drawing.set_defaults(command=draw)
    schemas = commands.add_parser("schema", help="the JSON Schema of a format")
    schemas.add_argument("what", choices=list(SCHEMAS))
    schemas.set_defaults(command=schema)
    parser.set_defaults(**{**vars(one.parse_args([])), "command": session})
    return parser


def _session_options(parser: argparse.ArgumentParser) -> None:
    fields = SessionConfig.model_fields
    parser.add_argument("--profile", default=DEFAULT_CLIENT, help=f"a built-in id or a file (default {DEFAULT_CLIENT})")
    parser.add_argument("--record", help="which record of the file: its number or its id")
    parser.add_argument("--attitude", choices=ATTITUDES, help=f"the profile's own, or {DEFAULT_ATTITUDE}")
    parser.add_argument("--method", choices=list(METHODS), help="default: magnet")
    parser.add_argument("--router", choices=get_args(fields["router"].annotation), help=fields["router"].description)
    parser.add_argument("--fan-out", choices=get_args(fields["fan_out"].annotation), help=fields["fan_out"].description)
    parser.add_argument("--techniques", type=_names, metavar="A,B", help=f"of {', '.join(techniques())}")
    layouts = get_args(fields["prompt_layout"].annotation)
    parser.add_argument("--prompt-layout", choices=layouts, help=fields["prompt_layout"].description)
    parser.add_argument("--turns", type=int, help=f"at most (default 20; {EMBEDDED_TURNS} on the embedded model)")
    parser.add_argument("--min-turns", type=int, help=f"{fields['min_turns'].description} (default 8)")
    parser.add_argument("--language", help="the language both sides speak (default English)")
    parser.add_argument("--seed", type=int, help="default: another one each time")
    parser.add_argument("--out", help="folder for the session (default runs/<time>-<profile>-<attitude>)")
    parser.add_argument("--resume", metavar="FOLDER", help="take up the cut-off session in this folder (or journal)")
    parser.add_argument("--quiet", action="store_true", help="print only where the session was saved")
    parser.add_argument("--json", action="store_true", help="print the session record as JSON and nothing else")
    parser.set_defaults(command=session)


def _model_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--model", help="model name; 'embedded' for the embedded model")
    parser.add_argument("--base-url", help="OpenAI-compatible endpoint, such as http://localhost:8000/v1")
    parser.add_argument("--models", metavar="FILE", help="YAML with a model, endpoint and sampling per role")
    parser.add_argument("--offline", action="store_true", help="never fetch the embedded model")


if __name__ == "__main__":
    sys.exit(main())
