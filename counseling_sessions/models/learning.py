"""What servers refuse, learned: from one refusal the next dialect, and the dialects that answers have confirmed."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, TypeVar

from counseling_sessions.models.dialect import PLAIN, Dialect
from counseling_sessions.models.errors import FailedCall
from counseling_sessions.models.objections import Objection
from counseling_sessions.models.requests import WireRequest
from counseling_sessions.models.structured import MODES

COOL = 1.0
"""The highest temperature at a server that takes none above it."""
MOST_KNOWN = 1_000
"""Models whose dialects are kept; the oldest goes first."""
_ABOUT_REQUESTS = frozenset({400, 404, 422, 500, 501})
"""The statuses of a refusal that can be about what a request holds. Templates that refuse a message answer 500 too."""
DOUBTFUL = frozenset({500, 501})
"""The statuses with which a server may mean the form of JSON without a word about it."""

T = TypeVar("T")


class Dialects:
    """The dialects of a process's models, by address and model: what an answer has confirmed, for all later calls."""

    def __init__(self) -> None:
        self._known: dict[tuple[str, str], Dialect] = {}
        self._worked: dict[tuple[str, str], int] = {}

    def of(self, base_url: str, model: str) -> Dialect:
        """What is known of a model; the plain dialect of one that has refused nothing."""
        return self._known.get((base_url, model), PLAIN)

    def keep(
        self, base_url: str, model: str, dialect: Dialect, *, guess: int = 0, structured: int | None = None
    ) -> None:
        """Keep what led to an answer. Another call may have learned more meanwhile, which stays.

        `structured` is the mode of a structured answer. `guess` is a mode that was tried after errors without words; it counts
        only where no stricter one has ever worked.
        """
        place = base_url, model
        if structured is not None and not guess:
            _put(self._worked, place, min(structured, self._worked.get(place, structured)))
        if guess and place not in self._worked:
            dialect |= Dialect(mode=guess)
        if dialect != PLAIN:
            _put(self._known, place, self.of(*place) | dialect)


def _put(places: dict[tuple[str, str], T], place: tuple[str, str], value: T) -> None:
    if place not in places and len(places) >= MOST_KNOWN:
        del places[next(iter(places))]
    places[place] = value


def learned(dialect: Dialect, failed: FailedCall, request: WireRequest) -> Dialect | None:
    """The dialect after a refusal of a request in another one; None where it is about nothing that was sent and can be changed."""
    if failed.kind not in ("refused", "server_error") or failed.status not in _ABOUT_REQUESTS:
        return None
    objection, sent = failed.objection, request.sent
    fields = objection.fields & sent.keys()
    if objection.together and not fields >= {"temperature", "top_p"}:
        fields -= {"temperature", "top_p"}  # Of one of them alone, this is no refusal.
    if fields:
        return _without(dialect, objection, fields, sent)
    if objection.schema and "response_format" in sent and dialect.mode + 1 < len(MODES):
        return replace(dialect, mode=dialect.mode + 1)
    if objection.system_role and request.messages[0].type == "system":
        return replace(dialect, folds=True)
    if objection.unstreamed and not dialect.streams:
        return replace(dialect, streams=True)
    return None


def _without(dialect: Dialect, objection: Objection, fields: frozenset[str], sent: Mapping[str, Any]) -> Dialect:
    if objection.together:
        fields -= {"temperature"}
    elif fields == {"temperature"} and objection.ranged and sent["temperature"] > COOL:
        return replace(dialect, warmest=COOL)
    if "seed" in fields and not objection.forbidden:
        fields |= {"random_seed"}  # Only Mistral's servers have a seed of another name.
    return replace(dialect, refused=dialect.refused | fields)
