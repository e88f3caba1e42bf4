"""`run.py profiles`: the built-in clients, and other people's."""

from pathlib import Path

from rich.text import Text

from counseling_sessions.commands.parsing.about import ProfilesRequest
from counseling_sessions.inspection.tables import profiles_table, show_profile
from counseling_sessions.profiles.library import builtin_profiles
from counseling_sessions.profiles.readers import ProfileError, find_profile, read_profiles
from counseling_sessions.texts.console import HarmlessConsole


def run(request: ProfilesRequest) -> int:
    """List, show or validate client profiles."""
    console = HarmlessConsole()
    if request.action == "list":
        found = read_profiles(Path(request.name)).profiles if request.name else builtin_profiles()
        console.print(profiles_table(found))
        return 0
    if not request.name:
        raise ProfileError(f"profiles {request.action} needs {'an id' if request.action == 'show' else 'a file'}")
    if request.action == "show":
        show_profile(console, find_profile(request.name, request.record))
        return 0
    result = read_profiles(Path(request.name), skip_invalid=True)
    for problem in [*result.problems, *result.warnings]:
        console.print(Text(str(problem), style="red" if problem in result.problems else "yellow"), soft_wrap=True)
    console.print(f"{len(result.profiles)} valid, {len(result.problems)} problems, {len(result.warnings)} warnings")
    return 2 if result.problems and not request.skip_invalid else 0
