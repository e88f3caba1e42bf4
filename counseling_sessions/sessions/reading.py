"""Reading sessions, wherever they lie: a run's folder, or anybody's files."""

from collections.abc import Iterator
from pathlib import Path

from counseling_sessions.profiles.problems import Problem
from counseling_sessions.sessions.folder import run_folder
from counseling_sessions.sessions.foreign import foreign_sessions
from counseling_sessions.sessions.ledger import Damage
from counseling_sessions.sessions.session import Session, session_of


def read_sessions(
    path: Path, *, failed: bool = False, left_out: list[Damage] | None = None
) -> Iterator[Session | Problem]:
    """Every session of a run's folder, a file or another folder, once, and every problem with what cannot be read.

    Failed sessions of our own are given with `failed` only. Sessions are read one by one and need not fit into memory.
    Raises `ProfileError` where there is nothing to read. For a run's folder `RunError` names the damaged sessions, when the
    others have been read; with a list for what is left out, they are put there instead.
    """
    if folder := run_folder(path):
        yield from (session_of(record, str(path)) for record in folder.records(failed=failed, left_out=left_out))
        return
    for item in foreign_sessions(path):
        if failed or isinstance(item, Problem) or not item.failed:
            yield item
