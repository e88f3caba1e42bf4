"""Integrity: what is wrong with sessions as texts, found without a judge, and counted.

`check_session` finds, `Integrity` counts. Every finding can be traced to its message.
"""

from collections import Counter
from dataclasses import dataclass

from counseling_sessions.evaluation.checks import CHECKS, SpokenInSession, empty, language_of, non_alternation, spoken
from counseling_sessions.sessions import Session
from counseling_sessions.state import Speaker

KINDS: dict[str, str] = {
    "empty": "A message without a letter or digit, or nothing but a speaker's label.",
    "repeat": "A message that its speaker has already said, word for word but for case, punctuation and spacing.",
    "near_repeat": "A message that shares 80 % or more of its word 3-grams with one of its speaker's last ten.",
    "said_twice": "A message that says one sentence of three words or more twice.",
    "label": "A message with its speaker's own label in front.",
    "meta_talk": "Talk about the task instead of to the other person, or a leftover of a prompt.",
    "role_flip": "A message that speaks as or for the other person, or gives their words back whole.",
    "truncated": "A message that does not end a sentence.",
    "non_alternation": "A message whose speaker also spoke the one before.",
    "one_sided": "A session in which only one of the two speaks, or nobody.",
    "wrong_language": "A message that is in another language than its session, wholly or for a long stretch.",
    "contact": "An e-mail address, URL, phone number or number like an identifier that is not in the profile.",
    "name": "A person addressed or introduced by a name that is neither in the profile nor said by the other before.",
}
"""Every kind of finding, and what it means."""
OF_SESSIONS = frozenset({"one_sided"})
"""The kinds that concern a whole session; all others concern a message, each at most once."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing wrong: where (`speaker` None and `turn` 0 for the whole session), the message as it stands, what was seen."""

    session: str
    turn: int
    speaker: Speaker | None
    kind: str
    text: str
    detail: str


def check_session(session: Session) -> list[Finding]:
    """Everything wrong with a session, message by message, in the order of `KINDS` for each; it never raises.

    An empty message is only that. Time is linear in the text: repeats of other wording are looked for in the last ten
    messages only.
    """
    found: list[Finding] = []
    if missing := {"counselor", "client"} - {message.speaker for message in session.dialogue}:
        found.append(
            Finding(session.id, 0, None, "one_sided", "", f"no message of the {' or the '.join(sorted(missing))}")
        )
    for message, said in zip(session.dialogue, spoken(session), strict=True):
        for kind, detail in _seen(said):
            found.append(Finding(session.id, message.turn, message.speaker, kind, message.text, detail))
    return found


def _seen(said: SpokenInSession) -> list[tuple[str, str]]:
    if nothing := empty(said):
        seen = {"empty": nothing}
    else:
        seen = {kind: detail for kind, check in CHECKS.items() if (detail := check(said))}
    if twice := non_alternation(said):
        seen["non_alternation"] = twice
    return [(kind, seen[kind]) for kind in KINDS if kind in seen]


@dataclass(frozen=True, slots=True)
class KindTotals:
    """How often a kind was found: findings, sessions concerned, and their shares, 0 to 1.

    `of_messages` is None for the kinds that concern a whole session.
    """

    findings: int
    sessions: int
    of_messages: float | None
    of_sessions: float


class Integrity:
    """Counts findings over any number of sessions; of each kind the first `keep` findings stay to be shown (None: all).

    `by_session` gives for every session its findings per kind, and nothing for a clean one; a session whose id has been seen
    is counted under the id with `#2`, `#3`, … behind it. `messages_by` counts messages per speaker,
    `language_unknown` the sessions whose language's name we do not know, which `wrong_language` passes over.
    """

    def __init__(self, keep: int | None = 100) -> None:
        self.keep = keep
        self.findings: dict[str, list[Finding]] = {kind: [] for kind in KINDS}
        self.by_session: dict[str, dict[str, int]] = {}
        self.messages_by: Counter[Speaker] = Counter()
        self.language_unknown = 0
        self._found: Counter[str] = Counter()
        self._concerned: Counter[str] = Counter()
        self._ids: Counter[str] = Counter()

    def add(self, session: Session) -> list[Finding]:
        """Check a session and count what is found, which is also given back."""
        found = check_session(session)
        self._ids[session.id] += 1
        times = self._ids[session.id]
        counts = Counter(finding.kind for finding in found)
        self.by_session[session.id if times == 1 else f"{session.id}#{times}"] = dict(counts)
        self.messages_by.update(message.speaker for message in session.dialogue)
        self.language_unknown += language_of(session) is None
        self._found.update(counts)
        self._concerned.update(counts.keys())
        for finding in found:
            kept = self.findings[finding.kind]
            if self.keep is None or len(kept) < self.keep:
                kept.append(finding)
        return found

    @property
    def sessions(self) -> int:
        return len(self.by_session)

    @property
    def messages(self) -> int:
        return self.messages_by.total()

    @property
    def clean(self) -> int:
        """Sessions in which nothing was found."""
        return sum(not counts for counts in self.by_session.values())

    def totals(self) -> dict[str, KindTotals]:
        """The totals of every kind, also of those never found, in the order of `KINDS`."""
        return {
            kind: KindTotals(
                findings=self._found[kind],
                sessions=self._concerned[kind],
                of_messages=None if kind in OF_SESSIONS else self._found[kind] / max(self.messages, 1),
                of_sessions=self._concerned[kind] / max(self.sessions, 1),
            )
            for kind in KINDS
        }
