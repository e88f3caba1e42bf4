"""Guards: what a generated message must be before it may enter the dialogue. `check` finds what is wrong with one, and is pure.

How a bad one can safely be mended is in `nodes.mending`.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property

from counseling_sessions.state import Finding, Speaker
from counseling_sessions.texts.words import FINISHED, normalized, overlap, sentences, trigrams

NEAR_REPEAT = 0.6
"""Jaccard overlap of word 3-grams from which two messages count as nearly the same (evaluation reports from 0.8)."""
RECENT = 10
"""How many of the speaker's last messages a near-repeat is looked for in; an exact repeat is looked for in all."""

END_MARKER = re.compile(r"\[\s{0,9}END\s{0,9}(?::\s{0,9}(?P<reason>resolved|left)\s{0,9})?\]", re.IGNORECASE)
"""How a client declares the end; honoured only at the very end of its message."""

# Every repetition below is bounded: a model that loops on line breaks or dots must not hang the session (a search is then
# linear in the text, not quadratic).
LABELS = {
    "counselor": r"(?:the\s+)?(?:counsel+or|therapist|assistant)",
    "client": r"(?:the\s+)?(?:client|patient|user|human)",
}
_SPECIALISTS = r"\w{1,30}(?:[ _-]\w{1,30})?\s{1,9}(?:specialist|agent)"
OWN_LABELS = LABELS | {"counselor": rf"{LABELS['counselor']}|{_SPECIALISTS}"}
EMPHASIS = r"[*_#>\s]{0,9}"
LATER = r"(?:^|\n|(?<=[.?!\"”] ))"
ROUNDS = 9
"""How often a text is gone through again for what its mending laid open; what people and models write needs two."""
_META = re.compile(
    r"""
    \bhere(?:'s|\ is|\ are)\ (?:a|an|the|my|one|some)\s(?:\w{1,30}\s){0,3}(?:response|reply|message|utterance|draft|answer)\b
        (?!\ (?:(?:that|which)\ )?(?:I|you|we|they|s?he|it|my|his|her|their|from)\b)
    | ^\W{0,9}(?:sure|certainly|okay|ok|of\ course)\b[^.?!\n]{0,40}\b(?:response|reply|message|draft)\s?:
    | \bas\ an?\ (?:AI|artificial\ intelligence|(?:large\ )?language\ model)\b
    | \bthis\ (?:response|reply|message|draft)\ (?:aims\ to|combines|acknowledges|validates
        |(?:uses|shows|reflects)\ (?:empathy|reflect|validat|understanding|open-ended|the\ client))
    | ^\W{0,9}(?:\w{1,30}\s){0,3}(?:response|reply|message)\ (?:to|for|from)\ the\ (?:client|counsel+or)\s?(?:[:：]|$)
    | \b(?:intake\ form|drafts?\ from\ (?:your|the)\ specialists?|plan\ step|system\ prompt)\b
    | \b(?:within|under|respects?|respecting|keeps?\ to)\ the\ (?:\d{1,3}-)?word\ limit\b
    | ^\W{0,9}(?:draft|note|notes|output|json)\s?:
    | \((?:note\b(?!\ to\ self)|word\ count|end\ of\ (?:the\ )?(?:session|message|response|reply|dialogue|conversation|transcript)\b)
    | \[(?:insert|name|client|counsel+or)\b
    | ^\s{0,9}[{\[]\s{0,9}"
    """,
    re.IGNORECASE | re.VERBOSE | re.MULTILINE,
)
_CLIENTS = re.compile(r"\bclients?\b")
_THIRD_PERSON = re.compile(
    r"\bthe client(?:'s (?:last|words|message|feelings?|thoughts?|statement)|(?: is| has)? (?:feel|seem|express|say|said|mention))",
    re.IGNORECASE,
)
_OTHERS_ROLE = {
    "client": re.compile(
        r"\b(?:as|I am|I'm|I’m)\s+(?:your|the)\s+(?:counsel+or|therapist)\b(?! (?:at|for|of|on|who|with|everyone|in (?!this)))",
        re.IGNORECASE,
    ),
    "counselor": re.compile(
        r"\b(?:as|I am|I'm|I’m)\s+(?:your|the)\s+(?:client|patient)\b|\b(?:thank you|thanks|hello|hi),?\s+(?:counsel+or|therapist)\b",
        re.IGNORECASE,
    ),
}
_SELF_HARM = re.compile(
    r"\bsuicid\w*|\bself[- ]?harm\w*|\b(?:kill|killing|harm|harming)\s+myself\b"
    r"|\bend(?:ing)?\s+(?:my(?:\s+own)?\s+life|it\s+all)\b|\b(?:want|wanted|wish|wished)\s+(?:to\s+die|I\s+were\s+dead|I\s+was\s+dead)\b",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Draft:
    """A message to be judged, with what the judgement needs: who speaks, what was said before by whom, how it ended.

    `cut_from` is how many characters it had before it was cut to what can be spoken (`cut`); None for most.
    """

    text: str
    speaker: Speaker
    own: Sequence[str] = ()
    other: Sequence[str] = ()
    finish_reason: str | None = None
    cut_from: int | None = None

    @property
    def said(self) -> str:
        """The message without the client's end marker."""
        return unmarked(self.text)

    @cached_property
    def words(self) -> str:
        """What is said, as it is compared."""
        return normalized(self.said)

    @cached_property
    def own_words(self) -> list[str]:
        return [normalized(text) for text in self.own]

    @cached_property
    def other_words(self) -> list[str]:
        return [normalized(text) for text in self.other]

    def nearly(self, words: str) -> bool:
        """Whether what is said overlaps too far with another message (as it is compared)."""
        # Most messages have not one 3-gram in common, which is found out faster than how many they have.
        return any(gram in words for gram in self._grams) and overlap(self._trigrams, trigrams(words)) >= NEAR_REPEAT

    @cached_property
    def _trigrams(self) -> frozenset[tuple[str, ...]]:
        return trigrams(self.words)

    @cached_property
    def _grams(self) -> list[str]:
        return [" ".join(gram) for gram in self._trigrams]

    @cached_property
    def has_clients(self) -> bool:
        """Whether the other one speaks of clients of their own (a designer, a lawyer), and so is spoken to about them."""
        return any(_CLIENTS.search(text) for text in self.other)


Guard = Callable[[Draft], str | None]


def empty(draft: Draft) -> str | None:
    """A message without a single letter or digit."""
    return None if any(c.isalnum() for c in draft.said) else "empty"


def label(draft: Draft) -> str | None:
    """A speaker's own label in front of what is said."""
    found = re.match(rf"{EMPHASIS}(?:{OWN_LABELS[draft.speaker]}){EMPHASIS}[:：]", draft.text, re.IGNORECASE)
    return found[0] if found else None


def meta_talk(draft: Draft) -> str | None:
    """Talk about the task, or a leftover of the prompt, instead of speech to the other person."""
    found = _META.search(draft.said)
    if not found and draft.speaker == "counselor" and not draft.has_clients:
        found = _THIRD_PERSON.search(draft.said)
    return found[0] if found else None


def repeat(draft: Draft) -> str | None:
    """A message that the speaker has already said, whatever its case, punctuation and spacing."""
    earlier = zip(draft.own, draft.own_words, strict=True)
    return next((_short(text) for text, words in earlier if words and words == draft.words), None)


def near_repeat(draft: Draft) -> str | None:
    """A message that overlaps too far with one of the speaker's recent ones, or says one sentence of its own twice."""
    if twice := _said_twice(draft.said):
        return _short(twice)
    recent = list(zip(draft.own, draft.own_words, strict=True))[-RECENT:]
    near = (text for text, words in reversed(recent) if words != draft.words and draft.nearly(words))
    return next(map(_short, near), None)


def role_flip(draft: Draft) -> str | None:
    """Speaking for or as the other person: their label, their role, or their own words given back whole."""
    other: Speaker = "client" if draft.speaker == "counselor" else "counselor"
    if found := re.search(rf"{LATER}{EMPHASIS}{LABELS[other]}{EMPHASIS}[:：]", draft.text, re.IGNORECASE):
        return _short(found[0].strip())
    if found := _OTHERS_ROLE[draft.speaker].search(draft.said):
        return found[0]
    theirs = zip(draft.other, draft.other_words, strict=True)
    return next((_short(text) for text, words in theirs if draft.words and draft.nearly(words)), None)


def truncated(draft: Draft) -> str | None:
    """A message cut at what can be spoken or off by the token limit, or one that ends in the middle of a sentence."""
    if draft.cut_from is not None:
        return f"cut to {len(draft.text):,} of {draft.cut_from:,} characters"
    if draft.finish_reason == "length":
        return "cut off at the token limit"
    return None if not draft.said or FINISHED.search(draft.said) else "no end of sentence"


def risk(draft: Draft) -> str | None:
    """A client who speaks of harming themselves: not played until it is played by a protocol (docs/ethics.md)."""
    found = _SELF_HARM.search(draft.said) if draft.speaker == "client" else None
    return found[0] if found else None


GUARDS: dict[str, Guard] = {
    guard.__name__: guard for guard in (empty, label, meta_talk, repeat, near_repeat, role_flip, risk, truncated)
}


def check(draft: Draft) -> list[Finding]:
    """What is wrong with a message: a finding a guard that objects; none for a good one."""
    found = [(name, guard(draft)) for name, guard in GUARDS.items()]
    return [Finding(kind=name, detail=detail) for name, detail in found if detail is not None]


def split_marker(text: str) -> tuple[str, str | None]:
    """A client's message without its end markers, and the end reason that a marker at its very end declares."""
    reason = None
    matches = list(END_MARKER.finditer(text))
    if matches and not any(c.isalnum() for c in text[matches[-1].end() :]):
        reason = (matches[-1]["reason"] or "resolved").lower()
    return unmarked(text), reason


def unmarked(text: str) -> str:
    """The text without end markers and stray space around it."""
    # Taking one out can join the halves of another. A text in which that goes on was made to be like that: it loses its brackets.
    for _ in range(ROUNDS):
        if not END_MARKER.search(text):
            return text.strip()
        text = re.sub(r" {2,}", " ", END_MARKER.sub(" ", text))
    return (text.replace("[", "") if END_MARKER.search(text) else text).strip()


def _said_twice(text: str) -> str | None:
    seen: set[str] = set()
    for sentence in sentences(text):
        key = normalized(sentence)
        if key in seen and len(key.split()) > 2:
            return sentence
        seen.add(key)
    return None


def _short(text: str, limit: int = 80) -> str:
    text = " ".join(text.split())
    return text if len(text) <= limit else text[: limit - 1].rstrip() + "…"
