"""`run.py profiles`: the built-in clients, and other people's."""

import argparse
from pathlib import Path

from rich.text import Text

from counseling_sessions.commands import Subparsers
from counseling_sessions.inspection.tables import profiles_table, show_profile
from counseling_sessions.profiles.library import builtin_profiles
from counseling_sessions.profiles.readers import ProfileError, find_profile, read_profiles
from counseling_sessions.texts.console import HarmlessConsole


def add(commands: Subparsers) -> None:
    """Tell the parser about this command."""
    parser = commands.add_parser("profiles", help="built-in and foreign client profiles")
    parser.add_argument("action", nargs="?", choices=["list", "show", "validate"], default="list")
    parser.add_argument("name", nargs="?", help="a built-in id, or a file or folder of profiles")
    parser.add_argument("--record", help="which record of the file: its number or its id")
    parser.add_argument("--skip-invalid", action="store_true", help="broken records do not make the exit status 2")
    parser.set_defaults(command=profiles)


def profiles(args: argparse.Namespace) -> int:
    """List, show or validate client profiles."""
    console = HarmlessConsole()
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
