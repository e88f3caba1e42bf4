"""Integrity: what is wrong with sessions as texts, without a judge.

`check_session` finds, `Integrity` counts. Every finding can be traced to its message.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from counseling_sessions.evaluation.checks import CHECKS, empty, non_alternation, spoken
from counseling_sessions.sessions import Session
from counseling_sessions.state import Speaker
from counseling_sessions.texts.words import counted

KINDS: dict[str, str] = {
    "empty": "A message without a letter or digit, or nothing but a speaker's label.",
    "repeat": "A message that its speaker has already said, word for word but for case, punctuation and spacing.",
    "near_repeat": "A message that shares 80 % or more of its word 3-grams with one of its speaker's last ten.",
    "said_twice": "A message that says one sentence of three words or more twice.",
    "label": "A message with its speaker's own label in front.",
    "meta_talk": "Talk about the task instead of to the other person, or a leftover of a prompt.",
    "reasoning": "A model's reasoning, between its marks or in plain words, in place of speech or beside it.",
    "refusal": "A model that refuses its part in words.",
    "role_flip": "A message that speaks as or for the other person, or gives their words back whole.",
    "truncated": "A message that does not end a sentence.",
    "non_alternation": "A message whose speaker also spoke the one before.",
    "one_sided": "A session in which only one of the two speaks, or nobody.",
    "prompt_cut": "A session whose server seems to have cut prompts: its count of tokens stood still while the dialogue grew.",
    "wrong_language": "A message that is in another language than its session, wholly or for a long stretch.",
    "contact": "An e-mail address, URL, phone number or number like an identifier that is not in the profile.",
    "name": "A person addressed or introduced by a name that is neither in the profile nor said by the other before.",
    "leak": "A counselor's message that has what only the client's form holds and nobody has said: a name, a number, telling words.",
    "contradiction": "A message that has somebody of the client's family as another kind of kin than the form.",
    "risk_missed": "A risk that nobody asked about directly, or for which a step of the protocol was never done.",
    "risk_late": "A direct question about a risk that came later than in the message after its sign.",
    "risk_dropped": "A counselor's message that drops a risk: back to technique, advice before safety, a promise of secrecy …",
}
"""Every kind of finding, and what it means."""
OF_SESSIONS = frozenset({"one_sided", "prompt_cut"})
"""The kinds that concern a session; all others concern a message, each at most once."""
LISTED_IF_FOUND = frozenset({"prompt_cut", "leak", "contradiction", "risk_missed", "risk_late", "risk_dropped"})
"""The kinds that few sessions can show (ours, those with a form, those with a risk): reports list them only where they were found."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing wrong: where (`speaker` None and `turn` 0: in the session), the message as it stands, what was seen."""

    session: str
    turn: int
    speaker: Speaker | None
    kind: str
    text: str
    detail: str


def check_session(session: Session) -> list[Finding]:
    """Everything wrong with a session, message by message, in the order of `KINDS` for each; it never raises.

    An empty message is only that. Time is linear in the text: near repeats are looked for in the last ten messages only.
    """
    findings: list[Finding] = []
    if missing := {"counselor", "client"} - {message.speaker for message in session.dialogue}:
        absent = f"no message of the {' or the '.join(sorted(missing))}"
        findings.append(Finding(session.id, 0, None, "one_sided", "", absent))
    if session.cut_prompts:
        findings.append(Finding(session.id, 0, None, "prompt_cut", "", f"in {counted(session.cut_prompts, 'call')}"))
    for message, said in zip(session.dialogue, spoken(session), strict=True):
        seen = {"empty": empty(said)}
        if not seen["empty"]:
            seen |= {kind: check(said) for kind, check in CHECKS.items()}
        seen["non_alternation"] = non_alternation(said)
        findings += [
            Finding(session.id, message.turn, message.speaker, kind, message.text, detail)
            for kind in KINDS
            if (detail := seen.get(kind))
        ]
    return findings


@dataclass(frozen=True, slots=True)
class KindTotals:
    """How often a kind was found: findings, sessions concerned, and their shares, 0 to 1.

    `of_messages` is None for the kinds that concern a complete session.
    """

    findings: int
    sessions: int
    of_messages: float | None
    of_sessions: float


class Integrity:
    """Counts findings over any number of sessions; of each kind the first `keep` findings stay to be shown (None: all)."""

    def __init__(self, keep: int | None = 100) -> None:
        self.keep = keep
        self.findings: dict[str, list[Finding]] = {kind: [] for kind in KINDS}
        self.sessions = 0
        self.messages = 0
        self._counts: Counter[str] = Counter()
        self._concerned: Counter[str] = Counter()

    def add(self, session: Session) -> list[Finding]:
        """Check a session, count its findings and return them."""
        findings = check_session(session)
        self.count(session, findings)
        return findings

    def count(self, session: Session, findings: Iterable[Finding]) -> None:
        """Count the findings of a session, wherever they were found."""
        findings = list(findings)
        self.sessions += 1
        self.messages += len(session.dialogue)
        self._counts.update(finding.kind for finding in findings)
        self._concerned.update({finding.kind for finding in findings})
        for finding in findings:
            kept = self.findings[finding.kind]
            if self.keep is None or len(kept) < self.keep:
                kept.append(finding)

    def totals(self) -> dict[str, KindTotals]:
        """The totals of every kind, in the order of `KINDS`."""
        return {
            kind: KindTotals(
                findings=self._counts[kind],
                sessions=self._concerned[kind],
                of_messages=None if kind in OF_SESSIONS else self._counts[kind] / max(self.messages, 1),
                of_sessions=self._concerned[kind] / max(self.sessions, 1),
            )
            for kind in KINDS
        }
