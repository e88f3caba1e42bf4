"""What can go wrong with a call to a model: in kinds that a person and a retry policy can act on, in words without secrets.

Errors of the libraries hold the request with its key, in attributes, causes and words. None of them leaves `models`: what they
say is made anew from facts (`failure_of`, `refusal`), and raised where nothing of theirs hangs on to it.
"""

import json
import re
import ssl
from collections.abc import Mapping
from datetime import UTC
from email.utils import parsedate_to_datetime
from time import time
from typing import Any

import aiohttp
import httpx2
import openai
from aiohttp.http_exceptions import HttpProcessingError, PayloadEncodingError

from counseling_sessions.models.structured import speaks_of_schema
from counseling_sessions.store.machine import Shortage, shortage
from counseling_sessions.store.reading import parse_json
from counseling_sessions.texts.harmless import one_line
from counseling_sessions.texts.keys import masked

RETRIED = frozenset({"timeout", "rate_limited", "server_error", "connection", "garbled"})
MOST_WORDS = 300
"""Characters of a server's words that a message shows."""
LONGEST_WAIT = 10.0**9
"""Seconds: what a server asks for beyond is no wait but a mistake, and is taken for this."""

_CUT = (aiohttp.ClientConnectionError, OSError)
_TIMED_OUT = (openai.APITimeoutError, httpx2.TimeoutException, TimeoutError)
_BROKEN = (openai.APIConnectionError, httpx2.RequestError, aiohttp.ClientError, ssl.SSLError)
_NO_HTTP = (HttpProcessingError, aiohttp.ClientResponseError, httpx2.ProtocolError)
_ENOUGH_CAUSES = 16


class FailedCall(RuntimeError):
    """One request that gave no answer. Its words name no endpoint: whoever asked knows it.

    `kind` is one of `ModelError`'s. `status` is the HTTP status, where there was one; `retry_after` how many seconds the server
    asks to wait; `about_schema` says that the way in which JSON was asked for was refused, `overloaded` that there was no room.
    """

    def __init__(
        self,
        kind: str,
        said: str,
        *,
        status: int | None = None,
        retry_after: float | None = None,
        about_schema: bool = False,
    ) -> None:
        super().__init__(said)
        self.kind = kind
        self.status = status
        self.retry_after = retry_after
        self.about_schema = about_schema
        self.overloaded = status in (429, 503, 529)


class ModelError(RuntimeError):
    """A call that gave no answer.

    `kind` is one of timeout, rate_limited, server_error, connection, garbled (worth another request), refused (a 4xx or a
    redirect: the request is wrong and stays wrong) or configuration (nothing was sent). `requests` is how many were made,
    `status` the HTTP status of the last one, where it had one.
    """

    def __init__(
        self,
        kind: str,
        message: str,
        *,
        requests: int = 0,
        errors: tuple[str, ...] = (),
        status: int | None = None,
    ) -> None:
        super().__init__(message)
        self.kind = kind
        self.requests = requests
        self.errors = errors
        self.status = status

    @property
    def permanent(self) -> bool:
        """Whether asking again cannot help."""
        return self.kind not in RETRIED


def unreadable(what: str) -> FailedCall:
    """An answer that is none; `what` is safe words that say why."""
    return FailedCall("garbled", f"answered something unreadable ({what})")


def failure_of(error: Exception, key: str = "") -> FailedCall | Shortage | None:
    """What a library's error says about a request, in our words and without the key; None for one that is no library's.

    `Shortage` is what the machine ran out of meanwhile: no server's doing, and not asked again.
    """
    if isinstance(error, (FailedCall, Shortage)):
        return error
    if what := shortage(error):
        return Shortage(what)
    if isinstance(error, openai.APIStatusError):
        return refusal(error.status_code, error.response.content, error.response.headers, key)
    if isinstance(error, (*_TIMED_OUT, *_BROKEN)):
        return _broken(error, _first_cause(error), key)
    if isinstance(error, httpx2.InvalidURL):
        return FailedCall("configuration", "is no address of a server")
    return unreadable(type(error).__name__) if isinstance(error, openai.OpenAIError) else None


