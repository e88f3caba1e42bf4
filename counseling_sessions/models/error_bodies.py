"""What a server says is wrong: the words, codes and status in an error's body, whatever its form, and the kind that follows."""

import json
import re
from collections.abc import Iterator, Set
from dataclasses import dataclass
from typing import Any

from counseling_sessions.store.reading import parse_json

_WORDS = ("message", "msg", "detail", "error", "errors", "error_message", "status_msg", "title")
_INNER = ("error", "errors", "innererror", "detail", "details", "message", "metadata", "raw", "base_resp")
_CODES = ("code", "type", "status", "status_code", "error_type", "error_code", "reason")
_DEEPEST = 5
_MOST_ITEMS = 8
"""Items of a list of errors that are read."""
_LONGEST = 2**16
"""Characters of a text that is read as JSON, or searched for what it means."""

_STATUS = {
    **dict.fromkeys(("invalid_request_error", "badrequesterror", "invalid_argument", "failed_precondition"), 400),
    **dict.fromkeys(("authentication_error", "invalid_api_key", "unauthenticated", "unauthorized"), 401),
    **dict.fromkeys(("payment_required", "insufficient_balance", "insufficient_credits"), 402),
    **dict.fromkeys(("permission_denied", "permission_error", "forbidden"), 403),
    **dict.fromkeys(("not_found", "not_found_error", "model_not_found", "notfounderror"), 404),
    **dict.fromkeys(("rate_limit_error", "rate_limit_exceeded", "ratelimiterror", "resource_exhausted"), 429),
    **dict.fromkeys(("too_many_requests", "insufficient_quota", "throttlingexception"), 429),
    **dict.fromkeys(("server_error", "internal_server_error", "internal_error", "api_error", "internal"), 500),
    **{"unavailable": 503, "service_unavailable": 503, "deadline_exceeded": 504, "overloaded_error": 529},
}
"""The HTTP status that a code means, where a body names no number."""
_SPENT = frozenset(
    {"insufficient_quota", "exceeded_current_quota_error", "insufficient_balance", "billing_hard_limit_reached"}
)
"""Codes of a quota that waiting does not bring back; they come with a 429 too."""
_FILTER_CODES = frozenset(
    {
        *("content_filter", "content_filtered", "responsibleaipolicyviolation", "content_policy_violation"),
        *(
            "data_inspection_failed",
            "datainspectionfailed",
            "prohibited_content",
            "moderation_blocked",
            "input_moderation",
        ),
        *("invalid_prompt", "inputtextsensitivecontentdetected", "outputtextsensitivecontentdetected"),
        *("1301", "1026", "1027"),
    }
)
"""1301 is Zhipu's code; 1026 and 1027 are MiniMax's, for a prompt and an answer."""
_FILTER_WORDS = re.compile(
    r"content (?:management|filter(?:ing)?|moderation|usage) polic(?:y|ies)|(?:blocked|triggered|rejected) by [^.]{0,40}content filter"
    r"|content exists risk|inappropriate content|content violates|requires moderation|\b(?:content_filter|prohibited_content)\b"
    r"|(?:input|prompt|request) (?:was|has been) flagged|rejected (?:as a result of|by) (?:our|the) safety (?:system|filter)"
    r"|violated (?:guardrail|content safety) policy|guardrail was enabled|blocked due to security configurations",
    re.IGNORECASE,
)
_CONTEXT_CODES = frozenset(
    {
        *("context_length_exceeded", "exceed_context_size_error", "context_window_exceeded", "request_too_large"),
        *("model_context_window_exceeded", "string_above_max_length", "max_context_length_exceeded", "1261"),
    }
)
_CONTEXT_WORDS = re.compile(
    r"(?:maximum|max|model'?s|available|allowed) (?:\w+ )?(?:context|prompt|model|input) (?:length|size|window|limit)"
    r"|context (?:length|size|window|limit) (?:of|exceeded)|exceeds? (?:the )?(?:\w+ )?context"
    r"|(?:prompt|input|message)s? (?:is|are) too long|prompt too long|input token count[^.]{0,40} exceeds"
    r"|inputs?[`'\"]? tokens \+ [`'\"]?max_new_tokens|[`'\"]inputs[`'\"] must have less than"
    r"|too many (?:input )?tokens|range of input length|exceeded model token limit|greater than the context length",
    re.IGNORECASE,
)
_UNMADE_CODE = "json_validate_failed"
"""Groq's code for an answer that is not the JSON that was asked for: the model's fault, not the request's."""
_TOO_LARGE = re.compile(r"request (?:is )?too large", re.IGNORECASE)


@dataclass(frozen=True)
class ErrorBody:
    """An error's words, its codes in lower case, and the HTTP status that it names; the server asks to wait `retry_after` seconds."""

    words: str
    codes: Set[str] = frozenset()
    status: int | None = None
    retry_after: float | None = None


