"""Reading sessions from a run's folder, or from anybody's files."""

from collections.abc import Iterator
from pathlib import Path

from counseling_sessions.profiles.problems import Note, Problem
from counseling_sessions.sessions.folder import run_folder
from counseling_sessions.sessions.foreign import AS_IT_SAYS, HowToRead, foreign_sessions
from counseling_sessions.sessions.ledger import Damage
from counseling_sessions.sessions.session import Session, session_of


def read_sessions(
    path: Path,
    *,
    failed: bool = False,
    left_out: list[Damage] | None = None,
    how: HowToRead = AS_IT_SAYS,
    notes: list[Note] | None = None,
) -> Iterator[Session | Problem]:
    """Every session of a run's folder, a file or another folder, once, and every problem with unreadable ones.

    Our failed sessions come with `failed` only. Sessions are read one by one and need not fit into memory. Raises
    `ProfileError` if there is nothing to read. For a run's folder `RunError` names the damaged sessions, after the others;
    with a list `left_out`, they are put there instead. `how` is how others' files are read; `notes` gets what was
    assumed about them.
    """
    if folder := run_folder(path):
        yield from (session_of(record, str(path)) for record in folder.records(failed=failed, left_out=left_out))
        return
    for item in foreign_sessions(path, how, notes):
        if failed or isinstance(item, Problem) or not item.failed:
            yield item
