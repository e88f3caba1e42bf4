"""Reading sessions, wherever they lie: a run directory, a folder of single sessions, or anybody's files."""

from collections.abc import Iterator
from pathlib import Path

from graph.store import SHARD, read_records
from profiles.problems import Problem
from sessions.foreign import foreign_sessions
from sessions.session import Session, session_of
from sessions.store import RUN_FILE, Store


def read_sessions(path: Path, *, failed: bool = False) -> Iterator[Session | Problem]:
    """Every session of a run directory, file or folder, once, and every problem with what cannot be read.

    Failed sessions of our own are given with `failed` only. Sessions are read one by one and need not fit into memory.
    Raises `ProfileError` where there is nothing to read, `RunError` or `JournalError` for a damaged run directory.
    """
    if path.is_dir() and ((path / RUN_FILE).exists() or (path / "shards").is_dir()):
        for record in Store(path).records(failed=failed):
            yield session_of(record, str(path))
    elif path.is_dir() and (path / SHARD).exists():
        for record in read_records(path).values():
            if failed or record.status == "finished":
                yield session_of(record, str(path))
    else:
        for item in foreign_sessions(path):
            if failed or isinstance(item, Problem) or not item.failed:
                yield item
