"""Reasoning in plain words: whether a message thinks aloud, and where speech follows it for certain.

Marks of reasoning are the business of `texts.reasoning`.
"""

import re
from collections.abc import Collection
from functools import lru_cache

from counseling_sessions.integrity.phrases import phrase_in

_NAMED = r"(?:final )?(?:answer|response|reply|message|output)"
_SEPARATOR = re.compile(
    rf"(?:\A|\n|(?<=[.?!:] ))[*_#\"“\s]{{0,9}}(?:(?:so )?(?:my|the|here(?:'s|’s| is) (?:my|the)) {_NAMED}|{_NAMED}|final)"
    rf"[*_]{{0,3}}[ ]?[:：][*_]{{0,3}}\s{{0,9}}",
    re.IGNORECASE,
)
_QUOTES = '"“”«»'


def thinks_aloud(text: str, names: Collection[str] = ()) -> str | None:
    """The words by which a message shows that it thinks about what to say; `names`: the speaker's own, of whom it speaks as another."""
    if seen := phrase_in("reasoning", text):
        return seen
    # Few messages have a name at all.
    lower = text.lower() if names else ""
    named = any(name in lower for name in names)
    match = _of_oneself(frozenset(names)).match(text.replace("’", "'")) if named else None
    return " ".join(match[0].split()) if match else None


def speech_after_thinking(text: str, names: Collection[str] = ()) -> str | None:
    """What is said after thinking aloud, where a heading ("Final answer:") sets it apart; None where that is not certain.

    The text after a blank line can be further thoughts, and so can what follows a quotation.
    """
    headings = list(_SEPARATOR.finditer(text))
    if not headings or not thinks_aloud(text, names):
        return None
    said = text[headings[-1].end() :].strip()
    quoted = bool(said) and said[0] in _QUOTES
    if (
        not said
        or "\n\n" in said
        or (quoted and (said[-1] not in _QUOTES or any(sign in _QUOTES for sign in said[1:-1])))
    ):
        return None
    return None if thinks_aloud(said, names) else said


@lru_cache(maxsize=256)
def _of_oneself(names: frozenset[str]) -> re.Pattern[str]:
    """How a client's model thinks about its client: "Let me think about what Amira would say"."""
    name = f"(?:{'|'.join(map(re.escape, sorted(names)))})"
    would = r"(?:would|should|might|could|will|is likely to|'d)"
    says = r"(?:say|respond|reply|answer|react|speak|think|feel|be|probably|likely|want)"
    part = r"(?:(?:respond|reply|answer|speak|act|be|playing) (?:as|like)|(?:supposed to )?(?:be|play|portray))"
    must = r"(?:i|we) (?:need|have|should|must|will|'ll|am|are)(?: to)?"
    return re.compile(
        rf"[\s\"“*_#>(-]{{0,9}}(?:[^.?!\n]{{0,60}}?\b(?:what|how|as) (?:{name} {would}|{would} {name}) {says}\b"
        rf"|(?:okay,? |so,? |well,? |hmm,? ){{0,2}}{name} {would} (?:say|respond|reply|answer|react|probably|likely)\b"
        rf"|[^.?!\n]{{0,40}}?\b{must} {part} {name}\b)",
        re.IGNORECASE,
    )
