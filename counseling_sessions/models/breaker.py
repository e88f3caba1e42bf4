"""A breaker for an endpoint that stays at its limit: calls end with the server's words, in place of asking for hours."""

from collections.abc import Callable

from counseling_sessions.models.errors import FailedCall
from counseling_sessions.texts.words import duration

RETRY_AFTER_CAP = 120.0
"""Seconds of the longest wait that a server can ask for; a longer one opens the breaker."""
PATIENCE = 300.0
"""Seconds in which an endpoint only says that it is at its limit (429), until the breaker opens."""
REST = 60.0
"""Seconds that it then stays open."""


class Breaker:
    """Watches one endpoint. `clock` gives seconds."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._refusals = 0
        self._since: float | None = None
        self._open_until = -1.0
        self._words = ""

    @property
    def words(self) -> str:
        """Why nothing need be asked now; empty while the breaker is closed."""
        return self._words if self._clock() < self._open_until else ""

    def answers(self) -> None:
        """Count an answer, which closes the breaker."""
        self._refusals = 0
        self._since = None
        self._open_until = -1.0

    def refuses(self, failed: FailedCall, endpoint: str) -> None:
        """Count a call for which the endpoint had no room."""
        now, asked = self._clock(), failed.retry_after
        if asked and asked > RETRY_AFTER_CAP:
            self._open(asked, f"{endpoint} {failed}; it asks to wait {duration(asked)}")
        elif failed.kind == "rate_limited":
            self._refusals += 1
            self._since = now if self._since is None else self._since
            if now - self._since >= PATIENCE:
                self._open(REST, f"{endpoint} {failed}; it has given no answer for {duration(now - self._since)}")

    def bounds(self, failed: FailedCall) -> bool:
        """Whether this failure is one of several since the last answer that name a limit: the breaker opens if they go on."""
        return failed.kind == "rate_limited" and self._refusals > 1

    def _open(self, seconds: float, words: str) -> None:
        self._open_until = self._clock() + seconds
        self._words = words
