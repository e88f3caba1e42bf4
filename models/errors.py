"""What can go wrong with a call to a model, in kinds that a person and a retry policy can act on."""

import asyncio
import json
from email.utils import parsedate_to_datetime
from time import time

import aiohttp
import openai
from aiohttp.http_exceptions import PayloadEncodingError

_CUT = (aiohttp.ClientConnectionError, OSError)
_OF_THE_BODY = frozenset({"content-encoding", "content-length", "transfer-encoding"})
RETRIED = frozenset({"timeout", "rate_limited", "server_error", "connection", "garbled"})


class UnreadableBody(ValueError):
    """A body with status 200 that is no chat completion: a proxy's page, broken JSON, an answer without choices."""


class ModelError(RuntimeError):
    """A call that gave no answer.

    `kind` is one of timeout, rate_limited, server_error, connection, garbled (worth another request), refused (a 4xx: the
    request is wrong and stays wrong) or configuration (nothing was sent). `requests` is how many were made.
    """

    def __init__(self, kind: str, message: str, *, requests: int = 0, errors: tuple[str, ...] = ()) -> None:
        super().__init__(message)
        self.kind = kind
        self.requests = requests
        self.errors = errors

    @property
    def permanent(self) -> bool:
        """Whether asking again cannot help."""
        return self.kind not in RETRIED


def classify(error: Exception) -> str | None:
    """The kind of a failed request, or None when it is not the model's doing (a bug of ours)."""
    if isinstance(error, (openai.APITimeoutError, TimeoutError, asyncio.TimeoutError)):
        # The client library calls a connection that was reset or refused a time-out too.
        cause = _first_cause(error)
        return "connection" if isinstance(cause, _CUT) and not isinstance(cause, TimeoutError) else "timeout"
    if isinstance(error, openai.RateLimitError):
        # An exhausted quota also answers 429, and no waiting helps.
        return "refused" if error.code == "insufficient_quota" else "rate_limited"
    if isinstance(error, openai.APIStatusError):
        return "server_error" if error.status_code >= 500 or error.status_code in (408, 425) else "refused"
    if isinstance(error, (UnreadableBody, openai.APIResponseValidationError)):
        return "garbled"
    if isinstance(error, openai.APIConnectionError):
        return "connection"
    return "garbled" if isinstance(error, openai.OpenAIError) else None


def describe(error: Exception, endpoint: str, key: str | None) -> str:
    """One line for a person: the endpoint and what it said, without the key and shortened."""
    if isinstance(error, openai.APIStatusError):
        said = f"{endpoint} answers {error.status_code}: {_server_words(error)}"
    elif classify(error) == "timeout":
        said = f"{endpoint} did not answer in time"
    elif isinstance(cause := _first_cause(error), PayloadEncodingError):
        said = f"{endpoint} cannot be reached (the connection was cut in mid-answer)"
    elif isinstance(error, openai.APIConnectionError):
        said = f"{endpoint} cannot be reached ({str(cause) or type(cause).__name__})"
    else:
        said = f"{endpoint} answered something unreadable ({str(error) or type(error).__name__})"
    return mask(" ".join(said.split()), key)[:400]


def mask(text: str, key: str | None) -> str:
    """The text without the key."""
    return text.replace(key, "***") if key and len(key) > 3 else text


def without_key(error: openai.APIStatusError, key: str) -> openai.APIStatusError:
    """The same refusal, without the key in its message and in the body of its response."""
    response = error.response
    headers = [(name, mask(value, key)) for name, value in response.headers.multi_items() if name not in _OF_THE_BODY]
    masked = type(response)(
        response.status_code, headers=headers, content=mask(response.text, key).encode(), request=response.request
    )
    body = None if error.body is None else json.loads(mask(json.dumps(error.body, ensure_ascii=False), key))
    return type(error)(mask(error.message, key), response=masked, body=body)


def overloaded(error: Exception) -> bool:
    """Whether the server turned a request away for want of room."""
    return isinstance(error, openai.APIStatusError) and error.status_code in (429, 503, 529)


def retry_after(error: Exception) -> float | None:
    """Seconds that the server asks to wait (its Retry-After header: seconds or a date), if it does."""
    if not isinstance(error, openai.APIStatusError):
        return None
    value = error.response.headers.get("retry-after", "").strip()
    try:
        return max(0.0, float(value))
    except ValueError:
        pass
    try:
        return max(0.0, parsedate_to_datetime(value).timestamp() - time())
    except (TypeError, ValueError):
        return None


def _first_cause(error: BaseException) -> BaseException:
    # The libraries wrap one another; only the innermost error says whether the connection was refused, reset or cut.
    while error.__cause__ is not None:
        error = error.__cause__
    return error


def _server_words(error: openai.APIStatusError) -> str:
    body = error.body
    if isinstance(body, dict):
        message = body.get("message") or body.get("detail") or body.get("error")
        if message:
            return str(message)
    return error.message
