"""Sessions of a run that are still to come: what is read of a run that is not done is not the whole batch, and that is said."""

from collections.abc import Iterable
from pathlib import Path

from rich.text import Text

from counseling_sessions.commands.options import errors
from counseling_sessions.generation.state import StateReader
from counseling_sessions.sessions.errors import RunError
from counseling_sessions.sessions.folder import run_folder
from counseling_sessions.sessions.journal_lines import SUFFIX
from counseling_sessions.texts.harmless import one_line


def still_to_come(folder: Path) -> int:
    """How many sessions of a run's folder have no record yet. Raises `RunError`."""
    run = run_folder(folder)
    if run is None:
        return 0
    if run.planned:
        return StateReader(folder).read(by_ledger=True).left
    recorded = run.recorded()
    return sum(path.name.removesuffix(SUFFIX) not in recorded for path in run.unfinished())


def tell_still_to_come(sources: Iterable[Path]) -> None:
    """Say of which sources sessions are missing that are still to come, or that nobody can tell."""
    for source in filter(Path.is_dir, sources):
        try:
            count = still_to_come(source)
        except RunError as error:
            message = f"{source}: whether sessions are still to come is not known: {one_line(str(error))[:200]}"
        else:
            message = f"{source} is not done: {count:,} of its sessions are still to come, and are not among those read"
            if not count:
                continue
        errors().print(Text(message, style="yellow"))
