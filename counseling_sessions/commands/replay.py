"""`run.py replay` and `run.py diff`: the same past with another future, and two futures side by side."""

import argparse
import asyncio
from collections.abc import Iterable
from datetime import datetime
from functools import partial
from pathlib import Path

from rich.text import Text

from counseling_sessions.commands import Subparsers
from counseling_sessions.commands.options import (
    given_models,
    given_options,
    graph_options,
    model_options,
    names,
    salvage_option,
    salvaged,
    tell_left_out,
)
from counseling_sessions.commands.session import conduct, stopped
from counseling_sessions.commands.trusted import naming_options, refuse_unnamed
from counseling_sessions.graph.fork import Edits, fork_head, fork_task, run_fork
from counseling_sessions.graph.methods import METHODS
from counseling_sessions.inspection.diff import as_json, compare
from counseling_sessions.inspection.diff_view import show_difference
from counseling_sessions.inspection.find import find_one
from counseling_sessions.models.chat import Models
from counseling_sessions.models.roles import pinned, serving
from counseling_sessions.nodes.examples import check_examples
from counseling_sessions.nodes.techniques import technique
from counseling_sessions.profiles.schema import ATTITUDES
from counseling_sessions.sessions.errors import RunError
from counseling_sessions.sessions.folder import RunFolder
from counseling_sessions.sessions.journal_lines import JournalContent
from counseling_sessions.settings import EMBEDDED_MODELS, NOT_TECHNIQUES, ModelSettings, SessionConfig
from counseling_sessions.state import SessionRecord
from counseling_sessions.texts.console import HarmlessConsole, json_text

WHERE = (
    "model",
    "base_url",
    "api_key_env",
    "replicas",
    "max_in_flight",
    "requests_per_minute",
    "tokens_per_minute",
    "extra_body",
)
"""What of a role's settings belongs to its server; the rest is how it is asked."""


def add(commands: Subparsers) -> None:
    """Tell the parser about these commands."""
    parser = commands.add_parser("replay", help="fork a session: the same past, another future")
    parser.add_argument("place", metavar="PLACE", help="run directory, folder, journal, or PLACE/SESSION")
    parser.add_argument(
        "session", nargs="?", metavar="SESSION", help="its id, or how it begins; where there are several"
    )
    parser.add_argument("--from-turn", type=int, required=True, metavar="K", help="the first turn that is played anew")
    edits = parser.add_argument_group("edits of that turn")
    edits.add_argument("--say", metavar="TEXT", help="what the counselor says in it")
    edits.add_argument("--pick", type=names, metavar="A,B", help="the techniques picked in it")
    edits.add_argument("--client-says", metavar="TEXT", help="what the client had said last before it")
    told = "what is not given stays as it was in the session, whatever the defaults below"
    configuration = parser.add_argument_group("the future", told)
    configuration.add_argument("--method", choices=list(METHODS))
    configuration.add_argument("--attitude", choices=ATTITUDES)
    graph_options(configuration)
    configuration.add_argument("--seed", type=int, help="default: one that follows from the fork")
    model_options(configuration)
    parser.add_argument("--out", help="folder for the session (default runs/<time>-<profile>-<attitude>-turn-<K>)")
    parser.add_argument("--quiet", action="store_true", help="print only where the session was saved")
    parser.add_argument("--json", action="store_true", help="print the session record as JSON and nothing else")
    salvage_option(parser)
    parser.set_defaults(command=replay)
    comparing = commands.add_parser("diff", help="two sessions side by side, turn by turn")
    for name in ("a", "b"):
        comparing.add_argument(name, metavar=name.upper(), help="a place with one session, or PLACE/SESSION")
    comparing.add_argument("--all", action="store_true", help="show the turns too that are alike")
    comparing.add_argument("--json", action="store_true", help="print it as JSON")
    salvage_option(comparing)
    comparing.set_defaults(command=diff)


def replay(args: argparse.Namespace) -> int:
    """Fork a session and run the fork to its end."""
    try:
        return asyncio.run(_replay(args))
    except KeyboardInterrupt:
        return stopped(Path(args.out or ""), naming_options(args))


