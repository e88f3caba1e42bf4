"""An unexpected exception becomes a failure that names its type and its place, and nothing it carried.

Its traceback goes to the log `LOG`, which the command line writes into a file (`generation.log`), and is shown to nobody.
"""

import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from traceback import walk_tb

from langgraph.errors import GraphBubbleUp
from pydantic import ValidationError

from counseling_sessions.errors import UserError
from counseling_sessions.settings import validation_message
from counseling_sessions.state import Failure
from counseling_sessions.store.machine import shortage
from counseling_sessions.texts.harmless import one_line

LOG = logging.getLogger("counseling-sessions")
LOG.propagate = False
LOG.addHandler(logging.NullHandler())  # without one Python prints tracebacks on the terminal
LOG.setLevel(logging.INFO)

DEBUG = "COUNSELING_SESSIONS_DEBUG"
"""Environment variable: where it is set, a command shows the traceback of an unexpected exception."""
OURS = "counseling_sessions."
"""Our modules begin with it; a place is named without."""
MOST = 300
"""Characters of an exception's own message that a failure repeats."""


class InternalError(RuntimeError):
    """An unexpected exception of a node, without what it carried; the message is one harmless line."""


def debugging() -> bool:
    """Whether tracebacks are wanted on the terminal."""
    return bool(os.environ.get(DEBUG))


def describe_internal(error: BaseException) -> str:
    """An unexpected exception in one harmless line: its type, where it was raised, and what it says."""
    if isinstance(error, InternalError):
        return str(error)
    said = validation_message(error) if isinstance(error, ValidationError) else str(error)
    said = one_line(said)[:MOST]
    return f"{type(error).__name__} at {_place(error)}" + (f": {said}" if said else "")


def internal_failure(error: BaseException) -> Failure:
    """The failure of a session that an unexpected exception ended."""
    return Failure(stage="session", kind="internal", message=describe_internal(error))


@contextmanager
def contained() -> Iterator[None]:
    """Around a node: an unexpected exception becomes an `InternalError`, its traceback goes to the log.

    Shortages of the machine (`store.machine`), errors of files, errors worded for a person, and LangGraph's pass as they are.
    """
    try:
        yield
    except (GraphBubbleUp, InternalError, OSError, MemoryError, UserError):
        raise
    except Exception as error:
        if shortage(error):
            raise
        LOG.error("%s", describe_internal(error), exc_info=error)
        raise InternalError(describe_internal(error)) from None


def _place(error: BaseException) -> str:
    """Module and line of the innermost of our own frames, else of the innermost one."""
    frames = [(str(frame.f_globals.get("__name__", "?")), line) for frame, line in walk_tb(error.__traceback__)]
    ours = [(name.removeprefix(OURS), line) for name, line in frames if name.startswith(OURS)]
    return "{}:{}".format(*(ours or frames)[-1]) if frames else "an unknown place"
