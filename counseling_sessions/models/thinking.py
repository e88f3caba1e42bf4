"""Room for reasoning: whether a model's reasoning took an answer's token limit, and the larger limit that it is asked with then."""

from typing import TYPE_CHECKING

from counseling_sessions.models.finishing import AT_LIMIT, was_broken, was_filtered
from counseling_sessions.settings import ModelSettings, means_embedded
from counseling_sessions.texts.reasoning import take_apart

if TYPE_CHECKING:  # it takes a second to import, and who asks no model does without
    from counseling_sessions.models.requests import Reply

TIMES, LEAST, MOST = 4, 2048, 8192
"""A limit that reasoning took is raised once: to `TIMES` as many tokens, at least `LEAST` and at most `MOST`."""

ALL_REASONING = (
    "the whole answer came as reasoning, none of it as content; turn reasoning off for this role (reasoning_effort: none, or"
    " extra_body), or the server's reasoning parser"
)


def took_the_limit(reply: "Reply") -> bool:
    """Whether an answer ended at its token limit without speech, or with less speech than reasoning."""
    if reply.finish_reason != AT_LIMIT:
        return False
    speech = take_apart(reply.text).speech.strip()
    if not any(map(str.isalnum, speech)):
        return True
    tokens = reply.reasoning_tokens is not None and 2 * reply.reasoning_tokens > (reply.completion_tokens or 0)
    return tokens or reply.reasoning_characters > len(speech)


def more_room(settings: ModelSettings) -> ModelSettings | None:
    """The settings with the raised limit; None where there is no limit, or none to raise."""
    limit = settings.max_tokens
    if limit is None or limit >= MOST or means_embedded(settings):
        return None
    return settings.model_copy(update={"max_tokens": min(max(TIMES * limit, LEAST), MOST)})


def speechless(reply: "Reply", limit: int | None) -> str:
    """Why reasoning left no answer, with what to set; empty where something else did. `limit` is the answer's token limit."""
    if took_the_limit(reply):
        return advice(limit)
    stopped = reply.refusal or was_filtered(reply.finish_reason) or was_broken(reply.finish_reason)
    return ALL_REASONING if reply.reasoning_characters and not reply.text.strip() and not stopped else ""


def advice(limit: int | None) -> str:
    """What happened and what to set, for people; `limit` is the last one that reasoning took."""
    took = f"all {limit:,} tokens of max_tokens" if limit else "all the tokens of max_tokens"
    return f"reasoning took {took}; set a larger max_tokens for this role, or less reasoning (reasoning_effort)"
