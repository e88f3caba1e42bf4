"""A streamed answer as the completion that it would have been: for servers that answer only in a stream."""

import json
from collections import defaultdict
from typing import Any

from counseling_sessions.models.error_bodies import says_error
from counseling_sessions.models.errors import FailedCall, unreadable
from counseling_sessions.store.reading import parse_json

STREAM = "text/event-stream"
"""The content type of a stream."""
MOST_STREAMED = 24 * 2**20
"""Bytes of the longest stream: each word comes in an event of its own, which takes some hundred bytes."""
_LAST = b"[DONE]"


def joined(body: bytes) -> bytes | FailedCall:
    """The completion whose pieces a stream's events are, as JSON; or why they are none.

    An error among the events is returned in its place. Only the first choice counts, as in any answer.
    """
    texts: defaultdict[str, list[str]] = defaultdict(list)
    frame: dict[str, Any] = {}
    finish, ended = None, False
    for data in (line[5:].strip() for line in body.splitlines() if line.startswith(b"data:")):
        if data == _LAST:
            ended = True
            break
        try:
            event = parse_json(data)
        except ValueError:
            return unreadable("a stream with an event that is no JSON")
        if not isinstance(event, dict):
            return unreadable("a stream with an event that is no JSON object")
        if says_error(event):
            return data
        frame |= {name: event[name] for name in ("id", "model", "created", "usage") if event.get(name) is not None}
        finish = _take(event, texts) or finish
    if finish is None and not (ended and texts):
        return unreadable("a stream without an end")
    message = {"role": "assistant", **{name: "".join(parts) for name, parts in texts.items()}}
    return json.dumps({**frame, "choices": [{"index": 0, "message": message, "finish_reason": finish}]}).encode()


def _take(event: dict[str, Any], texts: defaultdict[str, list[str]]) -> str | None:
    """Add an event's pieces to the texts; the finish reason if it has one."""
    choices = event.get("choices")
    choice = choices[0] if isinstance(choices, list) and choices else None
    if not isinstance(choice, dict) or choice.get("index", 0) != 0:
        return None
    delta = choice.get("delta")
    for name, piece in delta.items() if isinstance(delta, dict) else ():
        if name != "role" and isinstance(piece, str):
            texts[name].append(piece)
    finish = choice.get("finish_reason")
    return finish if isinstance(finish, str) else None
