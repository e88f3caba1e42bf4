"""Structure: how long sessions are, how they end, which techniques come when, and whether the plan is followed.

`Structure` counts over a set of sessions, `session_figures` gives one session's numbers, which a comparison of methods pairs.
What a file does not say (only our own sessions have techniques, phases and plan steps) is left out, never counted as zero.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from counseling_sessions.evaluation.course import steps_reached
from counseling_sessions.evaluation.integrity import Finding
from counseling_sessions.evaluation.roots import words_of
from counseling_sessions.profiles.schema import ClientProfile
from counseling_sessions.sessions import Message, Session, client_group
from counseling_sessions.sessions.session import named_technique
from counseling_sessions.state import Phase

DECILES = 10
OPENING_WORDS = 3
_LONGEST = 200
_QUESTION_MARKS = frozenset("?？؟")
_ASKING_ENDINGS = ("か。", "吗。")
"""How a question ends in Japanese and Chinese where no sign says it."""

Labels = Mapping[str, Sequence[str]]
"""Labelled techniques by client (`client_group`)."""


def labels_of(profiles: Iterable[ClientProfile]) -> dict[str, tuple[str, ...]]:
    """The labelled techniques of profiles by client, for sessions whose own files do not carry them."""
    labels: dict[str, tuple[str, ...]] = {}
    for profile in profiles:
        client = client_group(profile)
        labels[client] = tuple(dict.fromkeys((*labels.get(client, ()), *profile.labelled_techniques)))
    return labels


def session_figures(session: Session, findings: Sequence[Finding]) -> dict[str, float]:
    """The figures of one session by which methods are compared; a figure that the session cannot have is not in it.

    `turns`; `counselor_words`, `client_words` a message (`roots.words_of`); `question_share`,
    the counselor's messages with a question; `repeat_share`, `near_repeat_share` and `findings_per_message` of all messages;
    `techniques`, how many different ones were used; `plan_steps_visited`, the share of its plans' steps that were worked on.
    """
    counselor = [message for message in session.dialogue if message.speaker == "counselor"]
    client = [message for message in session.dialogue if message.speaker == "client"]
    kinds, messages = Counter(finding.kind for finding in findings), len(session.dialogue)
    questions = sum(_asks(message.text) for message in counselor)
    figures = {
        "turns": session.turns,
        "counselor_words": _share(_words(counselor), len(counselor)),
        "client_words": _share(_words(client), len(client)),
        "question_share": _share(questions, len(counselor)),
        "repeat_share": _share(kinds["repeat"], messages),
        "near_repeat_share": _share(kinds["near_repeat"], messages),
        "findings_per_message": _share(kinds.total(), messages),
        "techniques": len({technique for message in counselor for technique in message.techniques}) or None,
        "plan_steps_visited": steps_reached(session) or None,
    }
    return {name: float(value) for name, value in figures.items() if value is not None}


@dataclass(frozen=True, slots=True)
class Opening:
    """First words of counselor messages, how many begin so, and the share (0 to 1) of all counselor messages."""

    words: str
    messages: int
    share: float


class Structure:
    """Counts the structure of a set's sessions.

    `end_reasons` and `turns` count sessions. `by_phase` and `by_decile` count techniques;
    decile d holds the counselor's messages i of n with floor(10 i / n) = d. `phase_messages` and `decile_messages` count
    the counselor's messages with a technique. In `agree` of `comparable` sessions the plan's CBT technique is a labelled one.
    """

    def __init__(self, labels: Labels | None = None) -> None:
        self.labels = labels or {}
        self.counselor_messages = 0
        self.end_reasons: Counter[str] = Counter()
        self.turns: Counter[int] = Counter()
        self.by_phase: defaultdict[Phase, Counter[str]] = defaultdict(Counter)
        self.phase_messages: Counter[Phase] = Counter()
        self.by_decile: tuple[Counter[str], ...] = tuple(Counter() for _ in range(DECILES))
        self.decile_messages: Counter[int] = Counter()
        self.agree = 0
        self.comparable = 0
        self._openings: Counter[str] = Counter()

    def add(self, session: Session) -> None:
        """Count a session. Time is linear in the text."""
        self.end_reasons[session.end_reason or "not recorded"] += 1
        self.turns[session.turns] += 1
        agrees = _agrees(session, self.labels)
        self.comparable += agrees is not None
        self.agree += agrees or False
        counselor = [message for message in session.dialogue if message.speaker == "counselor"]
        self.counselor_messages += len(counselor)
        for place, message in enumerate(counselor):
            self._openings[" ".join(words_of(message.text)[:OPENING_WORDS])[:_LONGEST]] += 1
            if not message.techniques:
                continue
            decile = place * DECILES // len(counselor)
            self.by_decile[decile].update(message.techniques)
            self.decile_messages[decile] += 1
            if message.phase:
                self.by_phase[message.phase].update(message.techniques)
                self.phase_messages[message.phase] += 1

    def openings(self, most: int = 10) -> list[Opening]:
        """The openings that came more than once, the most frequent first."""
        recurring = ((words, count) for words, count in self._openings.items() if words and count > 1)
        ranked = sorted(recurring, key=lambda item: (-item[1], item[0]))[:most]
        return [Opening(words, count, count / self.counselor_messages) for words, count in ranked]


def _share(part: int, count: int) -> float | None:
    return part / count if count else None


def _asks(text: str) -> bool:
    return not _QUESTION_MARKS.isdisjoint(text) or any(ending in text for ending in _ASKING_ENDINGS)


def _words(messages: list[Message]) -> int:
    return sum(len(words_of(message.text)) for message in messages)


def _agrees(session: Session, labels: Labels) -> bool | None:
    """Whether the plan's CBT technique is a label of the session's own profile, or else of `labels`; None where one is unreadable."""
    chosen = named_technique(session.cbt_technique)
    in_profile = session.profile.labelled_techniques if session.profile else ()
    labelled = {named_technique(label) for label in in_profile or labels.get(session.client, ())} - {None}
    return chosen in labelled if chosen and labelled else None