def read_error_body(body: bytes) -> ErrorBody:
    """An error's body; its text is the words where it is no JSON."""
    try:
        return read_error(parse_json(body))
    except ValueError:
        return ErrorBody(body.decode("utf-8", "replace"))


def read_error(value: Any) -> ErrorBody:
    """An error's parsed body: an object, a list of such, or a text; also one error within another."""
    levels = list(_levels(value, 0))
    named = [level.get(name) for level in levels for name in _CODES]
    codes = frozenset(str(code).casefold() for code in named if isinstance(code, (str, int)))
    numbers = [int(code) for code in map(str, named) if re.fullmatch(r"[45]\d\d", code, re.ASCII)]
    meant = [
        _STATUS[code] for level in levels for name in _CODES if (code := str(level.get(name)).casefold()) in _STATUS
    ]
    delays = [re.fullmatch(r"(\d{1,9}(?:\.\d{0,9})?)s", str(level.get("retryDelay"))) for level in levels]
    inner = value.get("error") or value if isinstance(value, dict) else value
    return ErrorBody(
        _words(value, 0) or _as_text(inner),
        codes,
        next(iter([*numbers, *meant]), None),
        next((float(delay[1]) for delay in delays if delay), None),
    )


def says_error(value: dict[str, Any]) -> bool:
    """Whether an object has an error: one that says nothing stands beside good answers, too. `base_resp` is MiniMax's."""
    error, base = value.get("error"), value.get("base_resp")
    if isinstance(base, dict) and base.get("status_code"):
        return True
    return any(inner and inner != "0" for inner in error.values()) if isinstance(error, dict) else bool(error)


def kind_of(status: int | None, error: ErrorBody) -> str:
    """The kind of an error that came with this HTTP status; None for an error whose status is not known."""
    if status == 429 and not _TOO_LARGE.search(error.words[:_LONGEST]):
        # An exhausted quota also answers 429, but waiting does not help.
        return "refused" if error.codes & _SPENT else "rate_limited"
    if _UNMADE_CODE in error.codes:
        return "garbled"
    if kind := _of_this_prompt(status, error) if status is None or status >= 400 else None:
        return kind
    if status is None or status < 300:
        return "garbled"
    return "server_error" if status >= 500 or status in (408, 425) else "refused"


def _of_this_prompt(status: int | None, error: ErrorBody) -> str | None:
    """The kind of an error that concerns this prompt alone; None for any other."""
    words = error.words[:_LONGEST]
    if status == 451 or error.codes & _FILTER_CODES or _FILTER_WORDS.search(words):
        return "filtered"
    too_long = status in (413, 429) or error.codes & _CONTEXT_CODES or _CONTEXT_WORDS.search(words)
    return "context" if too_long else None


def _levels(value: Any, depth: int) -> Iterator[dict[str, Any]]:
    """The objects of an error, from the outermost on: errors are wrapped in lists, in one another, and in texts of JSON."""
    if depth > _DEEPEST:
        return
    if isinstance(value, str) and (parsed := _parsed(value)) is not None:
        value = parsed
    if isinstance(value, list):
        for item in value[:_MOST_ITEMS]:
            yield from _levels(item, depth + 1)
    elif isinstance(value, dict):
        yield value
        for name in _INNER:
            yield from _levels(value.get(name), depth + 1)


def _words(value: Any, depth: int) -> str:
    """What an error says; empty where nothing in it is a text for people."""
    if depth > _DEEPEST:
        return ""
    if isinstance(value, str):
        parsed = _parsed(value)
        return (_words(parsed, depth + 1) if parsed is not None else "") or value
    if isinstance(value, list):
        return "; ".join(filter(None, (_words(item, depth + 1) for item in value[:_MOST_ITEMS])))
    if not isinstance(value, dict):
        return ""
    # An object says more than a text beside it; else a message says more than the name of its kind.
    names = [name for name in ("error", "base_resp") if isinstance(value.get(name), (dict, list))]
    said = next(filter(None, (_words(value.get(name), depth + 1) for name in (*names, *_WORDS))), "")
    if said and isinstance(place := value.get("loc"), list):
        said = f"{'.'.join(map(str, place[:_MOST_ITEMS]))}: {said}"
    metadata = value.get("metadata")
    behind = _words(metadata.get("raw"), depth + 1) if isinstance(metadata, dict) else ""
    return ": ".join(filter(None, (said, behind if behind not in said else "")))


def _parsed(text: str) -> Any:
    """A text that is a JSON object or list, parsed; None for any other."""
    if text.lstrip()[:1] not in ("{", "[") or len(text) > _LONGEST:
        return None
    try:
        return parse_json(text.encode("utf-8", "replace"))
    except ValueError:
        return None


def _as_text(value: Any) -> str:
    if isinstance(value, str):
        return value
    try:
        return json.dumps(value, ensure_ascii=False)
    except RecursionError:  # Writing needs more stack than parsing.
        return ""
