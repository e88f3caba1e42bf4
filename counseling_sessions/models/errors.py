"""Errors of a call to a model: their kinds serve people and the retry policy, and their words hold no secrets.

The libraries' errors hold the request with its key, in attributes, causes and words. None of them leaves `models`: `failure_of`
and `refusal` make new errors from the facts, and callers raise these without the library's as a cause.
"""

import re
import ssl
from collections.abc import Mapping
from datetime import UTC
from email.utils import parsedate_to_datetime
from time import time
from typing import Any

import aiohttp
import httpx2
from aiohttp.http_exceptions import HttpProcessingError, PayloadEncodingError

from counseling_sessions.errors import UserError
from counseling_sessions.models.error_bodies import ErrorBody, kind_of, read_error, read_error_body
from counseling_sessions.models.objections import Objection, objection_of, read_objection
from counseling_sessions.store.machine import Shortage, shortage
from counseling_sessions.texts.harmless import one_line
from counseling_sessions.texts.keys import masked

RETRIED = frozenset({"timeout", "rate_limited", "server_error", "connection", "garbled"})
HOPELESS = frozenset({401, 402, 404})
"""Statuses of refusals that meet every request: a wrong key, no money, no such model or address."""
MOST_WORDS = 300
"""Characters of a server's words that a message shows."""
MOST_BEFORE_ADVICE = 160
"""Characters of them if advice follows."""
TOO_LONG = (
    "The prompt is too long for this model: take fewer --turns, a smaller max_tokens, or a model with a longer context"
)
LONGEST_WAIT = 10.0**9
"""Seconds that a server can ask to wait at most; a longer wait is a mistake, and counts as this."""

_CUT = (aiohttp.ClientConnectionError, OSError)
_BROKEN = (httpx2.RequestError, aiohttp.ClientError, ssl.SSLError)
_NO_HTTP = (HttpProcessingError, aiohttp.ClientResponseError, httpx2.ProtocolError)
_ENOUGH_CAUSES = 16


class FailedCall(RuntimeError):
    """One request that got no answer. Its message names no endpoint, as the caller knows it.

    `kind` is one of `ModelError`'s, `status` the HTTP status if there was one. The server asks to wait `retry_after` seconds.
    `objection`: what it refused of the request. `overloaded`: it had no room.
    """

    def __init__(
        self,
        kind: str,
        message: str,
        *,
        status: int | None = None,
        retry_after: float | None = None,
        objection: Objection | None = None,
    ) -> None:
        super().__init__(message)
        self.kind = kind
        self.status = status
        self.retry_after = retry_after
        self.objection = objection or Objection()
        self.overloaded = status in (429, 503, 529)


class ModelError(UserError, RuntimeError):
    """A call that got no answer.

    `kind` is timeout, rate_limited, server_error, connection, garbled (worth another request), refused (a 4xx or a redirect: the
    request stays wrong), filtered (the server's filter refuses this prompt), context (the prompt is too long for the model), limit
    (the endpoint is at its limit and stays there) or configuration (nothing was sent). `requests` counts the requests; `status` is
    the last one's HTTP status, if it had one.
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
    def hopeless(self) -> bool:
        """Whether the endpoint refuses whatever it is asked, or stays at its limit."""
        if self.status is None or self.kind == "limit":
            return self.kind in ("configuration", "limit")
        return self.kind == "refused" and (self.status in HOPELESS or self.status == 429)

    @property
    def permanent(self) -> bool:
        """Whether another request cannot help."""
        return self.kind not in RETRIED


def unreadable(reason: str) -> FailedCall:
    """The error for an answer that cannot be read; `reason` is safe words."""
    return FailedCall("garbled", f"answered something unreadable ({reason})")


def failure_of(error: Exception, key: str = "") -> FailedCall | Shortage | None:
    """A library's error about a request as one of ours, without the key; None for an error of another origin.

    `Shortage` means that this machine ran out of something. It is no server's fault, and no reason for another request.
    """
    import openai  # it takes half a second, and who asks no model does without

    if isinstance(error, (FailedCall, Shortage)):
        return error
    if resource := shortage(error):
        return Shortage(resource)
    if isinstance(error, openai.APIStatusError):
        return refusal(error.status_code, error.response.content, error.response.headers, key)
    timed_out = isinstance(error, (openai.APITimeoutError, httpx2.TimeoutException, TimeoutError))
    if timed_out or isinstance(error, (openai.APIConnectionError, *_BROKEN)):
        return _broken(error, _first_cause(error), key, timed_out=timed_out)
    if isinstance(error, httpx2.InvalidURL):
        return FailedCall("configuration", "is no address of a server")
    return unreadable(type(error).__name__) if isinstance(error, openai.OpenAIError) else None


def refusal(status: int, body: bytes, headers: Mapping[str, str], key: str) -> FailedCall:
    """The error for a status other than 2xx, in the server's words if it has any."""
    error = read_error_body(body)
    words = clean_words(error.words, key)
    if 300 <= status < 400:
        target = clean_words(re.split(r"[?#]", headers.get("location", ""))[0], key)
        words = "a redirect, which is not followed; name the address itself" + (f" ({target})" if target else "")
    asked = retry_seconds(headers.get("retry-after", ""))
    return _refused(status, f"answers {status}", words, error, read_objection(body), asked)


