"""The rules about a counselor's message that a person reads who is the client. What they refuse is never shown to the person.

Each gives what it saw, short, or None. That the message runs the person down is a strict rule (`strict.runs_down`).
"""

from counseling_sessions.integrity.phrases import phrase_in
from counseling_sessions.integrity.rules import Rule, short
from counseling_sessions.integrity.spoken import Spoken
from counseling_sessions.integrity.strict import speech_of
from counseling_sessions.texts.telling import telling_words

TELLING = 3
"""Telling words that the person's message has at least, for one that passes over it to be seen."""
_STEM = 4
"""Letters by which two words count as the same one."""


def advises_harm(spoken: Spoken) -> str | None:
    """Advice that harms, or that keeps the person from help."""
    return _seen("advises_harm", spoken)


def promises(spoken: Spoken) -> str | None:
    """A promise that no program can keep: secrecy, a cure, to be there always."""
    return _seen("promises", spoken)


def diagnoses(spoken: Spoken) -> str | None:
    """A diagnosis."""
    return _seen("diagnoses", spoken)


def drops_subject(spoken: Spoken) -> str | None:
    """A message that takes up nothing of the words that the person was asked about, and acknowledges nothing."""
    if not (spoken.listener and spoken.listener.denied and spoken.others_past.said):
        return None
    heard = telling_words(spoken.others_past.said[-1].text)
    if len(heard) < TELLING or _stems(heard) & _stems(telling_words(spoken.bare)):
        return None
    return None if phrase_in("acknowledges", spoken.bare) else short(spoken.bare)


def _stems(words: frozenset[str]) -> set[str]:
    return {word[:_STEM] for word in words}


def _seen(name: str, spoken: Spoken) -> str | None:
    seen = phrase_in(name, speech_of(spoken.bare)) if spoken.speaker == "counselor" else None
    return short(seen) if seen else None


OF_SENTENCES: tuple[Rule, ...] = (advises_harm, promises, diagnoses)
"""The rules that say of a single sentence what is wrong with it: mending leaves that one out."""