def refusal(status: int, body: bytes, headers: Mapping[str, str], key: str) -> FailedCall:
    """What a status other than 2xx means, in the server's words where it has some."""
    text, code = _server_words(body)
    words = clean_words(text, key)
    if 300 <= status < 400:
        target = clean_words(re.split(r"[?#]", headers.get("location", ""))[0], key)
        words = "a redirect, which is not followed; name the address itself" + (f" ({target})" if target else "")
    return FailedCall(
        _kind_of(status, code),
        f"answers {status}" + (f": {words}" if words else ""),
        status=status,
        retry_after=retry_seconds(headers.get("retry-after", "")),
        about_schema=speaks_of_schema(body.decode("utf-8", "replace")),
    )


def clean_words(text: str, key: str, most: int = MOST_WORDS) -> str:
    """A server's words for a message: in one line, without the key, cut."""
    # The key last: what is taken off before may have stood within it.
    return masked(one_line(text), key)[:most]


def retry_seconds(value: str) -> float | None:
    """Seconds that a Retry-After header (seconds or a date) asks to wait; None where it says neither."""
    value = value.strip()[:64]
    if re.fullmatch(r"\d{1,20}(\.\d*)?", value, re.ASCII):
        return min(float(value), LONGEST_WAIT)
    try:
        date = parsedate_to_datetime(value)
        # A date without a zone is in GMT, as all of HTTP's are.
        seconds = date.replace(tzinfo=date.tzinfo or UTC).timestamp() - time()
    except (TypeError, ValueError, LookupError, OverflowError, OSError):
        return None
    return min(max(0.0, seconds), LONGEST_WAIT)


def _broken(error: Exception, cause: BaseException, key: str) -> FailedCall:
    """What a request met that got no answer, or none of HTTP."""
    # The client library calls a connection that was reset or refused a time-out too.
    if isinstance(error, _TIMED_OUT) and (isinstance(cause, TimeoutError) or not isinstance(cause, _CUT)):
        return FailedCall("timeout", "did not answer in time")
    if isinstance(cause, PayloadEncodingError):
        return FailedCall("connection", "cannot be reached (the connection was cut in mid-answer)")
    if isinstance(cause, _NO_HTTP):
        return unreadable(f"no HTTP: {type(cause).__name__}")
    return FailedCall("connection", f"cannot be reached ({_reason(cause, key)})")


def _kind_of(status: int, code: Any) -> str:
    if status == 429:
        # An exhausted quota also answers 429, and no waiting helps.
        return "refused" if code == "insufficient_quota" else "rate_limited"
    if status >= 500 or status in (408, 425):
        return "server_error"
    return "refused" if status >= 300 else "garbled"


def _first_cause(error: BaseException) -> BaseException:
    # The libraries wrap one another; only the innermost error says whether the connection was refused, reset or cut.
    for _ in range(_ENOUGH_CAUSES):
        if error.__cause__ is None:
            break
        error = error.__cause__
    return error


def _reason(cause: BaseException, key: str) -> str:
    """Why a connection failed. An error's own words are left alone: they may quote the request."""
    if isinstance(cause, aiohttp.ServerDisconnectedError):
        return "it closed the connection without an answer"
    said = cause.strerror if isinstance(cause, OSError) else None
    return clean_words(said, key) if isinstance(said, str) and said else type(cause).__name__


def _server_words(body: bytes) -> tuple[str, Any]:
    """What an error's body says, and its code; the body itself where it is no JSON."""
    text = body.decode("utf-8", "replace")
    try:
        value = parse_json(body)
    except ValueError:
        return text, None
    if not isinstance(value, dict):
        return text, None
    inner = value.get("error") or value
    if not isinstance(inner, dict):
        return _as_text(inner), None
    said = inner.get("message") or inner.get("detail") or value.get("message") or value.get("detail")
    return _as_text(said or inner), inner.get("code")


def _as_text(value: Any) -> str:
    if isinstance(value, str):
        return value
    try:
        return json.dumps(value, ensure_ascii=False)
    except RecursionError:  # writing needs more room than parsing did
        return ""