def inner_refusal(value: Any, key: str) -> FailedCall:
    """The error for a status of 200 whose body is an error, as parsed: what the body says decides."""
    error = read_error(value)
    words, kind = clean_words(error.words, key), kind_of(error.status, error)
    status = error.status or (400 if kind in ("filtered", "context") else None)
    if status is None:
        return unreadable(f"an error: {words}")
    return _refused(status, f"answers 200 with an error {status}", words, error, objection_of(value))


def _refused(
    status: int, answers: str, words: str, error: ErrorBody, objection: Objection, asked: float | None = None
) -> FailedCall:
    kind = kind_of(status, error)
    if kind == "context":
        words = f"{words[:MOST_BEFORE_ADVICE].rstrip('. ')}. {TOO_LONG}"
    message = f"{answers}: {words}" if words else answers
    retry_after = error.retry_after if asked is None else asked
    return FailedCall(kind, message, status=status, retry_after=retry_after, objection=objection)


def clean_words(text: str, key: str, most: int = MOST_WORDS) -> str:
    """A server's words for a message: one line of at most `most` characters, without the key."""
    # Masks last: the characters that `one_line` removes can stand within the key.
    return masked(one_line(text), key)[:most]


def retry_seconds(value: str) -> float | None:
    """Seconds that a Retry-After header (seconds or a date) asks to wait; None if it is neither."""
    value = value.strip()[:64]
    if re.fullmatch(r"\d{1,20}(\.\d*)?", value, re.ASCII):
        return min(float(value), LONGEST_WAIT)
    try:
        date = parsedate_to_datetime(value)
        # A date without a zone is in GMT, as all of HTTP.
        seconds = date.replace(tzinfo=date.tzinfo or UTC).timestamp() - time()
    except (TypeError, ValueError, LookupError, OverflowError, OSError):
        return None
    return min(max(0.0, seconds), LONGEST_WAIT)


def _broken(error: Exception, cause: BaseException, key: str, *, timed_out: bool) -> FailedCall:
    """The error of a request that got no answer, or one that is not HTTP."""
    # The client library also reports a reset or refused connection as a time-out.
    if timed_out and (isinstance(cause, TimeoutError) or not isinstance(cause, _CUT)):
        return FailedCall("timeout", "did not answer in time")
    if isinstance(cause, PayloadEncodingError):
        return FailedCall("connection", "cannot be reached (the connection was cut in mid-answer)")
    if isinstance(cause, _NO_HTTP):
        return unreadable(f"no HTTP: {type(cause).__name__}")
    return FailedCall("connection", f"cannot be reached ({_reason(cause, key)})")


def _first_cause(error: BaseException) -> BaseException:
    # The libraries wrap one another: the innermost error says whether the connection was refused, reset or cut.
    for _ in range(_ENOUGH_CAUSES):
        if error.__cause__ is None:
            break
        error = error.__cause__
    return error


def _reason(cause: BaseException, key: str) -> str:
    """Why a connection failed, without the error's message, which can quote the request."""
    if isinstance(cause, aiohttp.ServerDisconnectedError):
        return "it closed the connection without an answer"
    words = cause.strerror if isinstance(cause, OSError) else None
    return clean_words(words, key) if isinstance(words, str) and words else type(cause).__name__
