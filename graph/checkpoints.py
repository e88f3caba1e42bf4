"""The checkpoints that single sessions share with LangGraph Studio: one SQLite file for `run.py session` and `langgraph dev`."""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from langgraph.checkpoint.sqlite.aio import AsyncSqliteSaver

VARIABLE = "COUNSELING_SESSIONS_CHECKPOINTS"
"""Environment variable that names another file."""


def checkpoints_path() -> Path:
    """The SQLite file: `.langgraph/sessions.sqlite` beside the project's code, unless the environment names another."""
    default = Path(__file__).parents[1] / ".langgraph" / "sessions.sqlite"
    return Path(os.environ.get(VARIABLE) or default)


@asynccontextmanager
async def open_checkpoints() -> AsyncIterator[AsyncSqliteSaver]:
    """The saver on that file, for as long as the context lasts. Raises `OSError` or `sqlite3.Error` if it cannot be opened."""
    path = checkpoints_path()
    path.parent.mkdir(parents=True, exist_ok=True)
    async with AsyncSqliteSaver.from_conn_string(str(path)) as saver:
        await saver.conn.execute("PRAGMA busy_timeout = 10000")
        await saver.setup()
        yield saver
