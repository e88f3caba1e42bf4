"""The codes of a set of sessions: shares of messages with each, ratios between them, and the figures of single sessions."""

from collections.abc import Sequence
from functools import cache

from counseling_sessions.evaluation.codes.codebook import codebook
from counseling_sessions.evaluation.codes.coder import CodedMessage, CodedSession, code_session
from counseling_sessions.evaluation.statistics.intervals import Figure, ratio_figure, share_figure
from counseling_sessions.sessions import Session
from counseling_sessions.state import Speaker

RATIOS = {
    "reflections_per_question": ("reflection", "question"),
    "open_questions": ("question_open", "question"),
    "complex_reflections": ("reflection_complex", "reflection"),
    "change_talk": ("change", "leaning"),
}
"""Ratios by name, as counts of messages: one kind by another, or a part of a kind by all of it."""


class CodeCount:
    """The codes of a group's sessions, counted by message; a message counts at most once for a code.

    `foreign` counts the sessions that are in another language than English: they are not coded.
    """

    def __init__(self) -> None:
        self.sessions = 0
        self.foreign = 0
        self._shares: dict[tuple[Speaker, str], Figure] = {}
        self._of_messages: dict[Speaker, list[tuple[str, frozenset[str]]]] = {"counselor": [], "client": []}

    def add(self, session: Session) -> CodedSession | None:
        """Code a session and count it; None for one in another language."""
        coded = code_session(session)
        self.count(session, coded)
        return coded

    def count(self, session: Session, coded: CodedSession | None) -> None:
        """Count a session that was coded; None for one in another language."""
        if coded is None:
            self.foreign += 1
            return
        self.sessions += 1
        self._shares.clear()
        for message in coded.messages:
            if message.sentences:
                self._of_messages[message.speaker].append((session.client, kinds_of(message)))

    def messages(self, side: Speaker) -> int:
        """How many messages of one side have a word."""
        return len(self._of_messages[side])

    def share(self, side: Speaker, code: str) -> Figure:
        """The share of one side's messages that have a code, 0 to 1, with its interval."""
        if (side, code) not in self._shares:
            of_side = self._of_messages[side]
            self._shares[side, code] = share_figure((client, code in kinds) for client, kinds in of_side)
        return self._shares[side, code]

    def ratio(self, name: str, *, seed: int = 0) -> Figure:
        """One of `RATIOS`, pooled over messages, with its interval."""
        upper, lower = RATIOS[name]
        messages = self._of_messages["client" if name == "change_talk" else "counselor"]
        return ratio_figure(((client, upper in kinds, lower in kinds) for client, kinds in messages), seed=seed)


def kinds_of(message: CodedMessage) -> frozenset[str]:
    """A message's codes and the kinds that hold some of them: question, reflection; resistance; leaning (change or sustain)."""
    return kinds_of_codes(message.codes)


def kinds_of_codes(codes: frozenset[str]) -> frozenset[str]:
    """Codes, and the kinds that hold some of them."""
    return codes.union(kind for kind, held in _kinds().items() if not codes.isdisjoint(held))


@cache
def _kinds() -> dict[str, frozenset[str]]:
    book = codebook()
    return {
        "question": book.grouped("question"),
        "reflection": book.grouped("reflection"),
        "resistance": frozenset(book.resistance),
        "leaning": book.grouped("change") | book.grouped("sustain"),
    }


def session_codes(coded: CodedSession) -> dict[str, float]:
    """The figures by which sessions are compared; one that the session cannot have is not in it."""
    said = (message for message in coded.messages if message.speaker == "counselor" and message.sentences)
    return counselor_figures(list(map(kinds_of, said)))


def counselor_figures(counselor: Sequence[frozenset[str]]) -> dict[str, float]:
    """`session_codes` of a session's counselor messages, each by its kinds.

    They are of codes that are fairly read, or that separate known groups.
    """
    questions, reflections = _count(counselor, "question"), _count(counselor, "reflection")
    figures = {
        "codes_reflections": _share(reflections, questions + reflections),
        "codes_open": _share(_count(counselor, "question_open"), questions),
        "codes_complex": _share(_count(counselor, "reflection_complex"), reflections),
        "codes_information": _share(_count(counselor, "information"), len(counselor)),
        "codes_advice": _share(_count(counselor, "advice"), len(counselor)),
        "codes_agenda": _share(_count(counselor, "agenda"), len(counselor)),
    }
    return {name: value for name, value in figures.items() if value is not None}


def _count(messages: Sequence[frozenset[str]], kind: str) -> int:
    return sum(kind in kinds for kinds in messages)


def _share(part: int, total: int) -> float | None:
    return part / total if total else None
