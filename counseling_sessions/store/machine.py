"""What a machine runs out of: an error that says so is no fault of the work that met it, which can be done later."""

import errno

SHORT_OF = {
    errno.ENOMEM: "memory",
    errno.EMFILE: "open files",
    errno.ENFILE: "open files",
}


class Shortage(RuntimeError):
    """The machine has run out of something, said anew by whoever must not pass on the error that told it."""

    def __init__(self, what: str) -> None:
        super().__init__(f"the machine has run out of {what}")
        self.what = what

    def __reduce__(self) -> tuple[type["Shortage"], tuple[str]]:
        return Shortage, (self.what,)


def shortage(error: BaseException) -> str | None:
    """What the machine has run out of, where an error or one of its causes says so; None for any other error."""
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
    # CPython has no type of its own for this one.
    return "threads" if isinstance(error, RuntimeError) and "can't start new thread" in str(error) else None
