"""What a reply comes to before the guards judge it: the words that can be spoken, and how the model ended them."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

from counseling_sessions.integrity.rules import short
from counseling_sessions.integrity.spoken import Past, Spoken, split_marker
from counseling_sessions.integrity.thinking import speech_after_thinking
from counseling_sessions.models.finishing import AT_LIMIT, was_broken
from counseling_sessions.models.requests import Reply
from counseling_sessions.models.thinking import speechless
from counseling_sessions.nodes.context import UTTERANCE_LIMIT
from counseling_sessions.nodes.guards import NEVER, check, filtered
from counseling_sessions.nodes.mending import cut, repair, tidy
from counseling_sessions.state import Finding, Speaker
from counseling_sessions.texts.reasoning import take_apart

HARMLESS = frozenset({"label", "truncated"})
"""Findings that are mended at once, where most of the message stays: a speaker's own label in front, and a last sentence
that the token limit cut, or what is too long to be spoken. They are recorded."""
KEPT = 0.5
"""Share of a message's characters that must stay for such a mending."""


def draft_of(reply: Reply, speaker: Speaker, past: tuple[Past, Past], names: frozenset[str]) -> Spoken:
    """What a model says, cut to what can be spoken before anything else looks at it. A refusal is what it says in its place."""
    said = tidy(reply.refusal or reply.text, speaker)
    if speech := speech_after_thinking(said, names):
        said = tidy(speech, speaker)
    text = cut(said, UTTERANCE_LIMIT)
    cut_from = len(said) if len(text) < len(said) else None
    return Spoken(text, speaker, *past, finish_reason=ending(reply), cut_from=cut_from, names=names)


def ending(reply: Reply) -> str | None:
    """Why an answer ended: its finish reason, unless a token ended it before the limit, or the model refused."""
    if reply.refusal:
        return "refusal"
    cut_off = reply.finish_reason == AT_LIMIT
    return "stop" if cut_off and take_apart(reply.text).ended else reply.finish_reason


def taken_off(reply: Reply) -> Iterator[Finding]:
    """Findings that are mended in every answer: it was longer than anything asked for, or a token of a chat template leaked."""
    if reply.cut_at:
        detail = f"the answer was longer than {reply.cut_at:,} characters and was cut there"
        yield Finding(kind="cut", detail=detail, repaired=True)
    if token := take_apart(reply.text).token:
        yield Finding(kind="end_token", detail=token, repaired=True)


def unreadable(reply: Reply, limit: int | None) -> Finding | None:
    """Why a structured answer is not to be read at all; `limit` is its token limit."""
    if reply.refusal or reply.finish_reason == "refusal":
        return Finding(kind="refusal", detail=short(reply.refusal or reply.text))
    if reason := filtered(Spoken("", "counselor", finish_reason=reply.finish_reason)):
        return Finding(kind="filtered", detail=reason)
    if was_broken(reply.finish_reason):
        return Finding(kind="malformed", detail=f"broken off ({reply.finish_reason})")
    cut_off = ending(reply) == AT_LIMIT
    if (cut_off or not reply.text.strip()) and (why := speechless(reply, limit)):
        return Finding(kind="reasoning", detail=why)
    return Finding(kind="malformed", detail="cut off at the token limit") if cut_off else None


def mended_at_once(draft: Spoken, findings: Sequence[Finding]) -> str:
    """The draft with harmless findings mended, where most of it stays; else an empty string."""
    if not {finding.kind for finding in findings} <= HARMLESS:
        return ""
    text = mended(draft)
    return text if len(text) >= KEPT * len(draft.text) else ""


def mended(draft: Spoken) -> str:
    """The draft, repaired, if that made it good; else an empty string."""
    if filtered(draft) or was_broken(draft.finish_reason):
        return ""  # what a filter or an error stopped may be anything but what was meant
    text = repair(draft)
    fine = not check(replace(draft, text=text, finish_reason=None, cut_from=None, names=frozenset()))
    return text if fine and split_marker(text).text else ""


def mended_leniently(draft: Spoken) -> str:
    """The draft, mended, where the strict guards alone still object: better that than a session that fails; else an empty string."""
    return "" if any(finding.kind in NEVER for finding in check(draft)) else mended(replace(draft, facts=None))
