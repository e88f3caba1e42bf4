"""Reading sessions, wherever they lie: a run directory, a folder of single sessions, or anybody's files."""

from collections.abc import Iterator
from pathlib import Path

from counseling_sessions.graph.ledger import Damage
from counseling_sessions.graph.store import has_records, read_records
from counseling_sessions.profiles.problems import Problem
from counseling_sessions.sessions.foreign import foreign_sessions
from counseling_sessions.sessions.session import Session, session_of
from counseling_sessions.sessions.store import Store, is_run


def read_sessions(
    path: Path, *, failed: bool = False, left_out: list[Damage] | None = None
) -> Iterator[Session | Problem]:
    """Every session of a run directory, file or folder, once, and every problem with what cannot be read.

    Failed sessions of our own are given with `failed` only. Sessions are read one by one and need not fit into memory.
    Raises `ProfileError` where there is nothing to read. For a run directory and a folder of single sessions `RunError` and
    `JournalError` name the damaged sessions, when the others have been read; with a list for what is left out, they are put
    there instead.
    """
    if path.is_dir() and is_run(path):
        for record in Store(path).records(failed=failed, left_out=left_out):
            yield session_of(record, str(path))
    elif path.is_dir() and has_records(path):
        for record in read_records(path, left_out=left_out).values():
            if failed or record.status == "finished":
                yield session_of(record, str(path))
    else:
        for item in foreign_sessions(path):
            if failed or isinstance(item, Problem) or not item.failed:
                yield item
