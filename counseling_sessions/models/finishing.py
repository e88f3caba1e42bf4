"""Why an answer ended: what servers' finish reasons mean, whatever their case and form."""

import re

AT_LIMIT = "length"
"""The finish reason of an answer that the token limit ended, in OpenAI's words."""
_LIMITS = frozenset({"maxtokens", "modellength", "tokenlimit", "maxoutputtokens"})
_FILTERED = frozenset(
    {
        *("contentfilter", "contentfiltered", "guardrailintervened", "blocked", "blocklist", "moderation"),
        *("safety", "prohibitedcontent", "recitation", "spii", "sensitive"),
    }
)
_BROKEN = frozenset({"error", "abort", "aborted", "other"})


def read_finish(reason: str | None) -> str | None:
    """A server's finish reason, with one name for the token limit."""
    return AT_LIMIT if _folded(reason) in _LIMITS else reason


def was_filtered(reason: str | None) -> bool:
    """Whether a content filter stopped the answer."""
    return _folded(reason) in _FILTERED


def was_broken(reason: str | None) -> bool:
    """Whether something went wrong in the middle: there may be text, but it is not what the model would have said."""
    return _folded(reason) in _BROKEN


def _folded(reason: str | None) -> str:
    return re.sub(r"[^a-z]", "", (reason or "").casefold())
