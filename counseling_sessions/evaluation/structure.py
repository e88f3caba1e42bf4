"""Structure: how long sessions are, how they end, which techniques come when, and whether the plan is followed.

`structure_of` describes one session, `Structure` counts over a set of them, `session_figures` gives the plain numbers that a
comparison of methods pairs. What a file does not tell (techniques, phases and plan steps are known of our own sessions only) is
left out, never counted as zero.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from counseling_sessions.evaluation.integrity import Finding, check_session
from counseling_sessions.profiles.schema import ClientProfile
from counseling_sessions.sessions import Message, Session, client_group
from counseling_sessions.sessions.session import named_technique
from counseling_sessions.state import EndReason, Phase, Speaker
from counseling_sessions.texts.words import words

DECILES = 10
OPENING_WORDS = 3
_QUESTION_MARKS = "?？؟"

Labels = Mapping[str, Sequence[str]]
"""Labelled techniques by client (`client_group`)."""


@dataclass(frozen=True, slots=True)
class SessionStructure:
    """One session in numbers.

    Words are those of `texts.words` ("can't" is one; of no use for languages that write none apart). `questions` counts the
    counselor's messages with a question mark. `by_phase` and `by_decile` count techniques; decile d holds the counselor's
    messages i of n with floor(10 i / n) = d. `steps` are the plan's steps (1-based) that were worked on. `agrees` tells
    whether the plan's CBT technique is among the labels; None where either cannot be read as one of the twelve.
    """

    session: str
    turns: int
    messages: dict[Speaker, int]
    words: dict[Speaker, int]
    questions: int
    end_reason: EndReason | None
    by_phase: dict[Phase, Counter[str]]
    by_decile: tuple[Counter[str], ...]
    steps: frozenset[int]
    plan_steps: int | None
    agrees: bool | None

    @property
    def techniques(self) -> frozenset[str]:
        """The techniques that were used at least once; empty also where they are unknown."""
        return frozenset().union(*self.by_decile)

    @property
    def steps_visited(self) -> float | None:
        """The share of the plan's steps that were worked on, 0 to 1; None where that is unknown, or there is no plan."""
        return len(self.steps) / self.plan_steps if self.steps and self.plan_steps else None

    def words_per_message(self, speaker: Speaker) -> float | None:
        return self.words[speaker] / self.messages[speaker] if self.messages[speaker] else None

    @property
    def question_share(self) -> float | None:
        """Of the counselor's messages, the share with a question mark, 0 to 1; None where there is no message."""
        return self.questions / self.messages["counselor"] if self.messages["counselor"] else None


def structure_of(session: Session, labels: Labels | None = None) -> SessionStructure:
    """Describe a session; `labels` serve where its own profile has none."""
    counselor = [message for message in session.dialogue if message.speaker == "counselor"]
    client = [message for message in session.dialogue if message.speaker == "client"]
    by_phase: dict[Phase, Counter[str]] = {}
    by_decile: tuple[Counter[str], ...] = tuple(Counter() for _ in range(DECILES))
    for place, message in enumerate(counselor):
        by_decile[decile(place, len(counselor))].update(message.techniques)
        if message.phase and message.techniques:
            by_phase.setdefault(message.phase, Counter()).update(message.techniques)
    known_steps = range(1, (session.plan_steps or 0) + 1)
    return SessionStructure(
        session=session.id,
        turns=session.turns,
        messages={"counselor": len(counselor), "client": len(client)},
        words={"counselor": _words(counselor), "client": _words(client)},
        questions=sum(any(mark in message.text for mark in _QUESTION_MARKS) for message in counselor),
        end_reason=session.end_reason,
        by_phase=by_phase,
        by_decile=by_decile,
        steps=frozenset(message.step for message in counselor if message.step in known_steps and message.step),
        plan_steps=session.plan_steps,
        agrees=_agrees(session, labels or {}),
    )


def decile(place: int, length: int) -> int:
    """In which tenth (0 to 9) of `length` messages the one at a 0-based place stands."""
    return place * DECILES // length


def labels_of(profiles: Iterable[ClientProfile]) -> dict[str, tuple[str, ...]]:
    """The labelled techniques of profiles by client, for sessions whose own files do not carry them."""
    found: dict[str, tuple[str, ...]] = {}
    for profile in profiles:
        client = client_group(profile)
        found[client] = tuple(dict.fromkeys((*found.get(client, ()), *profile.labelled_techniques)))
    return found