def diff(args: argparse.Namespace) -> int:
    """Two sessions side by side."""
    difference = compare(_session_at(args.a, args), _session_at(args.b, args))
    if args.json:
        print(json_text(as_json(difference, alike=args.all)))
    else:
        show_difference(HarmlessConsole(), difference, (args.a, args.b), alike=args.all)
    return 0


async def _replay(args: argparse.Namespace) -> int:
    parent = _named(Path(args.place), args.session, args) if args.session else _session_at(args.place, args)
    config = _config(args, SessionConfig.model_validate(parent.configuration))
    pick = None if args.pick is None else tuple(args.pick)
    edits = Edits(client=args.client_says, pick=pick, counselor=args.say)
    make = partial(fork_task, parent, args.from_turn, attitude=args.attitude, seed=args.seed, edits=edits)
    task = make(config)  # what is wrong with it is told before any model is started
    refuse_unnamed(config, args, Path(args.place))
    args.out = (
        args.out or f"runs/{datetime.now():%Y%m%d-%H%M%S}-{parent.profile_id}-{task.attitude}-turn-{args.from_turn}"
    )
    folder = Path(args.out)
    RunFolder(folder).refuse_batch()
    models = Models(offline=args.offline)
    try:
        served = await serving(models, config)
        task = make(pinned(config, served))
        task.refuse_if_done(folder)
        head = await fork_head(task)
        console = HarmlessConsole(quiet=args.quiet or args.json)
        console.print(Text(f"fork of {parent.session_id} at turn {task.turn}", style="bold"))
        start = partial(run_fork, head, RunFolder(folder).journals, models)
        return await conduct(args, served, task, folder, start, JournalContent.begun(head))
    finally:
        await models.close()


def _named(place: Path, name: str | None, args: argparse.Namespace) -> SessionRecord:
    left_out = salvaged(args)
    record = find_one(place, name, left_out=left_out)
    tell_left_out(left_out)
    return record


def _session_at(place: str, args: argparse.Namespace) -> SessionRecord:
    """The session at PLACE, or PLACE/SESSION where there is no such file or folder."""
    path = Path(place)
    if path.exists() or not path.parent.exists():
        return _named(path, None, args)
    try:
        return _named(path.parent, path.name, args)
    except RunError as error:
        raise RunError(f"{place} is not there as a file or folder, and as PLACE/SESSION: {error}") from None


def _config(args: argparse.Namespace, recorded: SessionConfig) -> SessionConfig:
    """The session's configuration with the options on top; the seed is the fork's own affair."""
    given = {name: value for name, value in given_options(args).items() if name != "seed"}
    if "max_turns" in given and "min_turns" not in given:
        given["min_turns"] = max(1, min(recorded.min_turns, given["max_turns"]))
    models = _models(given_models(args), recorded.models)
    config = SessionConfig.model_validate(recorded.model_dump() | given | {"models": models})
    for name in config.techniques:
        technique(name)
    check_examples(config)
    return config


def _models(given: dict[str, ModelSettings], recorded: dict[str, ModelSettings]) -> dict[str, ModelSettings]:
    """The recorded models with the given ones on top.

    Where another model or endpoint is given for a group of roles, what is recorded of the servers of that group's roles no
    longer holds. How they are asked (temperature and so on) does.
    """
    merged = dict(recorded)
    for group, settings in given.items():
        if settings.model or settings.base_url:
            for role in _roles_of(group, recorded):
                merged[role] = merged[role].model_copy(update=dict.fromkeys(WHERE))
        here = recorded.get(group, ModelSettings())
        elsewhere = settings.model is not None and settings.model not in EMBEDDED_MODELS
        if elsewhere and not settings.base_url and here.model not in EMBEDDED_MODELS:
            # Another model's name alone means the same endpoint.
            own = {name: getattr(here, name) for name in WHERE if name != "model"}
            merged[group] = merged.get(group, ModelSettings()).model_copy(update=own)
    for group, settings in given.items():
        merged[group] = settings.over(merged.get(group, ModelSettings()))
    return {role: settings for role, settings in merged.items() if settings != ModelSettings()}


def _roles_of(group: str, roles: Iterable[str]) -> list[str]:
    """The roles among these that a group's settings are for: `default` for all, `techniques` for the specialists."""
    if group == "default":
        return list(roles)
    return [role for role in roles if role == group or (group == "techniques" and role not in NOT_TECHNIQUES)]
