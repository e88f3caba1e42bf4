"""The checkpoints that single sessions share with LangGraph Studio: one SQLite file for `run.py session` and `langgraph dev`."""

import os
import sqlite3
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

from langchain_core.runnables import RunnableConfig
from langgraph.checkpoint.base import BaseCheckpointSaver, ChannelVersions, Checkpoint, CheckpointMetadata
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.checkpoint.sqlite.aio import AsyncSqliteSaver

from counseling_sessions.store.system import is_ours, open_file

VARIABLE = "COUNSELING_SESSIONS_CHECKPOINTS"
"""Environment variable that names another file."""
CODE = Path(__file__).resolve().parents[1]
DEFAULT = (CODE if (CODE / "langgraph.json").is_file() else Path()) / ".langgraph" / "sessions.sqlite"
BESIDE = ("", "-wal", "-shm", "-journal")
"""What SQLite puts behind the file's name."""


def checkpoints_path() -> Path:
    """The SQLite file: `.langgraph/sessions.sqlite` in the checkout (in the working folder, for an installed package), unless the
    environment names another."""
    return Path(os.environ.get(VARIABLE) or DEFAULT)


@asynccontextmanager
async def open_checkpoints() -> AsyncIterator[AsyncSqliteSaver]:
    """The saver on that file, for as long as the context lasts. Raises `OSError` or `sqlite3.Error` if it cannot be opened.

    Checkpoints hold all that was said: only the file's owner can read it, and a folder that is made for it.
    """
    path = checkpoints_path()
    _make_private(path)
    async with AsyncSqliteSaver.from_conn_string(str(path)) as saver:
        await saver.conn.execute("PRAGMA busy_timeout = 10000")
        await saver.setup()
        yield saver


@asynccontextmanager
async def spared_checkpoints(on_trouble: Callable[[str], None]) -> AsyncIterator["SparedSaver"]:
    """The saver of a session that runs here. `on_trouble` hears of a file that cannot be opened, written or closed."""
    stack = AsyncExitStack()
    try:
        file = await stack.enter_async_context(open_checkpoints())
    except (OSError, sqlite3.Error) as error:
        file = None
        on_trouble(_trouble(error))
    try:
        yield SparedSaver(file, on_trouble)
    finally:
        try:
            await stack.aclose()
        except (OSError, sqlite3.Error) as error:
            on_trouble(_trouble(error))


class SparedSaver(InMemorySaver):
    """Checkpoints of a session that runs now: in memory, and in a file for as long as that can be written.

    Trouble with the file (a full disk, a lock, damage) costs the session nothing but the copy in it: `on_trouble` hears of it
    once, in a line, and nothing more is written there.
    """

    def __init__(self, file: BaseCheckpointSaver[Any] | None, on_trouble: Callable[[str], None]) -> None:
        super().__init__()
        self._files = [file] if file else []
        self._on_trouble = on_trouble

    async def aput(
        self,
        config: RunnableConfig,
        checkpoint: Checkpoint,
        metadata: CheckpointMetadata,
        new_versions: ChannelVersions,
    ) -> RunnableConfig:
        for file in self._files:
            await self._spare(file.aput(config, checkpoint, metadata, new_versions))
        return await super().aput(config, checkpoint, metadata, new_versions)

    async def aput_writes(
        self, config: RunnableConfig, writes: Sequence[tuple[str, Any]], task_id: str, task_path: str = ""
    ) -> None:
        for file in self._files:
            await self._spare(file.aput_writes(config, writes, task_id, task_path))
        await super().aput_writes(config, writes, task_id, task_path)

    async def adelete_thread(self, thread_id: str) -> None:
        for file in self._files:
            await self._spare(file.adelete_thread(thread_id))
        await super().adelete_thread(thread_id)

    async def _spare(self, writing: Awaitable[Any]) -> None:
        try:
            await writing
        except (sqlite3.Error, OSError) as error:
            if self._files:  # several may have been under way
                self._files.clear()  # in place: the graph works on a shallow copy of this saver
                self._on_trouble(_trouble(error))


def _trouble(error: Exception) -> str:
    reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error) or type(error).__name__
    return f"no checkpoints for Studio: {checkpoints_path()}: {reason}"


def _make_private(path: Path) -> None:
    """Have the file there before SQLite makes it, which gives what it puts beside it the same rights."""
    if not path.parent.is_dir():
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    elif path == DEFAULT:
        path.parent.chmod(0o700)
    if not path.exists():
        os.close(open_file(path, os.O_RDWR | os.O_CREAT, 0o600))
    elif not path.is_file():
        raise OSError(0, "it is no plain file", str(path))
    # By name: closing a descriptor of the file would give up the locks that SQLite has on it in this process.
    for part in (path.with_name(path.name + end) for end in BESIDE):
        if part.exists() and part.stat().st_mode & 0o077 and is_ours(part):
            part.chmod(0o600)