def session_figures(session: Session, findings: Sequence[Finding] | None = None) -> dict[str, float]:
    """The figures of one session by which methods are compared; what is unknown of the session is not in it.

    `turns`; `counselor_words`, `client_words` a message; `question_share` of the counselor's messages; `repeat_share`,
    `near_repeat_share` and `findings_per_message` of all messages; `techniques`, how many different ones were used;
    `plan_steps_visited`, a share. `findings` are those of `check_session`, which is called where they are not given.
    """
    structure = structure_of(session)
    kinds = Counter(finding.kind for finding in (check_session(session) if findings is None else findings))
    messages = len(session.dialogue)
    figures = {
        "turns": structure.turns,
        "counselor_words": structure.words_per_message("counselor"),
        "client_words": structure.words_per_message("client"),
        "question_share": structure.question_share,
        "repeat_share": kinds["repeat"] / messages if messages else None,
        "near_repeat_share": kinds["near_repeat"] / messages if messages else None,
        "findings_per_message": kinds.total() / messages if messages else None,
        "techniques": len(structure.techniques) or None,
        "plan_steps_visited": structure.steps_visited,
    }
    return {name: float(value) for name, value in figures.items() if value is not None}


@dataclass(frozen=True, slots=True)
class Opening:
    """First words of counselor messages, how many begin so, and the share (0 to 1) of all counselor messages."""

    words: str
    messages: int
    share: float


class Structure:
    """Counts the structure of a set's, or one method's, sessions.

    `end_reasons` and `turns` count sessions (`None` where no end is recorded). `by_phase` and `by_decile` count techniques, and
    `phase_messages`, `decile_messages` the counselor's messages with a technique there, so that shares can be had. `agree`
    of `comparable` sessions have a plan whose CBT technique is labelled.
    """

    def __init__(self, labels: Labels | None = None) -> None:
        self.labels = labels or {}
        self.sessions = 0
        self.messages: Counter[Speaker] = Counter()
        self.words: Counter[Speaker] = Counter()
        self.questions = 0
        self.end_reasons: Counter[EndReason | None] = Counter()
        self.turns: Counter[int] = Counter()
        self.by_phase: dict[Phase, Counter[str]] = {}
        self.phase_messages: Counter[Phase] = Counter()
        self.by_decile: tuple[Counter[str], ...] = tuple(Counter() for _ in range(DECILES))
        self.decile_messages: Counter[int] = Counter()
        self.agree = 0
        self.comparable = 0
        self.with_steps = 0
        self._visited = 0.0
        self._openings: Counter[str] = Counter()

    def add(self, session: Session) -> SessionStructure:
        """Count a session; its own description is given back. Time is linear in the text."""
        one = structure_of(session, self.labels)
        self.sessions += 1
        self.messages.update(one.messages)
        self.words.update(one.words)
        self.questions += one.questions
        self.end_reasons[one.end_reason] += 1
        self.turns[one.turns] += 1
        for phase, used in one.by_phase.items():
            self.by_phase.setdefault(phase, Counter()).update(used)
        for total, counted in zip(self.by_decile, one.by_decile, strict=True):
            total.update(counted)
        if one.steps_visited is not None:
            self.with_steps += 1
            self._visited += one.steps_visited
        if one.agrees is not None:
            self.comparable += 1
            self.agree += one.agrees
        self._add_messages([message for message in session.dialogue if message.speaker == "counselor"])
        return one

    def _add_messages(self, counselor: list[Message]) -> None:
        for place, message in enumerate(counselor):
            self._openings[" ".join(words(message.text[:200])[:OPENING_WORDS])] += 1
            if message.techniques:
                self.decile_messages[decile(place, len(counselor))] += 1
                if message.phase:
                    self.phase_messages[message.phase] += 1

    @property
    def steps_visited(self) -> float | None:
        """The mean share of plan steps visited over the `with_steps` sessions where it is known; None without any."""
        return self._visited / self.with_steps if self.with_steps else None

    @property
    def agreement(self) -> float | None:
        """`agree` / `comparable`; None where nothing can be compared."""
        return self.agree / self.comparable if self.comparable else None

    def openings(self, most: int = 10) -> list[Opening]:
        """The most frequent openings that came more than once, the most frequent first."""
        total = self.messages["counselor"]
        found = ((words, count) for words, count in self._openings.items() if words and count > 1)
        ranked = sorted(found, key=lambda item: (-item[1], item[0]))[:most]
        return [Opening(words, count, count / total) for words, count in ranked]


def _words(messages: list[Message]) -> int:
    return sum(len(words(message.text)) for message in messages)


def _agrees(session: Session, labels: Labels) -> bool | None:
    chosen = named_technique(session.cbt_technique)
    own = session.profile.labelled_techniques if session.profile else ()
    labelled = {named_technique(label) for label in own or labels.get(session.client, ())} - {None}
    return chosen in labelled if chosen and labelled else None
