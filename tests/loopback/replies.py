"""The bodies of the OpenAI protocol: completions, stream events, the list of models, errors."""

import json
import re
import time
from dataclasses import dataclass
from typing import Any, Literal

from .raw import Raw
from .request import Answer, Request
from .wire import event

JSON_TYPE = "application/json"

_PIECE = re.compile(r"\S+\s*|\s+")
_ERROR_TYPES = {
    401: ("invalid_request_error", "invalid_api_key"),
    404: ("invalid_request_error", "not_found"),
    429: ("rate_limit_error", "rate_limit_exceeded"),
}


@dataclass(frozen=True)
class Reply:
    """What to send: a `body`, or `events` as a stream.

    `wait` seconds pass before the first byte, `pace` seconds between events. `ending`
    "cut" closes after half of it, "reset" closes at once, without a status. `raw` goes on the wire in place of all that.
    """

    status: int
    body: bytes = b""
    content_type: str = JSON_TYPE
    headers: tuple[tuple[str, str], ...] = ()
    events: tuple[bytes, ...] | None = None
    wait: float = 0.0
    pace: float = 0.0
    ending: Literal["whole", "cut", "reset"] = "whole"
    raw: Raw | None = None


def completion(request: Request, answer: Answer, usage: dict[str, Any] | None) -> bytes:
    """The body of a chat completion."""
    choice = {
        "index": 0,
        "message": {"role": "assistant", "content": answer.text, "refusal": None},
        "logprobs": None,
        "finish_reason": answer.finish_reason,
    }
    body = {**_frame(request, "chat.completion"), "choices": [choice]}
    if usage is not None:
        body["usage"] = usage
    return _json(body)


def stream_events(request: Request, answer: Answer, usage: dict[str, Any] | None) -> tuple[bytes, ...]:
    """The events of a streamed chat completion: the role, one per word, the finish, the usage if any, [DONE]."""
    frame = _frame(request, "chat.completion.chunk")
    deltas: list[dict[str, str]] = [{"role": "assistant", "content": ""}]
    deltas += [{"content": piece} for piece in _PIECE.findall(answer.text)]
    chunks = [{**frame, "choices": [_delta(delta, None)]} for delta in deltas]
    chunks.append({**frame, "choices": [_delta({}, answer.finish_reason)]})
    if usage is not None:
        chunks.append({**frame, "choices": [], "usage": usage})
    return (*map(event, chunks), event("[DONE]"))


def usage_of(request: Request) -> dict[str, Any]:
    """The usage object from the request's token counts."""
    return {
        "prompt_tokens": request.prompt_tokens,
        "completion_tokens": request.completion_tokens,
        "total_tokens": request.prompt_tokens + request.completion_tokens,
        "prompt_tokens_details": {"cached_tokens": request.cached_tokens},
    }


def models_reply(models: tuple[str, ...]) -> Reply:
    """The list of models."""
    data = [{"id": name, "object": "model", "created": 0, "owned_by": "loopback"} for name in models]
    return Reply(200, _json({"object": "list", "data": data}))


def error_reply(
    status: int, message: str, *, param: str | None = None, headers: tuple[tuple[str, str], ...] = ()
) -> Reply:
    """An error as the OpenAI API words it."""
    kind, code = _ERROR_TYPES.get(status, ("invalid_request_error" if status < 500 else "server_error", None))
    body = {"error": {"message": message, "type": kind, "param": param, "code": code}}
    return Reply(status, _json(body), headers=headers)


def _frame(request: Request, kind: str) -> dict[str, Any]:
    return {
        "id": f"chatcmpl-{request.number}",
        "object": kind,
        "created": int(time.time()),
        "model": request.body.get("model", ""),
    }


def _delta(delta: dict[str, str], finish_reason: str | None) -> dict[str, Any]:
    return {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish_reason}


def _json(value: object) -> bytes:
    return json.dumps(value, ensure_ascii=False).encode()
