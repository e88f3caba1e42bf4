"""The form of a message: that there is one, in turn, without a label, finished, and in the session's language."""

import re
from typing import get_args

from counseling_sessions.evaluation.checks.spoken import SpokenInSession
from counseling_sessions.evaluation.languages import other_language
from counseling_sessions.integrity import rules
from counseling_sessions.integrity.spoken import Spoken
from counseling_sessions.state import Speaker
from counseling_sessions.texts.words import FINISHED

_CLOSING = re.compile(r"(?:\*[^*\n]{1,60}\*|[:;=8xX]['’]?-?[)(DPpOo/|]|<3|\^_?\^)\s*$")
_BRACKETS = re.compile(r"(?:\([^()\n]{1,60}\)|\[[^][\n]{1,60}\])\s*$")
_ANSWER = re.compile(r"\W*\w[\w'’-]*(?: \w[\w'’-]*)?")
_LABEL_WORDS = 9
"""Words that no label has."""
_ITEM = re.compile(r"\s*(?:[-*•–]|\d{1,2}[.)])\s+\S")


def empty(spoken: SpokenInSession) -> str | None:
    """A message without a letter or digit, or nothing but a speaker's label."""
    if not spoken.words:
        return "no letter or digit"
    if spoken.words.count(" ") >= _LABEL_WORDS:
        return None
    text = spoken.text
    for speaker in get_args(Speaker):
        mark = rules.label(Spoken(text, speaker))
        if mark and not any(character.isalnum() for character in text[len(mark) :]):
            return f"nothing but {mark.strip()!r}"
    return None


def label(spoken: SpokenInSession) -> str | None:
    """The speaker's own label in front of what is said; the other's is a `role_flip`."""
    return (rules.label(spoken) or "").strip() or None


def truncated(spoken: SpokenInSession) -> str | None:
    """A message that does not end a sentence.

    An emoji, an emoticon and a *stage direction* end one, brackets do after a sentence, and so does the last point of a list
    whose points have no full stops. One or two words alone ("Not really") are an answer, finished or not.
    """
    text = spoken.text
    if _finished(text) or _CLOSING.search(text[-100:]) or _ANSWER.fullmatch(text) or _is_list(text):
        return None
    if (aside := _BRACKETS.search(text[-100:])) and _finished(text[: len(text) - len(aside[0])]):
        return None
    return f"ends in {text[-30:]!r}"


def non_alternation(spoken: SpokenInSession) -> str | None:
    """A message of the speaker who spoke last."""
    return f"the {spoken.speaker} twice in a row" if spoken.follows_own else None


def wrong_language(spoken: SpokenInSession) -> str | None:
    """A message that is in another language than its session, or changes into one. A language we do not know is not judged."""
    language = spoken.setting.language
    other = other_language(spoken.text, spoken.words, language) if language else None
    return f"looks like {other!r}" if other else None


def _finished(text: str) -> bool:
    return not text.strip() or bool(FINISHED.search(text))


def _is_list(text: str) -> bool:
    lines = [line for line in text.splitlines()[-3:] if line.strip()]
    return len(lines) > 1 and all(_ITEM.match(line) and line.rstrip()[-1].isalnum() for line in lines[-2:])
