"""What a command says: its output, and beside it."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from pathlib import Path

from rich.console import Console
from rich.text import Text

from counseling_sessions.profiles.library import risk_notice
from counseling_sessions.profiles.problems import Note
from counseling_sessions.sessions.errors import RunError
from counseling_sessions.sessions.folder import run_folder
from counseling_sessions.sessions.journal_lines import SUFFIX
from counseling_sessions.sessions.ledger import Damage, counted_damage, damage_lines
from counseling_sessions.texts.console import HarmlessConsole
from counseling_sessions.texts.harmless import one_line
from counseling_sessions.texts.words import counted


def errors() -> Console:
    """Where messages go that are not the command's output."""
    return HarmlessConsole(stderr=True, soft_wrap=True)


def say(message: str, style: str = "") -> None:
    """Print a line of the command's output."""
    HarmlessConsole(soft_wrap=True).print(Text(message, style=style))


def tell(message: str, style: str = "") -> None:
    """Say something that is not the command's output."""
    errors().print(Text(message, style=style))


def warn(message: str) -> None:
    """Say something that needs a person's attention."""
    tell(message, "yellow")


def tell_of_risk(levels: Collection[str] | None) -> None:
    """Say what clients at risk are for, where some were asked for."""
    if levels:
        warn(risk_notice())


def tell_left_out(left_out: list[Damage] | None) -> None:
    """Say which damaged sessions were left out, if any were."""
    if left_out:
        warn("\n  ".join([f"left out: {counted_damage(left_out)}", *damage_lines(left_out)]))


def tell_assumed(assumed: Mapping[str, int], notes: Sequence[Note]) -> None:
    """Say what was taken for granted of others' files and sessions, each once."""
    for what, count in assumed.items():
        warn(f"{counted(count, 'session')}: {what}")
    files: dict[str, list[str]] = {}
    for note in notes:
        files.setdefault(note.message, []).append(note.file)
    for message, named in files.items():
        more = f" and {len(named) - 1:,} more" if len(named) > 1 else ""
        tell(f"{named[0]}{more}: {message}")


def still_to_come(folder: Path) -> int:
    """How many sessions of a run's folder have no record yet. Raises `RunError`."""
    run = run_folder(folder)
    if run is None:
        return 0
    if run.planned:
        from counseling_sessions.generation.state import StateReader

        return StateReader(folder).read(by_ledger=True).left
    entries = run.entries()
    return sum(path.name.removesuffix(SUFFIX) not in entries for path in run.unfinished())


def tell_still_to_come(sources: Iterable[Path]) -> None:
    """Say which sources have sessions still to come, and for which ones that is unknown."""
    for source in filter(Path.is_dir, sources):
        try:
            count = still_to_come(source)
        except RunError as error:
            message = f"{source}: whether sessions are still to come is not known: {one_line(str(error))[:200]}"
        else:
            message = f"{source} is not done: {count:,} of its sessions are still to come, and are not among those read"
            if not count:
                continue
        warn(message)
