"""What a machine runs out of: such an error is no fault of the work that met it, which can be tried again later."""

import errno
import os

SHORT_OF = {
    errno.ENOMEM: "memory",
    errno.EMFILE: "open files",
    errno.ENFILE: "open files",
}


def cores() -> int:
    """How many processor cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


class Shortage(RuntimeError):
    """The machine has run out of `what`, in place of an error that must not be passed on."""

    @property
    def what(self) -> str:
        return str(self.args[0])

    def __str__(self) -> str:
        return f"the machine has run out of {self.what}"


def shortage(error: BaseException) -> str | None:
    """What the machine has run out of, if an error or one of its causes says so; None for any other error."""
    seen: set[int] = set()
    cause: BaseException | None = error
    while cause is not None and id(cause) not in seen:
        seen.add(id(cause))
        if name := _short_of(cause):
            return name
        cause = cause.__cause__ or cause.__context__
    return None


def _short_of(error: BaseException) -> str | None:
    if isinstance(error, (MemoryError, Shortage)):
        return error.what if isinstance(error, Shortage) else "memory"
    if isinstance(error, OSError):
        return SHORT_OF.get(error.errno or 0)
    # CPython raises a plain RuntimeError here.
    return "threads" if isinstance(error, RuntimeError) and "can't start new thread" in str(error) else None
