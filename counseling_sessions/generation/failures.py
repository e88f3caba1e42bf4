"""Failures of sessions, compared: two are alike if they differ only in what every message has anew."""

import re

from counseling_sessions.state import Failure
from counseling_sessions.texts.harmless import one_line

OF_ONE_SESSION = frozenset({"filtered"})
"""Kinds of failures that say nothing about the endpoint: another session can do well there."""
ANYWHERE = frozenset({"context"})
"""Kinds that are one failure wherever they come: a dialogue outgrows a model at any stage."""
_LONGEST = 400
_VARYING = re.compile(
    r"https?://[^\s)\]>\"']+|(?<!\w)'[^']*'(?!\w)|\"[^\"]*\"|`[^`]*`|[\w.:-]*\d[\w.:-]*|\b[0-9a-f]{12,}\b",
    re.IGNORECASE,
)
"""What differs from one message to the next: addresses, quoted words, numbers, and ids, which hold a digit."""


class FailureNames:
    """Gives like failures one name: the words of the first."""

    def __init__(self) -> None:
        self._names: dict[tuple[str, ...], str] = {}

    def name(self, failure: Failure | None) -> str:
        """A failure's stage, kind and message, as they were when the first one like it came."""
        return self._names.setdefault(shape_of(failure), _described(failure))


def shape_of(failure: Failure | None) -> tuple[str, ...]:
    """What like failures share: kind, stage and HTTP status; without a status the words, with what varies folded."""
    if failure is None:
        return ()
    if failure.kind in ANYWHERE:
        return (failure.kind,)
    what = failure.status or _VARYING.sub("#", failure.message[:_LONGEST])
    return failure.kind, failure.stage, str(what)


def _described(failure: Failure | None) -> str:
    if failure is None:
        return "unknown"
    return one_line(f"{failure.stage}: {failure.kind}: {failure.message[:160]}")
