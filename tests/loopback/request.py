"""What the server records of a request, what an answer is, and how long one takes."""

import time
from dataclasses import dataclass, field
from typing import Any

from .faults import FaultKind
from .small_talk import SmallTalk


@dataclass(frozen=True)
class Answer:
    """What the pretended model says, and why it stopped."""

    text: str
    finish_reason: str = "stop"


@dataclass(frozen=True)
class Latency:
    """Seconds an answer takes: `base`, plus per prompt token that was not cached, plus per completion token."""

    base: float = 0.0
    per_prompt_token: float = 0.0
    per_completion_token: float = 0.0


@dataclass
class Request:
    """One HTTP request as the server saw it.

    `received` and `finished` are `time.monotonic()` seconds; `finished` and `status` are set before the last byte of
    the answer leaves, so a client that has its answer finds them. `status` stays None when no answer was begun (a
    "reset", or a client that left during a "timeout"). `number` counts well-formed, accepted chat requests from 0; -1
    for all others. `error` is what the server's own answer function raised. `talk` is the server's stock of sentences
    not yet used.
    """

    path: str = "/v1/chat/completions"
    body: dict[str, Any] = field(default_factory=dict)
    headers: dict[str, str] = field(default_factory=dict)
    method: str = "POST"
    received: float = field(default_factory=time.monotonic)
    finished: float | None = None
    status: int | None = None
    number: int = -1
    fault: FaultKind | None = None
    error: Exception | None = None
    prompt_tokens: int = 0
    cached_tokens: int = 0
    completion_tokens: int = 0
    talk: SmallTalk = field(default_factory=SmallTalk, repr=False, compare=False)

    @property
    def messages(self) -> list[tuple[str, str]]:
        """The (role, text) pairs of the chat; a content made of parts is reduced to its text parts."""
        return [(str(entry.get("role", "")), _text(entry.get("content"))) for entry in self.body.get("messages", [])]

    @property
    def prompt(self) -> str:
        """The texts of all messages, joined by a line feed."""
        return "\n".join(text for _, text in self.messages)

    @property
    def response_type(self) -> str:
        """The `type` of `response_format`: "text" when there is none."""
        return str((self.body.get("response_format") or {}).get("type", "text"))

    @property
    def schema(self) -> dict[str, Any] | None:
        """The JSON schema asked for through `response_format`, or None."""
        if self.response_type != "json_schema":
            return None
        schema: dict[str, Any] = self.body["response_format"].get("json_schema", {}).get("schema", {})
        return schema


def _text(content: object) -> str:
    if isinstance(content, list):
        return "".join(str(part.get("text", "")) for part in content if isinstance(part, dict))
    return "" if content is None else str(content)
