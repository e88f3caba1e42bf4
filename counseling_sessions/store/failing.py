"""Errors of files, worded for a person."""

from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def failing_as(kind: type[Exception], what: str) -> Iterator[None]:
    """Turn an `OSError` of the block into an error of this kind: the sentence `what` (such as "x cannot be read"), and why."""
    try:
        yield
    except OSError as error:
        raise kind(f"{what}: {error.strerror or error}") from error
