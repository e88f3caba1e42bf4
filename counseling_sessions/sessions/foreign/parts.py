"""Whose part a system message gives to the assistant, by what it says that the assistant or the user is, plays or meets.

It is a chat's own word on its sides, in English, Chinese, German and a few words of others. Many messages say nothing of it.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from counseling_sessions.settings import read_yaml
from counseling_sessions.state import Speaker

LONGEST = 8000
"""Characters of a system message that are looked at: its beginning says whose part it gives."""
_OTHER: Mapping[Speaker, Speaker] = {"counselor": "client", "client": "counselor"}
_SENTENCE = re.compile(r"[.!?;\n。！？；]+")
_NEAR, _FAR = 24, 90
"""Characters between a word and the noun that it is about: of whom somebody meets, and of what somebody is."""
_BEFORE = 300
"""Characters before a verb in which its subject is looked for."""
_FIRST = 12
"""Characters before a verb up to which it begins its sentence, as an order to the assistant."""


@dataclass(frozen=True)
class _Words:
    """The patterns of `parts.yaml`; `noun` finds a noun of either side or of neither, and names which."""

    noun: re.Pattern[str]
    is_: re.Pattern[str]
    takes: re.Pattern[str]
    meets: re.Pattern[str]
    owned: re.Pattern[str]
    ends: re.Pattern[str]
    assistant: re.Pattern[str]
    user: re.Pattern[str]
    virtues: frozenset[str]


def parts_given(system: str) -> set[Speaker]:
    """The parts that a system message gives to the assistant: none, one, or both where it says both."""
    return {side for sentence in _SENTENCE.split(system[:LONGEST].casefold()) for side in _of_sentence(sentence)}


def _of_sentence(sentence: str) -> Iterator[Speaker]:
    words = _words()
    for verb in (*words.is_.finditer(sentence), *words.takes.finditer(sentence)):
        is_ = verb.re is words.is_
        if side := _named(sentence[verb.end() : verb.end() + _FAR], words.virtues if is_ else frozenset()):
            yield _OTHER[side] if _is_of_user(sentence[: verb.end()]) else side
    for verb in words.owned.finditer(sentence):
        if side := _met(sentence[verb.end() : verb.end() + _NEAR]):
            yield _OTHER[side]
    for verb in words.meets.finditer(sentence):
        if words.takes.match(sentence, verb.start()):  # "answer as", not "answer"
            continue
        before = sentence[: verb.start()]
        addressed = len(before) < _FIRST or words.assistant.search(before) or words.user.search(before)
        if addressed and (side := _met(sentence[verb.end() : verb.end() + _NEAR])):
            yield side if _is_of_user(before) else _OTHER[side]


def _named(text: str, virtues: frozenset[str]) -> Speaker | None:
    """The side of the last noun in a phrase that says who somebody is; none of these virtues begins it."""
    words = _words()
    end = min(
        (match.start() for pattern in (words.ends, words.meets, words.is_) if (match := pattern.search(text))),
        default=len(text),
    )
    nouns = [noun for noun in words.noun.finditer(text) if noun.start() < end and not _owns(text, noun)]
    nouns = [noun for noun in nouns if noun[0] not in virtues or text[: noun.start()].strip()]
    return _side(nouns[-1]) if nouns else None


def _met(text: str) -> Speaker | None:
    """The side of the first noun in what follows."""
    noun = _words().noun.search(text)
    return _side(noun) if noun and not _words().ends.search(text[: noun.start()]) else None


def _owns(text: str, noun: re.Match[str]) -> bool:
    """Whether a noun only says whose something is ("the client's therapist")."""
    return text[noun.end() :].startswith(("'s", "’s", "的"))


def _side(noun: re.Match[str]) -> Speaker | None:
    return "client" if noun.lastgroup == "client" else "counselor" if noun.lastgroup == "counselor" else None


def _is_of_user(before: str) -> bool:
    """Whether the user is who was named last before."""
    words = _words()
    near = before[-_BEFORE:]
    places = [max((match.end() for match in who.finditer(near)), default=-1) for who in (words.user, words.assistant)]
    return places[0] > places[1]


@cache
def _words() -> _Words:
    data: dict[str, str] = read_yaml(Path(__file__).with_name("parts.yaml"))
    sides = "|".join(f"(?P<{side}>{_any(data[side])})" for side in ("client", "counselor", "neither"))
    patterns = {name: re.compile(_any(data[name])) for name in ("takes", "meets", "owned", "ends", "assistant", "user")}
    return _Words(
        re.compile(sides), re.compile(_any(data["is"])), virtues=frozenset(data["virtue"].split("; ")), **patterns
    )


def _any(phrases: str) -> str:
    """A pattern of any of these phrases, the longest first; words of letters with spaces between them are whole words."""
    listed = sorted((" ".join(phrase.split()).casefold() for phrase in phrases.split(";")), key=len, reverse=True)
    return "|".join(rf"\b{re.escape(phrase)}\b" if phrase[0] < "\u3000" else re.escape(phrase) for phrase in listed)
