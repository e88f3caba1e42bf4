"""How long sessions are, in words: one way to count for planted defects, control pairs, judges and people."""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import Protocol

from counseling_sessions.state import Speaker
from counseling_sessions.texts.words import words_of_any_script


class SpokenMessage(Protocol):
    """A message of a session or of a study."""

    @property
    def speaker(self) -> Speaker: ...
    @property
    def text(self) -> str: ...


@dataclass(frozen=True)
class SessionLength:
    """A session's words, and the mean words of a counselor's and of a client's message; None without such a message."""

    words: int
    counselor: float | None
    client: float | None


@lru_cache(maxsize=4096)  # The same messages are planted with one defect after another.
def count_words(text: str) -> int:
    """The words of a text; in scripts without spaces every letter is a word."""
    return len(words_of_any_script(text))


def count_said(dialogue: Iterable[SpokenMessage]) -> int:
    """The words of a dialogue."""
    return sum(count_words(message.text) for message in dialogue)


def session_length(dialogue: Iterable[SpokenMessage]) -> SessionLength:
    """The length of a dialogue."""
    counts: dict[Speaker, list[int]] = {"counselor": [], "client": []}
    for message in dialogue:
        counts[message.speaker].append(count_words(message.text))
    means = {speaker: sum(listed) / len(listed) if listed else None for speaker, listed in counts.items()}
    return SessionLength(sum(map(sum, counts.values())), means["counselor"], means["client"])
