"""A speaker who talks about the task, thinks aloud, refuses its part, or speaks as the other."""

import re

from counseling_sessions.evaluation.checks.repeats import nearest
from counseling_sessions.evaluation.checks.spoken import SpokenInSession
from counseling_sessions.integrity import rules

ECHO_WORDS = 8
"""Words from which a repeated message of the other's is a role flip, and no "Thank you, see you next week."."""

_ROLES = ("counsel", "therapist", "client", "patient")
_MARKER = re.compile(r"\[/?END[\]:]", re.IGNORECASE)
_SPECIALISTS = ("reflection", "questioning", "solutions", "normali", "psycho")
_ROW = re.compile(
    r"(?:\b(?:reflection|questioning|(?:providing )?solutions|normali[sz](?:ing|ation)|psycho-?education)\b(?:,\s?(?:and\s)?|\Z)){3}",
    re.IGNORECASE,
)
"""Three of the specialists' names in a row."""


def meta_talk(spoken: SpokenInSession) -> str | None:
    """Talk about the task instead of speech to the other person, or what a prompt or chat template left behind."""
    text = spoken.raw
    if "[" in text and (match := _MARKER.search(text)):
        return match[0]
    if spoken.apart.token:
        return spoken.apart.token
    if sum(name in spoken.words for name in _SPECIALISTS) >= 3 and (match := _ROW.search(text)):
        return match[0]
    return rules.meta_talk(spoken)


def reasoning(spoken: SpokenInSession) -> str | None:
    """What a model thought, between its marks or in plain words."""
    return rules.reasoning(spoken)


def refusal(spoken: SpokenInSession) -> str | None:
    """A model that refuses its part, in words."""
    return rules.refusal(spoken)


def role_flip(spoken: SpokenInSession) -> str | None:
    """The other's label or role, or a message of the other's (of eight words or more) repeated."""
    # Without a colon there is no label, and without such a word no role; most messages have neither.
    text = spoken.raw
    if (":" in text or "：" in text or any(role in spoken.words for role in _ROLES)) and (
        part := rules.others_part(spoken)
    ):
        return part
    if spoken.words.count(" ") < ECHO_WORDS - 1:
        return None
    if same := spoken.others_past.by_words.get(spoken.words):
        return f"the other's words of turn {same[0].turn}"
    near = nearest(spoken, spoken.others_past)
    return f"the other's words: {near}" if near else None
