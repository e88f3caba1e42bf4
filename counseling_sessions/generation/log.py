"""The log file of a run or a session: a line for each event, and a traceback for errors that nobody foresaw."""

import asyncio
import logging
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import datetime
from pathlib import Path
from typing import Any

from counseling_sessions.graph.trouble import LOG, describe_internal
from counseling_sessions.store.log import Log
from counseling_sessions.texts.harmless import harmless, one_line


class LogFile(logging.Handler):
    """Appends to a file, which begins with the first line; several processes may. Only its owner can read a `private` file.

    `problem` says why a line could not be written; the work goes on.
    """

    def __init__(self, path: Path, *, private: bool = False) -> None:
        super().__init__()
        self.path = path
        self.problem: str | None = None
        self._private = private
        self._log: Log | None = None

    def emit(self, record: logging.LogRecord) -> None:
        lines = [one_line(record.getMessage())]
        error = record.exc_info[1] if record.exc_info else None
        if error is not None:
            lines += ["    " + harmless(line) for line in _traceback(error)]
        time = datetime.fromtimestamp(record.created).isoformat(timespec="seconds")
        try:
            self._log = self._log or Log(self.path, private=self._private)
            self._log.append("\n".join([f"{time} {lines[0]}", *lines[1:], ""]).encode())
        except OSError as trouble:
            self.problem = f"{self.path} cannot be written: {trouble.strerror}"

    def close(self) -> None:
        super().close()
        if self._log:
            self._log.close()
            self._log = None


_ALONE: ContextVar[LogFile | None] = ContextVar("_ALONE", default=None)
"""The file of the block with a log for it alone that the running task is in."""


@contextmanager
def logged(path: Path, *, private: bool = False, alone: bool = False) -> Iterator[LogFile]:
    """Send what is logged during the block to this file; with `alone`, only what the running task and those that it begins log."""
    file = LogFile(path, private=private)
    if alone:
        _ALONE.set(file)
        file.addFilter(lambda _: _ALONE.get() is file)
    LOG.addHandler(file)
    try:
        yield file
    finally:
        LOG.removeHandler(file)
        file.close()


def log_unretrieved(loop: asyncio.AbstractEventLoop) -> None:
    """Send exceptions that asyncio would print to the log."""

    def handle(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        error = context.get("exception")
        LOG.error("%s", context.get("message", "an exception that nobody asked for"), exc_info=error)

    loop.set_exception_handler(handle)


def _traceback(error: BaseException) -> Iterator[str]:
    """The lines of code that led to an error and to its causes, without their values."""
    seen = [error]
    while True:
        for line in traceback.format_tb(error.__traceback__):
            yield from line.rstrip().splitlines()
        yield describe_internal(error)
        cause = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
        if cause is None or cause in seen:
            return
        yield "caused by:"
        seen.append(cause)
        error = cause
